"""Shard files: what goes in comes out, and any damage is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microsim.results.shards import ShardDamagedError, read_shard, write_shard

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
    with pytest.raises(ShardDamagedError, match="'sums' does not match its checksum"):
        read_shard(path)


def test_shard__takes_numbers_only(tmp_path):
    with pytest.raises(TypeError, match="has type object; expected int8"):
        write_shard(tmp_path / "a.shard", {}, {"names": np.array(["a"], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_shard__is_the_same_file_for_the_same_sums(tmp_path):
    for name in ("a", "b"):
        write_shard(tmp_path / name, {"z": 1, "a": 2}, {"sums": np.arange(5.0)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
