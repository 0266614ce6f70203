"""exp, log, pow and the normal quantile from + - * / alone: the same bits on every machine.

Mathematical libraries differ in the last bit from one machine to the next; these do not. Errors
measured against 80-digit arithmetic in tests/kernels/test_transcendental.py: exp, log and pow
below 1 unit in the last place, the normal quantile about 1e-15 relative.

Sources: the polynomials of exp and log are those of fdlibm (Sun Microsystems 1993, "freely
granted"); the normal quantile is algorithm AS 241 (Wichura, Applied Statistics 37(3), 1988).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import embedded, inlined, kernel

Floats = npt.NDArray[np.float64]

INVERSE_LN2 = 1.44269504088896338700
LN2_HIGH = 6.93147180369123816490e-01  # its last 32 bits are 0: k * LN2_HIGH is exact
LN2_LOW = 1.90821492927058770002e-10
EXP_OVERFLOW = 709.782712893383973096
EXP_UNDERFLOW = -745.13321910194110842
POW_RANGE = 800.0

EXP_1, EXP_2, EXP_3, EXP_4, EXP_5 = (
    1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
    -1.65339022054652515390e-06, 4.13813679705723846039e-08,
)  # fmt: skip
LOG_1, LOG_2, LOG_3, LOG_4, LOG_5, LOG_6, LOG_7 = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
)  # fmt: skip

THIRD_HIGH = 1.0 / 3.0
THIRD_LOW = 1.850371707708594e-17  # 1/3 - THIRD_HIGH
SPLITTER = 134217729.0  # 2**27 + 1
TWO_54 = 18014398509481984.0
SMALLEST_NORMAL = 2.2250738585072014e-308
INFINITY = math.inf
NOT_A_NUMBER = math.nan
ROOT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)  # of sqrt(1/2)
ONE_BITS = np.int64(0x3FF0000000000000)
FRACTION_BITS = np.int64(52)
FRACTION_MASK = np.int64(0x000FFFFFFFFFFFFF)
EXPONENT_BIAS = np.int64(1023)


@embedded
def power_of_two(exponent: np.int64) -> float:
    """Return 2.0**exponent, for -1022 <= exponent <= 1023."""
    bits = np.int64((exponent + EXPONENT_BIAS) << FRACTION_BITS)
    return np.float64(bits.view(np.float64))


@embedded
def exp_with_tail(x: float, tail: float) -> float:
    """Return exp(x + tail) for a tail far below x and x between the two limits of exp."""
    k = np.floor(x * INVERSE_LN2 + 0.5)
    high = x - k * LN2_HIGH
    low = k * LN2_LOW - tail
    r = high - low
    t = r * r
    c = r - t * (EXP_1 + t * (EXP_2 + t * (EXP_3 + t * (EXP_4 + t * EXP_5))))
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    power = np.int64(np.int32(k))  # by way of int32: that conversion exists in vectors everywhere
    half = power >> np.int64(1)
    return float(y * power_of_two(half) * power_of_two(power - half))


@inlined
def exp(x: float) -> float:
    """Return e**x; infinity above 709.78, 0 below -745.13, NaN of NaN."""
    if x != x:
        return x
    if x > EXP_OVERFLOW:
        return INFINITY
    if x < EXP_UNDERFLOW:
        return 0.0
    return exp_with_tail(x, 0.0)


@embedded
def split_binary(x: float) -> tuple[float, float]:
    """Return (m, k) with x = m * 2**k and m in [sqrt(1/2), sqrt(2)), for normal x above 0."""
    bits = np.float64(x).view(np.int64) + (ONE_BITS - ROOT_HALF_BITS)
    k = np.int32((bits >> FRACTION_BITS) - EXPONENT_BIAS)
    m = np.int64((bits & FRACTION_MASK) + ROOT_HALF_BITS).view(np.float64)
    return m, np.float64(k)


@inlined
def log(x: float) -> float:
    """Return the natural logarithm; minus infinity of 0, NaN below 0."""
    if x != x or x == INFINITY:
        return x
    if x <= 0.0:
        return -INFINITY if x == 0.0 else NOT_A_NUMBER
    shift = 0.0
    if x < SMALLEST_NORMAL:
        x, shift = x * TWO_54, -54.0
    m, k = split_binary(x)
    k += shift
    f = m - 1.0
    half_square = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = z * (LOG_1 + w * (LOG_3 + w * (LOG_5 + w * LOG_7)))
    even = w * (LOG_2 + w * (LOG_4 + w * LOG_6))
    return k * LN2_HIGH - ((half_square - (s * (half_square + odd + even) + k * LN2_LOW)) - f)


@inlined
def two_product(a: float, b: float) -> tuple[float, float]:
    """Return a * b as rounded product and its exact error (Dekker 1971; no fused operation)."""
    p = a * b
    t = SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


@inlined
def product_of_pairs(a: float, a_low: float, b: float, b_low: float) -> tuple[float, float]:
    """Return (a + a_low) * (b + b_low) as a pair of numbers."""
    p, error = two_product(a, b)
    error += a * b_low + a_low * b
    high = p + error
    return high, (p - high) + error


@inlined
def log_pair(x: float) -> tuple[float, float]:
    """Return log(x) as a pair of numbers with about 20 digits, for finite x above 0."""
    shift = 0.0
    if x < SMALLEST_NORMAL:
        x, shift = x * TWO_54, -54.0
    m, k = split_binary(x)
    k += shift
    f = m - 1.0
    # s = f / (2 + f) as a pair; log(m) = 2 s (1 + u/3 + u**2/5 + ...) with u = s**2
    d = 2.0 + f
    d_low = (2.0 - d) + f
    s = f / d
    p, error = two_product(s, d)
    s_low = (((f - p) - error) - s * d_low) / d
    u, u_low = product_of_pairs(s, s_low, s, s_low)
    series = u * u * (
        1 / 5 + u * (1 / 7 + u * (1 / 9 + u * (1 / 11 + u * (1 / 13 + u * (
        1 / 15 + u * (1 / 17 + u * (1 / 19 + u * (1 / 21 + u * (1 / 23 + u / 25)))))))))
    )  # fmt: skip
    t, t_low = product_of_pairs(u, u_low, THIRD_HIGH, THIRD_LOW)
    t_low += series
    rest, rest_low = product_of_pairs(s, s_low, t, t_low)
    m_high = s + rest
    m_low = (((s - m_high) + rest) + rest_low) + s_low
    base = k * LN2_HIGH
    m_high, m_low = 2.0 * m_high, 2.0 * m_low
    high = base + m_high
    v = high - base
    low = ((base - (high - v)) + (m_high - v)) + (m_low + k * LN2_LOW)
    total = high + low
    return total, (high - total) + low


@inlined
def pow_of_positive(x: float, y: float) -> float:
    """Return x**y for finite x above 0 and finite y."""
    high, low = log_pair(x)
    estimate = y * high
    if estimate > POW_RANGE:
        return INFINITY
    if estimate < -POW_RANGE:
        return 0.0
    p, error = two_product(y, high)
    error += y * low
    exponent = p + error
    tail = (p - exponent) + error
    if exponent > EXP_OVERFLOW:
        return INFINITY
    if exponent < EXP_UNDERFLOW:
        return 0.0
    return exp_with_tail(exponent, tail)


@inlined
def pow_of_special(x: float, y: float) -> float:
    """Return x**y where x or y is 0, infinite, negative or NaN, as IEEE 754 says."""
    if x == 1.0 or y == 0.0:
        return 1.0
    if x != x or y != y:
        return NOT_A_NUMBER
    if abs(y) == INFINITY:
        if x == -1.0:
            return 1.0
        return INFINITY if (abs(x) > 1.0) == (y > 0.0) else 0.0
    whole = np.floor(y) == y
    odd = whole and np.floor(y * 0.5) * 2.0 != y
    negative = x < 0.0 or (x == 0.0 and np.float64(x).view(np.int64) != 0)
    if x == 0.0:
        size = 0.0 if y > 0.0 else INFINITY
    elif abs(x) == INFINITY:
        size = INFINITY if y > 0.0 else 0.0
    elif not whole:
        return NOT_A_NUMBER
    else:
        size = pow_of_positive(-x, y)
    return -size if negative and odd else size


@inlined
def pow(x: float, y: float) -> float:  # noqa: A001 - the name rules and readers know
    """Return x**y with the special cases of IEEE 754 (x**0 is 1, NaN of a root of a negative)."""
    if y == 1.0:
        return x
    if y == 2.0:
        return x * x
    if 0.0 < x < INFINITY and -INFINITY < y < INFINITY:
        return pow_of_positive(x, y)
    return pow_of_special(x, y)


@inlined
def normal_quantile(p: float) -> float:
    """Return the quantile of the standard normal distribution; infinite at 0 and 1, else NaN."""
    if not 0.0 < p < 1.0:
        if p == 0.0:
            return -INFINITY
        return INFINITY if p == 1.0 else NOT_A_NUMBER
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = (((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r
            + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r
            + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
            + 1.3314166789178437745e2) * r + 3.3871328727963666080e0)  # fmt: skip
        bottom = (((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r
            + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r
            + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
            + 4.2313330701600911252e1) * r + 1.0)  # fmt: skip
        return top * q / bottom
    tail = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-log(tail))
    if r <= 5.0:
        r -= 1.6
        top = (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r
            + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r
            + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
            + 4.63033784615654529590e0) * r + 1.42343711074968357734e0)  # fmt: skip
        bottom = (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r
            + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
            + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
            + 2.05319162663775882187e0) * r + 1.0)  # fmt: skip
    else:
        r -= 5.0
        top = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
            + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
            + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
            + 5.46378491116411436990e0) * r + 6.65790464350110377720e0)  # fmt: skip
        bottom = (((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
            + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
            + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
            + 5.99832206555887937690e-1) * r + 1.0)  # fmt: skip
    return -top / bottom if q < 0.0 else top / bottom


@kernel
def exp_array(x: Floats) -> Floats:
    """Return `exp` of each number. Shape (n,)."""
    out = np.empty(x.shape[0], np.float64)
    for i in range(x.shape[0]):
        out[i] = exp(x[i])
    return out


@kernel
def log_array(x: Floats) -> Floats:
    """Return `log` of each number. Shape (n,)."""
    out = np.empty(x.shape[0], np.float64)
    for i in range(x.shape[0]):
        out[i] = log(x[i])
    return out


@kernel
def pow_array(x: Floats, y: Floats) -> Floats:
    """Return `pow` of each pair of numbers. Shape (n,), both."""
    out = np.empty(x.shape[0], np.float64)
    for i in range(x.shape[0]):
        out[i] = pow(x[i], y[i])
    return out


@kernel
def normal_quantile_array(p: Floats) -> Floats:
    """Return `normal_quantile` of each number. Shape (n,)."""
    out = np.empty(p.shape[0], np.float64)
    for i in range(p.shape[0]):
        out[i] = normal_quantile(p[i])
    return out
