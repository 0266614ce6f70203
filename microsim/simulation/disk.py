"""A disk that refuses to be written: told from other errors, and said so that it can be mended."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

MIB = 2**20
FULL = (errno.ENOSPC, errno.EDQUOT)
REFUSED = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE)


def words_of(error: OSError) -> str:
    """Return what is wrong with the disk in words, or "" if the error is of another kind."""
    if error.errno not in REFUSED:
        return ""
    place = os.fsdecode(error.filename2 or error.filename or "the disk")
    remedy = "make room" if error.errno in FULL else "mend that"
    return (
        f"{place}: {os.strerror(error.errno)}{_room(Path(place))}. What is finished is kept: "
        f"{remedy}, then run the same command again."
    )


def _room(path: Path) -> str:
    """Return how much room the disk of a file has, as far as the system tells."""
    for place in (path, *path.parents):
        try:
            usage = shutil.disk_usage(place)
        except OSError:
            continue
        return f"; its disk has {usage.free // MIB:,} of {usage.total // MIB:,} MiB free"
    return ""
