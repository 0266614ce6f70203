"""The one place that holds numba's options; kernels use these decorators only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# No fastmath of any kind: reassociation and contraction move bits between machines.
# error_model="numpy": a division by zero must not raise inside a kernel; rules test it before.
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def kernel(function: Function) -> Function:
    """Compile `function`; the machine code is cached on disk."""
    compiled: Function = numba.njit(cache=True, **OPTIONS)(function)
    return compiled


def inlined(function: Function) -> Function:
    """Compile a small function that LLVM may inline into the kernels calling it."""
    compiled: Function = numba.njit(cache=True, inline="never", **OPTIONS)(function)
    return compiled


def embedded(function: Function) -> Function:
    """Compile a small function that numba copies into its callers, so that loops vectorise.

    Three to eight times faster than `inlined` inside a plain loop, at the price of compile time.
    """
    compiled: Function = numba.njit(cache=True, inline="always", **OPTIONS)(function)
    return compiled


def rule(function: Function) -> Function:
    """Compile a generated rule function; it is stored with the driver that calls it."""
    compiled: Function = numba.njit(**OPTIONS)(function)
    return compiled
