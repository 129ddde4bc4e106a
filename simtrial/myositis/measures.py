"""The six core set measures: their scales, how they are seen, and how they follow the disease.

Latent scales: physician, patient and extramuscular global activity in cm (0-10), HAQ 0-3,
strength as a share of the maximum (0-1, whichever MMT version measures it), creatine kinase as
the logarithm of its multiple of the upper limit of normal. Observed scales: cm to 0.1, HAQ to
0.125, whole points of the MMT version, multiples of the upper limit of normal.

Arrays of measures follow the order of ``MEASURES``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.core.arithmetic import expit, pexp
from simtrial.core.compiled import step

MEASURES = ("physician", "patient", "extramuscular", "haq", "mmt", "enzyme")
N_MEASURES = 6
N_SERIES = 7  # error series of a patient: the measures, and one they share
PHYSICIAN, PATIENT, EXTRAMUSCULAR, HAQ, MMT, ENZYME = range(6)

VAS_RANGE_CM = 10.0
HAQ_RANGE = 3.0
CK_RANGE_ULN = 15.0  # the 90 % range that the improvement score divides by
# points of each version of the test of strength; CMAS is the children's
MMT_MAXIMUM = {"MMT8_150": 150, "MMT8_80": 80, "MMT_260": 260, "CMAS_52": 52}
JUVENILE_ONLY = ("CMAS_52",)

# creatine kinase of a healthy patient, and the lowest and highest a baseline may take (x ULN)
_LOG_CK_HEALTHY = -0.6931471805599453  # 0.5
_LOG_CK_LOWEST = -1.6094379124341003  # 0.2
_LOG_CK_HIGHEST = 5.521460917862246  # 250

# the documents are of adults
YOUNGEST, OLDEST = 18.0, 95.0
YOUNGEST_JUVENILE, OLDEST_JUVENILE = 2.0, 18.0

# "abnormal" for eligibility
ABNORMAL_VAS_CM = 2.0
ABNORMAL_HAQ = 0.25
ABNORMAL_CK_ULN = 1.3


@step
def baseline_value(measure: int, location: float, scale: float, z: float) -> float:
    """Return the latent baseline at standard normal ``z``: logit-normal within the bounds.

    Creatine kinase is log-normal, held within 0.2 and 250 times the upper limit of normal.
    """
    x = location + scale * z
    if measure == ENZYME:
        return min(max(x, _LOG_CK_LOWEST), _LOG_CK_HIGHEST)
    share = expit(x)
    if measure == HAQ:
        return HAQ_RANGE * share
    if measure == MMT:
        return share
    return VAS_RANGE_CM * share


@step
def healthy_value(measure: int, baseline: float) -> float:
    """Return where full recovery leads; an enzyme that is already lower stays where it is."""
    if measure == MMT:
        return 1.0
    if measure == ENZYME:
        return min(_LOG_CK_HEALTHY, baseline)
    return 0.0


@step
def worst_value(measure: int) -> float:
    """Return where full decline leads."""
    if measure == MMT:
        return 0.0
    if measure == HAQ:
        return HAQ_RANGE
    if measure == ENZYME:
        return _LOG_CK_HIGHEST
    return VAS_RANGE_CM


@step
def true_value(measure: int, baseline: float, loading: float, benefit: float) -> float:
    """Return the latent value after a benefit in [-1, 1]; a negative one is a decline."""
    if benefit >= 0.0:
        share = min(loading * benefit, 1.0)
        return baseline - share * (baseline - healthy_value(measure, baseline))
    return baseline - benefit * (worst_value(measure) - baseline)


@step
def measurement_error(
    measure: int, sd: float, shared_share: float, shared: float, own: float
) -> float:
    """Return an error of one measure from the patient's shared and the measure's own deviate.

    A positive shared deviate is a bad day: every measure looks worse, so strength looks less.
    """
    sign = -1.0 if measure == MMT else 1.0
    return sd * (sign * math.sqrt(shared_share) * shared + math.sqrt(1.0 - shared_share) * own)


@step
def adult_age(location: float, scale: float, z: float) -> float:
    """Return an age in years at standard normal ``z``: logit-normal from 18 to 95."""
    return YOUNGEST + (OLDEST - YOUNGEST) * expit(location + scale * z)


@step
def juvenile_age(location: float, scale: float, z: float) -> float:
    """Return a juvenile's age in years at standard normal ``z``: logit-normal from 2 to 18."""
    return YOUNGEST_JUVENILE + (OLDEST_JUVENILE - YOUNGEST_JUVENILE) * expit(location + scale * z)


@step
def juvenile_weight(age: float, at_2_kg: float, kg_per_year: float) -> float:
    """Return the median weight (kg) of juveniles of an age: a straight line from age 2."""
    return at_2_kg + kg_per_year * (age - YOUNGEST_JUVENILE)


