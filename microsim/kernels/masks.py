"""Which of eight numbers hold something, in one step: so that sparse rows cost next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

EIGHT = 8


def _mask(compare: Callable[[ir.IRBuilder, Any, Any], Any]) -> Callable[..., Any]:
    """Return the code of a test of eight neighbouring numbers against 0: one bit each."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401, ARG001
        vector = ir.VectorType(ir.DoubleType(), EIGHT)
        place = builder.gep(arguments[0], [arguments[1]])
        place = builder.bitcast(place, vector.as_pointer())
        values = builder.load(place, align=EIGHT)
        bits = compare(builder, values, ir.Constant(vector, [0.0] * EIGHT))
        return builder.zext(builder.bitcast(bits, ir.IntType(EIGHT)), ir.IntType(64))

    return code


def _not_zero(_: Any, values: Any, at: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own types
    signature = types.int64(values, types.intp)
    return signature, _mask(lambda builder, x, zero: builder.fcmp_unordered("!=", x, zero))


def _above_zero(_: Any, values: Any, at: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own types
    signature = types.int64(values, types.intp)
    return signature, _mask(lambda builder, x, zero: builder.fcmp_ordered(">", x, zero))


def _lowest_bit(_: Any, mask: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own types
    signature = types.int64(types.int64)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, code


# not_zero(values, at), above_zero(values, at): a bit for each of the eight numbers from `at` on
# that is not 0 (NaN is not), or is above 0; `values` is a pointer. lowest_bit(mask): the position
# of the lowest bit of a mask that is not 0.
not_zero: Any = intrinsic(_not_zero)
above_zero: Any = intrinsic(_above_zero)
lowest_bit: Any = intrinsic(_lowest_bit)
