"""The same bits on processors that lack what this one has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2_Usable,-AVX2,-AVX_Usable"}
COMPILER = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
OTHERS = {
    "a C library without fused multiply-add": LIBRARY,
    "machine code for any processor": COMPILER,
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


def printed(code: str, **environment: str) -> str:
    """Return what a program prints under an environment."""
    everything = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=everything, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_library__really_computes_without_fused_multiply_add():
    """Else the test above would show nothing: libm's own functions give other bits without it."""
    if " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("THIS PROCESSOR HAS NO FUSED MULTIPLY-ADD: nothing to switch off")
    code = "import math; print([math.exp(k / 997).hex() for k in range(-9000, 9000)])"
    assert printed(code) != printed(code, **LIBRARY)


def test_the_compiler__really_makes_code_for_any_processor():
    code = (
        "from numba.core.registry import cpu_target as t;"
        "print(t.target_context.codegen().magic_tuple())"
    )
    text = printed(code, **COMPILER)
    assert "'generic'" in text
    assert "+avx" not in text
    assert printed(code) != text
