"""Random trials that reach every feature of a design and every branch of a patient's course.

Parameters lie within their ranges, spread around rows of the shipped posterior; some are set to
extremes. The same generator seed always gives the same trial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import Arrivals, arrivals_of
from simtrial.cohort.course import CourseTable, course_table
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.cohort.truth import Cohort
from simtrial.core.config import Located, validate
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.myositis.parameters import LINES, PARAMETERS, SUBTYPES, rescue_name
from simtrial.trial.design import Design
from simtrial.trial.posterior import Posterior, load_posterior

Run = Callable[..., Cohort]
Values = dict[str, NDArray[np.float64]]
PATIENTS = 900  # a random trial's replicates together randomise at least so many

_RATIOS = {1: [(1,)], 2: [(1, 1), (2, 1), (1, 3)], 3: [(1, 2, 1), (1, 1, 1), (3, 1, 1)]}
_BACKGROUNDS = ("none", "continued")


@dataclass(frozen=True, kw_only=True)
class RandomTrial:
    """A design with its truth, and which replicates of it are to be run."""

    design: Design
    draws: Values  # name -> (D,)
    correlation: NDArray[np.float64]
    p_background: NDArray[np.float64]  # (D,)
    drug_works: bool
    seed: int
    first: int
    last: int
    drug_harms: bool = True  # False: the drug's infusions harm as a placebo's do

    @property
    def n(self) -> int:
        """The patients of one replicate."""
        return self.design.sample_size.n

    def protocol(self) -> Protocol:
        """Return the design as numbers."""
        return protocol_of(self.design)

    def table(self) -> CourseTable:
        """Return the truth as numbers."""
        return course_table(
            self.design,
            self.draws,
            self.correlation,
            self.p_background,
            drug_works=self.drug_works,
            drug_harms=self.drug_harms,
        )

    def arrivals(self) -> Arrivals:
        """Return the arrivals, with enough candidates for most eligibility rules, not for all."""
        rate = self.design.accrual.patients_per_site_month
        return arrivals_of(self.design.accrual, rate, 0.5, self.n)

    def simulate(self, run: Run) -> Cohort:
        """Run the replicates with one engine."""
        return run(
            self.protocol(),
            self.table(),
            self.arrivals(),
            seed=self.seed,
            first=self.first,
            last=self.last,
            n=self.n,
        )


@cache
def shipped() -> Posterior:
    """Return the shipped posterior, read once."""
    return load_posterior()


@cache
def random_trial(generator_seed: int) -> RandomTrial:
    """Return the random trial of a generator seed."""
    return random_design(np.random.default_rng(generator_seed))


def random_design(generator: np.random.Generator) -> RandomTrial:
    """Return a random trial."""
    design = _design(generator)
    rows = int(generator.choice([1, 2, 3, 7]))
    draws = _draws(generator, rows)
    seed = int(generator.choice([0, 2**63 - 1, *generator.integers(0, 2**63, size=6)]))
    first = int(generator.choice([0, 1, 4_711, 2**31 - 5]))
    return RandomTrial(
        design=design,
        draws=draws,
        correlation=shipped().correlation,
        p_background=_mixed(generator, rows, [0.0, 1.0]),
        drug_works=_chance(generator, 0.85),
        seed=seed,
        first=first,
        last=first + -(-PATIENTS // design.sample_size.n),
    )


def _chance(generator: np.random.Generator, p: float) -> bool:
    return bool(generator.random() < p)


def _mixed(generator: np.random.Generator, rows: int, extremes: list[float]) -> NDArray[np.float64]:
    """Return shares (rows,): uniform, but one in four trials holds an extreme in every row."""
    if _chance(generator, 0.25):
        return np.full(rows, float(generator.choice(extremes)))
    return generator.random(rows)


# --- the protocol -------------------------------------------------------------------------------


def _design(generator: np.random.Generator) -> Design:
    n_visits = int(generator.integers(1, 7))
    later = generator.choice(np.arange(1, 27), size=n_visits, replace=False)
    visits = [0, *sorted(int(w) for w in later)]
    line = str(generator.choice(LINES))
    arms = _arms(generator, visits)
    data = {
        "title": "A random trial",
        "population": _population(generator, line),
        "arms": arms,
        "accrual": _accrual(generator),
        "screening_weeks": int(generator.integers(0, 7)),
        "visits_weeks": visits,
        "prednisolone": {"taper": "stable"},
        "intercurrent": _intercurrent(generator, visits),
        "endpoint": {"measure": "tis_at_least", "threshold": 20, "at_week": visits[-1]},
        "sample_size": {"n": int(generator.integers(20, 121))},
    }
    if len(arms) > 1 or _chance(generator, 0.3):
        data["allocation"] = _allocation(generator, list(arms))
    return validate(Design, Located(data=data, source="random"))


def _population(generator: np.random.Generator, line: str) -> dict:
    kinds = generator.choice(SUBTYPES, size=int(generator.integers(1, 5)), replace=False)
    shares = generator.dirichlet(np.ones(len(kinds)))
    version = str(generator.choice(list(MMT_MAXIMUM)))
    eligibility: dict = {"other_abnormal_measures": int(generator.integers(0, 5))}
    if _chance(generator, 0.6):
        eligibility["mmt_below"] = round(MMT_MAXIMUM[version] * generator.uniform(0.75, 1.0))
    if _chance(generator, 0.6):
        eligibility["prednisolone_at_most_mg"] = float(generator.choice([0.0, 7.5, 10.0, 20.0]))
    return {
        "subtypes": {str(k): float(s) for k, s in zip(kinds, shares, strict=True)},
        "line": line,
        "background": str(generator.choice(_BACKGROUNDS)),
        "mmt": version,
        "eligibility": eligibility,
    }


def _arms(generator: np.random.Generator, visits: list[int]) -> dict[str, dict]:
    drug = {"high": _drug(generator, visits)}
    if _chance(generator, 0.5):
        drug["low"] = _drug(generator, visits)
    if _chance(generator, 0.65):
        like = str(generator.choice(list(drug)))
        drug["placebo"] = {"infusions_like": like}
    order = generator.permutation(list(drug))
    return {str(name): drug[str(name)] for name in order}


def _drug(generator: np.random.Generator, visits: list[int]) -> dict:
    """Return a drug arm: a regular regimen, or a list of courses of 1 to 7 days."""
    last = visits[-1]
    # 12 g/kg in a day would be far above 80 g; 0.3 never is
    dose = float(generator.choice([0.3, 1.0, 2.0, 5.0]))
    days = int(generator.integers(1, 6))
    if _chance(generator, 0.4):
        every = int(generator.integers(1, 7))
        most = last // every + 1
        return {
            "dose_g_per_kg": dose,
            "every_weeks": every,
            "infusions": int(generator.integers(1, most + 1)),
            "days_per_infusion": days,
        }
    # visit weeks are likelier, the last visit's among them: its course ends after the last visit
    pool = np.array([*range(last + 1), *visits, *visits, last])
    weeks = sorted({int(w) for w in generator.choice(pool, size=int(generator.integers(1, 8)))})
    return {
        "courses": [
            {
                "week": week,
                "dose_g_per_kg": float(generator.choice([0.3, 1.0, 2.0, 5.0])),
                "days": int(generator.choice([1, 1, 2, 3, 5, 7])),
            }
            for week in weeks
        ]
    }


def _allocation(generator: np.random.Generator, arms: list[str]) -> dict:
    ratios = _RATIOS[len(arms)]
    ratio = ratios[int(generator.integers(len(ratios)))]
    multiples = generator.choice([1, 2, 3], size=int(generator.integers(1, 4)), replace=False)
    return {
        "ratio": dict(zip(arms, ratio, strict=True)),
        "method": "permuted_blocks",
        "block_sizes": [sum(ratio) * int(m) for m in multiples],
        "strata": ["severity"] if _chance(generator, 0.6) else [],
    }


def _accrual(generator: np.random.Generator) -> dict:
    return {
        "sites": int(generator.integers(1, 13)),
        "site_opening_weeks": float(generator.choice([0.0, 0.0, 3.7, 40.0])),
        # the last gives many candidates in each minute
        "patients_per_site_month": float(generator.choice([0.1, 2.0, 2.0, 10_000.0])),
    }


def _intercurrent(generator: np.random.Generator, visits: list[int]) -> dict:
    out = {}
    if _chance(generator, 0.85):
        out["deterioration"] = {
            "from_week": int(generator.integers(0, visits[-1] + 1)),
            "then": str(generator.choice(["stop_treatment", "leave_study"])),
        }
    if _chance(generator, 0.85):
        out["rescue"] = {
            "allowed_from_week": int(generator.choice([0, *visits[1:-1], visits[-1]])),
            "insufficient_tis_below": float(generator.choice([10.0, 20.0, 40.0])),
            "then": str(generator.choice(["stop_treatment", "leave_study"])),
        }
    if len(out) == 2 and _chance(generator, 0.6):
        # both rules may meet a patient at one visit only if rescue did not come before
        first = next(v for v in visits if v >= out["deterioration"]["from_week"])
        out["deterioration"]["then"] = "stop_treatment"
        out["rescue"]["allowed_from_week"] = first
    if _chance(generator, 0.7):
        out["harm"] = {"then": str(generator.choice(["stop_treatment", "leave_study"]))}
    return out


# --- the truth ----------------------------------------------------------------------------------


def _draws(generator: np.random.Generator, rows: int) -> Values:
    """Return (rows,) values of every parameter of the posterior, shaken and partly extreme."""
    held = shipped().draws
    chosen = generator.integers(0, shipped().n_draws, size=rows)
    out = {name: _shaken(generator, name, held[name][chosen]) for name in sorted(held)}
    # whether one rescues at all is the scenario's: seldom, often, always
    rescue = np.full(rows, float(generator.choice([0.02, 0.3, 0.8, 1.0])))
    out |= {rescue_name(line, b): rescue for line in LINES for b in _BACKGROUNDS}
    out["dropout_16_weeks"] = np.full(rows, float(generator.choice([0.0, 0.05, 0.5, 0.99])))
    out |= _harm(generator, rows)
    if _chance(generator, 0.5):  # deterioration needs errors that are large and last
        for kind in ("vas", "haq", "mmt", "enzyme"):
            out[f"sd_change.{kind}"] = out[f"sd_change.{kind}"] * 4.0
        out["noise_per_4_weeks"] = generator.uniform(0.6, 0.95, size=rows)
    extremes: list[tuple[tuple[str, ...], list[float]]] = [
        (("sd_change.vas", "sd_change.haq", "sd_change.mmt", "sd_change.enzyme"), [0.0]),
        (("depth",), [1.0]),
        (("depth_sd",), [0.0]),
        (("x50_sd",), [0.0]),
        (("k_on",), [1e6, 50.0, 0.0]),
        (("k_background",), [1e6, 0.0]),
        (("hill",), [1.0, 2.0, 4.0]),
        (("h_eff",), [1.0, 1e6]),
        (("noise_per_4_weeks",), [0.0, 1.0]),
        (("noise_shared",), [0.0, 1.0]),
        (("background_depth",), [0.0, 1.0]),
        (("prednisolone_share[first_line]", "prednisolone_share[refractory]"), [0.0, 1.0]),
        (("weight.women", "weight.men"), [30.0, 200.0]),
    ]
    for names, values in extremes:
        if _chance(generator, 0.15):
            value = float(generator.choice(values))
            for name in names:
                out[name] = np.full(rows, value)
    return out


def _harm(generator: np.random.Generator, rows: int) -> Values:
    """Return rates of harm from as shipped to far beyond, so that every event happens often."""
    often = {
        "reaction.per_course[ivig]": [0.3, 1.0, 20.0],
        "reaction.per_course[placebo]": [0.0, 0.1, 1.0],
        "reaction.first_course": [1.0, 3.0],
        "reaction.serious": [0.0, 0.1, 0.5],
        "thromboembolism.per_course": [0.0, 0.02, 0.3, 5.0],
        "thromboembolism.per_year": [0.0, 0.02, 1.0],
        "thromboembolism.first_days": [0.0, 0.5, 1.0],
        "serious.per_course[ivig]": [0.0, 0.02, 0.5],
        "serious.per_course[placebo]": [0.0, 0.02, 0.5],
        "stop.reaction": [0.0, 0.02, 0.3],
        "stop.serious": [0.0, 0.5, 1.0],
        "cancer_share": [0.0, 0.05, 0.5],
        "previous_thromboembolism_share": [0.0, 0.05, 1.0],
    }
    return {name: np.full(rows, float(generator.choice(v))) for name, v in often.items()}


def _shaken(
    generator: np.random.Generator, name: str, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values moved at random on the parameter's free scale, within its range."""
    parameter = PARAMETERS[name]
    z = generator.normal(size=values.shape)
    if parameter.scale == "log":
        moved = values * np.exp(0.4 * z)
    elif parameter.scale == "logit":
        odds = values / (1.0 - values) * np.exp(0.8 * z)
        moved = odds / (1.0 + odds)
    else:
        moved = values + 0.8 * z
    return np.clip(moved, parameter.lowest, parameter.highest)
