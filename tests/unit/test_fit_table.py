"""The comparison at the end of a fit: what moved first, by the error or by the spread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simtrial.planning.refit import compare, same_facts
from simtrial.report.fit_table import farthest_words, fit_table
from simtrial.trial.posterior import Posterior, load_posterior

DM = "p_response[DM, refractory]"


def moved(by: float = 0.0, **marks: str) -> Posterior:
    """Return the shipped posterior with the draws of one response moved, and other marks."""
    old = load_posterior()
    provenance = old.provenance | {"fingerprint": old.provenance["fingerprint"] | marks}
    draws = old.draws | {DM: old.draws[DM] + by}
    return replace(old, draws=draws, provenance=provenance)


def rows_of(new: Posterior) -> tuple[list[dict[str, Any]], dict[str, str]]:
    return compare(new, load_posterior()), {n: o.status for n, o in new.origins.items()}


def line(table: str, name: str) -> list[str]:
    (found,) = [row for row in table.splitlines() if row.startswith(name)]
    return found.removeprefix(name).split()


def test_a_shift_is_measured_in_standard_deviations_of_the_shipped_draws() -> None:
    spread = float(load_posterior().draws[DM].std(ddof=1))
    rows, _ = rows_of(moved(-0.1))
    shifts = {r["statistic"]: r["shift_in_sd"] for r in rows if r["parameter"] == DM}
    assert shifts == pytest.approx(dict.fromkeys(shifts, -0.1 / spread))
    assert {r["shift_in_sd"] for r in rows if r["parameter"] != DM} == {0.0}


def test_a_constant_that_became_another_is_infinitely_far_in_its_direction() -> None:
    old = load_posterior()
    before, after = (old.draws | {"hill": np.full(old.n_draws, hill)} for hill in (3.0, 2.0))
    rows = compare(replace(old, draws=after), replace(old, draws=before))
    (found,) = [r for r in rows if (r["parameter"], r["statistic"]) == ("hill", "q50")]
    assert found["z"] == found["shift_in_sd"] == -np.inf


def test_of_the_same_facts_the_shift_is_in_monte_carlo_errors() -> None:
    new = moved(-0.1)
    assert same_facts(new, load_posterior())
    rows, statuses = rows_of(new)
    table = fit_table(rows, statuses, same_facts=True)
    assert table.splitlines()[0].split()[-5:] == ["5", "%", "95", "%", "shift/MCSE"]
    (q50,) = [r for r in rows if (r["parameter"], r["statistic"]) == (DM, "q50")]
    assert line(table, DM)[-1] == f"{q50['z']:+.1f}"
    words = farthest_words(rows, statuses, same_facts=True)
    assert "Farthest from it: p_response[DM, refractory]" in words
    assert words.endswith("combined Monte Carlo standard errors (MCSE).")


@pytest.mark.parametrize("mark", ["facts", "priors"])
def test_of_other_facts_or_priors_it_is_in_standard_deviations(mark: str) -> None:
    new = moved(-0.1, **{mark: "others"})
    assert not same_facts(new, load_posterior())
    rows, statuses = rows_of(new)
    table = fit_table(rows, statuses, same_facts=False)
    assert table.splitlines()[0].endswith("shift/SD")
    (q50,) = [r for r in rows if (r["parameter"], r["statistic"]) == (DM, "q50")]
    assert line(table, DM)[-1] == f"{q50['shift_in_sd']:+.2f}"
    old = np.quantile(load_posterior().draws[DM], [0.5, 0.05, 0.95])
    assert line(table, DM)[-4:-1] == [f"{value:.4g}" for value in old]
    words = farthest_words(rows, statuses, same_facts=False)
    assert f"by {q50['shift_in_sd']:+.2f} standard deviations of the shipped posterior" in words
    assert "moved p_response[DM, refractory] most" in words


def test_what_was_not_sampled_and_did_not_move_is_left_to_the_json() -> None:
    new = moved()
    rows, statuses = rows_of(new)
    table = fit_table(rows, statuses, same_facts=True)
    sampled = [n for n, s in statuses.items() if s == "fitted" and np.ptp(new.draws[n]) > 0.0]
    *shown, last = table.splitlines()[1:]
    assert [row.partition("  ")[0] for row in shown] == sampled
    left = len(new.draws) - len(sampled)
    assert last == (
        f"{left} others (assumed, or baselines read off document 002), as in the shipped "
        "posterior: see --json."
    )


def test_what_was_not_sampled_and_moved_comes_after_what_was() -> None:
    old = load_posterior()
    others = {"hill", "depth"}  # one value, and one of many
    draws = old.draws | {name: old.draws[name] - 0.5 for name in others}
    rows, statuses = rows_of(replace(old, draws=draws))
    rows = [row | {"shift_in_sd": -np.inf} if row["parameter"] == "hill" else row for row in rows]
    table = fit_table(rows, statuses, same_facts=False).splitlines()
    assert {row.split()[0] for row in table[-3:-1]} == others
    assert line("\n".join(table), "hill")[-1] == "-"


def test_without_a_shipped_posterior_nothing_is_compared() -> None:
    rows, statuses = rows_of(moved())
    table = fit_table(rows, statuses, same_facts=None)
    assert table.splitlines()[0].split() == ["parameter", "status", "median", "5", "%", "95", "%"]
    assert "shipped" not in table
