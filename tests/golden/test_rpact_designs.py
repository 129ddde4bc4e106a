"""Designs, their characteristics and sample sizes against rpact's, written by make_goldens.R."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simtrial.stats.sequential import boundaries
from simtrial.stats.sequential.boundaries import GroupSequential
from simtrial.stats.sequential.characteristics import (
    characteristics,
    cumulative_error,
    required_drift,
    sample_size_ratios,
)
from simtrial.stats.sequential.spending import Spending

FOLDER = Path(__file__).parent / "rpact"
Case = dict[str, Any]

# What was promised is 1e-6 for bounds and 1e-4 for power and sample sizes. rpact integrates by a
# fixed rule: over these designs it differs from ours by at most 9.0e-7 in a bound (six looks),
# 1.6e-8 in a level, 2.4e-7 in the error spent (where nothing stops early, and the exact value is
# alpha), 4.7e-7 in a chance to stop and 2.8e-7 in a ratio of sample sizes.
BOUND = 1e-6
LEVEL = 1e-7
SPENT = 5e-7
POWER = 1e-6
RATIO = 1e-6
PATIENTS = 1e-4


def cases(name: str) -> list[Case]:
    found = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cases"]
    assert isinstance(found, list)
    return found


def named(case: Case) -> str:
    d = case["design"]
    beta = f" beta {d['beta_family']}" if "beta_family" in d else ""
    futility = beta or (" futility" if "futility" in d else "")
    binding = " binding" if d["binding"] else ""
    return f"{d['kind']} K{len(d['information'])} sided {d['sided']}{futility}{binding}"


def built(d: Case) -> GroupSequential:
    """Make the design of a case with our constructors."""
    common: dict[str, Any] = {
        "information": tuple(d["information"]),
        "alpha": d["alpha"],
        "sided": d["sided"],
        "futility": d.get("futility"),
        "binding": d["binding"],
    }
    kind = d["kind"]
    if kind == "wang_tsiatis":
        return boundaries.wang_tsiatis(**common, delta=d["parameter"])
    if kind == "haybittle_peto":
        return boundaries.haybittle_peto(**common, early=d["parameter"])
    if kind in ("pocock", "obrien_fleming"):
        made: GroupSequential = getattr(boundaries, kind)(**common)
        return made
    if kind == "no_early_efficacy":
        looks = len(d["information"])
        spending = Spending(family="given", cumulative_error=(*(0.0,) * (looks - 1), d["alpha"]))
    else:
        spending = spend(kind.removeprefix("spend_"), d.get("parameter"), d.get("alpha_spent"))
    if "beta_family" in d:
        common["beta"] = d["beta"]
        common["beta_spending"] = spend(
            d["beta_family"], d.get("beta_parameter"), d.get("beta_spent")
        )
    return boundaries.from_spending(**common, spending=spending)


def spend(family: Any, parameter: float | None, given: list[float] | None) -> Spending:
    return Spending(
        family=family,
        parameter=parameter,
        cumulative_error=None if given is None else tuple(given),
    )


def without_none(values: list[float | None], none: float) -> list[float]:
    return [none if v is None else v for v in values]


@pytest.mark.parametrize("case", cases("designs.json"), ids=named)
def test_bounds_and_errors_are_those_of_rpact(case: Case) -> None:
    design, want = built(case["design"]), case["rpact"]
    critical = without_none(want["critical"], math.inf)
    np.testing.assert_allclose(design.efficacy, critical, rtol=0, atol=BOUND)
    np.testing.assert_allclose(design.stage_levels, want["stage_levels"], rtol=0, atol=LEVEL)
    if want["futility"] is not None:
        futility = without_none(want["futility"], -math.inf)
        np.testing.assert_allclose(design.interim_futility, futility, rtol=0, atol=BOUND)
    np.testing.assert_allclose(cumulative_error(design), want["alpha_spent"], rtol=0, atol=SPENT)


@pytest.mark.parametrize("case", cases("designs.json"), ids=named)
def test_power_and_sample_sizes_are_those_of_rpact(case: Case) -> None:
    d, want = case["design"], case["rpact"]
    design = built(d)
    power = 1.0 - d["beta"]
    ratios = sample_size_ratios(design, power)
    assert ratios.drift**2 == pytest.approx(want["shift"], rel=RATIO)
    assert ratios.inflation == pytest.approx(want["inflation"], rel=RATIO)
    for ours in ("expected_h0", "expected_h01", "expected_h1"):
        if want[ours] is not None:
            assert getattr(ratios, ours) == pytest.approx(want[ours], rel=RATIO), ours
    seen = characteristics(design, required_drift(design, power))
    if want["reject"] is not None:
        np.testing.assert_allclose(seen.upper, want["reject"], rtol=0, atol=POWER)
        futile = without_none(want["futile"], 0.0)
        np.testing.assert_allclose(seen.futility[:-1], futile, rtol=0, atol=POWER)


@pytest.mark.parametrize("case", cases("means.json"), ids=named)
def test_trials_of_two_means_are_those_of_rpact(case: Case) -> None:
    d, want, n = case["design"], case["rpact"], case["n"]
    design = built(d)
    effect = case["mean_difference"] / case["sd"]
    # two arms of n / 2: the variance of the difference in means is 4 sd**2 / n
    seen = characteristics(design, effect * math.sqrt(n / 4.0))
    # rpact counts rejections on both sides here, and those of its design on the upper side
    assert seen.rejection == pytest.approx(want["power"], abs=POWER)
    if want["reject"] is not None:
        np.testing.assert_allclose(seen.upper + seen.lower, want["reject"], rtol=0, atol=POWER)
        futile = without_none(want["futile"], 0.0)
        np.testing.assert_allclose(seen.futility[:-1], futile, rtol=0, atol=POWER)
        assert n * seen.expected_information == pytest.approx(want["expected_n"], abs=PATIENTS)
    drift = required_drift(design, 1.0 - d["beta"])
    required = 4.0 * (drift / effect) ** 2
    assert required == pytest.approx(want["required_n"], abs=PATIENTS)
    for hypothesis, share in (("h0", 0.0), ("h01", 0.5), ("h1", 1.0)):
        expected = required * characteristics(design, share * drift).expected_information
        theirs = want[f"expected_n_{hypothesis}"]
        if theirs is not None:
            assert expected == pytest.approx(theirs, abs=PATIENTS), hypothesis
