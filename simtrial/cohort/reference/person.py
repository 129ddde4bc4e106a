"""Who a candidate is, in the engine to read, from the numbers of his two fills."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.course import Course
from simtrial.cohort.protocol import Protocol
from simtrial.core.arithmetic import pexp
from simtrial.myositis import measures, response


def age_of(protocol: Protocol, course: Course, early: NDArray[np.float64]) -> float:
    """Return the age of a candidate, in years."""
    draw = measures.juvenile_age if protocol.measuring.is_juvenile else measures.adult_age
    return draw(course.age_location, course.age_scale, early[at.AGE_AT])


def subtype_of(course: Course, early: NDArray[np.float64]) -> int:
    """Return a candidate's subtype."""
    return int(np.searchsorted(course.subtype_upto, early[at.SUBTYPE_AT], side="right"))


def is_female(course: Course, early: NDArray[np.float64]) -> bool:
    """Return the sex of a candidate."""
    return bool(early[at.SEX_AT] < course.female_share)


def weight_of(protocol: Protocol, course: Course, early: NDArray[np.float64]) -> float:
    """Return the weight of a candidate, in kg."""
    middle = course.weight_women if is_female(course, early) else course.weight_men
    if protocol.measuring.is_juvenile:
        more = course.measuring
        age = age_of(protocol, course, early)
        middle = measures.juvenile_weight(age, more.weight_at_2, more.weight_per_year)
    return middle * pexp(course.weight_log_sd * early[at.WEIGHT_AT])


class Disposition(NamedTuple):
    """How a patient takes to the drug, and whether he improves without it."""

    responds: bool
    improves: bool
    is_transient: bool  # a responder whose benefit fades under treatment
    depth: float
    log_x50: float


def disposition_of(
    course: Course,
    early: NDArray[np.float64],
    enrolled: NDArray[np.float64],
    n_normals: int,
    address: tuple[int, int, int],
    *,
    is_second: bool,
) -> Disposition:
    """Return what nobody sees of a patient.

    Parameters
    ----------
    early, enrolled : his two fills; the uniforms of the second follow its ``n_normals``.
    address : seed, replicate and candidate.
    is_second : of the other line than the design's first.
    """
    mine = course.people if is_second else course
    uniforms = enrolled[n_normals:]
    responds = bool(uniforms[at.RESPONDS_AT] < mine.p_response[subtype_of(course, early)])
    return Disposition(
        responds=responds,
        improves=bool(uniforms[at.IMPROVES_AT] < course.p_background),
        is_transient=responds and bool(at.course_class(*address) < course.dynamics.p_transient),
        depth=response.patient_depth(course.depth, course.depth_sd, enrolled[at.DEPTH_AT]),
        log_x50=response.patient_log_x50(course.log_x50, course.x50_sd, enrolled[at.X50_AT]),
    )
