"""Every random number is a pure function of its address; nothing depends on the order of calls.

An address is *(seed, purpose, replicate, patient, occasion, slot)*. It is turned into a number by
one block of Philox4x32-10: key = the 64-bit seed (low word first); counter words = purpose (upper
12 bits) with the slot's block (lower 20 bits), occasion, patient, replicate. A block gives two
uniforms: slots 2b and 2b + 1. Each is made of 53 bits k as ``(k + 0.5) * 2**-53``; the one k whose
result would round to 1 is held at ``1 - 2**-53``. Normals are quantiles of these uniforms.

The table of purposes below is part of the contract: a number, once published, keeps its address.

References
----------
Salmon JK, Moraes MA, Dror RO, Shaw DE. Parallel random numbers: as easy as 1, 2, 3. SC11, 2011.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simtrial.core.compiled import kernel, step


class Purpose(IntEnum):
    """What a random number is for. Word 'patient' and 'occasion' of the address in brackets."""

    PERSON = 1  # uniforms: 0 subtype, 1 sex, 2 takes prednisolone, 3 line [candidate, 0]
    BASELINE = 2  # normals: 0..5 measures, 6 age, 7 weight, 8 prednisolone dose [candidate, 0]
    SCREENING_NOISE = 3  # normals: 0..5 measures, 6 shared [candidate, 0]
    VISIT_NOISE = 4  # normals: 0..5 measures, 6 shared [candidate, week of the visit; 1000 at the
    # start of the run-in]
    RESPONSE = 5  # uniforms: 0 responds to the drug, 1 responds to background [candidate, 0]
    RESPONSE_SIZE = 6  # normals: 0 depth, 1 half-effect dose [candidate, 0]
    RESCUE = 7  # uniform: 0 rescued at this visit [candidate, week of the visit]
    LEAVING = 8  # uniforms: 0 time of dropout, 1 the same in the run-in [candidate, 0]
    ALLOCATION = 9  # uniforms: 0 block size, 1.. order within the block [stratum, block]
    ARRIVAL = 10  # uniform: 0 time since the site's previous candidate [site, order at the site]
    FRAILTY = 11  # normal: 0 infusion reactions [candidate, 0]
    RISK = 12  # uniforms: 0 cancer, 1 earlier thromboembolism, 2 when a thromboembolism without
    # a course, 3 what follows it, 4 migraine, 5 blood group O [candidate, 0]
    COURSE_HARM = 13  # uniforms: 0 reaction, 1 thromboembolism, 2 other serious event, 3 when the
    # reaction, 4 its kind, 5 serious, 6..8 what follows each of the three [candidate, week of the
    # course]
    OUTCOME_EVENT = 14  # uniforms: 0 time of the event, 1 time of dropout [patient, 0]
    OUTCOME_ARRIVAL = 15  # uniform: 0 intensity cumulated since the previous arrival [patient, 0]
    OUTCOME_ALLOCATION = 16  # uniforms: 0 block size, 1.. order within the block [block, 0];
    # 0 arm, where every patient is drawn for alone [patient, 1]
    OUTCOME_RESPONSE = 17  # uniforms: 0 responds, 1 stratum [patient, 0]; 0 part of the arm's
    # prior, 1 quantile of it [arm, 1]
    SITE = 18  # uniforms: 0 proposal, 1 acceptance, 2 power of the site's rate [site, attempt]
    SUPPLY = 19  # uniform: 0 time of supply before an interruption [0, order in the trial]
    COMPLETE_ALLOCATION = 20  # uniforms: 0 arm, or arm preferred; 1 biased coin [candidate, 0]
    ENZYME_BASELINE = 21  # normals: 0..3 enzymes beside CK, 4..7 their screening noise
    # [candidate, 0]
    ENZYME_NOISE = 22  # normals: 0..3 enzymes beside CK [candidate, as VISIT_NOISE]
    MISSING = 23  # uniforms: 0 the visit, 1..6 the six measures [candidate, week of the visit]
    VISIT_TIMING = 24  # uniform: 0 when in its window [candidate, week of the visit]
    COURSE_CLASS = 25  # uniform: 0 transient responder [candidate, 0]
    TAPER = 26  # uniforms: 0 flare since the last visit, 1 judged improved [candidate, week of the
    # visit]
    TAPER_PERSON = 27  # normals: 0 share given up, 1 maintenance dose; uniform: 2 keeps one
    # [candidate, 0]
    CENTRE = 28  # normals: 0 share given up, 1 maintenance dose [site, 0]
    INTERVAL_HARM = 29  # uniforms: 0 infection, 1 harm of prednisolone, 2 cancer, 3 death, 4
    # worsening [candidate, week of the visit that opens the interval]
    COURSE_HARM_MORE = 30  # uniforms: 0 aseptic meningitis, 1 haemolysis, 2 and 3 when
    # [candidate, week of the course]
    # uniforms: 4c serious, 4c + 1 related, 4c + 2 fatal, 4c + 3 action, of class c (meningitis,
    # haemolysis, infection, prednisolone, cancer, death, worsening) [candidate, week]
    HARM_DETAIL = 31
    LACK_OF_EFFECT = 33  # uniform: 0 treatment given up at this visit [candidate, week of the
    # visit]
    SCREENING_OTHER = 34  # uniform: 0 fails for a reason outside the model [candidate, 0]


Word = int | np.uint32  # a 32-bit word, whichever type holds it
_BELOW_ONE = 1.0 - 2.0**-53


@step
def philox(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, ...]:
    """Return the four 32-bit words of Philox4x32-10 (all arguments are 32-bit words)."""
    x0, x1, x2, x3 = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
    y0, y1 = np.uint32(k0), np.uint32(k1)
    for _ in range(10):
        a = np.uint64(x0) * np.uint64(0xD2511F53)
        b = np.uint64(x2) * np.uint64(0xCD9E8D57)
        high_a, low_a = np.uint32(a >> np.uint64(32)), np.uint32(a & np.uint64(0xFFFFFFFF))
        high_b, low_b = np.uint32(b >> np.uint64(32)), np.uint32(b & np.uint64(0xFFFFFFFF))
        x0, x1, x2, x3 = high_b ^ x1 ^ y0, low_b, high_a ^ x3 ^ y1, low_a
        y0 = np.uint32((np.uint64(y0) + np.uint64(0x9E3779B9)) & np.uint64(0xFFFFFFFF))
        y1 = np.uint32((np.uint64(y1) + np.uint64(0xBB67AE85)) & np.uint64(0xFFFFFFFF))
    return x0, x1, x2, x3


@step
def unit_uniform(high: Word, low: Word) -> float:
    """Return the uniform of two 32-bit words: their upper 53 bits, never 0 and never 1."""
    bits = ((np.uint64(high) << np.uint64(32)) | np.uint64(low)) >> np.uint64(11)
    # a signed integer converts in one instruction, an unsigned one does not
    u = (np.float64(np.int64(bits)) + 0.5) * 2.0**-53
    return min(u, _BELOW_ONE)


@step
def uniform(
    seed: int, purpose: int, replicate: int, patient: int, occasion: int, slot: int
) -> float:
    """Return the uniform at one address, strictly between 0 and 1."""
    word = (purpose << 20) | (slot >> 1)
    w0, w1, w2, w3 = philox(
        word, occasion, patient, replicate, seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    )
    if slot & 1:
        return unit_uniform(w2, w3)
    return unit_uniform(w0, w1)


@kernel
def fill_uniforms(
    out: NDArray[np.float64],
    words: NDArray[np.int64],
    occasions: NDArray[np.int64],
    seed: int,
    replicate: int,
    patient: int,
) -> None:
    """Fill ``out`` (2 B,) with the two uniforms of each of B blocks of one patient.

    Parameters
    ----------
    words, occasions : (B,) the first two counter words of each block.
    """
    # the same ten rounds as ``philox``, written out on 64-bit words: a call that returns a tuple
    # keeps the compiler from running several blocks at once (measured: 7.4 against 2.0 ns a number)
    key0, key1 = np.uint64(seed & 0xFFFFFFFF), np.uint64((seed >> 32) & 0xFFFFFFFF)
    c2, c3 = np.uint64(np.uint32(patient)), np.uint64(np.uint32(replicate))
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for block in range(words.shape[0]):
        x0, x1 = np.uint64(np.uint32(words[block])), np.uint64(np.uint32(occasions[block]))
        x2, x3 = c2, c3
        y0, y1 = key0, key1
        for _ in range(10):
            a = x0 * np.uint64(0xD2511F53)
            b = x2 * np.uint64(0xCD9E8D57)
            x0, x1, x2, x3 = (b >> half) ^ x1 ^ y0, b & low, (a >> half) ^ x3 ^ y1, a & low
            y0 = (y0 + np.uint64(0x9E3779B9)) & low
            y1 = (y1 + np.uint64(0xBB67AE85)) & low
        first = ((x0 << half) | x1) >> np.uint64(11)
        second = ((x2 << half) | x3) >> np.uint64(11)
        out[2 * block] = min((np.float64(np.int64(first)) + 0.5) * 2.0**-53, _BELOW_ONE)
        out[2 * block + 1] = min((np.float64(np.int64(second)) + 0.5) * 2.0**-53, _BELOW_ONE)


@kernel
def fill_across(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    word: int,
    occasion: int,
    seed: int,
    replicate: int,
) -> None:
    """Fill ``first`` and ``second`` (P,) with the two uniforms of one block of patients 0..P-1.

    ``word, occasion`` : the first two counter words, the same for all.
    """
    # written out for the reason given in ``fill_uniforms``; here the loop is over patients
    key0, key1 = np.uint64(seed & 0xFFFFFFFF), np.uint64((seed >> 32) & 0xFFFFFFFF)
    c0, c1 = np.uint64(np.uint32(word)), np.uint64(np.uint32(occasion))
    c3 = np.uint64(np.uint32(replicate))
    low, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    for patient in range(first.shape[0]):
        x0, x1, x2, x3 = c0, c1, np.uint64(np.uint32(patient)), c3
        y0, y1 = key0, key1
        for _ in range(10):
            a = x0 * np.uint64(0xD2511F53)
            b = x2 * np.uint64(0xCD9E8D57)
            x0, x1, x2, x3 = (b >> half) ^ x1 ^ y0, b & low, (a >> half) ^ x3 ^ y1, a & low
            y0 = (y0 + np.uint64(0x9E3779B9)) & low
            y1 = (y1 + np.uint64(0xBB67AE85)) & low
        one = ((x0 << half) | x1) >> np.uint64(11)
        two = ((x2 << half) | x3) >> np.uint64(11)
        first[patient] = min((np.float64(np.int64(one)) + 0.5) * 2.0**-53, _BELOW_ONE)
        second[patient] = min((np.float64(np.int64(two)) + 0.5) * 2.0**-53, _BELOW_ONE)
