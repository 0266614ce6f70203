"""Writes and reads the partial sums of one work unit: a few packed arrays with their checksums."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import RunFailedError
from microsim.results.atomic import written_whole
from microsim.results.layout import layout

ALIGNMENT = 64
FIXED = 16 + 8 + 32  # magic, length of the header, its checksum
SPARSE = "nonzero"  # a bit for each element, then the elements that are not 0
Array = npt.NDArray[Any]


class ShardError(RunFailedError):
    """A shard file cannot be used; the work unit must be done again.

    Parameters
    ----------
    path
        The file.
    found
        What is wrong with it.
    expected
        What should be there.
    """

    def __init__(self, path: Path, found: str, expected: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: {found}; expected {expected}. "
            "Delete it and run the same command again: only this part is computed anew."
        )


class ShardDamagedError(ShardError):
    """A shard file is cut short, altered, or none of ours."""


class ShardForeignError(ShardError):
    """A whole shard file that is the result of another work unit."""


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
        entry, block = _packed(name, array)
        entries.append({**entry, "offset": offset})
        padding = -len(block) % ALIGNMENT
        blocks += [block, bytes(padding)]
        offset += len(block) + padding
    described = {"header": header, "arrays": entries, "bytes": offset}
    text = json.dumps(described, sort_keys=True).encode()
    text += b" " * (-(FIXED + len(text)) % ALIGNMENT)  # arrays can be used where they lie
    checksum = hashlib.sha256(text)
    magic = layout()["shard"]["magic"].encode()
    with written_whole(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(magic + len(text).to_bytes(8, "little") + checksum.digest() + text)
        file.writelines(blocks)
    return checksum.hexdigest()


def _packed(name: str, array: Array) -> tuple[dict[str, Any], bytes]:
    """Return the description of an array and its bytes; zeros are left out where they are many."""
    plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    entry = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
    block = plain.tobytes()
    if plain.itemsize == 8:
        flat = plain.reshape(-1).view("<u8")  # bits, so that -0.0 is kept
        there = flat != 0
        short = np.packbits(there).tobytes()
        short += bytes(-len(short) % 8) + flat[there].tobytes()
        if len(short) < len(block):
            entry["encoding"], block = SPARSE, short
    return {**entry, "bytes": len(block), "sha256": hashlib.sha256(block).hexdigest()}, block


def read_header(path: Path | str) -> dict[str, Any]:
    """Return the header of a shard file without reading its arrays.

    Only the header's own checksum and the length of the file are verified.

    Raises
    ------
    ShardDamagedError
        The file is cut short, its header altered, or it is not a shard file of this version.
    """
    path = Path(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(FIXED)
        length = int.from_bytes(start[16:24], "little")
        described = _described(path, start, file.read(min(length, size)))
    _check_length(path, size, FIXED + length + described["bytes"])
    header: dict[str, Any] = described["header"]
    return header


def read_shard(
    path: Path | str, part: str = "", names: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the header and the arrays of a shard file, every checksum verified.

    The arrays share no memory with each other, and may be written to.

    Parameters
    ----------
    path
        The file.
    part
        Only the arrays whose names begin so are read and verified, and called without it; "" is
        the whole file.
    names
        Only these of them, all if left out.

    Raises
    ------
    ShardDamagedError
        The file is cut short, altered, or not a shard file of this version.
    """
    path = Path(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(FIXED)
        length = int.from_bytes(start[16:24], "little")
        described = _described(path, start, file.read(min(length, size)))
        _check_length(path, size, FIXED + length + described["bytes"])
        arrays = {}
        for entry in described["arrays"]:
            name = entry["name"].removeprefix(part)
            if not entry["name"].startswith(part) or (names and name not in names):
                continue
            file.seek(FIXED + length + entry["offset"])
            block = np.fromfile(file, np.uint8, entry["bytes"])
            if hashlib.sha256(block.data).hexdigest() != entry["sha256"]:
                raise _damaged(path, f"array {entry['name']!r} does not match its checksum")
            arrays[name] = _unpacked(entry, block)
    header: dict[str, Any] = described["header"]
    return header, arrays


def verify_shard(path: Path | str, unit_id: str = "") -> dict[str, Any]:
    """Return the header of a shard file after verifying every byte and whose result it is.

    Parameters
    ----------
    path
        The file.
    unit_id
        `id` that the header must have; "" takes any.

    Raises
    ------
    ShardDamagedError
        The file is cut short, altered, or not a shard file of this version.
    ShardForeignError
        It is whole, but the result of another work unit.
    """
    path = Path(path)
    header, _ = read_shard(path)
    if unit_id and header.get("id") != unit_id:
        found = f"shard file of another work unit; found: id {header.get('id')!r}"
        raise ShardForeignError(path, found, repr(unit_id))
    return header


def _unpacked(entry: Mapping[str, Any], block: npt.NDArray[np.uint8]) -> Array:
    dtype, shape = np.dtype(entry["dtype"]).newbyteorder("<"), tuple(entry["shape"])
    if entry.get("encoding") != SPARSE:
        dense: Array = block.view(dtype).reshape(shape).astype(entry["dtype"], copy=False)
        return dense
    n = int(np.prod(shape, dtype=np.int64))
    n_bytes = (n + 7) // 8
    whole = np.zeros(n, np.uint64)
    there = np.unpackbits(block[:n_bytes], count=n).view(np.bool_)
    whole[there] = block[n_bytes + -n_bytes % 8 :].view("<u8")
    found: Array = whole.view(entry["dtype"]).reshape(shape)
    return found


def _described(path: Path, start: bytes, text: bytes | memoryview) -> dict[str, Any]:
    if start[:16] != layout()["shard"]["magic"].encode():
        raise _damaged(path, f"starts with {start[:16]!r}")
    if hashlib.sha256(text).digest() != start[24:FIXED]:
        raise _damaged(path, "the header does not match its checksum")
    described: dict[str, Any] = json.loads(bytes(text))
    return described


def _check_length(path: Path, found: int, expected: int) -> None:
    if found != expected:
        raise _damaged(path, f"{found} bytes instead of {expected}")


def _damaged(path: Path, found: str) -> ShardDamagedError:
    expected = f"a whole file of format {layout()['shard']['magic']}"
    return ShardDamagedError(path, f"shard file is damaged; found: {found}", expected)
