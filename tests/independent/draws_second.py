"""Second reading of the addresses of one candidate's numbers."""

import functools
import statistics

from tests.independent.philox_second import uniform_second

NORMAL = statistics.NormalDist()

BASELINE, SCREENING_NOISE, VISIT_NOISE = 2, 3, 4
RESPONSE, RESPONSE_SIZE, RESCUE, LEAVING = 5, 6, 7, 8
RISK, COURSE_HARM = 12, 13
SUPPLY, ENZYME_BASELINE, ENZYME_NOISE = 19, 21, 22
MISSING, VISIT_TIMING, COURSE_CLASS = 23, 24, 25
TAPER, TAPER_PERSON, CENTRE = 26, 27, 28
LACK_OF_EFFECT = 33


@functools.lru_cache(maxsize=4096)
def _uniform(
    seed: int, purpose: int, replicate: int, patient: int, occasion: int, slot: int
) -> float:
    return uniform_second(seed, purpose, replicate, patient, occasion, slot)


class DrawsSecond:
    """The numbers of one trial (seed and replicate), by purpose, patient, occasion and slot."""

    def __init__(self, seed: int, replicate: int) -> None:
        self.seed = seed
        self.replicate = replicate

    def u(self, purpose: int, patient: int, occasion: int = 0, slot: int = 0) -> float:
        """A uniform between 0 and 1."""
        return _uniform(self.seed, purpose, self.replicate, patient, occasion, slot)

    def z(self, purpose: int, patient: int, occasion: int = 0, slot: int = 0) -> float:
        """A standard normal: the quantile of the uniform of the same slot."""
        return NORMAL.inv_cdf(self.u(purpose, patient, occasion, slot))
