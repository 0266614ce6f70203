"""Slow, obvious twins of the kernels and indicators: plain Python, exact fractions, no arrays."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from fractions import Fraction

MASK = 0xFFFFFFFF


def philox(counter: Sequence[int], key: Sequence[int]) -> tuple[int, int, int, int]:
    """Philox4x32-10 as the paper's figure 3 gives it."""
    r0, l0, r1, l1 = counter
    k0, k1 = key
    for _ in range(10):
        product_0, product_1 = 0xD2511F53 * r0, 0xCD9E8D57 * r1
        r0, l0, r1, l1 = (
            (product_1 >> 32) ^ l0 ^ k0,
            product_1 & MASK,
            (product_0 >> 32) ^ l1 ^ k1,
            product_0 & MASK,
        )
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return r0, l0, r1, l1


def mixed(salt: int, first: int, second: int) -> int:
    """64 bits of Philox with the two numbers as counter and the salt as key."""
    words = philox(
        (first & MASK, first >> 32, second & MASK, second >> 32), (salt & MASK, salt >> 32)
    )
    return words[1] << 32 | words[0]


def uniform(
    draw_key: int, seed: int, replicate: int, decision: int, period: int, block: int
) -> float:
    """The uniform number of one decision."""
    stream = mixed(0x6D6963726F73696D, seed, replicate)
    w0, w1, _, _ = philox(
        (draw_key & MASK, draw_key >> 32, decision, period << 16 | block),
        (stream & MASK, stream >> 32),
    )
    return float(Fraction((w0 >> 5) * 2**26 + (w1 >> 6), 2**53))


def mix_keys(parent: int, year: int, ordinal: int) -> int:
    """The draw key of a descendant."""
    return mixed(0x64657363656E6473, parent, year << 32 | ordinal)


def decision_hash(name: str) -> int:
    """The number of a decision."""
    number: int = struct.unpack("<I", hashlib.blake2b(name.encode(), digest_size=4).digest())[0]
    return number


def exact_sum(values: Sequence[float]) -> float:
    """The sum in exact fractions, rounded once."""
    return float(sum(map(Fraction, values), Fraction(0)))


def exact_dot(weights: Sequence[float], values: Sequence[float]) -> float:
    """The sum of rounded products."""
    return exact_sum([w * v for w, v in zip(weights, values, strict=True)])


def fixed_point(x: float) -> int | None:
    """x in units of 2**-64, half away from 0; None where it cannot be held."""
    if not math.isfinite(x) or abs(x) >= 2**62:
        return None
    size = int(Fraction(abs(x)) * 2**64 + Fraction(1, 2))
    return -size if x < 0 else size


def argsort_stable(values: Sequence[float]) -> list[int]:
    """Rows by (is NaN, value, row)."""
    return sorted(
        range(len(values)),
        key=lambda i: (math.isnan(values[i]), 0.0 if math.isnan(values[i]) else values[i], i),
    )


def gini(values: Sequence[float], weights: Sequence[float]) -> Fraction:
    """The mean absolute difference of all pairs by twice the mean, in exact fractions."""
    y, w = [Fraction(v) for v in values], [Fraction(v) for v in weights]
    total = sum(a * b for a, b in zip(w, y, strict=True))
    apart = sum(
        wi * wj * abs(yi - yj)
        for yi, wi in zip(y, w, strict=True)
        for yj, wj in zip(y, w, strict=True)
    )
    return Fraction(apart) / (2 * sum(w) * total)


def quantile(values: Sequence[float], weights: Sequence[float], p: Fraction) -> float:
    """The smallest value whose cumulative weight reaches p N."""
    wanted, reached = p * sum(map(Fraction, weights), Fraction(0)), Fraction(0)
    for value, weight in sorted(zip(values, weights, strict=True)):
        reached += Fraction(weight)
        if reached >= wanted and weight:
            return value
    return max(values)


def foster_greer_thorbecke(
    values: Sequence[float], weights: Sequence[float], line: float, alpha: int
) -> Fraction:
    """Sum of weighted gap ratios to the power alpha, in exact fractions."""
    z = Fraction(line)
    gaps = (
        Fraction(w) * ((z - max(Fraction(y), Fraction(0))) / z) ** alpha
        for y, w in zip(values, weights, strict=True)
        if y < line
    )
    return Fraction(sum(gaps)) / sum(map(Fraction, weights), Fraction(0))


def sst(values: Sequence[float], line: float) -> float:
    """Sen-Shorrocks-Thon of equal weights: (1/n**2) sum (2n - 2i + 1) g(i), gaps descending."""
    n = len(values)
    gaps = sorted((max(0.0, (line - y) / line) for y in values), reverse=True)
    return sum((2 * n - 2 * i + 1) * g for i, g in enumerate(gaps, 1)) / n**2


def design_variance(
    u: Sequence[float], w: Sequence[float], psu: Sequence[int], stratum: Sequence[int]
) -> float:
    """Variance of the total of w u over strata and PSUs, lonely ones centred at the grand mean."""
    totals: dict[tuple[int, int], float] = {}
    for a, b, i, h in zip(u, w, psu, stratum, strict=True):
        totals[h, i] = totals.get((h, i), 0.0) + a * b
    grand = math.fsum(totals.values()) / len(totals)
    result = 0.0
    for h in {key[0] for key in totals}:
        z = [total for key, total in totals.items() if key[0] == h]
        if len(z) == 1:
            result += (z[0] - grand) ** 2
        else:
            mean = math.fsum(z) / len(z)
            result += len(z) / (len(z) - 1) * math.fsum((a - mean) ** 2 for a in z)
    return result


def collapse(
    values: Sequence[float], weights: Sequence[float]
) -> tuple[list[float], list[Fraction], list[Fraction]]:
    """Distinct values of positive weight, their exact weights, and the exact cumulative weights."""
    tied: dict[float, Fraction] = {}
    for value, weight in sorted(zip(values, weights, strict=True)):
        if weight:
            tied[value] = tied.get(value, Fraction(0)) + Fraction(weight)
    cumulative, reached = [], Fraction(0)
    for weight in tied.values():
        reached += weight
        cumulative.append(reached)
    return list(tied), list(tied.values()), cumulative
