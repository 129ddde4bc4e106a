"""What the second reader is given of a design and of a patient, and what he tells of him."""

import dataclasses
import math

from tests.independent import taper_second as taper
from tests.independent import treatment_second as treatment


@dataclasses.dataclass(frozen=True, kw_only=True)
class EventRule:
    """Deterioration, rescue or lack of effect, and what follows."""

    from_week: int
    then: str  # continue, stop_treatment, leave_study, switch, standard_therapy
    tis_below: float = 0.0
    prednisolone_mg: float = 0.0
    at_most_mg: float = 100.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlanSecond:
    """What a design says about a patient's course."""

    visit_weeks: tuple[int, ...]  # the baseline, week 0, first
    arms: tuple[treatment.ArmSecond, ...]
    taper: taper.TaperRule
    screening_weeks: int = 2
    window_days: float = 0.0
    extension: tuple[treatment.CourseSecond, ...] = ()
    extension_week: float = math.inf
    deterioration: EventRule | None = None
    rescue: EventRule | None = None
    lack_of_effect: EventRule | None = None
    mmt_maximum: float = 150.0
    missing_is_zero: bool = False
    open_label: bool = False
    summed_exposure: bool = False
    drug_works: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class HarmSecond:
    """An adverse event that changes the course, or is heard of by the patient."""

    minute: int
    reaction: bool = False  # an infusion reaction to a course of the drug
    stops: bool = False
    leaves: bool = False  # the study, if it stops treatment
    leaves_out_next: bool = False
    fatal: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class PatientSecond:
    """What is known of a patient at randomisation."""

    candidate: int
    site: int
    number: int  # in the order of randomisation, from 1
    randomised_minute: int
    arm: int
    weight_kg: float
    prednisolone_mg: float
    baseline: tuple[float, ...]  # six true measures
    enzymes: tuple[float, ...]  # true aldolase, LDH, AST, ALT
    harm: tuple[HarmSecond, ...] = ()


@dataclasses.dataclass(kw_only=True)
class VisitSecond:
    """A visit of the calendar, attended or missed."""

    week: int
    minute: int
    attended: bool
    benefits: tuple[float, float, float, float]  # g, b, s, w
    f: float
    observed: list[float | None] = dataclasses.field(default_factory=list)
    observed_enzymes: list[float | None] = dataclasses.field(default_factory=list)
    tis: float | None = None
    dose_mg: float = 0.0
    taken_mg: float = 0.0
    flare: bool = False
    worse: bool = False


@dataclasses.dataclass(kw_only=True)
class RetoldSecond:
    """A patient's course as the model tells it."""

    responder: bool
    background: bool
    transient: bool
    visits: list[VisitSecond]
    given: list[treatment.GivenSecond]
    depth: float = math.nan
    half_dose: float = math.nan
    floor_mg: float = math.nan  # of a taper in practice
    deterioration_minute: int | None = None
    rescue_minute: int | None = None
    lack_minute: int | None = None
    standard_minute: int | None = None
    left_minute: int | None = None
    stop_minute: int | None = None
    switch_minute: int | None = None
    stable_minute: int | None = None
    changed_minute: int | None = None
    missed_courses: int = 0
    left_out: int = 0  # of these, for an adverse event
    needed_count: int = 0
    chosen_enzyme: int = 0
    least_margin: float = math.inf  # distance of the closest decision from its boundary
