"""The table of priors is complete, and its distributions are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from simtrial.core.config import Located, validate
from simtrial.core.errors import DesignError
from simtrial.evidence.ledger import load_ledger
from simtrial.evidence.values import MedianIqr
from simtrial.myositis.parameters import PARAMETERS
from simtrial.synthesis.baseline import baseline_parameters
from simtrial.synthesis.priors import Prior, load_priors
from simtrial.trial.posterior import load_posterior


def prior(**fields: object) -> Prior:
    return validate(Prior, Located(data={"source": "test", **fields}, source="test"))


def test_every_parameter_is_fitted_assumed_or_solved_and_only_one_of_them():
    posterior = load_posterior()
    assert set(posterior.draws) == set(posterior.origins)
    assert set(posterior.draws) < set(PARAMETERS)
    assert "p_background" not in posterior.draws
    known = {"fitted", "published elsewhere", "assumed"}
    assert {o.status for o in posterior.origins.values()} == known


def test_nothing_about_the_control_arm_is_fitted():
    origins = load_posterior().origins
    for name in ("control.tis20_week16", "background_depth", "k_background"):
        assert origins[name].status == "assumed"


def test_a_lognormal_keeps_its_median_and_its_interval():
    drawn = prior(lognormal=[0.5, 0.25, 1.0]).draw(np.random.default_rng(1), 400_000)
    # one draw from each 400,000th: these quantiles are met to about 1e-5
    np.testing.assert_allclose(np.quantile(drawn, [0.05, 0.5, 0.95]), [0.25, 0.5, 1.0], rtol=1e-4)


def test_a_prior_with_two_distributions_is_refused():
    with pytest.raises(DesignError, match="exactly one of normal"):
        prior(beta=[1.0, 1.0], fixed=0.3)


def test_the_digest_of_the_priors_sees_a_number_and_not_a_reason():
    table = load_priors()
    held = table.assumed["hill"]
    other = {**table.assumed, "hill": held.model_copy(update={"fixed": 2.0})}
    reworded = {**table.assumed, "hill": held.model_copy(update={"source": "other words"})}
    assert table.model_copy(update={"assumed": other}).digest() != table.digest()
    assert table.model_copy(update={"assumed": reworded}).digest() == table.digest()


@pytest.mark.parametrize(
    ("measure", "top"), [("physician", 10.0), ("haq", 3.0), ("mmt", 260.0), ("extramuscular", 10.0)]
)
def test_a_baseline_marginal_gives_back_the_printed_median_and_quartile_distance(measure, top):
    ledger = load_ledger()
    values, origins = baseline_parameters(ledger, load_priors())
    printed = ledger.fact(f"lim21.{measure}_baseline.all").values_as(MedianIqr)
    middle, spread = (values[f"baseline.{measure}.{part}"] for part in ("location", "scale"))
    assert top / (1 + np.exp(-middle)) == pytest.approx(printed.median)

    def free(x: float) -> float:
        return float(np.log(x / top) - np.log1p(-x / top))

    distance = free(printed.q3) - free(printed.q1)
    assert 2 * 0.6744897501960817 * spread == pytest.approx(distance)
    assert origins[f"baseline.{measure}.location"].status == "fitted"
