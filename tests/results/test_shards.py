"""Shard files: what goes in comes out, and any damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microsim.results.shards import (
    ShardDamagedError,
    ShardForeignError,
    read_header,
    read_shard,
    verify_shard,
    write_shard,
)

TYPES = st.sampled_from([np.int64, np.uint64, np.float64, np.int16, np.bool_])
ARRAYS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    TYPES.flatmap(lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0))),
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(arrays=ARRAYS)
def test_shard__gives_back_every_bit(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("shard") / "a.shard"
    write_shard(path, {"unit": "x", "n": 3}, arrays)
    header, back = read_shard(path)
    assert header == {"unit": "x", "n": 3}
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.9])
def test_shard__notices_a_flipped_byte(tmp_path, share):
    path = tmp_path / "a.shard"
    write_shard(path, {"unit": "x"}, {"sums": np.arange(64)})
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ShardDamagedError, match=r"damaged; found: .*run the same command again"):
        read_shard(path)


def test_shard__notices_a_missing_end(tmp_path):
    path = tmp_path / "a.shard"
    write_shard(path, {}, {"sums": np.arange(64)})
    path.write_bytes(path.read_bytes()[:-1])
    for read in (read_shard, read_header, verify_shard):
        with pytest.raises(ShardDamagedError, match=r"found: \d+ bytes instead of \d+"):
            read(path)


def test_shard__leaves_out_zeros_but_keeps_every_bit(tmp_path):
    path = tmp_path / "a.shard"
    amounts = np.zeros((7, 300))
    amounts[3, 10:20], amounts[5, 0], amounts[6, 299] = np.pi, -0.0, np.nan
    sums = np.zeros(1001, np.int64)
    sums[[0, 500, 1000]] = -1
    write_shard(path, {}, {"amounts": amounts, "sums": sums, "full": np.arange(1.0, 50.0)})
    assert path.stat().st_size < 2_500
    _, back = read_shard(path)
    assert back["amounts"].tobytes() == amounts.tobytes()
    assert back["sums"].tobytes() == sums.tobytes()
    for array in back.values():
        assert array.flags.writeable
        assert array.flags.aligned


def test_header__is_read_without_the_arrays(tmp_path):
    path = tmp_path / "a.shard"
    write_shard(path, {"id": "x", "persons": 3}, {"sums": np.arange(64)})
    content = bytearray(path.read_bytes())
    content[-400] ^= 1  # in the array
    path.write_bytes(bytes(content))
    assert read_header(path) == {"id": "x", "persons": 3}
    with pytest.raises(ShardDamagedError, match="'sums' does not match its checksum"):
        verify_shard(path, "x")


@pytest.mark.parametrize("content", [b"", b"hello", b"microsim-shard-2", b"\xff" * 200])
def test_header__of_another_file_is_refused(tmp_path, content):
    path = tmp_path / "a.shard"
    path.write_bytes(content)
    for read in (read_header, read_shard):
        with pytest.raises(ShardDamagedError, match="shard file is damaged"):
            read(path)


def test_shard__of_another_unit_is_told_from_a_damaged_one(tmp_path):
    path = tmp_path / "a.shard"
    write_shard(path, {"id": "mine"}, {"sums": np.arange(64)})
    assert verify_shard(path)["id"] == verify_shard(path, "mine")["id"] == "mine"
    with pytest.raises(ShardForeignError, match="another work unit; found: id 'mine'") as caught:
        verify_shard(path, "other")
    assert not isinstance(caught.value, ShardDamagedError)


def test_shard__takes_numbers_only(tmp_path):
    with pytest.raises(TypeError, match="has type object; expected int8"):
        write_shard(tmp_path / "a.shard", {}, {"names": np.array(["a"], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_shard__is_the_same_file_for_the_same_sums(tmp_path):
    for name in ("a", "b"):
        write_shard(tmp_path / name, {"z": 1, "a": 2}, {"sums": np.arange(5.0)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
