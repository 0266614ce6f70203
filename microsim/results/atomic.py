"""Writes a file so that it is either wholly there or not at all."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; on success flush it to disk and rename it.

    If the block fails, the temporary file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
        flush_to_disk(path.parent)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """Return a name that no other process, on this host or another, uses now."""
    who = f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{path.name}.{who}.partial")


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def copy_whole(source: Path, path: Path) -> None:
    """Copy a small file whole or not at all."""
    with written_whole(path) as temporary:
        shutil.copyfile(source, temporary)


def write_new(path: Path, text: str) -> bool:
    """Write a small text file unless it is there; tell whether this process wrote it.

    Of several processes, on one host or many, only one does.
    """
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        flush_to_disk(temporary)
        _link(temporary, path, text)
    except FileExistsError:
        return False
    except OSError as error:
        _name(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
    flush_to_disk(path.parent)
    return True


def _name(error: OSError, path: Path) -> None:
    """Let an error name the file: those of a full disk often name none."""
    if error.filename is None:
        error.filename = str(path)


def _link(temporary: Path, path: Path, text: str) -> None:
    """Give a file its name if nobody has it, also where the file system has no links."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)


def flush_to_disk(path: Path) -> None:
    """Ask the operating system to write a file or folder to disk now."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
