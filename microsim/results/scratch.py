"""Columns too large for memory: written piece by piece to one file without a name, then mapped.

The file disappears with the last process that uses it, however that ends.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from microsim.errors import RunFailedError

Array = npt.NDArray[Any]
PAGE = mmap.ALLOCATIONGRANULARITY


class ScratchColumns:
    """Columns of equal length on disk, filled from the first row on and read back as arrays.

    Parameters
    ----------
    folder
        Where the file goes; made if missing, and taken away again if nothing else is in it.
    n_rows
        The most rows that a column can have.
    """

    def __init__(self, folder: Path, n_rows: int) -> None:
        self.folder, self.n_rows = folder, n_rows
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        with contextlib.suppress(OSError):  # a file without a name may still stand in it
            folder.rmdir()
        self._places: list[tuple[int, np.dtype[Any], tuple[int, ...]]] = []
        self._end = 0

    def column(self, dtype: npt.DTypeLike, shape: tuple[int, ...] = ()) -> int:
        """Add a column and return its number; `shape` is that of one row."""
        kind = np.dtype(dtype)
        size = kind.itemsize * int(np.prod(shape, dtype=np.int64)) * self.n_rows
        self._places.append((self._end, kind, shape))
        self._end += size + -size % PAGE
        return len(self._places) - 1

    def write(self, column: int, row: int, values: Array) -> None:
        """Write rows of a column, from `row` on.

        Raises
        ------
        RunFailedError
            The disk is full, or cannot be written to.
        """
        first, kind, shape = self._places[column]
        if values.shape[1:] != shape or row + len(values) > self.n_rows:
            raise ValueError(f"{values.shape} rows at {row} do not fit {self.n_rows} x {shape}")
        width = kind.itemsize * int(np.prod(shape, dtype=np.int64))
        view = np.ascontiguousarray(values, kind).reshape(-1).view(np.uint8).data
        place = first + row * width
        try:
            while view:
                written = os.pwrite(self._file.fileno(), view, place)
                place, view = place + written, view[written:]
        except OSError as error:
            raise RunFailedError(
                f"{self.folder}: household columns cannot be written; found: {error.strerror}; "
                f"expected room for {self._end:,} bytes. Nothing that was computed is lost: make "
                "room and run the same command again."
            ) from error

    def arrays(self, n_rows: int) -> list[Array]:
        """Return the first rows of all columns, in the order in which they were added.

        They are mapped, not read: what is not in use takes no memory of the process.
        """
        if not self._end:
            return [np.zeros((0, *shape), kind) for _, kind, shape in self._places]
        os.ftruncate(self._file.fileno(), self._end)
        # Writable, though nobody writes: kernels are compiled for arrays that are.
        whole = mmap.mmap(self._file.fileno(), self._end, access=mmap.ACCESS_WRITE)
        found = []
        for first, kind, shape in self._places:
            count = n_rows * int(np.prod(shape, dtype=np.int64))
            plain: Array = np.frombuffer(whole, kind, count, first)
            found.append(plain.reshape((n_rows, *shape)))
        return found

    def close(self) -> None:
        """Close the file; arrays already returned stay good."""
        self._file.close()

    def __enter__(self) -> Self:
        """Return the columns."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()
