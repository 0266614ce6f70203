"""The one shape of all generated stage functions, and how the driver calls one by its address.

So a stage is compiled once for every program that has it, and the driver once for all programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from microsim.kernels.jit import OPTIONS


def _pointer(dtype: Any) -> Any:  # noqa: ANN401 - numba's own types
    return types.CPointer(dtype)  # type: ignore[no-untyped-call]


_FLOATS, _WHOLE, _CODES = _pointer(types.float64), _pointer(types.int64), _pointer(types.int32)
_POSITIONS, _KEYS = _pointer(types.int16), _pointer(types.uint64)
SIGNATURE = types.int64(
    _pointer(_FLOATS), _FLOATS, _WHOLE, _FLOATS, _WHOLE,  # rows, P, TO, T, inputs
    _WHOLE, _CODES, *(_POSITIONS,) * 4, _KEYS, _KEYS, _CODES, _WHOLE,  # start ... poison, sites
    *(types.int64,) * 6, types.uint64, types.int64,  # n, nh, months, first, last, n_months ...
)  # fmt: skip


def stage(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - numba's callback
    """Compile a generated stage, or load its machine code; `address` tells where it is."""
    options = {"error_model": OPTIONS["error_model"], "fastmath": OPTIONS["fastmath"]}
    return numba.cfunc(SIGNATURE, cache=True, **options)(function)


@intrinsic
def _call_stage(_: Any, address: Any, arguments: Any) -> Any:  # noqa: ANN401
    """Call the stage at an address with a tuple of all its arguments."""
    signature = types.int64(address, arguments)

    def code(context: Any, builder: ir.IRBuilder, signature: Any, given: Any) -> Any:  # noqa: ANN401
        values = []
        for k, (have, want) in enumerate(zip(signature.args[1].types, SIGNATURE.args, strict=True)):
            value, to = builder.extract_value(given[1], k), context.get_value_type(want)
            is_pointer = isinstance(want, types.CPointer)
            values.append(
                builder.bitcast(value, to)
                if is_pointer
                else context.cast(builder, value, have, want)
            )
        kinds = [context.get_value_type(kind) for kind in SIGNATURE.args]
        function = ir.FunctionType(context.get_value_type(types.int64), kinds)
        return builder.call(builder.inttoptr(given[0], function.as_pointer()), values)

    return signature, code


call_stage: Any = _call_stage
