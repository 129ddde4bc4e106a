"""Treatment in the quick engine: the list of courses planned for a patient, and its changes.

The courses given stand first in the list, then those still planned, in order.
"""

from __future__ import annotations

import numpy as np

from simtrial.cohort.compiled.room import Room
from simtrial.cohort.draws import supply_gap
from simtrial.cohort.protocol import NEVER, Protocol
from simtrial.cohort.supply import Supply
from simtrial.cohort.treatment import Treatment
from simtrial.core.compiled import inlined, unowned
from simtrial.core.units import MINUTES_PER_DAY, MINUTES_PER_WEEK


@unowned
def plan_regimen(
    protocol: Protocol, room: Room, regimen: int, shift: int, first_week: int, planned: int
) -> int:
    """Append a regimen's courses, ``shift`` weeks later than written; return how many are listed.

    Left out are courses before ``first_week``, after the last visit, and, but for the extension
    itself, from the extension on.
    """
    rules = protocol.treatment
    beyond = protocol.visit_of_week.shape[0]
    if rules.extension >= 0 and regimen != rules.extension:
        beyond = min(beyond, rules.extension_week)
    for j in range(protocol.n_courses[regimen]):
        week = protocol.course_week[regimen, j] + shift
        if week < first_week or week >= beyond:
            continue
        visit = protocol.visit_of_week[week]
        start = room.visit_minute[visit] if visit >= 0 else week * MINUTES_PER_WEEK
        room.course_week[planned] = week
        room.course_start[planned] = start
        room.course_days[planned] = protocol.course_days[regimen, j]
        room.course_end[planned] = start + (room.course_days[planned] - 1) * MINUTES_PER_DAY
        room.course_dose[planned] = protocol.course_dose[regimen, j]
        room.course_drug[planned] = protocol.course_drug[regimen, j]
        planned += 1
    return planned


@inlined
def plan_treatment(
    protocol: Protocol, room: Room, regimen: int, shift: int, first_week: int, planned: int
) -> int:
    """Append a regimen's courses and those of the extension; return how many are listed."""
    # no plain numbers: it would be compiled for each of them
    shift, first_week = int(np.int64(shift)), int(np.int64(first_week))
    planned = plan_regimen(protocol, room, regimen, shift, first_week, planned)
    if protocol.treatment.extension >= 0:
        planned = plan_regimen(
            protocol, room, protocol.treatment.extension, int(np.int64(0)), first_week, planned
        )
    return planned


@unowned
def plan_next(
    protocol: Protocol, room: Room, arm: int, week: int, start: int, given: int, planned: int
) -> int:
    """Put a course as needed before those planned; return how many are listed."""
    for j in range(planned, given, -1):
        room.course_week[j] = room.course_week[j - 1]
        room.course_start[j] = room.course_start[j - 1]
        room.course_days[j] = room.course_days[j - 1]
        room.course_end[j] = room.course_end[j - 1]
        room.course_dose[j] = room.course_dose[j - 1]
        room.course_drug[j] = room.course_drug[j - 1]
    rules = protocol.treatment
    room.course_week[given] = week
    room.course_start[given] = start
    room.course_days[given] = rules.needed_days[arm]
    room.course_end[given] = start + (rules.needed_days[arm] - 1) * MINUTES_PER_DAY
    room.course_dose[given] = rules.needed_dose[arm]
    room.course_drug[given] = rules.needed_drug[arm]
    return planned + 1


@unowned
def miss_next(room: Room, given: int, planned: int) -> int:
    """Strike the next planned course; return how many are listed."""
    for j in range(given, planned - 1):
        room.course_week[j] = room.course_week[j + 1]
        room.course_start[j] = room.course_start[j + 1]
        room.course_days[j] = room.course_days[j + 1]
        room.course_end[j] = room.course_end[j + 1]
        room.course_dose[j] = room.course_dose[j + 1]
        room.course_drug[j] = room.course_drug[j + 1]
    return planned - 1


@unowned
def may_change(rules: Treatment, arm: int, visit: int, patient: int) -> bool:
    """Return whether a change of dose of an arm is looked at for a patient from a visit on."""
    for q in range(rules.change_visit.shape[1]):
        if rules.change_visit[arm, q] >= visit and patient >= rules.change_from[arm, q]:
            return True
    return False


@unowned
def interrupt_supply(supply: Supply, room: Room, seed: int, replicate: int) -> None:
    """Write down when, in calendar minutes, there is nothing to infuse in one trial."""
    begins = 0
    for k in range(room.supply_from.shape[0]):
        begins += supply_gap(seed, replicate, k, supply.per_minute)
        room.supply_from[k] = begins
        if begins >= NEVER:
            break
        begins += supply.minutes
        room.supply_until[k] = begins


@unowned
def is_interrupted(room: Room, calendar: int) -> bool:
    """Return whether there is nothing to infuse at a calendar minute."""
    for k in range(room.supply_from.shape[0]):
        if calendar < room.supply_from[k]:
            return False
        if calendar < room.supply_until[k]:
            return True
    return False
