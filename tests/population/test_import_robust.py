"""Whatever is wrong with a survey or a mapping, the user gets named faults, never a traceback."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_survey import COLUMNS, MAPPING, ROWS, write_survey

from microsim.errors import InputError
from microsim.population import store
from microsim.population.importing import import_survey
from microsim.population.mapping_file import read_mapping

CELLS = st.sampled_from(
    ["", "x", "-1", "0", "1", "2", "3", "1e400", "nan", "inf", "1.5", "130", "A1", "B2", "é", "'"]
)
WORDS = st.sampled_from(
    ["[]", "{}", "null", "5", "-1.5", "true", "text", "[1, 2]", "{a: 1}", "''", "2024-01-01"]
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.dictionaries(
        st.tuples(st.integers(1, len(ROWS)), st.sampled_from(COLUMNS)),
        CELLS,
        min_size=1,
        max_size=6,
    )
)
def test_import__gives_a_whole_population_or_named_faults(
    tmp_path: Path, changes: dict[tuple[int, str], object]
) -> None:
    survey, mapping = write_survey(tmp_path, changes)
    try:
        population, _ = import_survey(survey, mapping)
    except InputError as error:
        for fault in error.faults:
            assert "survey.csv" in fault.where
            assert any(f"'{column}'" in fault.where for column in COLUMNS)
    else:
        store.check(population)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(line=st.integers(0, MAPPING.count("\n") - 1), word=WORDS, drop=st.booleans())
def test_read_mapping__gives_a_mapping_or_named_faults(
    tmp_path: Path, line: int, word: str, drop: bool
) -> None:
    lines = MAPPING.splitlines()
    key, _, _ = lines[line].partition(": ")
    lines[line : line + 1] = [] if drop else [f"{key.rstrip(':')}: {word}"]
    survey, path = write_survey(tmp_path, mapping="\n".join(lines))
    try:
        mapping = read_mapping(path)
    except InputError as error:
        assert all("map.yaml" in fault.where or "map.yaml" in fault.what for fault in error.faults)
        return
    try:
        import_survey(survey, mapping)
    except InputError as error:
        assert error.faults
