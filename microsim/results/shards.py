"""Writes and reads the partial sums of one work unit: a few packed arrays with their checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import RunFailedError
from microsim.results.atomic import written_whole
from microsim.results.layout import layout

ALIGNMENT = 64
FIXED = 16 + 8 + 32  # magic, length of the header, its checksum
Array = npt.NDArray[Any]


class ShardDamagedError(RunFailedError):
    """A shard file is cut short, altered, or none of ours; the work unit must be done again."""


def write_shard(path: Path | str, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Write a shard file whole or not at all, and return the SHA-256 of its header.

    The header names the checksum of every array, so that its own checksum stands for the file.

    Parameters
    ----------
    path
        Where the file goes; an older one is replaced.
    header
        What JSON can hold: the identity of the work unit and whatever else belongs to it.
    arrays
        Arrays of any shape, of the types named in the layout (no objects, no text).

    Raises
    ------
    TypeError
        An array has another type.
    """
    allowed = layout()["shard"]["dtypes"]
    entries: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        if array.dtype.name not in allowed:
            raise TypeError(
                f"shard array {name!r} has type {array.dtype.name}; expected {', '.join(allowed)}."
            )
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        block = little.tobytes()
        entries.append(
            {
                "name": name,
                "dtype": array.dtype.name,
                "shape": list(array.shape),
                "offset": offset,
                "bytes": len(block),
                "sha256": hashlib.sha256(block).hexdigest(),
            }
        )
        padding = -len(block) % ALIGNMENT
        blocks += [block, bytes(padding)]
        offset += len(block) + padding
    text = json.dumps({"header": header, "arrays": entries}, sort_keys=True).encode()
    checksum = hashlib.sha256(text)
    magic = layout()["shard"]["magic"].encode()
    with written_whole(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(magic + len(text).to_bytes(8, "little") + checksum.digest() + text)
        file.writelines(blocks)
    return checksum.hexdigest()


def read_shard(path: Path | str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays of a shard file, every checksum verified.

    Raises
    ------
    ShardDamagedError
        The file is cut short, altered, or not a shard file of this version.
    """
    content = Path(path).read_bytes()
    described = _describe(Path(path), content)
    start = FIXED + int.from_bytes(content[16:24], "little")
    arrays = {}
    for entry in described["arrays"]:
        block = content[start + entry["offset"] : start + entry["offset"] + entry["bytes"]]
        if hashlib.sha256(block).hexdigest() != entry["sha256"]:
            raise _damaged(Path(path), f"array {entry['name']!r} does not match its checksum")
        dtype = np.dtype(entry["dtype"]).newbyteorder("<")
        plain = np.frombuffer(block, dtype).reshape(entry["shape"])
        arrays[entry["name"]] = plain.astype(np.dtype(entry["dtype"]))
    header: dict[str, Any] = described["header"]
    return header, arrays


def _describe(path: Path, content: bytes) -> dict[str, Any]:
    if content[:16] != layout()["shard"]["magic"].encode():
        raise _damaged(path, f"starts with {content[:16]!r}")
    length = int.from_bytes(content[16:24], "little")
    text = content[FIXED : FIXED + length]
    if hashlib.sha256(text).digest() != content[24:FIXED]:
        raise _damaged(path, "the header does not match its checksum")
    described: dict[str, Any] = json.loads(text)
    return described


def _damaged(path: Path, found: str) -> ShardDamagedError:
    expected = layout()["shard"]["magic"]
    return ShardDamagedError(
        f"{path}: shard file is damaged; found: {found}; expected a whole file of format "
        f"{expected}. Delete it and run the same command again: only this part is computed anew."
    )
