"""New HDF5 files that survive a full disk: the error is an ordinary one, raised when all is closed.

HDF5 cannot close a file whose last writes fail: it keeps it, fails once more when the program ends,
and takes the program down with it. So it is never told. What finds no room is kept in memory until
the file is closed, and then the error of the disk is raised.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

if TYPE_CHECKING:
    from typing_extensions import Buffer

MOST_KEPT = 1 << 26  # bytes kept of what finds no room: HDF5 reads its own tables again, data never


class Sink(io.RawIOBase):
    """A file that HDF5 writes to; the first error is kept in `error` instead of being raised."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._file = path.open("w+b", buffering=0)
        self._place = 0
        self._end = 0
        self._homeless: list[tuple[int, bytes]] = []  # place in the file, what should be there
        self._kept = 0

    def write(self, data: Buffer) -> int:
        """Write all of it, at the current place."""
        view = memoryview(data).cast("B")
        try:
            done = 0
            while done < view.nbytes:
                done += os.pwrite(self._file.fileno(), view[done:], self._place + done)
        except OSError as error:
            self.error = self.error or error
        # Afterwards also what would still have fitted: it may lie on what did not.
        if self.error is not None and self._kept + view.nbytes <= MOST_KEPT:
            self._homeless.append((self._place, bytes(view)))
            self._kept += view.nbytes
        self._place += view.nbytes
        self._end = max(self._end, self._place)
        return view.nbytes

    def readinto(self, data: Buffer) -> int:
        """Read what was written, on disk or not."""
        view = memoryview(data).cast("B")
        view[:] = bytes(view.nbytes)
        found = os.pread(self._file.fileno(), view.nbytes, self._place)
        view[: len(found)] = found
        for place, part in self._homeless:
            first, end = max(place, self._place), min(place + len(part), self._place + view.nbytes)
            if first < end:
                view[first - self._place : end - self._place] = part[first - place : end - place]
        self._place += view.nbytes
        return view.nbytes

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._end}
        self._place = base[whence] + place
        return self._place

    def tell(self) -> int:
        """Return the current place."""
        return self._place

    def truncate(self, size: int | None = None) -> int:
        """Give the file another size."""
        self._end = self._place if size is None else size
        try:
            os.ftruncate(self._file.fileno(), self._end)
        except OSError as error:
            self.error = self.error or error
        return self._end

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def seekable(self) -> bool:
        """Tell that it has places."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


@contextmanager
def new_hdf5(path: Path, libver: tuple[str, str]) -> Iterator[h5py.File]:
    """Yield a new, open HDF5 file.

    Parameters
    ----------
    path
        Where it is written; what is there is overwritten.
    libver
        Oldest and newest version of the format, as `h5py.File` takes them.

    Raises
    ------
    OSError
        The file cannot be made, or, when everything is closed, something found no room.
    """
    with Sink(path) as sink:
        try:
            with h5py.File(sink, "w", libver=libver) as file:
                yield file
        except Exception as error:
            if sink.error is not None:
                raise sink.error from error
            raise
        if sink.error is not None:
            raise sink.error
