"""Years of formal work before the first year, of persons whose history nobody recorded."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import inlined, kernel
from microsim.kernels.lives_earnings import normal_of
from microsim.kernels.transcendental import log, pow_of_positive

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.int8]
Keys = npt.NDArray[np.uint64]

GAMMA_BLOCK = 4096  # blocks of the second of the two numbers a share is made of
SMALLEST_UNIFORM = 1.0 / 9007199254740992.0


@inlined
def gamma_of(
    shape: float, key: np.uint64, stream: np.uint64, decision: int, first_block: int
) -> float:
    """Return a gamma number of `shape` and scale 1 (Marsaglia and Tsang 2000), by keyed blocks."""
    grown = shape if shape >= 1.0 else shape + 1.0
    d = grown - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    block = first_block + 1
    while True:
        x = normal_of(uniform_of_stream(key, stream, decision, 0, block))
        u = max(uniform_of_stream(key, stream, decision, 0, block + 1), SMALLEST_UNIFORM)
        block += 2
        v = 1.0 + c * x
        v = v * v * v
        if v > 0.0 and log(u) < 0.5 * x * x + d - d * v + d * log(v):
            break
    if shape >= 1.0:
        return d * v
    u = max(uniform_of_stream(key, stream, decision, 0, first_block), SMALLEST_UNIFORM)
    return d * v * pow_of_positive(u, 1.0 / shape)


@kernel
def years_by_density(
    status: Bytes, sex: Bytes, age: Bytes, keys: Keys, stream: np.uint64, decision: int,
    entry_age: float, density: Floats, concentration: float, years: Floats,
) -> None:  # fmt: skip
    """Fill in years of formal work: a Beta share, by sex and status, of the years since entry.

    Parameters
    ----------
    density
        Shape (2, 13), mean of the share.
    concentration
        Sum of the two parameters of the Beta distribution, above 0.
    years
        Shape (n,), filled in.
    """
    for i in range(status.shape[0]):
        mean, span = density[sex[i], status[i]], age[i] - entry_age
        if span <= 0.0 or mean == 0.0 or mean == 1.0:
            years[i] = mean * max(span, 0.0)
            continue
        a = gamma_of(mean * concentration, keys[i], stream, decision, 0)
        b = gamma_of((1.0 - mean) * concentration, keys[i], stream, decision, GAMMA_BLOCK)
        years[i] = span * (a / (a + b) if a + b > 0.0 else mean)


@kernel
def years_by_chain(
    formal_now: Bytes, sex: Bytes, age: Bytes, keys: Keys, stream: np.uint64, decision: int,
    entry_age: float, formal: Floats, exit_rate: Floats, years: Floats,
) -> None:  # fmt: skip
    """Fill in years of formal work by walking back, year by year, a chain of two states.

    The chain has at every age the share of formal work of the tables and, as far as the shares
    allow, their yearly exits: of those formal at age x - 1 the share 1 - exit is so at x. The
    joint share J = min(f(x-1) (1 - exit), f(x)), at least f(x-1) + f(x) - 1, gives the chance one
    year back: J / f(x) for who is formal at x, (f(x-1) - J) / (1 - f(x)) for who is not.

    Parameters
    ----------
    formal_now
        Shape (n,), 1 for those in formal work in the first year.
    formal, exit_rate
        Shape (2, 121): share of formal work, and probability to leave it within a year.
    years
        Shape (n,), filled in: years from `entry_age` on, the present one not counted.
    """
    for i in range(sex.shape[0]):
        state, total, s = formal_now[i], 0.0, sex[i]
        for x in range(age[i], 0, -1):
            if x - 1 < entry_age:
                break
            f_now, f_before = formal[s, x], formal[s, x - 1]
            joint = min(f_before * (1.0 - exit_rate[s, x - 1]), f_now)
            joint = max(joint, f_before + f_now - 1.0)
            if state:
                chance = joint / f_now if f_now > 0.0 else f_before
            else:
                chance = (f_before - joint) / (1.0 - f_now) if f_now < 1.0 else f_before
            state = 1 if uniform_of_stream(keys[i], stream, decision, x, 0) < chance else 0
            total += state
        years[i] = total
