"""Random trials that reach every feature of a design and every branch of a patient's course.

Parameters lie within their ranges, spread around rows of the shipped posterior; some are set to
extremes. The same generator seed always gives the same trial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import Arrivals, arrivals_of
from simtrial.cohort.course import CourseTable, course_table
from simtrial.cohort.event_rates import without_events
from simtrial.cohort.orders import Order, orders_of
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.cohort.truth import Cohort
from simtrial.core.config import Located, validate
from simtrial.core.errors import DesignError
from simtrial.myositis.measures import JUVENILE_ONLY, MMT_MAXIMUM
from simtrial.myositis.parameters import LINES, SUBTYPES
from simtrial.trial.design import Design
from tests.agreement.random_recruitment import with_recruitment
from tests.agreement.random_treatment import USUAL, Adapting, chance, with_treatment
from tests.agreement.random_truth import BACKGROUNDS, Values, mixed, random_truth, shipped

Run = Callable[..., Cohort]
PATIENTS = 900  # a random trial's replicates together randomise at least so many
WHOLE_PATIENTS = 420  # and those of a whole one
NEVER = Adapting(share=0.0, lack=0.0, crowded=0.0, then=None)
OFTEN = Adapting(share=0.85, lack=0.85, crowded=0.5, then=(0.12, 0.1, 0.13, 0.35, 0.3))
CALM = {  # harm seldom ends anything, and few drop out
    **{"stop.serious": 0.05, "stop.reaction": 0.0, "fatal.serious": 0.0},
    **{"death.per_year[IBM]": 0.02, "death.per_year[others]": 0.02, "dropout_16_weeks": 0.05},
}

_RATIOS = {1: [(1,)], 2: [(1, 1), (2, 1), (1, 3)], 3: [(1, 2, 1), (1, 1, 1), (3, 1, 1)]}


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
    courses_add: bool = False  # True: exposure is the sum of the courses' effects
    given: Sequence[Sequence[Order]] = ((),)  # orders to each replicate, or those of one for all

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
            courses_add=self.courses_add,
        )

    def arrivals(self) -> Arrivals:
        """Return the arrivals, with enough candidates for most eligibility rules, not for all."""
        accrual, subtypes = self.design.accrual, tuple(self.design.population.subtypes)
        return arrivals_of(accrual, accrual.patients_per_site_month, 0.5, self.n, subtypes)

    def simulate(self, run: Run) -> Cohort:
        """Run the replicates with one engine."""
        protocol = self.protocol()
        return run(
            protocol,
            self.table(),
            self.arrivals(),
            seed=self.seed,
            first=self.first,
            last=self.last,
            n=self.n,
            orders=orders_of(protocol.allocation, self.given),
        )


@cache
def random_trial(generator_seed: int) -> RandomTrial:
    """Return the random trial of a generator seed."""
    return random_design(np.random.default_rng(generator_seed))


@cache
def plain_trial(generator_seed: int) -> RandomTrial:
    """Return a random trial whose courses are planned once: no rule and no supply changes them.

    For laws that hold of a fixed plan only; changing ones are told again by a second reader.
    """
    trial = random_design(np.random.default_rng(generator_seed), NEVER)
    steady = {"supply.per_year": np.zeros(trial.p_background.shape[0])}
    return replace(trial, draws=trial.draws | steady)


@cache
def trial_without_events(generator_seed: int) -> RandomTrial:
    """Return a plain trial in which the classes of ``myositis.events`` never happen."""
    trial = plain_trial(generator_seed)
    return replace(trial, draws=trial.draws | without_events(trial.p_background.shape[0]))


@cache
def recruiting_trial(generator_seed: int) -> RandomTrial:
    """Return a random trial that uses the ways to recruit and to allocate; a small one."""
    generator = np.random.default_rng(generator_seed)
    trial = random_design(generator)
    return with_recruitment(generator, replace(trial, last=min(trial.last, trial.first + 3)))


@cache
def whole_trial(generator_seed: int) -> RandomTrial:
    """Return a random trial that may use all features at once: it recruits, adapts and harms.

    Treatment is changed more often than in ``random_trial``, and in half of the trials harm and
    dropout are rare, so that patients stay for what comes late. About half as many patients.
    """
    generator = np.random.default_rng([generator_seed, 1])
    trial = random_design(generator, OFTEN)
    trial = replace(trial, last=trial.first + -(-WHOLE_PATIENTS // trial.n))
    if chance(generator, 0.5):
        rows = trial.p_background.shape[0]
        calm = {name: np.full(rows, value) for name, value in CALM.items()}
        trial = replace(trial, draws=trial.draws | calm)
    return with_recruitment(generator, trial) if chance(generator, 0.75) else trial


def random_design(generator: np.random.Generator, adapting: Adapting = USUAL) -> RandomTrial:
    """Return a random trial, with so much treatment that adapts."""
    design = _design(generator, adapting)
    rows = int(generator.choice([1, 2, 3, 7]))
    draws = random_truth(generator, rows)
    seed = int(generator.choice([0, 2**63 - 1, *generator.integers(0, 2**63, size=6)]))
    first = int(generator.choice([0, 1, 4_711, 2**31 - 5]))
    return RandomTrial(
        design=design,
        draws=draws,
        correlation=shipped().correlation,
        p_background=mixed(generator, rows, [0.0, 1.0]),
        drug_works=chance(generator, 0.85),
        seed=seed,
        first=first,
        last=first + -(-PATIENTS // design.sample_size.n),
        courses_add=chance(generator.spawn(1)[0], 0.3),
    )


# --- the protocol -------------------------------------------------------------------------------


def _design(generator: np.random.Generator, adapting: Adapting) -> Design:
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
        "prednisolone": _prednisolone(generator.spawn(1)[0], visits),
        "intercurrent": _intercurrent(generator, visits),
        "endpoint": {"measure": "tis_at_least", "threshold": 20, "at_week": visits[-1]},
        "sample_size": {"n": int(generator.integers(20, 121))},
    }
    own = generator.spawn(1)[0]
    data |= _measuring(own, visits)
    data["population"] |= _ages(own, data["population"])
    if len(arms) > 1 or chance(generator, 0.3):
        data["allocation"] = _allocation(generator, list(arms))
    (apart,) = generator.spawn(1)  # a stream of its own: the rest stays what it was
    if chance(apart, adapting.share):
        data = with_treatment(apart, data, adapting)
    # windows in which courses could overlap are refused: then a narrow one, or none
    for window in (data["visit_window_days"], min(3, data["visit_window_days"])):
        try:
            tried = data | {"visit_window_days": window}
            return validate(Design, Located(data=tried, source="random"))
        except DesignError:
            continue
    return validate(Design, Located(data=data | {"visit_window_days": 0}, source="random"))


def _measuring(generator: np.random.Generator, visits: list[int]) -> dict:
    """Return windows of visits up to the widest that keep their order, and the rule of the score.

    From a generator of its own, so that the other numbers of a random trial stay as they were.
    """
    gaps = np.diff(visits)
    widest = min([7 * int(gaps[0]) - 1, *((7 * int(g) - 1) // 2 for g in gaps[1:]), 60])
    return {
        "visit_window_days": int(generator.choice([0, 0, 0, 1, min(3, widest), widest])),
        "tis_missing": str(generator.choice(["missing", "zero"])),
        "blinding": [None, "open_label", "double_blind"][int(generator.integers(3))],
    }


def _ages(generator: np.random.Generator, people: dict) -> dict:
    """Return changes that make one design in five one of juveniles, half of these with CMAS."""
    if not chance(generator, 0.2):
        return {}
    if chance(generator, 0.5):
        return {"age_group": "juvenile"}
    rules = people["eligibility"]
    if "mmt_below" in rules:
        share = rules["mmt_below"] / MMT_MAXIMUM[people["mmt"]]
        rules = rules | {"mmt_below": round(MMT_MAXIMUM["CMAS_52"] * share)}
    return {"age_group": "juvenile", "mmt": "CMAS_52", "eligibility": rules}


def _population(generator: np.random.Generator, line: str) -> dict:
    kinds = generator.choice(SUBTYPES, size=int(generator.integers(1, 5)), replace=False)
    shares = generator.dirichlet(np.ones(len(kinds)))
    version = str(generator.choice([v for v in MMT_MAXIMUM if v not in JUVENILE_ONLY]))
    eligibility: dict = {"other_abnormal_measures": int(generator.integers(0, 5))}
    if chance(generator, 0.6):
        eligibility["mmt_below"] = round(MMT_MAXIMUM[version] * generator.uniform(0.75, 1.0))
    if chance(generator, 0.6):
        eligibility["prednisolone_at_most_mg"] = float(generator.choice([0.0, 7.5, 10.0, 20.0]))
    return {
        "subtypes": {str(k): float(s) for k, s in zip(kinds, shares, strict=True)},
        "line": line,
        "background": str(generator.choice(BACKGROUNDS)),
        "mmt": version,
        "eligibility": eligibility,
    }


def _arms(generator: np.random.Generator, visits: list[int]) -> dict[str, dict]:
    drug = {"high": _drug(generator, visits)}
    if chance(generator, 0.5):
        drug["low"] = _drug(generator, visits)
    if chance(generator, 0.65):
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
    if chance(generator, 0.4):
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
        "strata": ["severity"] if chance(generator, 0.6) else [],
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
    if chance(generator, 0.85):
        out["deterioration"] = {
            "from_week": int(generator.integers(0, visits[-1] + 1)),
            "then": str(generator.choice(["stop_treatment", "leave_study"])),
        }
    if chance(generator, 0.85):
        out["rescue"] = {
            "allowed_from_week": int(generator.choice([0, *visits[1:-1], visits[-1]])),
            "insufficient_tis_below": float(generator.choice([10.0, 20.0, 40.0])),
            "then": str(generator.choice(["stop_treatment", "leave_study"])),
        }
    if len(out) == 2 and chance(generator, 0.6):
        # both rules may meet a patient at one visit only if rescue did not come before
        first = next(v for v in visits if v >= out["deterioration"]["from_week"])
        out["deterioration"]["then"] = "stop_treatment"
        out["rescue"]["allowed_from_week"] = first
    raises = generator.spawn(1)[0]
    for rule in sorted(out):
        if chance(raises, 0.3):
            out[rule]["prednisolone_mg"] = float(raises.choice([5.0, 30.0, 500.0]))
    if chance(generator, 0.7):
        out["harm"] = {"then": str(generator.choice(["stop_treatment", "leave_study"]))}
    return out


def _prednisolone(generator: np.random.Generator, visits: list[int]) -> dict:
    """Return a rule for prednisolone, stable in three of ten, with keys of its kind."""
    kind = str(generator.choice(["stable", "step", "proportional", "forced", "practice"]))
    if chance(generator, 0.12):
        kind = "stable"
    every = int(generator.choice([1, 2, 4, 8]))
    keys: dict[str, list] = {
        "from_week": [0, visits[1], int(generator.integers(0, visits[-1] + 1))],
        "every_weeks": [every],
        "improved_tis": [2.5, 20.0, 40.0],
        "floor_mg": [2.5, 5.0, 7.5],
        "back_up_mg": [0.0, 5.0, 10.0],
        "at_most_mg": [30.0, 100.0],
        "steps_mg": [{"above_20": 7.5}, {"to_10": 1.0}],
        "hold_on_flare": [True],
    }
    by_response = ["from_week", "every_weeks", "improved_tis", "floor_mg", "back_up_mg"]
    of = {
        "stable": [],
        "step": [*by_response, "steps_mg"],
        "proportional": by_response,
        "forced": ["from_week", "every_weeks", "hold_on_flare"],
        "practice": ["from_week", "back_up_mg"],
    }
    out: dict = {"taper": kind}
    for key in [*of[kind], "at_most_mg"]:
        if chance(generator, 0.5):
            values = keys[key]
            out[key] = values[int(generator.integers(len(values)))]
    if kind == "proportional":
        out["share"] = float(generator.choice([0.05, 0.2, 0.5, 1.0]))
    if kind == "forced":
        out["target_mg"] = float(generator.choice([0.0, 4.0, 15.0]))
        out["target_week"] = out.get("from_week", 0) + int(generator.choice([1, 7, 30]))
    return out
