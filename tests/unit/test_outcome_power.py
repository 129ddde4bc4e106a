"""Power and sizes under truths of outcomes: exact figures, names, agreement with simulation."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest

from simtrial.core.config import parse_yaml, validate
from simtrial.core.errors import DesignError
from simtrial.operating import batches, exact
from simtrial.operating.event_rows import event_plan, event_world
from simtrial.operating.exact import ERROR_BOUND, metric_name
from simtrial.operating.store import Store
from simtrial.planning.power import power
from simtrial.planning.size import size
from simtrial.stats.survival.trials import simulate_trials
from simtrial.sweep.plan import Job
from simtrial.sweep.work import run_job
from simtrial.trial.design import AnyDesign, load_design, patients_of, revalidated
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import load_scenario
from tests.independent import exact_binary_second as second
from tests.independent.beta_second import exact_power_second
from tests.unit.outcome_cases import EVENTS, RESPONSE

FALSE_ALARM = 1e-6
TWO_ARM = load_design("outcome_binary_two_arm")
THREE_LOOKS = load_design("outcome_binary_three_looks")
FLAT = (1.0, 1.0)


class Files:
    """Designs and truths written to a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def truth(self, text: str, name: str = "truth.yaml") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def made(text: str) -> OutcomeDesign:
    return validate(OutcomeDesign, parse_yaml(text, "trial.yaml"))


def row_of(design: AnyDesign, truth: str, **how: Any) -> dict[str, Any]:
    (row,) = power(design, scenarios=[truth], **how).document["scenarios"]
    return dict(row)


def value(row: dict[str, Any], metric: str) -> float:
    return float(row["metrics"][metric]["estimate"])


def shares_agree(row: dict[str, Any], exact: dict[str, Any], metric: str) -> None:
    """Check a simulated share against the exact one, and those of every look, at FALSE_ALARM."""
    pairs = [(row["metrics"][metric], value(exact, metric))]
    for look, wanted in zip(row["looks"], exact["looks"], strict=True):
        assert look["n"] == wanted["n"]
        pairs += [(look[key], wanted[key]["estimate"]) for key in ("reached", "success_by")]
        pairs += [(look["futility_by"], wanted["futility_by"]["estimate"])]
    for found, share in pairs:
        hits = round(found["estimate"] * found["replicates"])
        if share in (0.0, 1.0):
            assert hits == share * found["replicates"]
        else:
            assert binomtest(hits, found["replicates"], min(share, 1.0)).pvalue > FALSE_ALARM


# exact figures


def test_the_plain_design_has_the_power_of_an_independent_sum() -> None:
    """50 an arm, 0.4 against 0.7, posterior above 0.975 under flat priors: 0.87632."""
    row = row_of(TWO_ARM, "outcome_binary_two_arm")
    wanted = exact_power_second(50, 50, 0.7, 0.4, FLAT, FLAT, 0.975)
    # both are sums of 2,601 products; what the row promises
    assert value(row, "power") == pytest.approx(wanted, abs=ERROR_BOUND)
    assert f"{value(row, 'power'):.5f}" == "0.87632"
    assert row["exact"]
    assert row["error_bound"] == ERROR_BOUND
    assert row["metrics"]["power"]["mcse"] == 0.0
    assert row["metrics"]["power"]["replicates"] == 0


def test_the_largest_type1_error_is_that_of_an_independent_sum_where_it_says() -> None:
    row = row_of(TWO_ARM, "outcome_binary_two_arm")
    at = row["type1_maximum_at"]
    assert set(at) == {"control", "treated"}
    wanted = exact_power_second(50, 50, at["treated"], at["control"], FLAT, FLAT, 0.975)
    assert value(row, "type1_maximum") == pytest.approx(wanted, abs=ERROR_BOUND)
    assert f"{value(row, 'type1_maximum'):.5f}" == "0.02844"
    on_a_grid = [
        exact_power_second(50, 50, p, p, FLAT, FLAT, 0.975) for p in np.linspace(0.05, 0.95, 13)
    ]
    assert max(on_a_grid) <= value(row, "type1_maximum") + ERROR_BOUND


