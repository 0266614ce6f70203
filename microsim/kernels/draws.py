"""Random numbers that are a pure function of who, what, when and which seed (Philox4x32-10).

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC11 (2011). Known answers of its authors are in tests/kernels/test_draws.py.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import embedded, inlined, kernel

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)
MASK = np.uint64(0xFFFFFFFF)
WORD = np.uint64(32)
SIXTEEN = np.uint64(16)

# Keys of the two derivations that use Philox itself as the mixing function; any constants do,
# but they must never change: every draw of every stored run depends on them.
STREAM_SALT = np.uint64(0x6D6963726F73696D)  # "microsim"
DESCENT_SALT = np.uint64(0x64657363656E6473)  # "descends"

UPPER_SHIFT = np.uint64(5)
LOWER_SHIFT = np.uint64(6)
TWO_26 = 67108864.0
TWO_MINUS_53 = 1.0 / 9007199254740992.0


@embedded
def philox(
    c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """Return the four 32-bit words of Philox4x32-10; words are held in uint64."""
    for _ in range(10):
        p0 = MULTIPLIER_0 * c0
        p1 = MULTIPLIER_1 * c2
        c0 = (p1 >> WORD) ^ c1 ^ k0
        c1 = p1 & MASK
        c2 = (p0 >> WORD) ^ c3 ^ k1
        c3 = p0 & MASK
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


@inlined
def mixed(salt: np.uint64, first: np.uint64, second: np.uint64) -> np.uint64:
    """Return 64 bits that depend on every bit of two 64-bit numbers."""
    w0, w1, _, _ = philox(
        first & MASK, first >> WORD, second & MASK, second >> WORD, salt & MASK, salt >> WORD
    )
    return np.uint64((w1 << WORD) | w0)


@inlined
def stream_key(seed: int, replicate: int) -> np.uint64:
    """Return the 64-bit Philox key of a seed and a replicate, both 0 or more."""
    return mixed(STREAM_SALT, np.uint64(seed), np.uint64(replicate))


@embedded
def uniform_of_stream(
    draw_key: np.uint64, stream: np.uint64, decision: int, period: int, block: int
) -> float:
    """Return `uniform` for a key made before by `stream_key`: for loops over many persons."""
    who = np.uint64(draw_key)
    when = (np.uint64(period) << SIXTEEN) | np.uint64(block)
    w0, w1, _, _ = philox(
        who & MASK, who >> WORD, np.uint64(decision) & MASK, when & MASK, stream & MASK,
        stream >> WORD,
    )  # fmt: skip
    # Through int32, which every CPU converts to float64 in vectors; both fit.
    upper, lower = np.int32(w0 >> UPPER_SHIFT), np.int32(w1 >> LOWER_SHIFT)
    return (np.float64(upper) * TWO_26 + np.float64(lower)) * TWO_MINUS_53


@inlined
def drawn(draw_key: np.uint64, stream: np.uint64, decision: int, period: int) -> float:
    """Return `uniform_of_stream` of block 0, as a function of its own: for generated rules."""
    return uniform_of_stream(draw_key, stream, decision, period, 0)


@inlined
def uniform(
    draw_key: np.uint64, seed: int, replicate: int, decision: int, period: int, block: int
) -> float:
    """Return the uniform number in [0, 1) of one decision of one person; 53 random bits.

    Parameters
    ----------
    draw_key
        64-bit key of the person (or of the founder, for household decisions).
    seed, replicate
        Which random world, 0 or more; the scenario is not part of it (common random numbers).
    decision
        `decision_hash` of the decision's declared name.
    period
        The year, 0 to 65535; 0 for propensities that last for life.
    block
        Running number of draws within one decision and period, 0 to 65535.
    """
    return uniform_of_stream(draw_key, stream_key(seed, replicate), decision, period, block)


@kernel
def uniforms(
    draw_keys: Keys, seed: int, replicate: int, decision: int, period: int, block: int
) -> Floats:
    """Return `uniform` of each key. Shape (n,), numbers in [0, 1)."""
    stream = stream_key(seed, replicate)
    drawn = np.empty(draw_keys.shape[0], np.float64)
    for i in range(draw_keys.shape[0]):
        drawn[i] = uniform_of_stream(draw_keys[i], stream, decision, period, block)
    return drawn


@inlined
def mix_keys(parent: np.uint64, year: int, ordinal: int) -> np.uint64:
    """Return the draw key of a newborn, immigrant or clone.

    `parent` is the key of the mother, donor or founder; `year` (0 to 2**32 - 1) of the event;
    `ordinal` (0 to 2**32 - 1) tells several descendants of one event apart.
    """
    event = (np.uint64(year) << WORD) | np.uint64(ordinal)
    return mixed(DESCENT_SALT, np.uint64(parent), event)


def decision_hash(name: str) -> int:
    """Return the 32-bit number of a decision: the first four bytes of blake2b of its name."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "little")
