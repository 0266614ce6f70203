"""The one place that holds numba's options; kernels use these decorators only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath of any kind: reassociation and contraction move bits between machines.
# error_model="numpy": a division by zero must not raise inside a kernel; rules test it before.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def compiled_with(function: Function, inline: str = "never") -> Function:
    """Compile `function`, or leave it as it is where NUMBA_DISABLE_JIT=1 asks for that."""
    options: dict[str, Any] = {**OPTIONS, "inline": inline}
    compiled: Function = numba.njit(cache=True, **options)(function)
    if compiled is function:
        # Whole numbers wrap around in kernels on purpose, and amounts that are not finite are cast
        # before they are found out and thrown away; plain NumPy scalars would warn of both.
        compiled = np.errstate(over="ignore", invalid="ignore")(function)
    return compiled


def kernel(function: Function) -> Function:
    """Compile `function`; the machine code is cached on disk."""
    return compiled_with(function)


def inlined(function: Function) -> Function:
    """Compile a small function that LLVM may inline into the kernels calling it."""
    return compiled_with(function)


def embedded(function: Function) -> Function:
    """Compile a small function that numba copies into its callers, so that loops vectorise.

    Three to eight times faster than `inlined` inside a plain loop, at the price of compile time.
    """
    return compiled_with(function, inline="always")


def rule(function: Function) -> Function:
    """Compile a generated rule function; it is stored with the driver that calls it."""
    compiled: Function = numba.njit(**OPTIONS)(function)
    return compiled
