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
def pointer(_: Any, array: Any) -> Any:  # noqa: ANN401 - numba's own types
    """Return the address of the first element of a contiguous array."""
    signature = types.CPointer(array.dtype)(array)  # type: ignore[no-untyped-call]

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        structure = cgutils.create_struct_proxy(signature.args[0])  # type: ignore[no-untyped-call]
        return structure(context, builder, arguments[0]).data

    return signature, code


@intrinsic
def shifted(_: Any, start: Any, offset: Any) -> Any:  # noqa: ANN401, ARG001 - numba's types
    """Return a pointer moved on by a number of elements."""
    signature = start(start, types.intp)

    def code(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.gep(arguments[0], [arguments[1]])

    return signature, code
