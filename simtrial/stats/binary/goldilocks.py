"""Goldilocks designs with a binary outcome: sample size by predictive probability, exactly.

At each look some enrolled patients have no outcome yet. Accrual stops for expected success when
the predictive probability of success with the patients enrolled, all followed, is above a
threshold; else the trial stops for futility when that of success at the largest size is below
another. Success is decided once, when the last pending patient has an outcome; a trial stopped for
futility is a failure and its pending patients are not looked at.

No decision depends on more than the responders among completed patients, so the counts at the
looks are a Markov chain: its distribution is carried from look to look by binomial increments, and
at a stop through the pending patients to the final decision. Nothing is simulated.

Look and stage sizes are fixed per arm. A trial of one arm is one whose control has 0 patients.

References
----------
Broglio KR, Connor JT, Berry SM. Not too big, not too small: a Goldilocks approach to sample size
selection. J Biopharm Stat 2014;24:685-705.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel
from simtrial.core.errors import DomainError
from simtrial.stats.beta import ROUNDING
from simtrial.stats.binary.beta_binomial import Prior
from simtrial.stats.binary.binomial import binomial_probabilities, check_rate, check_size
from simtrial.stats.binary.predictive import checked_table, predict_two_arms

type Floats = NDArray[np.float64]
type Flags = NDArray[np.bool_]


class Sizes(NamedTuple):
    """Numbers of patients by arm; without a control the trial has one arm."""

    treated: int
    control: int = 0


@dataclass(frozen=True, kw_only=True)
class SampleSizeLook:
    """A look at ``completed`` of ``enrolled`` patients, and its two thresholds.

    ``success_above`` 1 never stops accrual for success, ``futility_below`` 0 never for futility.
    """

    enrolled: Sizes
    completed: Sizes
    success_above: float
    futility_below: float

    def __post_init__(self) -> None:
        for name, value in (
            ("success_above", self.success_above),
            ("futility_below", self.futility_below),
        ):
            if not 0.0 <= value <= 1.0:
                raise DomainError(
                    f"{name} is {value:g}; a probability lies in 0..1, such as {name}=0.9."
                )
        for arm in Sizes._fields:
            completed, enrolled = getattr(self.completed, arm), getattr(self.enrolled, arm)
            check_size(f"completed.{arm}", completed)
            check_size(f"enrolled.{arm}", enrolled)
            if completed > enrolled:
                raise DomainError(
                    f"completed.{arm} is {completed} of {enrolled} enrolled; outcomes are of "
                    f"enrolled patients, so write at most {enrolled}."
                )


@dataclass(frozen=True, kw_only=True)
class GoldilocksDesign:
    """Looks, largest size, the final decision, and the priors used for prediction.

    Parameters
    ----------
    looks : at increasing numbers of enrolled patients.
    maximum : patients when accrual ends by itself; all are followed.
    success : the final decision at given sizes: (treated + 1, control + 1) True where these
        numbers of responders are a success; with one arm (treated + 1,) is enough.
    treated_prior, control_prior : for prediction; the final decision may rest on others. Without
        a control no prior of it.
    """

    looks: tuple[SampleSizeLook, ...]
    maximum: Sizes
    success: Callable[[Sizes], NDArray[np.bool_]]
    treated_prior: Prior
    control_prior: Prior | None = None

    def __post_init__(self) -> None:
        check_size("maximum.treated", self.maximum.treated)
        check_size("maximum.control", self.maximum.control)
        for earlier, later in pairwise(self.looks):
            if sum(later.enrolled) <= sum(earlier.enrolled):
                raise DomainError(
                    f"looks are at {sum(earlier.enrolled)} and then {sum(later.enrolled)} "
                    "enrolled patients; each look must have more than the one before, such as "
                    "20, 30, 40."
                )
        if (self.maximum.control > 0) != (self.control_prior is not None):
            raise DomainError(
                f"maximum.control is {self.maximum.control} and control_prior "
                f"{self.control_prior}; a control has a prior, such as (1, 1), and a trial of one "
                "arm has none."
            )
        for what in ("completed", "enrolled"):
            sizes: list[Sizes] = [getattr(look, what) for look in self.looks]
            for before, after in pairwise([*sizes, self.maximum]):
                if after.treated < before.treated or after.control < before.control:
                    raise DomainError(
                        f"{what} patients go from {tuple(before)} to {tuple(after)} (treated, "
                        "control); they can only grow, up to the largest size, such as (20, 20) "
                        "to (30, 30)."
                    )


@dataclass(frozen=True, kw_only=True)
class LookRegions:
    """What each data set of a look leads to, and the final decision if accrual stops there.

    Axes of all arrays: responders among completed treated patients, and controls, each plus 1
    (``final``: among enrolled patients).
    """

    look: SampleSizeLook
    predicted_now: Floats
    predicted_maximum: Floats
    stop_success: Flags
    stop_futility: Flags
    final: Floats


@dataclass(frozen=True, kw_only=True)
class GoldilocksPlan:
    """A design with every decision worked out; it serves any number of true rates."""

    design: GoldilocksDesign
    looks: tuple[LookRegions, ...]
    final: Floats


@dataclass(frozen=True, kw_only=True)
class GoldilocksCharacteristics:
    """Exact operating characteristics under true rates of response.

    Attributes
    ----------
    success : chance that the final decision is success, over all ways to get there.
    stop_success, stop_futility : by look, chance that accrual stops there and for what.
    stop_success_and_succeed : by look, chance to stop for expected success and then to succeed.
    reach_maximum, reach_maximum_and_succeed : the same for accrual that ends by itself.
    expected : expected number of enrolled patients by arm.
    """

    treated_rate: float
    control_rate: float | None
    success: float
    stop_success: tuple[float, ...]
    stop_futility: tuple[float, ...]
    stop_success_and_succeed: tuple[float, ...]
    reach_maximum: float
    reach_maximum_and_succeed: float
    expected: tuple[float, float]

    @property
    def expected_n(self) -> float:
        """Expected number of enrolled patients."""
        return sum(self.expected)

    @property
    def success_given_stop(self) -> tuple[float | None, ...]:
        """By look, chance to succeed in the end, given a stop for expected success there."""
        return tuple(
            good / stop if stop > 0.0 else None
            for good, stop in zip(self.stop_success_and_succeed, self.stop_success, strict=True)
        )

    @property
    def flip_flop(self) -> float | None:
        """Chance to fail in the end, given a stop for expected success at any look."""
        stop = sum(self.stop_success)
        return 1.0 - sum(self.stop_success_and_succeed) / stop if stop > 0.0 else None


def plan_goldilocks(design: GoldilocksDesign) -> GoldilocksPlan:
    """Return the design with the decision of every data set at every look.

    Raises
    ------
    DomainError : when the final decision is not a table of the sizes it was asked for.
    """
    # without a control its prior predicts the responders of nobody
    priors = (design.treated_prior, design.control_prior or (1.0, 1.0))
    final = _final_table(design, design.maximum)
    looks = []
    for look in design.looks:
        now = _final_table(design, look.enrolled)
        predicted_now = predict_two_arms(now, priors, look.completed)
        predicted_maximum = predict_two_arms(final, priors, look.completed)
        stop_success = predicted_now > look.success_above + ROUNDING
        stop_futility = (predicted_maximum < look.futility_below - ROUNDING) & ~stop_success
        looks.append(
            LookRegions(
                look=look,
                predicted_now=predicted_now,
                predicted_maximum=predicted_maximum,
                stop_success=stop_success,
                stop_futility=stop_futility,
                final=now,
            )
        )
    return GoldilocksPlan(design=design, looks=tuple(looks), final=final)


def goldilocks_characteristics(
    plan: GoldilocksPlan, *, treated_rate: float, control_rate: float | None = None
) -> GoldilocksCharacteristics:
    """Return exact operating characteristics under true rates of response.

    Raises
    ------
    DomainError : when a rate is outside 0..1, or the control has a rate and no patients or the
        other way round.
    """
    if (plan.design.maximum.control > 0) != (control_rate is not None):
        raise DomainError(
            f"control_rate is {control_rate} and the control has up to "
            f"{plan.design.maximum.control} patients; give a rate, such as control_rate=0.4, to a "
            "trial with a control and only to it."
        )
    check_rate("treated_rate", treated_rate)
    rates = (treated_rate, 0.0 if control_rate is None else control_rate)
    check_rate("control_rate", rates[1])
    # joint chance of still accruing and of the counts among completed patients
    going, completed = np.ones((1, 1)), Sizes(0, 0)
    by_success, by_futility, good = [], [], []
    expected = np.zeros(2)
    for at in plan.looks:
        going = _carried(going, completed, at.look.completed, rates)
        completed = at.look.completed
        stopped = np.where(at.stop_success, going, 0.0)
        by_success.append(float(stopped.sum()))
        by_futility.append(float(going[at.stop_futility].sum()))
        followed = _carried(stopped, completed, at.look.enrolled, rates)
        good.append(float((followed * at.final).sum()))
        expected += (by_success[-1] + by_futility[-1]) * np.array(at.look.enrolled)
        going = np.where(at.stop_success | at.stop_futility, 0.0, going)
    reach = float(going.sum())
    expected += reach * np.array(plan.design.maximum)
    followed = _carried(going, completed, plan.design.maximum, rates)
    good_at_maximum = float((followed * plan.final).sum())
    return GoldilocksCharacteristics(
        treated_rate=treated_rate,
        control_rate=control_rate,
        success=sum(good) + good_at_maximum,
        stop_success=tuple(by_success),
        stop_futility=tuple(by_futility),
        stop_success_and_succeed=tuple(good),
        reach_maximum=reach,
        reach_maximum_and_succeed=good_at_maximum,
        expected=(float(expected[0]), float(expected[1])),
    )


# --- helpers ------------------------------------------------------------------------------------


def _final_table(design: GoldilocksDesign, sizes: Sizes) -> Floats:
    table = np.asarray(design.success(sizes))
    if table.ndim == 1 and sizes.control == 0:
        table = table[:, None]
    wanted = (sizes.treated + 1, sizes.control + 1)
    if table.shape != wanted:
        raise DomainError(
            f"the final decision at {tuple(sizes)} patients has shape {table.shape}; it must have "
            f"one element for each pair of numbers of responders, {wanted}."
        )
    return checked_table(table, arms=2)


def _carried(chances: Floats, before: Sizes, after: Sizes, rates: tuple[float, float]) -> Floats:
    """Return the joint chances of the counts once the patients in between have outcomes too."""
    first = binomial_probabilities(after.treated - before.treated, rates[0])
    second = binomial_probabilities(after.control - before.control, rates[1])
    out = _convolved(chances, first)
    return np.ascontiguousarray(_convolved(np.ascontiguousarray(out.T), second).T)


@kernel
def _convolved(chances: Floats, more: Floats) -> Floats:
    """Return (n + m + 1, w): each column of (n + 1, w) convolved with (m + 1,)."""
    rows, width, terms = chances.shape[0], chances.shape[1], more.shape[0]
    out = np.zeros((rows + terms - 1, width))
    for i in range(rows):
        for k in range(terms):
            share = more[k]
            for j in range(width):
                out[i + k, j] += share * chances[i, j]
    return out
