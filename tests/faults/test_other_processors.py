"""The same bits on processors that lack what this one has."""

from __future__ import annotations

import pytest

OTHERS = {
    "a C library without fused multiply-add": {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2_Usable,-AVX2,-AVX_Usable"
    },
    "machine code for any processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "an old processor's linear algebra": {"OPENBLAS_CORETYPE": "Nehalem"},
}


@pytest.mark.parametrize("environment", OTHERS.values(), ids=list(OTHERS))
def test_digest__does_not_depend_on_the_processor(
    commands, long_coresia, long_answer, tmp_path, environment
):
    found = commands.run(
        "run", long_coresia.scenario, "--population", long_coresia.population,
        "--out", tmp_path / "run", "--backend", "processes", "--workers", "2", "--shard-persons",
        "5000", **environment,
    )  # fmt: skip
    assert found.digest == long_answer.digest