def test_three_looks_have_the_chances_of_an_independent_sum() -> None:
    row = row_of(THREE_LOOKS, "outcome_binary_three_looks")
    sizes = [(17, 17), (33, 33), (50, 50)]

    @cache
    def success(*counts: int) -> bool:
        return float(second.posterior_superiority_exact(*counts)) > 0.989

    wanted = second.two_arm(sizes, success, None, 0.7, 0.4)
    assert [look["n"] for look in row["looks"]] == [34, 66, 100]
    for look, chance in zip(row["looks"], wanted["success"], strict=True):
        assert look["success"]["estimate"] == pytest.approx(chance, abs=ERROR_BOUND)
    assert value(row, "power") == pytest.approx(math.fsum(wanted["success"]), abs=ERROR_BOUND)
    # of up to 100 patients
    assert value(row, "expected_n") == pytest.approx(wanted["expected_n"], abs=100 * ERROR_BOUND)
    assert f"{value(row, 'power'):.5f}" == "0.80166"


def test_unequal_arms_and_random_blocks_have_the_power_of_an_independent_sum(files: Files) -> None:
    text = RESPONSE.replace("{old: 1, new: 1}\n", "{old: 1, new: 2}\n", 1).replace("[2]", "[3, 6]")
    design = made(text.replace("[{information: 0.5}, {information: 1.0}]", "[{n: 8}, {n: 20}]")
                  .replace("n: 100", "n: 20").replace("0.975", "0.9"))  # fmt: skip
    row = row_of(design, files.truth("outcomes: {old: 0.3, new: 0.75}"))
    assert row["exact"]

    @cache
    def success(*counts: int) -> bool:
        return float(second.posterior_superiority_exact(*counts)) > 0.9

    scheme = second.Blocks((3, 6), (2, 1))  # patient by patient, the new arm first
    wanted = second.two_arm_allocated(scheme, [8, 20], success, None, 0.75, 0.3)
    for look, chance in zip(row["looks"], wanted["success"], strict=True):
        assert look["success"]["estimate"] == pytest.approx(chance, abs=ERROR_BOUND)


def test_blocks_within_strata_have_the_power_of_an_independent_sum(files: Files) -> None:
    """18 patients in blocks of 4 within strata of 3 and 7 in 10: the arms are seldom equal."""
    design = made(
        RESPONSE.replace("[2]", "[4]\n  strata: [severity]").replace("n: 100", "n: 18")
        .replace("[{information: 0.5}, {information: 1.0}]", "[{n: 7}, {n: 18}]")
        .replace("0.975", "0.9")
    )  # fmt: skip
    path = files.truth("outcomes: {old: 0.3, new: 0.75}\nstrata: {mild: 0.3, severe: 0.7}")
    row = row_of(design, path)
    assert row["exact"]

    @cache
    def success(*counts: int) -> bool:
        return float(second.posterior_superiority_exact(*counts)) > 0.9

    scheme = second.Stratified((0.3, 0.7), second.Blocks((4,)))
    wanted = second.two_arm_allocated(scheme, [7, 18], success, None, 0.75, 0.3)
    for look, chance in zip(row["looks"], wanted["success"], strict=True):
        assert look["success"]["estimate"] == pytest.approx(chance, abs=ERROR_BOUND)
    unstratified = row_of(
        made(RESPONSE.replace("[2]", "[4]").replace("n: 100", "n: 18").replace("0.975", "0.9")
             .replace("[{information: 0.5}, {information: 1.0}]", "[{n: 7}, {n: 18}]")),
        files.truth("outcomes: {old: 0.3, new: 0.75}"),
    )  # fmt: skip
    assert abs(value(row, "power") - value(unstratified, "power")) > 1e-4


# names: power, type1, assurance