@step
def observe_shifted(
    measure: int,
    baseline: float,
    benefit: float,
    loading: float,
    sd: float,
    shared_share: float,
    shared: float,
    own: float,
    mmt_maximum: int,
    shift: float,
) -> float:
    """Return a measure that is reported better by ``shift`` than it is, on a scale of worse."""
    true = true_value(measure, baseline, loading, benefit)
    error = measurement_error(measure, sd, shared_share, shared, own)
    return observe(measure, true, error - shift, mmt_maximum)


@step
def next_deviate(correlation: float, previous: float, innovation: float) -> float:
    """Return the next standard normal of an autoregressive series."""
    return correlation * previous + math.sqrt(1.0 - correlation * correlation) * innovation


@step
def observe(measure: int, true: float, error: float, mmt_maximum: int) -> float:
    """Return what is written down: the true value with error, clipped and rounded to its scale."""
    seen = true + error
    if measure == ENZYME:
        return pexp(seen)
    if measure == MMT:
        return math.floor(min(max(seen, 0.0), 1.0) * mmt_maximum + 0.5)
    if measure == HAQ:
        return math.floor(min(max(seen, 0.0), HAQ_RANGE) * 8.0 + 0.5) / 8.0
    return math.floor(min(max(seen, 0.0), VAS_RANGE_CM) * 10.0 + 0.5) / 10.0


@step
def is_abnormal(measure: int, observed: float) -> bool:
    """Return whether a measure other than MMT counts as abnormal at screening."""
    if measure == ENZYME:
        return observed >= ABNORMAL_CK_ULN
    if measure == HAQ:
        return observed >= ABNORMAL_HAQ
    return observed >= ABNORMAL_VAS_CM


@step
def severity(physician_cm: float) -> int:
    """Return 0 mild (to 3.0 cm), 1 moderate (to 6.0), 2 severe: observed physician global."""
    if physician_cm <= 3.0:
        return 0
    if physician_cm <= 6.0:
        return 1
    return 2


SEVERITIES = ("mild", "moderate", "severe")


@step
def copula_normal(measure: int, root: NDArray[np.float64], z: NDArray[np.float64]) -> float:
    """Return the standard normal of one measure, correlated with those of the others."""
    correlated = 0.0
    for other in range(N_MEASURES):
        correlated += root[measure, other] * z[other]
    return correlated


@step(inline=True)
def draw_baseline(
    out: NDArray[np.float64],
    location: NDArray[np.float64],
    scale: NDArray[np.float64],
    root: NDArray[np.float64],
    z: NDArray[np.float64],
) -> None:
    """Write a patient's latent baseline (6,) from standard normals (6,) through a copula.

    ``root`` (6, 6) is the lower Cholesky root of the correlation of the six on their free scales.
    """
    for measure in range(N_MEASURES):
        correlated = copula_normal(measure, root, z)
        out[measure] = baseline_value(measure, location[measure], scale[measure], correlated)


@step(inline=True)
def advance_deviates(
    deviates: NDArray[np.float64], innovations: NDArray[np.float64], correlation: float
) -> None:
    """Move the error series (7,) of a patient, six measures and the shared one, to a new visit."""
    for series in range(N_SERIES):
        deviates[series] = next_deviate(correlation, deviates[series], innovations[series])


@step(inline=True)
def observe_measure(
    measure: int,
    baseline: NDArray[np.float64],
    benefit: float,
    loading: NDArray[np.float64],
    sd: NDArray[np.float64],
    shared_share: float,
    deviates: NDArray[np.float64],
    mmt_maximum: int,
) -> float:
    """Return one observed measure of a visit; the arrays are those of ``observe_measures``."""
    true = true_value(measure, baseline[measure], loading[measure], benefit)
    error = measurement_error(
        measure, sd[measure], shared_share, deviates[N_MEASURES], deviates[measure]
    )
    return observe(measure, true, error, mmt_maximum)


@step(inline=True)
def observe_measures(
    out: NDArray[np.float64],
    baseline: NDArray[np.float64],
    benefit: float,
    loading: NDArray[np.float64],
    sd: NDArray[np.float64],
    shared_share: float,
    deviates: NDArray[np.float64],
    mmt_maximum: int,
) -> None:
    """Write the six observed measures of one visit.

    ``baseline, loading, sd`` : (6,); ``deviates`` : (7,) standard normal errors, the shared last.
    """
    # one by one, so that the compiler knows which measure it is: no branch is left at run time
    out[PHYSICIAN] = observe_measure(
        PHYSICIAN, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
    out[PATIENT] = observe_measure(
        PATIENT, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
    out[EXTRAMUSCULAR] = observe_measure(
        EXTRAMUSCULAR, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
    out[HAQ] = observe_measure(
        HAQ, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
    out[MMT] = observe_measure(
        MMT, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
    out[ENZYME] = observe_measure(
        ENZYME, baseline, benefit, loading, sd, shared_share, deviates, mmt_maximum
    )
