"""All randomness of a patient, by address, before an engine runs.

Two fills a patient: as a candidate, and once enrolled. In each the normals come first. The
positions below say where in the filled array a number of ``Purpose`` stands; the address of every
number is its purpose, the replicate, the patient's place in screening order, its occasion and its
slot, so nothing moves when another purpose, arm, patient or look is added.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.protocol import NEVER
from simtrial.cohort.rules import whole_minute
from simtrial.core.arithmetic import normal_quantile, normals_in_place, plog
from simtrial.core.compiled import inlined, kernel, step
from simtrial.core.streams import Purpose, fill_uniforms, uniform

# a candidate's fill
BASELINE_AT = 0  # 6 measures, age, weight, prednisolone (one slot unused)
AGE_AT, WEIGHT_AT, PREDNISOLONE_AT = 6, 7, 8
SCREENING_NOISE_AT = 10  # 6 measures, shared (one slot unused)
ENZYME_BASELINE_AT, ENZYME_SCREENING_AT = 18, 22  # 4 enzymes beside creatine kinase each
_CANDIDATE_NORMALS = 26
SUBTYPE_AT, SEX_AT, TAKES_PREDNISOLONE_AT, LINE_AT = 26, 27, 28, 29
# an enrolled patient's fill, V visits
DEPTH_AT, X50_AT = 0, 1
FRAILTY_AT = 2  # (the next is unused)
VISIT_NOISE_AT = 4  # 8 slots a visit: 6 measures, shared (one unused)
NOISE_SLOTS = 8
SHARED = 6  # slot of the shared deviate
ENZYME_SLOTS = 4  # a visit, after the last visit's noise: the enzymes beside creatine kinase
# then the uniforms, after the last visit's noise of enzymes
RESPONDS_AT, IMPROVES_AT, DROPOUT_AT, RUN_IN_LOST_AT = 0, 1, 2, 3
CANCER_AT, PREVIOUS_AT, SPONTANEOUS_AT, AFTER_SPONTANEOUS_AT = 4, 5, 6, 7
MIGRAINE_AT, GROUP_O_AT = 8, 9
RESCUE_AT = 10  # 2 slots a visit (one unused)
RESCUE_SLOTS = 2
# slots of a course's harm: the first four, which decide whether anything happens, are filled for
# every planned course, after the uniforms of rescue; the others are read on demand
COURSE_SLOTS = 4
REACTS, CLOTS, FALLS_ILL, REACTION_WHEN, REACTION_KIND, REACTION_SERIOUS = 0, 1, 2, 3, 4, 5
AFTER_REACTION, AFTER_CLOT, AFTER_ILLNESS = 6, 7, 8
# behind a course's first four stand two of COURSE_HARM_MORE: aseptic meningitis, haemolysis
COURSE_ROOM = COURSE_SLOTS + 2
# behind all courses: six of INTERVAL_HARM for each visit that opens an interval (one unused)
INTERVAL_ROOM = 6
RUN_IN_OCCASION = 1000  # of the errors at the start of the run-in; no visit is in this week
# slots of what only some designs and truths read, on demand
FLARES, JUDGED = 0, 1  # of a visit
TAPER_SHARE, MAINTENANCE_DOSE, KEEPS_MAINTENANCE = (
    0,
    1,
    2,
)  # of a patient; the first two of a centre


class DrawPlan(NamedTuple):
    """Which blocks a patient's numbers are made of: counter words, occasions, how many normals.

    ``candidate_room, enrolled_room`` : how many numbers the array of a fill has to hold. Behind
    those that have an address in the table there are some to fill a last round of eight blocks,
    which nobody reads, and room to work in.
    """

    candidate_words: NDArray[np.int64]
    candidate_occasions: NDArray[np.int64]
    candidate_room: int
    enrolled_words: NDArray[np.int64]
    enrolled_occasions: NDArray[np.int64]
    enrolled_room: int
    n_normals: int  # of the enrolled fill; its uniforms follow
    # (weeks to the last course + 1,) where the first four uniforms of harm of a course in a week
    # stand; -1 in weeks without a planned course
    course_at: NDArray[np.int64]
    enzyme_noise_at: int  # where the first visit's noise of the other enzymes stands
    interval_at: int  # where those of the interval after randomisation stand


_NOBODY = 0  # the purpose of numbers that only fill up eights


def _blocks(
    parts: list[tuple[int, int, int]], n_normals: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return words, occasions and room of (purpose, occasion, number of blocks) parts."""
    spare = -sum(n for _, _, n in parts) % 8
    # the compiler runs eight blocks at once; a rest would run one by one (measured: 16 blocks
    # take less time than 11)
    parts = [*parts, (_NOBODY, 0, spare)]
    words = [(int(p) << 20) | b for p, _, n in parts for b in range(n)]
    occasions = [occasion for _, occasion, n in parts for _ in range(n)]
    room = 2 * len(words) + n_normals + 8
    return np.array(words, np.int64), np.array(occasions, np.int64), room


