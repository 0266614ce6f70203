"""Numbers of units: each unit has one, and keeps it when the run grows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from microsim.simulation.worlds import Numbering, Step, WorldKey

first_steps = st.builds(
    lambda draws, replicates: Step(draws=(("a=1",),) * draws, replicates=replicates),
    st.integers(0, 3),
    st.integers(1, 3),
)
more_steps = st.builds(
    lambda reform, draws, replicates: Step(
        reforms=(("new", ("file.yaml",)),) * reform,
        draws=(("a=2",),) * draws,
        replicates=replicates,
    ),
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(0, 2),
)


@given(first_steps, st.lists(more_steps, max_size=4), st.integers(1, 4))
def test_numbering__gives_each_unit_one_number_and_back(first, more, n_shards):
    numbering = Numbering((first, *more), n_shards)
    wanted = {
        (batch, world, shard)
        for batch in range(1 + sum(bool(step.reforms) for step in more))
        for world in numbering.worlds
        for shard in range(n_shards)
    }
    places = [numbering.place(number) for number in range(numbering.n_units)]
    assert {(p.batch, p.world, p.shard) for p in places} == wanted
    assert numbering.n_units == len(wanted)
    for number, p in enumerate(places):
        assert numbering.number(p.batch, p.world, p.shard) == number


@given(first_steps, st.lists(more_steps, min_size=1, max_size=4), st.integers(1, 4))
def test_numbering__keeps_the_numbers_of_what_was_there_before(first, more, n_shards):
    before, after = Numbering((first, *more[:-1]), n_shards), Numbering((first, *more), n_shards)
    assert after.n_units >= before.n_units
    for number in range(before.n_units):
        assert after.place(number) == before.place(number)


def test_numbering__counts_draws_and_replicates_of_all_steps():
    steps = (Step(draws=(("a=1",),), replicates=2), Step(draws=(("a=2",), ("a=3",)), replicates=1))
    numbering = Numbering(steps, 5)
    assert numbering.draws == ((), ("a=1",), ("a=2",), ("a=3",))
    assert numbering.n_replicates == 3
    assert len(list(numbering.worlds)) == 12
    assert numbering.n_units == 60
    assert numbering.place(numbering.n_units - 1).world == WorldKey(3, 2)
