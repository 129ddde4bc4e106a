"""Small synthetic cohorts in which much happens, and the same without adverse events."""

from __future__ import annotations

from functools import cache

from simtrial.cohort.snapshot import Snapshot, empty_snapshot
from simtrial.report.synthetic import SyntheticCohort, simulate
from simtrial.trial.design import load_design
from simtrial.trial.scenario import Replacement, Scenario

DEMO = load_design("dm_ivig_16w")
# much rescue, leaving, noise and harm, so that every kind of event occurs
ROUGH = Scenario(
    **{"from": "point"},
    set={
        "rescue_per_visit[refractory, continued]": Replacement(value=0.5),
        "dropout_16_weeks": Replacement(value=0.25),
        "sd_change.vas": Replacement(times=2.5),
        "reaction.per_course[ivig]": Replacement(value=0.8),
        "reaction.per_course[placebo]": Replacement(value=0.3),
        "reaction.serious": Replacement(value=0.2),
        "thromboembolism.per_course": Replacement(value=0.1),
        "thromboembolism.per_year": Replacement(value=0.3),
        "serious.per_course[ivig]": Replacement(value=0.1),
        "meningitis.per_course": Replacement(value=0.05),
        "haemolysis.per_course": Replacement(value=0.05),
        "infection.per_year": Replacement(value=1.0),
        "steroid_toxicity.per_year_10mg": Replacement(value=0.5),
        "cancer.per_year[DM]": Replacement(value=0.2),
        "death.per_year[others]": Replacement(value=0.1),
        "progression.per_year": Replacement(value=0.5),
        "infection.serious": Replacement(value=0.5),
        "fatal.serious": Replacement(value=0.5),
        "cancer_share": Replacement(value=0.2),
        "previous_thromboembolism_share": Replacement(value=0.2),
        "stop.reaction": Replacement(value=0.05),
        "stop.serious": Replacement(value=0.3),
    },
)
WEEK = 10_080
HARM_COLUMNS = (
    *("cancer", "previous_thromboembolism", "reaction_minute", "reaction_kind"),
    *("reaction_serious", "thromboembolism_minute", "serious_minute", "harm_stop_minute"),
    *("migraine", "group_o", "events_minute", "events_detail", "cancer_minute"),
    "death_minute",
)


@cache
def rough(engine: str = "compiled", trials: int = 4, n: int = 40) -> SyntheticCohort:
    return simulate(DEMO, scenario=ROUGH, trials=trials, n=n, engine=engine, name="dm_ivig_16w")


def unharmed(seen: Snapshot) -> Snapshot:
    """Return a copy in which nobody was harmed; stops for another reason stay."""
    calm = empty_snapshot(*seen.arm.shape, seen.tis.shape[2], seen.serious_minute.shape[2])
    copies = {name: column.copy() for name, column in seen._asdict().items()}
    copies["stop_minute"][seen.harm_stop_minute >= 0] = -1
    return Snapshot(**(copies | {name: getattr(calm, name) for name in HARM_COLUMNS}))