@pytest.mark.parametrize(
    ("design", "text", "name"),
    [
        (RESPONSE, "outcomes: {old: 0.4, new: 0.7}", "power"),
        (RESPONSE, "outcomes: {old: 0.4, new: 0.4}", "type1"),
        (RESPONSE, "outcomes: {old: 0.7, new: 0.4}", "type1"),
        (RESPONSE, "outcomes: {old: 0.4, new: {beta: [2, 3]}}", "assurance"),
        (RESPONSE, "outcomes: {old: {beta: [2, 3]}, new: 0.1}", "assurance"),
        (RESPONSE.replace("new > old", "new > old + 0.1"), "outcomes: {old: 0.4, new: 0.5}",
         "type1"),
        (RESPONSE.replace("new > old", "new > old + 0.1"), "outcomes: {old: 0.4, new: 0.51}",
         "power"),
        (RESPONSE.replace("new > old", "new > old - 0.1"), "outcomes: {old: 0.4, new: 0.4}",
         "power"),
        (RESPONSE.replace("new > old", "old > new"), "outcomes: {old: 0.4, new: 0.7}", "type1"),
        (EVENTS, "hazards_per_day: {old: 0.002, new: 0.001}", "power"),
        (EVENTS, "hazards_per_day: {old: 0.002, new: {ratio: 1, to: old}}", "type1"),
        (EVENTS, "hazards_per_day: {old: 0.002, new: 0.003}", "type1"),  # harm is no power
        (EVENTS, "hazards_per_day: {old: 0.002, new: [{from_day: 0, rate: 0.002}, "
         "{from_day: 90, rate: 0.002}]}", "type1"),  # one hazard, written in two pieces
        (EVENTS, "hazards_per_day: {old: 0.002, new: [{from_day: 0, rate: 0.003}, "
         "{from_day: 90, rate: 0.001}]}", "power"),  # harm first, benefit later
    ],
)  # fmt: skip
def test_the_chance_of_success_is_named_by_its_truth(design: str, text: str, name: str) -> None:
    truth = validate(OutcomeScenario, parse_yaml(text, "truth.yaml"))
    assert metric_name(made(design), truth) == name


# assurance


def test_assurance_over_priors_is_power_averaged_over_them_by_quadrature(files: Files) -> None:
    """Power at 40 by 40 Gauss-Legendre nodes of the two priors."""
    design = made(RESPONSE.replace("n: 100", "n: 40"))
    row = row_of(
        design,
        files.truth("outcomes: {old: {beta: [6, 9]}, new: {mixture: [[0.8, 12, 8], [0.2, 2, 2]]}}"),
    )
    nodes, weights = np.polynomial.legendre.leggauss(40)
    p, w = (nodes + 1.0) / 2.0, weights / 2.0
    prior_old = w * beta.pdf(p, 6, 9)
    prior_new = w * (0.8 * beta.pdf(p, 12, 8) + 0.2 * beta.pdf(p, 2, 2))
    tables = [
        np.array([[float(second.posterior_superiority_exact(y1, n, y0, n)) > 0.975
                   for y0 in range(n + 1)] for y1 in range(n + 1)])
        for n in (10, 20)
    ]  # fmt: skip
    early = binom.pmf(np.arange(11)[None, :], 10, p[:, None])
    going = np.where(tables[0], 0.0, 1.0)
    # success at the first look, or at the second from what went on: all pairs of nodes at once
    won = early @ tables[0] @ early.T
    for y1, y0 in np.argwhere(going > 0.0):
        later = tables[1][y1 : y1 + 11, y0 : y0 + 11]
        won += np.outer(early[:, y1], early[:, y0]) * (early @ later @ early.T)
    wanted = float(prior_new @ won @ prior_old)
    # the integrand is a polynomial of degree below 80 in each, which 40 nodes integrate exactly
    assert value(row, "assurance") == pytest.approx(wanted, abs=ERROR_BOUND)
    assert row["truth"] == {"old": "Beta(6, 9)", "new": "0.8 Beta(12, 8) + 0.2 Beta(2, 2)"}


# simulation as a check. 20,000 trials see 1.7 points of a share near 0.5 with probability 0.5;
# every comparison has a false alarm of 1e-6


