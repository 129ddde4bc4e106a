"""Events after a course and between visits in the engine to read: drawn, and put on the calendar.

What is put there happens only if the patient is still in the study when its minute comes.
"""

from __future__ import annotations

from collections.abc import Callable

from simtrial.cohort import events as table
from simtrial.cohort.event_rates import EventRates
from simtrial.cohort.reference.courses import Planned
from simtrial.cohort.reference.harm import Calendar
from simtrial.cohort.snapshot import Snapshot
from simtrial.core.streams import Purpose, uniform
from simtrial.myositis import events
from simtrial.myositis.harm import unit_exponential

# a plain number: a compiled step looks at all members to tell the type of one
INTERVAL_HARM = int(Purpose.INTERVAL_HARM)


class Events:
    """The adverse events of one patient of the classes of ``myositis.events``.

    Parameters
    ----------
    migraine_u, group_o_u : the patient's uniforms of RISK for either.
    calendar : takes a minute since randomisation and what happens then.
    stop, leave_out, die : end treatment for harm, have the next course left out, die; now.
    """

    def __init__(
        self,
        rates: EventRates,
        seen: Snapshot,
        key: tuple[int, int],
        address: tuple[int, int, int],
        migraine_u: float,
        group_o_u: float,
        calendar: Calendar,
        stop: Callable[[], None],
        leave_out: Callable[[], None],
        die: Callable[[], None],
    ) -> None:
        self.rates, self.seen, self.key, self.address = rates, seen, key, address
        self.calendar, self.stop, self.leave_out, self.die = calendar, stop, leave_out, die
        seen.migraine[key] = migraine_u < rates.migraine_share
        seen.group_o[key] = group_o_u < rates.group_o_share

    def after_course(self, number: int, planned: Planned, dose: float, infused: int) -> None:
        """Put on the calendar what the course given as ``number`` (from 0) brings."""
        rates, seen, key = self.rates, self.seen, self.key
        courses = seen.serious_minute.shape[2]

        def u(slot: int) -> float:
            return table.more_course_harm(*self.address, planned.week, slot)

        hazard = events.meningitis_hazard(
            rates.meningitis_rate[infused], seen.migraine[key], rates.hr_migraine
        )
        if unit_exponential(u(events.MENINGITIS)) < hazard:
            minute = planned.end + events.meningitis_minutes(u(2))
            slot = table.course_slot(events.MENINGITIS, number, courses)
            self.happens(events.MENINGITIS, minute, planned.week, slot)
        hazard = events.haemolysis_hazard(
            rates.haemolysis_rate[infused], seen.group_o[key], dose, rates.log_hr_g_per_kg
        )
        if unit_exponential(u(events.HAEMOLYSIS)) < hazard:
            minute = planned.end + events.haemolysis_minutes(u(3))
            slot = table.course_slot(events.HAEMOLYSIS, number, courses)
            self.happens(events.HAEMOLYSIS, minute, planned.week, slot)

    def between_visits(
        self, visit: int, week: int, opens: int, closes: int, dose_mg: float
    ) -> None:
        """Put on the calendar what happens from a visit on, before the next.

        ``week`` : under which the interval's numbers stand.
        """
        rates, seen, key = self.rates, self.seen, self.key
        subtype = int(seen.subtype[key])
        had_cancer = seen.cancer_minute[key] >= 0
        per_minute = {
            events.INFECTION: events.infection_rate(
                rates.infection_per_minute, rates.log_hr_10mg, dose_mg
            ),
            events.STEROID_TOXICITY: events.steroid_toxicity_rate(
                rates.toxicity_per_minute, dose_mg
            ),
            events.CANCER: 0.0 if had_cancer else float(rates.cancer_per_minute[subtype]),
            events.DEATH: float(rates.death_per_minute[subtype]),
            events.PROGRESSION: float(rates.progression_per_minute),
        }
        for slot, (which, rate) in enumerate(per_minute.items()):
            u = uniform(
                self.address[0],
                INTERVAL_HARM,
                *self.address[1:],
                week,
                slot,
            )
            after = events.minutes_into_interval(unit_exponential(u), rate, closes - opens)
            if after != events.NOT_IN_INTERVAL:
                place = table.interval_slot(
                    which, visit, seen.serious_minute.shape[2], seen.tis.shape[2]
                )
                self.happens(which, opens + after, week, place)

    def happens(self, which: int, minute: int, week: int, slot: int) -> None:
        """Put one event on the calendar, with all that is decided about it."""
        rates, seen, key = self.rates, self.seen, self.key
        bits = table.event_detail(
            *self.address,
            week,
            which,
            rates.serious[which],
            rates.related[which],
            rates.fatal[which],
            rates.stop_serious,
            rates.interrupt_serious,
            rates.interrupt_other,
        )

        def happen() -> None:
            seen.events_minute[key][slot], seen.events_detail[key][slot] = minute, bits
            if which == events.CANCER:
                seen.cancer_minute[key] = minute
            if bits & table.STOP:
                self.stop()
            if bits & table.INTERRUPT:
                self.leave_out()
            if bits & table.FATAL:
                self.die()

        self.calendar(minute, happen)
