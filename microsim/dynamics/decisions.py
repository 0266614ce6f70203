"""Names of the decisions of lives: what a draw is for. A name once used must never change."""

from __future__ import annotations

from functools import cache

from microsim.kernels.draws import decision_hash

DEATH = "life.death"
BIRTH = "life.birth"
SEX_OF_CHILD = "life.sex"
EMIGRATION = "life.emigration"
IMMIGRATION = "life.immigration"
DONOR = "life.donor"
HOST = "life.host"
UNION = "life.union"
SECOND_WIFE = "life.second_wife"
AGE_GAP = "life.age_gap"
DISSOLUTION = "life.dissolution"
LEAVING_HOME = "life.leaving_home"
ELDER_JOINS = "life.elder_joins"
PLACEMENT = "life.placement"
DISABILITY = "life.disability"
RECOVERY = "life.recovery"
STATUS_LEFT = "life.status_left"
STATUS_TAKEN = "life.status_taken"
TRANSITION = "life.transition"
RETIREMENT = "life.retirement"
SECTOR_TAKEN = "life.sector"
PERMANENT_EARNINGS = "life.permanent_earnings"
TRANSITORY_EARNINGS = "life.transitory_earnings"
PAST_WORK = "life.past_work"
MONTH = "life.month"
COPIES = "life.copies"

# Draws: u = uniform(draw key, seed, replicate, decision_hash(name), period=year of the step).
# Block 0 is a person's; block 1, with the market's number as key, is a market's offset of rounding.
# The month of an event is 1 + floor(12 u), u of MONTH in the block of the event's kind.
(
    DEATH_EVENT, BIRTH_EVENT, EMIGRATION_EVENT, IMMIGRATION_EVENT, UNION_EVENT, DISSOLUTION_EVENT,
    LEAVING_EVENT, ELDER_EVENT, PLACEMENT_EVENT, DISABILITY_EVENT, RECOVERY_EVENT, STATUS_EVENT,
    RETIREMENT_EVENT,
) = range(13)  # fmt: skip
EVENTS = (
    "death", "birth of a child", "emigration", "immigration", "union", "end of a union",
    "leaving home", "joining a household as an elder", "placement in a household",
    "disability", "recovery", "change of employment status", "retirement",
)  # fmt: skip
EVENT_DECISIONS = (
    DEATH, BIRTH, EMIGRATION, IMMIGRATION, UNION, DISSOLUTION, LEAVING_HOME, ELDER_JOINS,
    PLACEMENT, DISABILITY, RECOVERY, STATUS_LEFT, RETIREMENT,
)  # fmt: skip
BIRTH_MONTH_BLOCK = 13  # of MONTH, period 0: own birth, where the data do not say


@cache
def hashed(name: str) -> int:
    """Return the number of a decision in draws."""
    return decision_hash(name)