@pytest.mark.parametrize(
    ("design", "text", "metric"),
    [
        (RESPONSE, "outcomes: {old: 0.4, new: 0.65}", "power"),
        (RESPONSE, "outcomes: {old: 0.5, new: 0.5}", "type1"),
        (RESPONSE, "outcomes: {old: {beta: [6, 9]}, new: {mixture: [[0.8, 12, 8], [0.2, 1, 1]]}}",
         "assurance"),
        (RESPONSE.replace("permuted_blocks\n  block_sizes: [2]", "simple"),
         "outcomes: {old: 0.4, new: 0.65}", "power"),
        (RESPONSE.replace("[2]", "[4]\n  strata: [severity]"),
         "outcomes: {old: 0.4, new: 0.65}\nstrata: {mild: 0.3, severe: 0.7}", "power"),
        (RESPONSE.replace("0.975", "0.975\n  futility: {predictive_probability_below: 0.2}"),
         "outcomes: {old: 0.4, new: 0.55}", "power"),
        (RESPONSE.replace("0.975", "0.975\n  futility: {predictive_probability_below: 0.2}")
         .replace("permuted_blocks\n  block_sizes: [2]", "simple").replace("n: 100", "n: 24")
         .replace("0.5}", "0.75}"),
         "outcomes: {old: 0.4, new: 0.55}", "power"),
    ],
    ids=["power", "type1", "assurance", "simple", "strata", "prediction", "prediction_simple"],
)  # fmt: skip
def test_simulation_agrees_with_what_is_computed(
    design: str, text: str, metric: str, files: Files
) -> None:
    path = files.truth(text)
    exact = row_of(made(design), path)
    simulated = row_of(made(design), path, trials=20_000, simulate=True)
    assert exact["exact"]
    assert not simulated["exact"]
    assert "error_bound" not in simulated
    shares_agree(simulated, exact, metric)


def test_simulation_does_not_depend_on_workers_and_the_computed_is_not_simulated(
    files: Files,
) -> None:
    path = files.truth("outcomes: {old: 0.4, new: {beta: [12, 8]}}")
    design = made(RESPONSE)
    one, three = (
        power(design, scenarios=[path], trials=1_100, workers=workers, simulate=True)
        for workers in (1, 3)
    )
    assert one.to_json() == three.to_json()
    fewer = power(design, scenarios=[path], trials=600, simulate=True)
    assert one.to_json() != fewer.to_json()
    exact = power(design, scenarios=[path], trials=7, workers=2)
    assert "(exact)" in exact.summary()[0]


def test_a_target_for_the_error_is_met_by_simulation_and_left_alone_where_exact(
    files: Files,
) -> None:
    path = files.truth("outcomes: {old: 0.4, new: 0.6}")
    simulated = row_of(made(RESPONSE), path, mcse=0.008, simulate=True)
    assert simulated["mcse_target"] == {"value": 0.008, "met": True}
    metric = simulated["metrics"]["power"]
    assert 0.006 < metric["mcse"] <= 1.1 * 0.008
    exact = row_of(made(RESPONSE), path, mcse=0.008)
    assert exact["exact"]
    assert exact["mcse_target"] == {"value": 0.008, "met": True}


# documents


def test_the_document_is_one_of_its_inputs_alone(files: Files) -> None:
    """Two runs give equal bytes, and nothing in them says where or when they were run."""
    path = files.truth("outcomes: {old: 0.4, new: 0.6}\nsource: a guess")
    first, again = (
        power(made(RESPONSE), scenarios=[path], name="trial.yaml", trials=10) for _ in range(2)
    )
    assert first.to_json() == again.to_json()
    document = json.loads(first.to_json())
    elsewhere = str(files.folder)
    named = [row["scenario"] for row in document["scenarios"]]
    assert named == [path]  # as the user called it, here and in the line to run again
    text = first.to_json().replace(path, "")
    assert elsewhere not in text
    assert document["posterior"] == ""
    assert document["arms"] == ["old", "new"]
    assert document["assumptions"] == [
        {"parameter": f"outcomes.{arm}", "value": chance, "status": "assumed", "source": "a guess"}
        for arm, chance in (("old", 0.4), ("new", 0.6))
    ]


