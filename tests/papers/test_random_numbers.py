"""Words of the generator, the imbalance of complete randomisation, ranks of prior draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from simtrial.core.streams import philox
from simtrial.stats.binary.allocation import simple
from simtrial.stats.mixtures import mixture

# RNG-01. Salmon JK et al., SC11 2011: file kat_vectors of Random123, philox4x32 with 10 rounds.
# Hexadecimal: counter, key, words. Exactly.
KNOWN = (
    "00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    "ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd",
    "243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1",
)


@pytest.mark.parametrize("row", KNOWN)
def test_the_generator_gives_the_known_answers_of_random123(row: str) -> None:
    words = tuple(int(word, 16) for word in row.split())
    assert philox(*words[:6]) == words[6:]


# RD-03. Complete randomisation, two arms of equal chance: mean of |treated - control|, and the
# chance that it is 20 or more. Sums of binomial probabilities; sqrt(2 n / pi) is near the first.
@pytest.mark.parametrize(
    ("n", "mean_imbalance", "twenty_or_more"),
    [(50, 5.6137586, 0.0066004), (100, 7.9589237, 0.0568879)],
)
def test_the_imbalance_of_complete_randomisation_is_the_binomial_one(
    n: int, mean_imbalance: float, twenty_or_more: float
) -> None:
    chance = simple([n], 0.5).distribution(0)
    imbalance = {treated: abs(2 * treated - n) for treated in chance}
    assert sum(p * imbalance[t] for t, p in chance.items()) == pytest.approx(
        mean_imbalance, abs=1e-6
    )
    assert sum(p for t, p in chance.items() if imbalance[t] >= 20) == pytest.approx(
        twenty_or_more, abs=1e-6
    )


# SIM-03. Talts S et al., arXiv:1804.06788: the ranks of prior draws in the posteriors of the data
# drawn under them are uniform. The rank is the posterior's own distribution function, which needs
# no draws, so bins of any number are exact. Of 100,000 ranks in 20 bins each count lies within its
# band with chance 1 - 5e-8, all with 1 - 1e-6; it sees a bin that is off by 10 % with 0.95, and the
# weights of the prior in place of the posterior's.
def test_ranks_of_prior_draws_in_the_posterior_of_a_mixture_are_uniform() -> None:
    ranks, bins, patients = 100_000, 20, 12
    prior = mixture([(0.7, 8.0, 24.0), (0.3, 1.0, 1.0)])
    random = np.random.default_rng(17)
    component = random.choice(2, ranks, p=prior.weights)
    rate = random.beta(np.array(prior.a)[component], np.array(prior.b)[component])
    responders = random.binomial(patients, rate)
    rank = np.empty(ranks)
    for y in range(patients + 1):
        rank[responders == y] = prior.posterior(y, patients).cdf(rate[responders == y])
    counts = np.bincount(np.minimum((rank * bins).astype(int), bins - 1), minlength=bins)
    low, high = binom.ppf([2.5e-8, 1.0 - 2.5e-8], ranks, 1 / bins)
    assert low <= counts.min() and counts.max() <= high
