"""Second, separate computation of what harms one patient, from the written rules alone.

Plain Python: uniforms of the second Philox, ``math.exp`` and ``math.log``, SciPy's normal quantile.
Its inputs are what is observable of the patient, and the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from scipy.stats import norm

from tests.independent.philox_second import uniform_second

KINDS = ("headache", "flu_like", "nausea", "skin")
FRAILTY, RISK, COURSE_HARM = 11, 12, 13
DAY = 1_440
WEEK = 7 * DAY
YEAR = 365.25 * DAY
MOST_GRAMS_A_DAY = 80.0
NONE = -1
TOO_CLOSE = 1e-6  # minutes: two correct libraries of exp and log differ by far less


@dataclass(frozen=True, kw_only=True)
class PlannedCourse:
    """A course of the patient's arm."""

    week: int
    dose_g_per_kg: float
    days: int

    @property
    def start(self) -> int:
        """The minute of its first day."""
        return self.week * WEEK

    @property
    def end(self) -> int:
        """The minute of its last day."""
        return self.start + (self.days - 1) * DAY


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What is observable of a patient. Minutes since randomisation; None: it did not happen."""

    seed: int
    replicate: int
    candidate: int
    age: float
    weight: float
    drug: bool  # else placebo
    planned: tuple[PlannedCourse, ...]
    given: int  # so many courses, from the first on
    last_visit: int
    rule_stop: int | None  # rescue or deterioration
    left: int | None
    left_by_rule: bool  # by rescue or deterioration, at a visit


@dataclass(kw_only=True)
class Harm:
    """The columns of harm of one patient, and how many of its times are too close to call."""

    cancer: bool
    previous_thromboembolism: bool
    reaction_minute: list[int]
    reaction_kind: list[int]
    reaction_serious: list[bool]
    thromboembolism_minute: list[int]
    serious_minute: list[int]
    harm_stop_minute: int = NONE
    courses: int = 0
    events: int = 0
    too_close: int = 0
    stops: list[int] = field(default_factory=list)  # minutes of events that stop treatment


def harm_second(patient: Observed, value: Mapping[str, float], most_courses: int) -> Harm:
    """Return what harms a patient; columns are as long as the most courses of any arm."""

    def u(purpose: int, occasion: int, slot: int) -> float:
        return uniform_second(
            patient.seed, purpose, patient.replicate, patient.candidate, occasion, slot
        )

    out = Harm(
        cancer=u(RISK, 0, 0) < value["cancer_share"],
        previous_thromboembolism=u(RISK, 0, 1) < value["previous_thromboembolism_share"],
        reaction_minute=[NONE] * most_courses,
        reaction_kind=[NONE] * most_courses,
        reaction_serious=[False] * most_courses,
        thromboembolism_minute=[NONE] * (most_courses + 1),
        serious_minute=[NONE] * most_courses,
    )
    infused = "ivig" if patient.drug else "placebo"
    spread = value["reaction.frailty_sd"]
    frailty = math.exp(spread * float(norm.ppf(u(FRAILTY, 0, 0))) - spread * spread / 2)
    risk = value["thromboembolism.hr_decade"] ** ((patient.age - 55) / 10)
    if out.cancer:
        risk *= value["thromboembolism.hr_cancer"]
    if out.previous_thromboembolism:
        risk *= value["thromboembolism.hr_previous"]

    for j, course in enumerate(patient.planned[: patient.given]):
        week = course.week
        rate = value[f"reaction.per_course[{infused}]"] * frailty
        if j == 0:
            rate *= value["reaction.first_course"]
        if _exponential(u(COURSE_HARM, week, 0)) < rate:
            minute = _whole(out, course.start, u(COURSE_HARM, week, 3) * 3 * DAY)
            if _is_seen(patient, minute):
                serious = u(COURSE_HARM, week, 5) < value["reaction.serious"]
                out.reaction_minute[j] = minute
                out.reaction_kind[j] = _kind(u(COURSE_HARM, week, 4), value)
                out.reaction_serious[j] = serious
                chance = value["stop.serious" if serious else "stop.reaction"]
                if u(COURSE_HARM, week, 6) < chance:
                    out.stops.append(minute)

        if patient.drug:
            grams = min(course.dose_g_per_kg * patient.weight, MOST_GRAMS_A_DAY * course.days)
            per_day = grams / patient.weight / course.days
            hazard = value["thromboembolism.per_course"] * risk
            hazard *= value["thromboembolism.hr_g_per_kg_day"] ** (per_day - 0.4)
            needed = _exponential(u(COURSE_HARM, week, 1))
            if needed < hazard:
                after = _after_course(needed / hazard, value["thromboembolism.first_days"])
                minute = _whole(out, course.end, after)
                if _is_seen(patient, minute):
                    out.thromboembolism_minute[j] = minute
                    if u(COURSE_HARM, week, 7) < value["stop.serious"]:
                        out.stops.append(minute)

        needed = _exponential(u(COURSE_HARM, week, 2))
        hazard = value[f"serious.per_course[{infused}]"]
        if needed < hazard:
            minute = _whole(out, course.start, needed / hazard * 28 * DAY)
            if _is_seen(patient, minute):
                out.serious_minute[j] = minute
                if u(COURSE_HARM, week, 8) < value["stop.serious"]:
                    out.stops.append(minute)

    per_year = value["thromboembolism.per_year"] * risk
    if per_year > 0:
        # half a minute later and rounded down is rounded to the nearest
        time = _exponential(u(RISK, 0, 2)) / per_year * YEAR
        minute = _whole(out, 0, time + 0.5)
        if _is_seen(patient, minute):
            out.thromboembolism_minute[most_courses] = minute
            if u(RISK, 0, 3) < value["stop.serious"]:
                out.stops.append(minute)

    out.harm_stop_minute = _first_that_counts(patient, out.stops)
    out.courses = _courses(patient, out.harm_stop_minute)
    return out


def _exponential(u: float) -> float:
    return -math.log(u)


def _whole(out: Harm, start: int, time: float) -> int:
    """Return the minute of an event, and count it if libraries could disagree about it."""
    out.events += 1
    out.too_close += abs(time - round(time)) < TOO_CLOSE
    return start + math.floor(time)


def _after_course(part: float, first_days: float) -> float:
    """Return when a part of the hazard is used up, in minutes since the course's last day."""
    if part < first_days:
        return part / first_days * 2 * DAY
    return 2 * DAY + (part - first_days) / (1 - first_days) * 12 * DAY


def _kind(u: float, value: Mapping[str, float]) -> int:
    weights = [value[f"reaction.mix.{kind}"] for kind in KINDS]
    total, so_far = sum(weights), 0.0
    for index, weight in enumerate(weights):
        so_far += weight / total
        if u < so_far:
            return index
    return len(KINDS) - 1


def _is_seen(patient: Observed, minute: int) -> bool:
    if minute > patient.last_visit:
        return False
    if patient.left is None:
        return True
    return minute < patient.left if patient.left_by_rule else minute <= patient.left


def _first_that_counts(patient: Observed, stops: list[int]) -> int:
    last_start = patient.planned[-1].start
    counting = [
        minute
        for minute in stops
        if minute < last_start and (patient.rule_stop is None or minute < patient.rule_stop)
    ]
    return min(counting, default=NONE)


def _courses(patient: Observed, harm_stop: int) -> int:
    """Return how many courses the patient should have been given."""

    def is_given(start: int) -> bool:
        if harm_stop != NONE and start > harm_stop:
            return False
        if patient.rule_stop is not None and start >= patient.rule_stop:
            return False
        if patient.left is None:
            return True
        return start < patient.left if patient.left_by_rule else start <= patient.left

    return sum(is_given(course.start) for course in patient.planned)