def test_truths_of_patients_and_of_outcomes_stand_beside_each_other(files: Files) -> None:
    demo = load_design("dm_ivig_16w")
    path = files.truth(
        "outcomes: {placebo: 0.44, ivig: 0.79}\nstrata: {mild: 0.2, severe: 0.8}\nsource: a guess"
    )
    both = power(demo, scenarios=["point", path], trials=40).document
    patients, outcomes = both["scenarios"]
    alone = row_of(demo, path)
    assert outcomes == alone
    assert patients == row_of(demo, "point", trials=40)
    assert not patients["exact"]
    assert outcomes["exact"]
    shares_agree(row_of(demo, path, trials=20_000, simulate=True), outcomes, "power")
    assert both["posterior"] != ""
    assert len(both["digests"]["scenarios"]) == 2
    assumed = [a for a in both["assumptions"] if a["source"] == "a guess"]
    assert [a["parameter"] for a in assumed] == [
        "outcomes.placebo", "outcomes.ivig", "strata.mild", "strata.severe",
    ]  # fmt: skip
    turned = power(demo, scenarios=[path, "point"], trials=40).document
    assert turned["scenarios"] == [outcomes, patients]


# sizes


def test_the_size_is_the_smallest_from_which_power_stays(files: Files) -> None:
    found = size(TWO_ARM, power=0.8).document
    curve = {point["n"]: point["power"]["estimate"] for point in found["curve"]}
    for n, estimate in curve.items():
        wanted = exact_power_second(n // 2, n // 2, 0.7, 0.4, FLAT, FLAT, 0.975)
        assert estimate == pytest.approx(wanted, abs=ERROR_BOUND)
    n = found["n"]
    below = [m for m in curve if m < n]
    assert curve[n] >= 0.8
    assert all(curve[m] >= 0.8 for m in curve if m > n)
    assert curve[max(below)] < 0.8
    assert found["n_below"] == max(below)
    assert max(curve) >= 2 * n
    assert found["n_interval"] == [n, n]
    assert found["trials"] == 0
    assert f"n = {n} in total" in found["answer"]
    row = found["scenarios"][0]
    assert row["n"] == n
    assert value(row, "power") == curve[n]


def test_a_size_below_which_power_falls_again_is_not_the_answer() -> None:
    """The curve of an exact test rises in teeth: 64 patients have more power than 68."""
    found = size(TWO_ARM, power=0.7).document
    curve = {point["n"]: point["power"]["estimate"] for point in found["curve"]}
    first = min(n for n, estimate in curve.items() if estimate >= 0.7)
    assert (first, found["n"]) == (64, 70)
    assert curve[68] < 0.7


def test_the_size_for_an_assurance_is_where_its_curve_passes(files: Files) -> None:
    path = files.truth("outcomes: {control: 0.4, treated: {beta: [14, 6]}}")
    found = size(TWO_ARM, assurance=0.7, scenario=path).document
    curve = {point["n"]: point["assurance"]["estimate"] for point in found["curve"]}
    n = found["n"]
    assert curve[n] >= 0.7 > curve[found["n_below"]]
    assert value(row_of(TWO_ARM, path, n=n), "assurance") == curve[n]
    assert (
        "over the priors 0.4 under control and Beta(14, 6) under treated"
        in (found["protocol_sentence"])
    )
    # what no size reaches: treatment is no better in a part of the prior
    never = size(TWO_ARM, assurance=0.99999, scenario=path).document
    assert never["n"] is None
    assert "is not reached" in never["answer"]
    assert never["protocol_sentence"] == ""


@pytest.mark.parametrize(
    ("text", "goal", "said"),
    [
        ("outcomes: {control: 0.4, treated: 0.4}", "power", "under it no size shows a benefit"),
        ("outcomes: {control: 0.4, treated: 0.3}", "power", "under it no size shows a benefit"),
        ("outcomes: {control: 0.4, treated: {beta: [7, 3]}}", "power",
         "its chances are priors; write --assurance 0.8"),
        ("outcomes: {control: 0.4, treated: 0.7}", "assurance",
         "its chances are numbers; write --power 0.8"),
    ],
)  # fmt: skip
def test_a_truth_that_cannot_be_sized_for_is_refused(
    text: str, goal: str, said: str, files: Files
) -> None:
    path = files.truth(text)
    with pytest.raises(DesignError) as refused:
        size(TWO_ARM, scenario=path, **{goal: 0.8})
    assert str(refused.value).startswith(f"{path}, line 1: outcomes: ")
    assert said in str(refused.value)


def test_sizes_too_small_for_the_looks_are_passed_over(files: Files) -> None:
    """Five looks need five sizes, and 4 patients have not so many."""
    shares = ", ".join(f"{{information: {share}}}" for share in (0.2, 0.4, 0.6, 0.8, 1.0))
    design = made(
        RESPONSE.replace("{information: 0.5}, {information: 1.0}", shares).replace("0.975", "0.99")
    )
    path = files.truth("outcomes: {old: 0.2, new: 0.9}")
    found = size(design, power=0.8, scenario=path).document
    assert found["curve"][0]["n"] == 8
    assert found["n"] is not None
    assert value(row_of(design, path, n=found["n"]), "power") >= 0.8


def test_a_time_to_event_is_not_sized_here(files: Files) -> None:
    with pytest.raises(DesignError, match="is time_to_event, which is simulated and not sized"):
        size(made(EVENTS), scenario=files.truth("hazards_per_day: {old: 0.002, new: 0.001}"))


# times to an event

TRUTH = "hazards_per_day: {old: 0.002, new: {ratio: 0.6, to: old}}\n"
WEEKS = EVENTS.replace(
    "{events: 60}, {events: 120}", "{week: 70, information: 0.5}, {week: 110, information: 1.0}"
)


def test_event_trials_do_not_depend_on_workers(files: Files) -> None:
    path = files.truth(TRUTH)
    one, two = (
        power(made(EVENTS), scenarios=[path], trials=1_100, workers=workers) for workers in (1, 2)
    )
    assert one.to_json() == two.to_json()


def test_looks_at_events_are_at_their_events_and_those_by_week_in_their_weeks(
    files: Files,
) -> None:
    path = files.truth(TRUTH)
    by_events = row_of(made(EVENTS), path, trials=600)
    assert [look["events"] for look in by_events["looks"]] == [60, 120]
    last = by_events["looks"][1]
    assert 60.0 <= value(by_events, "expected_events") <= 120.0
    reached = last["reached"]["estimate"]
    # 60 events, and 60 more where the second look takes place
    assert value(by_events, "expected_events") == pytest.approx(60.0 + 60.0 * reached, abs=1e-9)
    by_week = row_of(made(WEEKS), path, trials=600)
    for look, week in zip(by_week["looks"], (70.0, 110.0), strict=True):
        # weeks to months of 30.4375 days and back
        assert look["mean_week"]["estimate"] == pytest.approx(week, rel=1e-12)
    reached = by_week["looks"][1]["reached"]["estimate"]
    assert value(by_week, "duration_weeks") == pytest.approx(70.0 + 40.0 * reached, rel=1e-12)


def test_by_events_and_by_week_the_boundary_is_that_of_the_planned_shares(files: Files) -> None:
    path = files.truth(TRUTH)
    rows = [row_of(made(text), path, trials=20) for text in (EVENTS, WEEKS)]
    z = [[look["z"] for look in row["looks"]] for row in rows]
    assert z[0] == z[1]  # half of the information in both
    # Lan and DeMets' O'Brien-Fleming at one half, one-sided 0.025: 2.963 and 1.969
    assert z[0] == pytest.approx([2.963, 1.969], abs=5e-4)


def test_no_difference_is_found_at_the_error_it_is_tested_with(files: Files) -> None:
    """4,000 trials see an error of 0.042 with probability 0.5; false alarm 1e-6."""
    row = row_of(
        made(EVENTS), files.truth("hazards_per_day: {old: 0.002, new: 0.002}"), trials=4_000
    )
    hits = round(4_000 * value(row, "type1"))
    assert binomtest(hits, 4_000, 0.025).pvalue > FALSE_ALARM


def test_cox_and_log_rank_decide_nearly_every_trial_alike(files: Files) -> None:
    """The same trials: Wald's z of the Cox model is the log-rank z but for a few hundredths."""
    path = files.truth(TRUTH)
    single = EVENTS.replace(
        "    boundary: {kind: lan_demets_obrien_fleming}\n", ""
    ).replace("{events: 60}, ", "")  # fmt: skip
    rank = row_of(made(single), path, trials=600)
    cox = row_of(made(single.replace("logrank", "cox")), path, trials=600)
    assert rank["metrics"]["expected_events"] == cox["metrics"]["expected_events"]
    # of 600 trials, those whose z lies within 0.05 of 1.96: 2 in 100 with a power of 0.79
    assert value(cox, "power") == pytest.approx(value(rank, "power"), abs=0.02)
    assert value(cox, "power") != 0.0
    # and the z that decides is minus the estimate over its error
    design = made(single.replace("logrank", "cox"))
    truth = load_scenario(path)
    assert isinstance(truth, OutcomeScenario)
    run = simulate_trials(
        event_plan(design), event_world(design, truth), seed=20261122, trials=600, cox=True
    )
    assert run.log_hazard_ratio is not None
    assert run.standard_error is not None
    z = -run.log_hazard_ratio[:, 0] / run.standard_error[:, 0]
    assert value(cox, "power") == pytest.approx(float((z >= 1.959963984540054).mean()), abs=1e-12)


def test_the_better_arm_is_the_one_of_the_comparison(files: Files) -> None:
    """With the comparison turned round, treatment and control change places, and so do hazards."""
    turned = EVENTS.replace("new < old", "old < new")
    row = row_of(made(turned), files.truth("hazards_per_day: {old: 0.001, new: 0.002}"), trials=300)
    assert value(row, "power") > 0.9
    against = row_of(made(turned), files.truth(TRUTH), trials=300)
    assert value(against, "type1") == 0.0


def test_a_latest_week_ends_trials_that_wait_for_events(files: Files) -> None:
    path = files.truth("hazards_per_day: {old: 0.0003, new: 0.0002}")
    short = EVENTS.replace("looks: [", "latest_week: 80\nlooks: [")
    row = row_of(made(short), path, trials=200)
    assert value(row, "duration_weeks") <= 80.0 + 1e-9
    assert row["unfinished"]["estimate"] == 0.0
    without = row_of(made(EVENTS), path, trials=200)
    assert value(without, "duration_weeks") > 80.0


# interrupted


def interrupted_after(batch: int, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Interrupt the work in a batch (from 0), as Ctrl-C does the thread that waits for it."""
    name = "outcome_trials" if module.endswith("outcome_rows") else "simulate_trials"
    whole = getattr(__import__(module, fromlist=[name]), name)

    def some(*given: Any, **named: Any) -> Any:
        first = named["first"] if "first" in named else given[3]
        if first >= batch * batches._BATCH:
            raise KeyboardInterrupt
        return whole(*given, **named)

    monkeypatch.setattr(f"{module}.{name}", some)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("kind", ["outcome_rows", "event_rows"])
def test_an_interrupted_run_keeps_the_batches_that_were_finished(
    kind: str, workers: int, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_events = kind == "event_rows"
    design = made(EVENTS if of_events else RESPONSE)
    path = files.truth(TRUTH if of_events else "outcomes: {old: 0.4, new: 0.6}")
    finished = row_of(design, path, trials=1_000, simulate=True)
    interrupted_after(2, monkeypatch, f"simtrial.operating.{kind}")
    held = power(design, scenarios=[path], trials=2_000, workers=workers, simulate=True)
    assert held.interrupted
    assert held.document["interrupted"]
    (row,) = held.document["scenarios"]
    assert row == finished


def test_an_interrupt_before_the_first_batch_keeps_the_scenarios_before(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [files.truth(f"outcomes: {{old: 0.4, new: {p}}}", f"{p}.yaml") for p in (0.6, 0.7, 0.8)]
    rows = [row_of(made(RESPONSE), path) for path in paths]
    calls = []

    def some(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return solve(*given)

    from simtrial.operating.outcome_rows import solve_exactly as solve

    monkeypatch.setattr("simtrial.operating.outcome_rows.solve_exactly", some)
    held = power(made(RESPONSE), scenarios=paths)
    assert held.interrupted
    assert held.document["scenarios"] == rows[:2]
    assert len(held.document["digests"]["scenarios"]) == 3


def test_an_interrupt_before_anything_is_passed_on(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted_after(0, monkeypatch, "simtrial.operating.outcome_rows")
    with pytest.raises(KeyboardInterrupt):
        power(made(RESPONSE), scenarios=[files.truth("outcomes: {old: 0.4, new: 0.6}")],
              trials=20, simulate=True)  # fmt: skip


def test_an_interrupted_size_says_so_and_does_not_promise_more_than_it_saw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped at 100: 88 has the power, and stays the answer only of what was looked at."""
    from simtrial.operating.exact import solve_exactly as solve

    def some(design: Any, scenario: Any, n: int) -> Any:
        if n > 100:
            raise KeyboardInterrupt
        return solve(design, scenario, n)

    monkeypatch.setattr("simtrial.planning.exact_size.solve_exactly", some)
    found = size(TWO_ARM, power=0.8)
    assert found.interrupted
    assert found.document["interrupted"]
    assert found.document["curve"][-1]["n"] == 100
    assert found.document["n"] == 88


# sweeps


@pytest.mark.parametrize(
    ("text", "truth"),
    [(RESPONSE, "outcomes: {old: 0.4, new: 0.6}"), (EVENTS, TRUTH)],
    ids=["exact", "simulated"],
)
def test_a_job_of_a_sweep_gives_the_row_of_power(text: str, truth: str, files: Files) -> None:
    path = files.truth(truth)
    job = Job(
        name="a job", design_name="trial.yaml", design=made(text), scenario_name=path,
        scenario=load_scenario(path),
    )  # fmt: skip
    record = run_job(job, load_posterior(), Store(files.folder / "store"), seed=5, trials=600)
    assert record["status"] == "done", record["message"]
    wanted = power(made(text), scenarios=[path], seed=5, trials=600).document["scenarios"]
    assert [json.loads(json.dumps(record["row"]))] == json.loads(json.dumps(wanted))


def test_a_job_of_a_truth_that_does_not_fit_fails_with_the_reason(files: Files) -> None:
    path = files.truth(TRUTH)
    job = Job(
        name="a job", design_name="trial.yaml", design=made(RESPONSE), scenario_name=path,
        scenario=load_scenario(path),
    )  # fmt: skip
    record = run_job(job, load_posterior(), Store(files.folder / "store"), seed=5, trials=10)
    assert record["status"] == "failed"
    assert "the design's outcome is a response or none; write outcomes" in record["message"]
    assert record["row"] is None


def test_a_kept_solution_is_that_of_its_design_size_strata_and_futility() -> None:
    """Solutions of small trials are kept between scenarios; none may answer for another."""
    even, uneven = (
        OutcomeScenario.model_validate(
            {"outcomes": {"placebo": 0.3, "ivig": 0.6}, "strata": shares}
        )
        for shares in ({"a": 0.5, "b": 0.5}, {"a": 0.9, "b": 0.1})
    )
    demo = patients_of(load_design("dm_ivig_16w"), "a test")
    looks = [{"information": 0.5}, {"information": 1.0}]
    decision = demo.model_dump()["decision"] | {"futility": {"predictive_probability_below": 0.2}}
    stopping = revalidated(demo, {"looks": looks, "decision": decision})
    asked = [
        (design, scenario, n, futility)
        for design in (demo, stopping)
        for scenario in (even, uneven)
        for n in (43, 44)
        for futility in ((True, False) if design is stopping else (True,))
    ]

    def chances(again: bool) -> list[float]:
        found = []
        for design, scenario, n, futility in asked:
            if again:
                exact._solve.cache_clear()
            solved = exact.solve_exactly(design, scenario, n, futility=futility)
            assert solved is not None
            found.append(exact.characteristics(design, scenario, solved).expected_n)
            found.append(solved.at(0.6, 0.3).power)
        return found

    kept, anew = chances(again=False), chances(again=True)
    assert kept == anew
    assert len(set(kept)) > len(asked)
