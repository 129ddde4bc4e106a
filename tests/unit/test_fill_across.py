"""Numbers of many patients at once are those of each address."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.core.arithmetic import exponentials_in_place, plog
from simtrial.core.streams import Purpose, fill_across, uniform


@pytest.mark.parametrize("seed", [1, 2**33 + 7, -1])
@pytest.mark.parametrize("replicate", [0, 2**32 - 1])
def test_a_fill_across_patients_is_the_number_of_each_address(seed: int, replicate: int) -> None:
    first, second = np.empty(37), np.empty(37)
    word = (int(Purpose.OUTCOME_ALLOCATION) << 20) | 3
    fill_across(first, second, word, 2, seed, replicate)
    for patient in range(37):
        at = (seed % 2**64, int(Purpose.OUTCOME_ALLOCATION), replicate, patient, 2)
        # the compiled address takes a signed word, which is the type of a whole number there
        signed = at[0] - 2**64 if at[0] >= 2**63 else at[0]
        assert first[patient] == uniform(signed, *at[1:], 6)
        assert second[patient] == uniform(signed, *at[1:], 7)


def test_exponentials_in_place_are_minus_the_portable_logarithm() -> None:
    u = np.concatenate([np.random.default_rng(1).random(1000), [2.0**-54, 0.5, 1.0 - 2.0**-53]])
    got = u.copy()
    exponentials_in_place(got)
    np.testing.assert_array_equal(got, [-plog(x) for x in u])
    assert got.min() > 0.0
