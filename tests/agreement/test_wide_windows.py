"""Plans that change at a visit keep their order in the widest window that a design may have."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.reference import engine as reference
from simtrial.core.errors import DesignError
from tests.agreement.scripted import design, simulate

FIRST = {"week": 0, "dose_g_per_kg": 1.0}


def change(*courses):
    return {"at_week": 8, "if_tis_below": 100, "courses": list(courses)}


def one(**arm):
    return {"arms": {"ivig": arm}}


AFTER = {"week": 9, "dose_g_per_kg": 1.0}  # in a week without a visit
SWITCH = {"allowed_from_week": 8, "insufficient_tis_below": 100, "then": "switch"}
# what plans a course after the visit in week 8, and the widest window
PLANS = {
    "a changed course alone": (one(courses=[FIRST], dose_change=[change(AFTER)]), 7),
    "two changed courses": (
        one(courses=[FIRST], dose_change=[change({"week": 8, "dose_g_per_kg": 1.0}, AFTER)]),
        6,
    ),
    "an extension after a course": (
        one(courses=[FIRST, {"week": 8, "dose_g_per_kg": 1.0}])
        | {"extension": {**AFTER, "from_week": 9, "every_weeks": 1, "infusions": 2}},
        6,
    ),
    "an extension after a change": (
        one(courses=[FIRST], dose_change=[change()])
        | {"extension": {**AFTER, "from_week": 9, "every_weeks": 1, "infusions": 2}},
        7,
    ),
    "a switch": (
        {
            "arms": {
                "drug": {"courses": [FIRST, {"week": 1, "dose_g_per_kg": 1.0}]},
                "none": {"no_infusions": True},
            },
            "allocation": {"ratio": {"drug": 1, "none": 1}, "method": "complete"},
            "intercurrent": {"rescue": SWITCH},
        },
        6,
    ),
}
RICH = {
    "sd_change.vas": 2.0,
    "p_response[DM, refractory]": 0.5,
    "rescue_per_visit[refractory, continued]": 0.7,
}


def widened(plan: str, days: int):
    changes, _ = PLANS[plan]
    changes = {
        key: {k: v for k, v in value.items() if k != "week"} if key == "extension" else value
        for key, value in changes.items()
    }
    return design(visits_weeks=[0, 8, 16], visit_window_days=days, **changes)


@pytest.mark.parametrize("plan", PLANS)
def test_a_wider_window_is_refused_with_the_widest(plan):
    most = PLANS[plan][1]
    with pytest.raises(DesignError, match=rf"for example visit_window_days: {most}\."):
        widened(plan, most + 1)


@pytest.mark.parametrize("plan", PLANS)
def test_in_the_widest_window_courses_stay_in_order_and_engines_agree(plan):
    made = [
        simulate(engine.run, widened(plan, PLANS[plan][1]), replicates=20, **RICH)
        for engine in (compiled, reference)
    ]
    assert made[0].first_difference(made[1]) is None
    minute = made[0].seen.course_minute
    given = minute >= 0
    assert given[..., 1].sum() > 50
    later = given[..., 1:] & given[..., :-1]
    assert (np.diff(minute, axis=2)[later] > 0).all()
