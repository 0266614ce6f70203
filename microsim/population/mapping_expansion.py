"""Reads the part of a mapping that says how tax units become persons."""

from __future__ import annotations

from microsim.population.columns import OLDEST
from microsim.population.mapping import Band, Expansion
from microsim.population.mapping_columns import read_codes
from microsim.population.yaml_sections import Section, line_of

FEMALE_KINDS = ("head of couple", "head with dependants", "head alone", "dependant")


def read_expansion(section: Section) -> Expansion:
    """Read `expand:`; faults are noted in the section."""
    spouse = section.section("spouse", required=True)
    spouse_column = ""
    spouse_codes: tuple[str, ...] = ()
    if spouse is not None:
        spouse_column = spouse.take("column", str, "", required=True)
        spouse_codes = read_codes(spouse, "is", required=True)
        spouse.finish()
    female, female_because = _read_female(section)
    children = section.section("children", required=True)
    up_to, youngest, because = 17, 15, ""
    if children is not None:
        up_to = children.take("up_to_age", int, 17, required=True)
        youngest = children.take("youngest_parent", int, 15)
        because = children.take("because", str, "", required=True)
        children.finish()
    expansion = Expansion(
        persons=section.take("persons", str, "", required=True),
        spouse_column=spouse_column,
        spouse_codes=spouse_codes,
        household_head=section.choose(
            "household_head", ("first unit", "eldest unit head"), "first unit"
        ),
        bands=_read_bands(section),
        female=female,
        female_because=female_because,
        children_up_to=up_to,
        youngest_parent=youngest,
        children_because=because,
        where=section.where,
    )
    section.finish()
    return expansion


def _read_female(section: Section) -> tuple[dict[str, float], str]:
    inner = section.section("female_share", required=True)
    if inner is None:
        return dict.fromkeys(FEMALE_KINDS, 0.5), ""
    shares = {}
    for kind in FEMALE_KINDS:
        shares[kind] = inner.take(kind, float, 0.5, required=True)
        if not 0.0 <= shares[kind] <= 1.0:
            inner.fault(kind, f"share of women '{kind}'", shares[kind], "0 to 1")
    because = inner.take("because", str, "", required=True)
    inner.finish()
    return shares, because


def _read_bands(section: Section) -> tuple[Band, ...]:
    bands = []
    found = section.take("dependants", list, [], required=True)
    for number, item in enumerate(found):
        line = line_of(found, number)
        inner = Section(item, section.file, section.faults, line)
        if not isinstance(item, dict):
            inner.faults.add(
                inner.where, "a band of dependants", expected="{ages: ..., count: ...}"
            )
            continue
        bands.append(_read_band(inner))
    rests = [band for band in bands if not band.count]
    if len(rests) > 1 or (rests and bands[-1].count):
        section.fault("dependants", "'rest: true' belongs to the last band only")
    return tuple(bands)


def _read_band(inner: Section) -> Band:
    rest = inner.take("rest", bool, False)
    count = inner.take("count", str, "", required=not rest)
    if rest and count:
        inner.fault("rest", "a band has either 'count' or 'rest: true'")
    band = Band(
        ages=_ages(inner, "ages") or (0, 0),
        count="" if rest else count,
        less=inner.names("less"),
        holders=_ages(inner, "holders") if "holders" in inner else None,
        where=inner.where,
        because=inner.take("because", str, ""),
    )
    if "ages" not in inner:
        inner.faults.add(inner.where, "'ages' is missing", expected="[first, last]")
    inner.finish()
    return band


def _ages(section: Section, key: str) -> tuple[int, int] | None:
    found = section.take(key, list, [])
    whole = len(found) == 2 and all(isinstance(age, int) for age in found)
    if not whole or not 0 <= found[0] <= found[1] <= OLDEST:
        if key in section:
            section.fault(key, f"'{key}'", list(found), f"[first, last] within 0 to {OLDEST}")
        return None
    return int(found[0]), int(found[1])
