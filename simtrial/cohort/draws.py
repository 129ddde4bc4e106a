"""All randomness of a patient, by address, before an engine runs.

Two fills a patient: as a candidate, and once enrolled. In each the normals come first. The
positions below say where in the filled array a number of ``Purpose`` stands; the address of every
number is its purpose, the replicate, the patient's place in screening order, its occasion and its
slot, so nothing moves when another purpose, arm, patient or look is added.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import normals_in_place, plog
from simtrial.core.compiled import inlined, kernel, step
from simtrial.core.streams import Purpose, fill_uniforms, uniform

# a candidate's fill
BASELINE_AT = 0  # 6 measures, age, weight, prednisolone (one slot unused)
AGE_AT, WEIGHT_AT, PREDNISOLONE_AT = 6, 7, 8
SCREENING_NOISE_AT = 10  # 6 measures, shared (one slot unused)
_CANDIDATE_NORMALS = 18
SUBTYPE_AT, SEX_AT, TAKES_PREDNISOLONE_AT = 18, 19, 20
# an enrolled patient's fill, V visits
DEPTH_AT, X50_AT = 0, 1
FRAILTY_AT = 2  # (the next is unused)
VISIT_NOISE_AT = 4  # 8 slots a visit: 6 measures, shared (one unused)
NOISE_SLOTS = 8
SHARED = 6  # slot of the shared deviate
# then the uniforms, after the last visit's noise
RESPONDS_AT, IMPROVES_AT, DROPOUT_AT = 0, 1, 2
CANCER_AT, PREVIOUS_AT, SPONTANEOUS_AT, AFTER_SPONTANEOUS_AT = 4, 5, 6, 7
RESCUE_AT = 8  # 2 slots a visit (one unused)
RESCUE_SLOTS = 2
# slots of a course's harm: the first four, which decide whether anything happens, are filled for
# every planned course, after the uniforms of rescue; the others are read on demand
COURSE_SLOTS = 4
REACTS, CLOTS, FALLS_ILL, REACTION_WHEN, REACTION_KIND, REACTION_SERIOUS = 0, 1, 2, 3, 4, 5
AFTER_REACTION, AFTER_CLOT, AFTER_ILLNESS = 6, 7, 8


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
    course_at: NDArray[np.int64]  # (A, C) where a course's first four uniforms of harm stand


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
    infusions, which = np.unique(courses, return_inverse=True)
    candidate = _blocks(
        [(Purpose.BASELINE, 0, 5), (Purpose.SCREENING_NOISE, 0, 4), (Purpose.PERSON, 0, 2)],
        _CANDIDATE_NORMALS,
    )
    n_normals = VISIT_NOISE_AT + NOISE_SLOTS * len(weeks)
    enrolled = _blocks(
        [
            (Purpose.RESPONSE_SIZE, 0, 1),
            (Purpose.FRAILTY, 0, 1),
            *((Purpose.VISIT_NOISE, week, NOISE_SLOTS // 2) for week in weeks),
            (Purpose.RESPONSE, 0, 1),
            (Purpose.LEAVING, 0, 1),
            (Purpose.RISK, 0, 2),
            *((Purpose.RESCUE, week, RESCUE_SLOTS // 2) for week in weeks),
            *((Purpose.COURSE_HARM, int(week), COURSE_SLOTS // 2) for week in infusions),
        ],
        n_normals,
    )
    first = n_normals + RESCUE_AT + RESCUE_SLOTS * len(weeks)
    course_at = first + COURSE_SLOTS * which.reshape(courses.shape)
    return DrawPlan(*candidate, *enrolled, n_normals, course_at.astype(np.int64))


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
