"""exp, log and the normal quantile in + - * / and exact scalings only.

The C library's exp and log differ in the last bit between machines (with and without fused
multiply-add); these do not, so a result is the same on every CPU. Largest errors measured
against 60-digit values: exp and log 1 unit in the last place, normal quantile 2e-15 relative.

References
----------
Wichura MJ. Algorithm AS 241: the percentage points of the normal distribution.
Appl Stat 1988;37:477-484 (routine PPND16).
Tang PTP. Table-driven implementation of the exponential function. ACM TOMS 1989;15:144-157
(the split of log 2 into a short head and a tail).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel, step

_LN2_HEAD = (
    6.93147180369123816490e-01  # 32 leading bits of log 2: k * head is exact for |k| < 2**20
)
_LN2_TAIL = 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_SQRT_HALF = 0.7071067811865476
# the parts of a double: 52 bits of mantissa below 11 of exponent, which is biased by 1023
_MANTISSA_BITS = np.int64(52)
_MANTISSA = np.int64(0x000FFFFFFFFFFFFF)
_BIAS = np.int64(1023)
_EXPONENT_OF_HALF = np.int64(0x3FE0000000000000)
_CENTRAL = 0.425  # AS 241 has one rational function up to here, two beyond
_FAR = 2e-11  # a tail smaller than exp(-25) needs the last of the three; here with some room
_SMALLEST_NORMAL = 2.2250738585072014e-308


@step
def pexp(x: float) -> float:
    """Return e**x for any finite x; 0 below -708, inf above 709."""
    if x < -708.0:
        return 0.0
    if x > 709.0:
        return math.inf
    k = math.floor(x * _LOG2_E + 0.5)
    head = x - k * _LN2_HEAD
    tail = k * _LN2_TAIL
    r = head - tail
    # e**r = 1 + 2 r / (2 - r + c): Remez-like even polynomial of r*r/6 - ...
    rr = r * r
    c = r - rr * (
        1.66666666666666019037e-01
        + rr
        * (
            -2.77777777770155933842e-03
            + rr
            * (
                6.61375632143793436117e-05
                + rr * (-1.65339022054652515390e-06 + rr * 4.13813679705723846039e-08)
            )
        )
    )
    y = 1.0 - ((tail - (r * c) / (2.0 - c)) - head)
    # times 2**k, by its bits: the C library's ldexp took nine tenths of the time (measured)
    power = np.int64((np.int64(k) + _BIAS) << _MANTISSA_BITS).view(np.float64)
    return y * power


@step
def _log_of_normal(x: float, shift: float) -> float:
    """Return the natural logarithm of x / 2**shift, x positive and normal, without a branch."""
    # x = m * 2**k with m from 0.5 to 1, by its bits: the C library's frexp is slow (as ldexp is)
    bits = np.float64(x).view(np.int64)
    k = np.float64((bits >> _MANTISSA_BITS) - (_BIAS - 1)) - shift
    m = np.int64((bits & _MANTISSA) | _EXPONENT_OF_HALF).view(np.float64)
    small = m < _SQRT_HALF
    k = k - 1.0 if small else k
    m = m * 2.0 if small else m
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = z * (
        6.666666666666735130e-01
        + z
        * (
            3.999999999940941908e-01
            + z
            * (
                2.857142874366239149e-01
                + z
                * (
                    2.222219843214978396e-01
                    + z
                    * (
                        1.818357216161805012e-01
                        + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
                    )
                )
            )
        )
    )
    half = 0.5 * f * f
    return k * _LN2_HEAD - ((half - (s * (half + r) + k * _LN2_TAIL)) - f)


@step
def plog(x: float) -> float:
    """Return the natural logarithm of x > 0; -inf at 0."""
    if x <= 0.0:
        return -math.inf
    if x == math.inf:
        return x
    if x < _SMALLEST_NORMAL:
        return _log_of_normal(x * 2.0**54, 54.0)
    return _log_of_normal(x, 0.0)


def logs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithms of any number of values, the same on every machine; -inf at 0."""
    return np.array([plog(float(v)) for v in values])


