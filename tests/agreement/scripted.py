"""Small trials whose numbers are chosen, so that instants coincide and answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.arrivals import Arrivals
from simtrial.cohort.course import CourseTable, course_table
from simtrial.cohort.draws import draw_plan, fill_enrolled
from simtrial.cohort.dynamics import without_dynamics
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.cohort.risk import without_harm
from simtrial.cohort.truth import Cohort
from simtrial.core.arithmetic import plog
from simtrial.core.config import Located, validate
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK
from simtrial.myositis.enzymes import OTHERS
from simtrial.myositis.measures import MEASURES
from simtrial.trial.design import Design
from tests.agreement.random_designs import Run, Values

SEED = 20_260_118
WEEK, DAY = MINUTES_PER_WEEK, MINUTES_PER_DAY

# Everybody responds fully and in the same way; nothing is noise; nobody is lost or rescued.
PLAIN: dict[str, float] = {
    "p_response[DM, refractory]": 1.0,
    "depth": 1.0,
    "depth_sd": 0.0,
    "k_on": 0.5,
    "x50": 0.5,
    "x50_sd": 0.0,
    "h_eff": 14.0,
    "hill": 3.0,
    **{f"loading.{measure}": 1.0 for measure in MEASURES},
    "sd_change.vas": 0.0,
    "sd_change.haq": 0.0,
    "sd_change.mmt": 0.0,
    "sd_change.enzyme": 0.0,
    "noise_shared": 0.3,
    "noise_per_4_weeks": 0.3,
    "background_depth": 0.5,
    "k_background": 0.25,
    "rescue_per_visit[refractory, continued]": 0.0,
    "dropout_16_weeks": 0.0,
    **{f"baseline.{measure}.location": 0.5 for measure in MEASURES},
    **{f"baseline.{measure}.scale": 0.5 for measure in MEASURES},
    "female_share": 0.5,
    "age.location": 0.2,
    "age.scale": 0.5,
    "weight.women": 70.0,
    "weight.men": 80.0,
    "weight.log_sd": 0.1,
    "prednisolone_share[refractory]": 0.5,
    "prednisolone.median": 10.0,
    "prednisolone.log_sd": 0.5,
    # the enzymes beside creatine kinase are far below it: it is the one that counts
    "enzyme.correlation": 0.0,
    **{f"enzyme.{other}.raised": 0.001 for other in OTHERS},
    **{f"enzyme.{other}.scale": 2.0 for other in OTHERS},
    # nothing is missing
    "missing.visit": 0.0,
    **{f"missing.item.{measure}": 0.0 for measure in MEASURES},
    "reporting_shift.patient": 0.0,
    "reporting_shift.haq": 0.0,
    "unblinding_shift": 0.0,
    "juvenile.age.location": 0.0,
    "juvenile.age.scale": 1.0,
    "juvenile.weight.at_2": 12.0,
    "juvenile.weight.per_year": 3.0,
    "juvenile.weight.log_sd": 0.2,
    # no harm: every rate is 0
    **{name: float(value[0]) for name, value in without_harm(1).items()},
    "reaction.first_course": 1.0,
    "lack_of_effect_per_visit": 0.0,
    "standard.depth": 0.0,
    "standard.k": 0.25,
    "supply.per_year": 0.0,
    "supply.weeks": 4.0,
    "screening.other": 0.0,
    # no decline, nobody's benefit fades, prednisolone has no effect, no flares
    **{name: float(value[0]) for name, value in without_dynamics(1).items()},
}
# Errors so large that some patients meet the rule of deterioration at visits in a row.
NOISY: dict[str, float] = {
    "sd_change.vas": 5.0,
    "sd_change.haq": 1.5,
    "sd_change.mmt": 0.3,
    "noise_per_4_weeks": 0.8,
    "p_response[DM, refractory]": 0.0,
}


def design(**changes: Any) -> Design:
    """Return a small design of one arm with one-day courses at the visits, changed as asked."""
    data: dict[str, Any] = {
        "title": "A scripted trial",
        "population": {"subtypes": {"DM": 1.0}, "line": "refractory", "mmt": "MMT8_150"},
        "arms": {"ivig": {"dose_g_per_kg": 1.0, "every_weeks": 4, "infusions": 3}},
        "accrual": {"sites": 1, "patients_per_site_month": 10.0},
        "visits_weeks": [0, 4, 8, 12],
        "prednisolone": {"taper": "stable"},
        "endpoint": {"measure": "tis_at_least", "threshold": 20, "at_week": 12},
        "sample_size": {"n": 20},
    }
    weeks = changes.get("visits_weeks", data["visits_weeks"])
    data["endpoint"] = {**data["endpoint"], "at_week": weeks[-1]}
    return validate(Design, Located(data=data | changes, source="scripted"))


def table_of(
    protocol_design: Design, values: dict[str, float], *, courses_add: bool = False
) -> CourseTable:
    """Return one row of parameters: the plain ones, replaced by ``values``."""
    assert set(values) <= set(PLAIN)
    draws: Values = {name: np.array([value]) for name, value in (PLAIN | values).items()}
    return course_table(
        protocol_design,
        draws,
        np.eye(6),
        np.zeros(1),
        drug_works=True,
        courses_add=courses_add,
    )


def arrivals(
    *, sites: int = 1, per_minute: float = 1e-3, most_candidates: int = 100_000
) -> Arrivals:
    """Return sites that are all open from the start."""
    return Arrivals(opening=np.zeros(sites), per_minute=per_minute, most_candidates=most_candidates)


def simulate(
    run: Run,
    scripted: Design,
    *,
    replicates: int = 1,
    dropout_per_minute: NDArray[np.float64] | None = None,
    clots_per_minute: NDArray[np.float64] | None = None,
    come: Arrivals | None = None,
    courses_add: bool = False,
    **values: float,
) -> Cohort:
    """Run a scripted trial; with rates of dropout (R,), replicate i has the i-th of them.

    So it is with rates of a thromboembolism without a course.

    Keywords name parameters as ``PLAIN`` does; those with brackets are passed by ``**``.
    """
    protocol: Protocol = protocol_of(scripted)
    table = table_of(scripted, values, courses_add=courses_add)
    rates = dropout_per_minute if dropout_per_minute is not None else clots_per_minute
    if rates is not None:
        replicates = rates.shape[0]
        table = repeated(table, replicates)
    if dropout_per_minute is not None:
        table = table._replace(dropout_per_minute=dropout_per_minute)
    if clots_per_minute is not None:
        table = table._replace(risk=table.risk._replace(clot_per_minute=clots_per_minute))
    return run(
        protocol,
        table,
        come or arrivals(),
        seed=SEED,
        first=0,
        last=replicates,
        n=scripted.sample_size.n,
    )


def repeated(table: CourseTable, rows: int) -> CourseTable:
    """Return a table of one row as one of many equal rows."""
    once = ("subtype_upto", "root")

    def one(name: str, column: Any) -> Any:
        if name in once:
            return column
        if isinstance(column, tuple):  # a table within the table
            return type(column)(*(np.repeat(c, rows, axis=0) for c in column))
        return np.repeat(column, rows, axis=0)

    return CourseTable(**{name: one(name, c) for name, c in table._asdict().items()})


def _enrolled_uniform(scripted: Design, replicate: int, candidate: int, position: int) -> float:
    protocol = protocol_of(scripted)
    plan = draw_plan(protocol.visit_week, protocol.course_week)
    filled = np.empty(plan.enrolled_room)
    fill_enrolled(filled, plan, SEED, replicate, candidate)
    return float(filled[plan.n_normals + position])


def rates_that_harm_the_first_patient(
    scripted: Design, minutes: Sequence[int]
) -> NDArray[np.float64]:
    """Return (R,) rates: patient 0 of replicate i has a thromboembolism at the i-th minute."""
    return np.array(
        [
            -plog(_enrolled_uniform(scripted, i, 0, at.SPONTANEOUS_AT)) / minute
            for i, minute in enumerate(minutes)
        ]
    )


def dropout_uniform(scripted: Design, replicate: int, candidate: int) -> float:
    """Return the uniform that decides when a candidate drops out."""
    return _enrolled_uniform(scripted, replicate, candidate, at.DROPOUT_AT)


def rates_that_lose_the_first_patient(
    scripted: Design, minute: int, *, replicates: int = 8
) -> NDArray[np.float64]:
    """Return (R,) rates of dropout: with the i-th, patient 0 of replicate i drops at ``minute``."""
    return np.array(
        [-plog(dropout_uniform(scripted, i, candidate=0)) / minute for i in range(replicates)]
    )