def draw_plan(
    visit_weeks: NDArray[np.int64], course_weeks: NDArray[np.int64] | None = None
) -> DrawPlan:
    """Return the plan of a design with visits in these weeks, and courses in those.

    ``course_weeks`` : (A, C) of each arm; none for a study without infusions.
    """
    weeks = [int(w) for w in visit_weeks]
    courses = np.zeros((1, 0), np.int64) if course_weeks is None else course_weeks
    infusions = np.unique(courses)
    candidate = _blocks(
        [
            (Purpose.BASELINE, 0, 5),
            (Purpose.SCREENING_NOISE, 0, 4),
            (Purpose.ENZYME_BASELINE, 0, 4),
            (Purpose.PERSON, 0, 2),
        ],
        _CANDIDATE_NORMALS,
    )
    enzyme_noise_at = VISIT_NOISE_AT + NOISE_SLOTS * len(weeks)
    n_normals = enzyme_noise_at + ENZYME_SLOTS * len(weeks)
    enrolled = _blocks(
        [
            (Purpose.RESPONSE_SIZE, 0, 1),
            (Purpose.FRAILTY, 0, 1),
            *((Purpose.VISIT_NOISE, week, NOISE_SLOTS // 2) for week in weeks),
            *((Purpose.ENZYME_NOISE, week, ENZYME_SLOTS // 2) for week in weeks),
            (Purpose.RESPONSE, 0, 1),
            (Purpose.LEAVING, 0, 1),
            (Purpose.RISK, 0, 3),
            *((Purpose.RESCUE, week, RESCUE_SLOTS // 2) for week in weeks),
            *(
                part
                for week in infusions
                for part in (
                    (Purpose.COURSE_HARM, int(week), COURSE_SLOTS // 2),
                    (Purpose.COURSE_HARM_MORE, int(week), 1),
                )
            ),
            *((Purpose.INTERVAL_HARM, week, INTERVAL_ROOM // 2) for week in weeks[:-1]),
        ],
        n_normals,
    )
    first = n_normals + RESCUE_AT + RESCUE_SLOTS * len(weeks)
    course_at = np.full(int(infusions.max(initial=0)) + 1, -1, np.int64)
    course_at[infusions] = first + COURSE_ROOM * np.arange(infusions.shape[0])
    interval_at = first + COURSE_ROOM * infusions.shape[0]
    return DrawPlan(*candidate, *enrolled, n_normals, course_at, enzyme_noise_at, interval_at)


@inlined
def fill_candidate(
    out: NDArray[np.float64], plan: DrawPlan, seed: int, replicate: int, candidate: int
) -> None:
    """Fill ``out`` (candidate_room,) with a candidate's numbers."""
    fill_uniforms(out, plan.candidate_words, plan.candidate_occasions, seed, replicate, candidate)
    used = 2 * plan.candidate_words.shape[0]
    normals_in_place(out, _CANDIDATE_NORMALS, out[used:])


@inlined
def fill_enrolled(
    out: NDArray[np.float64], plan: DrawPlan, seed: int, replicate: int, candidate: int
) -> None:
    """Fill ``out`` (enrolled_room,) with an enrolled patient's numbers; normals come first."""
    fill_uniforms(out, plan.enrolled_words, plan.enrolled_occasions, seed, replicate, candidate)
    used = 2 * plan.enrolled_words.shape[0]
    normals_in_place(out, plan.n_normals, out[used:])


@step
def course_harm(seed: int, replicate: int, candidate: int, week: int, slot: int) -> float:
    """Return one uniform of what the course planned for a week does to a candidate."""
    return uniform(seed, Purpose.COURSE_HARM, replicate, candidate, week, slot)


@step
def run_in_noise(seed: int, replicate: int, candidate: int, slot: int) -> float:
    """Return one normal of the errors at the start of the run-in: 6 measures, shared."""
    return normal_quantile(
        uniform(seed, Purpose.VISIT_NOISE, replicate, candidate, RUN_IN_OCCASION, slot)
    )


@step
def run_in_enzyme_noise(seed: int, replicate: int, candidate: int, slot: int) -> float:
    """Return one normal of the errors at the start of the run-in, of the other enzymes."""
    return normal_quantile(
        uniform(seed, Purpose.ENZYME_NOISE, replicate, candidate, RUN_IN_OCCASION, slot)
    )


@step
def supply_gap(seed: int, replicate: int, order: int, per_minute: float) -> int:
    """Return the whole minutes of supply before a trial's next interruption, counted from 0."""
    if per_minute <= 0.0:
        return NEVER
    return whole_minute(-plog(uniform(seed, Purpose.SUPPLY, replicate, 0, order, 0)) / per_minute)


@step
def gives_up(seed: int, replicate: int, candidate: int, week: int) -> float:
    """Return the uniform that decides whether treatment is given up for lack of effect."""
    return uniform(seed, Purpose.LACK_OF_EFFECT, replicate, candidate, week, 0)


@step
def is_missing(
    seed: int, replicate: int, candidate: int, week: int, slot: int, chance: float
) -> bool:
    """Return whether the visit of a week (slot 0), or one measure at it (1..6), is missing."""
    if chance <= 0.0:
        return False
    return uniform(seed, Purpose.MISSING, replicate, candidate, week, slot) < chance


@step
def visit_minute(
    seed: int, replicate: int, candidate: int, week: int, scheduled: int, window: int
) -> int:
    """Return when a visit takes place: within ``window`` minutes of when it is scheduled."""
    if window == 0:
        return scheduled
    u = uniform(seed, Purpose.VISIT_TIMING, replicate, candidate, week, 0)
    return scheduled + int(math.floor((2.0 * u - 1.0) * window))


@step
def course_class(seed: int, replicate: int, candidate: int) -> float:
    """Return the uniform that makes a responder a transient one."""
    return uniform(seed, Purpose.COURSE_CLASS, replicate, candidate, 0, 0)


@step
def of_taper(seed: int, replicate: int, candidate: int, week: int, slot: int) -> float:
    """Return one uniform of prednisolone at the visit of a week."""
    return uniform(seed, Purpose.TAPER, replicate, candidate, week, slot)


@step
def keeps_maintenance(seed: int, replicate: int, candidate: int) -> float:
    """Return the uniform that decides whether a patient keeps a maintenance dose."""
    return uniform(seed, Purpose.TAPER_PERSON, replicate, candidate, 0, KEEPS_MAINTENANCE)


@step
def taper_person(seed: int, replicate: int, candidate: int, slot: int) -> float:
    """Return one normal of how a patient is tapered."""
    return normal_quantile(uniform(seed, Purpose.TAPER_PERSON, replicate, candidate, 0, slot))


@step
def taper_centre(seed: int, replicate: int, site: int, slot: int) -> float:
    """Return one normal of how a centre tapers."""
    return normal_quantile(uniform(seed, Purpose.CENTRE, replicate, site, 0, slot))


@step
def arrival_gap(seed: int, replicate: int, site: int, order: int, per_minute: float) -> float:
    """Return the minutes between a site's previous candidate (or opening) and its next."""
    return -plog(uniform(seed, Purpose.ARRIVAL, replicate, site, order, 0)) / per_minute


@kernel
def fill_block(
    out: NDArray[np.int64],
    ratio: NDArray[np.int64],
    sizes: NDArray[np.int64],
    seed: int,
    replicate: int,
    stratum: int,
    block: int,
) -> int:
    """Write one permuted block of arms into ``out`` and return its size."""
    u = uniform(seed, Purpose.ALLOCATION, replicate, stratum, block, 0)
    size = int(sizes[int(u * sizes.shape[0])])
    filled = 0
    for arm in range(ratio.shape[0]):
        for _ in range(ratio[arm] * (size // ratio.sum())):
            out[filled] = arm
            filled += 1
    for i in range(size - 1, 0, -1):
        u = uniform(seed, Purpose.ALLOCATION, replicate, stratum, block, i)
        j = int(u * (i + 1))
        out[i], out[j] = out[j], out[i]
    return size