@step
def logit(p: float) -> float:
    """Return log(p / (1 - p)) for 0 < p < 1."""
    return plog(p) - plog(1.0 - p)


@step
def expit(x: float) -> float:
    """Return 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + pexp(-x))


@step
def _horner7(
    r: float,
    c0: float,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    c6: float,
    c7: float,
) -> float:
    return ((((((c7 * r + c6) * r + c5) * r + c4) * r + c3) * r + c2) * r + c1) * r + c0


@step
def _central_quantile(q: float) -> float:
    """Return the quantile of 0.5 + q for |q| up to 0.425."""
    r = 0.180625 - q * q
    top = _horner7(
        r,
        3.3871328727963666080,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    )
    bottom = _horner7(
        r,
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    )
    return q * top / bottom


@step
def _near_tail(r: float) -> float:
    """Return the distance of a quantile from 0, r = sqrt(-log of the tail) up to 5."""
    r = r - 1.6
    top = _horner7(
        r,
        1.42343711074968357734,
        4.63033784615654529590,
        5.76949722146069140550,
        3.64784832476320460504,
        1.27045825245236838258,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    )
    bottom = _horner7(
        r,
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    )
    return top / bottom


@step
def _far_tail(r: float) -> float:
    """Return the distance of a quantile from 0, r = sqrt(-log of the tail) above 5."""
    r = r - 5.0
    top = _horner7(
        r,
        6.65790464350110377720,
        5.46378491116411436990,
        1.78482653991729133580,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    )
    bottom = _horner7(
        r,
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    )
    return top / bottom


@step
def normal_quantile(p: float) -> float:
    """Return the standard normal quantile of p, 0 < p < 1 (AS 241, PPND16)."""
    q = p - 0.5
    if abs(q) <= _CENTRAL:
        return _central_quantile(q)
    r = math.sqrt(-plog(p if q < 0.0 else 1.0 - p))
    distance = _near_tail(r) if r <= 5.0 else _far_tail(r)
    return -distance if q < 0.0 else distance


@kernel
def normals_in_place(numbers: NDArray[np.float64], n: int, tails: NDArray[np.float64]) -> None:
    """Turn the first ``n`` uniforms into normals, equal in every bit to ``normal_quantile``.

    ``tails`` : room for ``n + 8`` numbers.

    Loops without a branch, so that the compiler runs several numbers at once (measured: 17 against
    6 ns a number, the uniforms included). The tails, 15 in 100, are set aside and come first; each
    is then a number beyond 1.43, which no uniform is, so the last loop knows what is done already.
    """
    n_tails = 0
    rarest = 0.5
    for i in range(n):
        p = numbers[i]
        tails[n_tails] = p
        n_tails += int(abs(p - 0.5) > _CENTRAL)
        rarest = min(rarest, min(p, 1.0 - p))
    if rarest < _FAR:
        for i in range(n_tails):
            tails[i] = normal_quantile(tails[i])
    else:
        for i in range(8):
            tails[n_tails + i] = 0.01  # any tail will do: what fills the last 8 is not read
        for i in range((n_tails + 7) // 8 * 8):
            p = tails[i]
            left = p < 0.5
            distance = _near_tail(math.sqrt(-_log_of_normal(p if left else 1.0 - p, 0.0)))
            tails[i] = -distance if left else distance
    j = 0
    for i in range(n):
        p = numbers[i]
        tail = tails[j]  # read before it is known to be wanted: no branch
        is_tail = int(abs(p - 0.5) > _CENTRAL)
        numbers[i] = tail if is_tail else p
        j += is_tail
    for i in range(n):
        x = numbers[i]
        central = _central_quantile(x - 0.5)
        numbers[i] = x if abs(x) > 1.0 else central


@kernel
def exponentials_in_place(numbers: NDArray[np.float64]) -> None:
    """Turn uniforms into unit exponentials, equal in every bit to ``-plog(u)``."""
    for i in range(numbers.shape[0]):
        numbers[i] = -_log_of_normal(numbers[i], 0.0)
