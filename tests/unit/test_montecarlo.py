"""Monte Carlo errors and intervals against SciPy and against theory."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from simtrial.core.errors import DomainError
from simtrial.stats.montecarlo import (
    clustered_share_mcse,
    clustered_sum_error,
    paired_change,
    share_mcse,
    wilson_interval,
)

COUNTS = [(0, 1), (1, 1), (0, 50), (50, 50), (1, 50), (49, 50), (20, 50), (7_980, 10_000)]
NO_SHARES = [(-1, 10), (11, 10), (0, 0), (1, -1)]


@pytest.mark.parametrize(("hits", "n"), COUNTS)
def test_wilsons_interval_is_scipys(hits: int, n: int) -> None:
    want = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    # the same formula: rounding only
    assert wilson_interval(hits, n) == pytest.approx((want.low, want.high), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (0, 50), (0, 10_000)])
def test_without_hits_wilsons_interval_begins_at_exactly_0(hits: int, n: int) -> None:
    assert wilson_interval(hits, n)[0] == 0.0


@pytest.mark.parametrize("n", [1, 50, 10_000])
def test_with_hits_only_wilsons_interval_ends_at_exactly_1(n: int) -> None:
    assert wilson_interval(n, n)[1] == 1.0


@pytest.mark.parametrize(("hits", "n"), NO_SHARES)
def test_an_interval_of_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(DomainError, match=rf"{hits} of {n} is no share; give 0 <= hits <= n"):
        wilson_interval(hits, n)


def test_the_error_of_a_share_is_binomial() -> None:
    assert share_mcse(7_980, 10_000) == pytest.approx(math.sqrt(0.798 * 0.202 / 10_000), rel=1e-15)


@pytest.mark.parametrize(("hits", "n"), NO_SHARES)
def test_the_error_of_no_share_is_refused(hits: int, n: int) -> None:
    with pytest.raises(DomainError, match=rf"{hits} of {n} is no share; give 0 <= hits <= n"):
        share_mcse(hits, n)


# replicates that share rows of a posterior


def hits_of(n: int, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.random.default_rng(seed).random(n) < 0.7


@pytest.mark.parametrize("n", [10, 400])
def test_with_a_row_for_each_replicate_the_error_is_binomial(n: int) -> None:
    hits = hits_of(n)
    binomial = share_mcse(int(hits.sum()), n)
    got = clustered_share_mcse(hits, np.arange(n))
    # but for the small-sample factor n / (n - 1) of the variance
    assert got == pytest.approx(binomial * math.sqrt(n / (n - 1)), rel=1e-12)


@pytest.mark.parametrize("times", [2, 10])
def test_repeating_every_replicate_of_a_row_adds_no_information(times: int) -> None:
    hits, row = hits_of(200), np.arange(200)
    once = clustered_share_mcse(hits, row)
    repeated = clustered_share_mcse(np.repeat(hits, times), np.repeat(row, times))
    assert repeated == pytest.approx(once, rel=1e-12)


def test_the_error_grows_with_replicates_that_share_a_row() -> None:
    hits = np.repeat(hits_of(200), 5)
    shared = clustered_share_mcse(hits, np.repeat(np.arange(200), 5))
    assert shared > 2.0 * share_mcse(int(hits.sum()), hits.shape[0])


def test_rows_may_come_in_any_order() -> None:
    hits, row = np.repeat(hits_of(100), 2), np.repeat(np.arange(100), 2)
    order = np.random.default_rng(2).permutation(200)
    got = clustered_share_mcse(hits[order], row[order])
    assert got == pytest.approx(clustered_share_mcse(hits, row), rel=1e-12)


def test_rows_that_were_not_used_do_not_count() -> None:
    hits = hits_of(100)
    got = clustered_share_mcse(hits, 40 * np.arange(100))
    assert got == pytest.approx(clustered_share_mcse(hits, np.arange(100)), rel=1e-12)


def test_one_row_says_nothing_about_the_error_between_rows() -> None:
    assert clustered_share_mcse(hits_of(100), np.zeros(100, np.int64)) == math.inf


def test_repeating_every_replicate_leaves_the_error_of_a_sum_of_rows_alone() -> None:
    values = np.random.default_rng(5).normal(size=400)
    values -= values.mean()
    once = clustered_sum_error(values, np.arange(400)) / 400
    twice = clustered_sum_error(np.tile(values, 2), np.tile(np.arange(400), 2)) / 800
    assert twice == pytest.approx(once, rel=1e-12)
    assert once == pytest.approx(values.std(ddof=1) / 20.0, rel=1e-12)


# changes in pairs


@pytest.mark.parametrize(("gain", "lose"), [(0.3, 0.1), (0.5, 0.5), (0.0, 0.2), (0.02, 0.9)])
@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_error_of_a_paired_change_is_that_of_all_outcomes_enumerated(gain, lose, n) -> None:
    """Over every sequence of n pairs: the squared error's mean is (n - 1) / n of the variance."""
    chance = {1: gain, -1: lose, 0: 1.0 - gain - lose}
    mean = square = squared_error = 0.0
    for pairs in itertools.product(chance, repeat=n):
        weight = math.prod(chance[pair] for pair in pairs)
        change, error = paired_change(pairs.count(1), pairs.count(-1), n)
        assert change == pytest.approx(sum(pairs) / n, abs=1e-15)
        mean += weight * change
        square += weight * change**2
        squared_error += weight * error**2
    # sums of at most 729 products of numbers below 1
    assert squared_error == pytest.approx((n - 1) / n * (square - mean**2), abs=1e-13)


@pytest.mark.parametrize("gained", [0, 3, 798, 1_000])
def test_when_all_failed_before_the_error_of_a_change_is_binomial(gained: int) -> None:
    want = share_mcse(gained, 1_000)
    assert paired_change(gained, 0, 1_000) == pytest.approx((gained / 1_000, want), rel=1e-14)
    assert paired_change(0, gained, 1_000) == pytest.approx((-gained / 1_000, want), rel=1e-14)


@pytest.mark.parametrize("n", [1, 7, 1_000])
def test_no_pair_that_changes_means_no_change_and_no_error(n: int) -> None:
    assert paired_change(0, 0, n) == (0.0, 0.0)


@pytest.mark.parametrize(("gained", "lost", "n"), [(-1, 2, 10), (2, -1, 10), (6, 5, 10), (0, 0, 0)])
def test_counts_that_are_no_pairs_are_refused(gained: int, lost: int, n: int) -> None:
    with pytest.raises(DomainError, match=rf"{gained} gained and {lost} lost of {n} pairs"):
        paired_change(gained, lost, n)
