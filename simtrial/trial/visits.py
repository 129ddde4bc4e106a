"""Visits that an amendment added: held for patients from one on, and not for those before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from simtrial.core.config import FieldFault
from simtrial.core.located import flow
from simtrial.trial.treatment import Arm

# by week of the visit: the first patient for whom it is held, in order of randomisation from 1
HeldFrom = dict[int, Annotated[int, Field(ge=1)]]
_KEY = "visits_from_patient"


def check_held_from(
    held_from: Mapping[int, int],
    visits_weeks: Sequence[int],
    endpoint_week: int,
    arms: Mapping[str, Arm],
) -> None:
    """Refuse amendments of visits without which a trial could not be read.

    Raises
    ------
    FieldFault
    """
    may = [week for week in visits_weeks[1:-1] if week != endpoint_week]
    for week, patient in held_from.items():
        example = f"{_KEY}: {{{may[0]}: {patient}}}" if may else None
        if week not in visits_weeks:
            rule = f"week {week} is no visit; visits_weeks are {flow(list(visits_weeks))}"
        elif week == 0:
            rule = "week 0 is the baseline, which every patient has"
        elif week == visits_weeks[-1]:
            rule = f"week {week} is the last visit, to which every patient is followed"
        elif week == endpoint_week:
            rule = f"the endpoint is read in week {week}, and would be missing by design"
        else:
            continue
        raise FieldFault(_KEY, rule, example=example)
    for name, arm in arms.items():
        for i, change in enumerate(arm.dose_change):
            first = held_from.get(change.at_week, 1)
            if change.from_patient < first:
                raise FieldFault(
                    ("arms", name, "dose_change", i, "from_patient"),
                    f"the visit of week {change.at_week} is held from patient {first} on "
                    f"({_KEY}), so the rule cannot hold before",
                    example=f"from_patient: {first}",
                )
