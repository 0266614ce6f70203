"""Plain pointers to the data of arrays, for generated code: no bounds, no wraparound, nothing to
count.

Only generated rules use them: their indices are made by the engine, and the arrays outlive the
call.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def _pointer(_: Any, array: Any) -> Any:  # noqa: ANN401 - numba's own types
    """Return the address of the first element of a contiguous array."""
    signature = types.CPointer(array.dtype)(array)  # type: ignore[no-untyped-call]

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        structure = cgutils.create_struct_proxy(signature.args[0])  # type: ignore[no-untyped-call]
        return structure(context, builder, arguments[0]).data

    return signature, code


@intrinsic
def _shifted(_: Any, start: Any, offset: Any) -> Any:  # noqa: ANN401, ARG001 - numba's types
    """Return a pointer moved on by a number of elements."""
    signature = start(start, types.intp)

    def code(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.gep(arguments[0], [arguments[1]])

    return signature, code


@intrinsic
def _select(_: Any, test: Any, then: Any, otherwise: Any) -> Any:  # noqa: ANN401
    """Return one of two numbers or conditions, both known: no branch for the compiler to follow."""
    number = types.float64 in (then, otherwise)
    kind = types.float64 if number else types.boolean
    signature = kind(test, then, otherwise)

    def code(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        test, *values = arguments
        then, otherwise = (
            context.cast(builder, value, given, signature.return_type)
            for value, given in zip(values, signature.args[1:], strict=True)
        )
        known = context.cast(builder, test, signature.args[0], types.boolean)
        return builder.select(known, then, otherwise)

    return signature, code


select: Any = _select
pointer: Any = _pointer
shifted: Any = _shifted


def _at(dtype: types.Type) -> Any:  # noqa: ANN401 - numba's own type
    @intrinsic
    def at(_: Any, address: Any) -> Any:  # noqa: ANN401
        """Return a pointer to elements of one type at an address."""
        signature = types.CPointer(dtype)(address)  # type: ignore[no-untyped-call]

        def code(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return signature, code

    return at


at_int8, at_int16, at_int32, at_int64 = (
    _at(dtype) for dtype in (types.int8, types.int16, types.int32, types.int64)
)
at_uint8, at_uint16, at_uint32, at_uint64 = (
    _at(dtype) for dtype in (types.uint8, types.uint16, types.uint32, types.uint64)
)
at_float32, at_float64 = _at(types.float32), _at(types.float64)
