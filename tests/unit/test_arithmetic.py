"""exp, log and the normal quantile in plain arithmetic, against NumPy and SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from simtrial.core.arithmetic import (
    expit,
    logit,
    normal_quantile,
    normals_in_place,
    pexp,
    plog,
)

Floats = NDArray[np.float64]
Function = Callable[[float], float]
TWO_ULP = 2  # ours is off by at most 1 unit in the last place, the library's by as much


def ours(function: Function, x: Floats) -> Floats:
    return np.array([function(float(v)) for v in x])


def units_in_the_last_place(got: Floats, want: Floats) -> float:
    return float(np.max(np.abs(got - want) / np.spacing(np.abs(want))))


def samples(seed: int, low: float, high: float, n: int = 5_000) -> Floats:
    return np.random.default_rng(seed).uniform(low, high, n)


EXPONENTS = {
    "everywhere": samples(1, -708.0, 709.0),
    "around 0": samples(2, -1e-3, 1e-3),
    "near 0": np.array([-1e-300, -1e-17, 0.0, 1e-17, 1e-300]),
    "half way between multiples of log 2": (np.arange(-1000, 1000) + 0.5) * math.log(2.0),
    "ends": np.array([-708.0, 709.0]),
}
POSITIVE = {
    "everywhere": np.exp(samples(3, -700.0, 709.0)),
    "around 1": samples(4, 0.999, 1.001),
    "around the root of a half": samples(5, 0.70, 0.715),
    "powers of 2": 2.0 ** np.arange(-1022.0, 1024.0),
    "below the normal range": np.array([5e-324, 1e-320, 1e-310]),
    "largest": np.array([np.finfo(np.float64).max]),
}
SHARES = {
    "middle": samples(6, 0.075, 0.925),
    "edge of the middle": np.array([0.075, np.nextafter(0.075, 0), 0.925, np.nextafter(0.925, 1)]),
    "tails": np.concatenate([samples(7, 1e-6, 0.075), samples(8, 0.925, 1 - 1e-6)]),
    "far tail": 10.0 ** samples(9, -300.0, -6.0),
    "smallest and largest uniform": np.array([2.0**-54, 1.0 - 2.0**-53]),
    "around a half": 0.5 + samples(10, -1e-6, 1e-6),
}


@pytest.mark.parametrize("x", EXPONENTS.values(), ids=EXPONENTS.keys())
def test_pexp_is_numpys_exp(x: Floats) -> None:
    assert units_in_the_last_place(ours(pexp, x), np.exp(x)) <= TWO_ULP


def test_pexp_far_below_is_zero() -> None:
    assert pexp(-708.5) == pexp(-1e308) == 0.0


def test_pexp_far_above_is_infinite() -> None:
    assert pexp(709.5) == pexp(1e308) == math.inf


def test_pexp_of_nothing_is_exactly_one() -> None:
    assert pexp(0.0) == 1.0


@pytest.mark.parametrize("x", POSITIVE.values(), ids=POSITIVE.keys())
def test_plog_is_numpys_log(x: Floats) -> None:
    want = np.log(x)
    got = ours(plog, x)
    assert got[want == 0.0].tolist() == want[want == 0.0].tolist()
    assert units_in_the_last_place(got[want != 0.0], want[want != 0.0]) <= TWO_ULP


def test_plog_of_one_is_exactly_zero() -> None:
    assert plog(1.0) == 0.0


def test_plog_of_nothing_is_minus_infinity() -> None:
    assert plog(0.0) == plog(-1.0) == -math.inf


# Ours is within 2e-15 of the true quantile, relatively, and SciPy's about as near.
@pytest.mark.parametrize("p", SHARES.values(), ids=SHARES.keys())
def test_normal_quantile_is_scipys(p: Floats) -> None:
    np.testing.assert_allclose(ours(normal_quantile, p), special.ndtri(p), rtol=4e-15, atol=0)


def test_normal_quantile_of_a_half_is_exactly_zero() -> None:
    assert normal_quantile(0.5) == 0.0


def test_normal_quantile_turns_its_sign_with_the_share() -> None:
    # multiples of 2**-20, so that 1 - p is exact
    p = np.random.default_rng(11).integers(1, 2**19, 2_000) / 2.0**20
    assert ours(normal_quantile, 1.0 - p).tolist() == (-ours(normal_quantile, p)).tolist()


@pytest.mark.parametrize("p", [0.075, 0.925, math.exp(-25.0)])
def test_normal_quantile_goes_on_where_its_formula_changes(p: float) -> None:
    # over 2e-12 of p the quantile itself moves by a relative 1e-11 or less
    step = 1e-12 * p
    below, above = normal_quantile(p - step), normal_quantile(p + step)
    assert below < above < below + 1e-10


# 1 ulp of the exponential, and the rounding of a sum and of a quotient
@pytest.mark.parametrize("x", [samples(12, -700.0, 700.0), samples(13, -5.0, 5.0)])
def test_expit_is_scipys(x: Floats) -> None:
    assert units_in_the_last_place(ours(expit, x), special.expit(x)) <= 4


def test_expit_far_out_is_0_and_1() -> None:
    assert (expit(-800.0), expit(800.0)) == (0.0, 1.0)


@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 42, 500])
@pytest.mark.parametrize("kind", ["uniform", "all tails", "no tails", "one beyond exp(-25)"])
def test_normals_in_place_are_those_of_the_scalar_function_to_the_last_bit(
    n: int, kind: str
) -> None:
    uniforms = np.random.default_rng(n).uniform(1e-9, 1.0, size=n + 3)
    if kind == "all tails":
        uniforms = np.where(uniforms < 0.5, 0.14 * uniforms, 1.0 - 0.14 * (1.0 - uniforms))
    elif kind == "no tails":
        uniforms = 0.1 + 0.8 * uniforms
    elif kind.startswith("one"):
        uniforms[n // 2] = 2.0**-54
    wanted = [normal_quantile(u) for u in uniforms[:n]] + uniforms[n:].tolist()
    normals_in_place(uniforms, n, np.empty(n + 8))
    assert uniforms.tolist() == wanted


# two logarithms of at most 1 ulp each, and the rounding of their difference
@pytest.mark.parametrize("p", SHARES.values(), ids=SHARES.keys())
def test_logit_is_scipys(p: Floats) -> None:
    np.testing.assert_allclose(ours(logit, p), special.logit(p), rtol=2**-50, atol=2**-51)


# A contracted product (fused multiply-add) would show in the last bit.
@pytest.mark.parametrize(
    ("function", "x"),
    [
        (pexp, EXPONENTS["everywhere"]),
        (plog, POSITIVE["everywhere"]),
        (normal_quantile, SHARES["middle"]),
        (normal_quantile, SHARES["far tail"]),
        (expit, samples(14, -40.0, 40.0)),
        (logit, SHARES["tails"]),
    ],
)
def test_compiled_and_interpreted_agree_to_the_last_bit(function: Function, x: Floats) -> None:
    interpreted: Function = function.py_func  # type: ignore[attr-defined]
    assert ours(function, x).tolist() == ours(interpreted, x).tolist()
