"""Draws: the authors' known answers, equality with the slow twin, uniformity."""

from __future__ import annotations

import microsim_reference as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microsim.kernels.draws import decision_hash, mix_keys, philox, uniform, uniforms
from microsim.kernels.jit import kernel

words_32 = st.integers(0, 2**32 - 1)
words_64 = st.integers(0, 2**64 - 1)
years = st.integers(0, 65535)

# Random123 (github.com/DEShawResearch/random123), tests/kat_vectors, the lines "philox4x32 10".
KNOWN = [
    ("0 0 0 0 0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (" ".join(["ffffffff"] * 6), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        "243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


@kernel
def philox_called(c0, c1, c2, c3, k0, k1):
    return philox(c0, c1, c2, c3, k0, k1)


@pytest.mark.parametrize(("given_words", "answer"), KNOWN)
def test_philox__gives_the_known_answers(given_words, answer):
    numbers = [np.uint64(int(word, 16)) for word in given_words.split()]
    expected = tuple(int(word, 16) for word in answer.split())
    assert tuple(int(word) for word in philox_called(*numbers)) == expected
    plain = [int(number) for number in numbers]
    assert reference.philox(plain[:4], plain[4:]) == expected


@given(words_64, st.integers(0, 2**63 - 1), st.integers(0, 2**31), words_32, years, years)
def test_uniform__equals_its_twin(key, seed, replicate, decision, period, block):
    got = uniform(np.uint64(key), seed, replicate, decision, period, block)
    assert got == reference.uniform(key, seed, replicate, decision, period, block)
    assert 0.0 <= got < 1.0


def test_uniforms__equals_uniform_of_each_key():
    keys = np.arange(2**63, 2**63 + 50, dtype=np.uint64)
    drawn = uniforms(keys, 7, 3, decision_hash("take up"), 2025, 1)
    for key, number in zip(keys, drawn, strict=True):
        assert number == reference.uniform(int(key), 7, 3, decision_hash("take up"), 2025, 1)


@given(words_64, words_32, words_32)
def test_mix_keys__equals_its_twin(parent, year, ordinal):
    assert int(mix_keys(np.uint64(parent), year, ordinal)) == reference.mix_keys(
        parent, year, ordinal
    )


def test_decision_hash__is_pinned():
    # Stored runs depend on it: blake2b-32 of the UTF-8 name, little-endian.
    assert decision_hash("take up child grant") == reference.decision_hash("take up child grant")
    assert decision_hash("a") != decision_hash("b")


@pytest.mark.parametrize("what", ["seed", "replicate", "decision", "period", "block"])
def test_uniforms__differ_in_every_argument(what):
    keys = np.arange(200, dtype=np.uint64)
    arguments = {"seed": 1, "replicate": 0, "decision": 5, "period": 2025, "block": 0}
    before = uniforms(keys, *arguments.values())
    arguments[what] += 1
    after = uniforms(keys, *arguments.values())
    assert (before != after).all()
    assert abs(np.corrcoef(before, after)[0, 1]) < 0.35  # 5 sd of 200 independent pairs


def test_uniforms__are_uniform():
    # Chi-square of 100 bins over consecutive keys, the worst case for a weak mixer. The draws are
    # fixed, so the false-alarm rate is that of choosing the seed once: 1 in 1,000.
    from scipy.stats import chi2

    drawn = uniforms(np.arange(200_000, dtype=np.uint64), 1, 0, 9, 2030, 0)
    counts = np.bincount((drawn * 100).astype(int), minlength=100)
    statistic = ((counts - 2000.0) ** 2 / 2000.0).sum()
    assert chi2.sf(statistic, 99) > 0.001
