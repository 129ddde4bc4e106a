"""One trial of a result, simulated again: its patients, their counts by arm, its decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simtrial.analysis.beta_binomial import posterior_at, prior_race
from simtrial.analysis.decide import decide, runs_by_recurrence
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.protocol import Protocol
from simtrial.cohort.snapshot import SCREENING_FAILURES, Snapshot
from simtrial.core.errors import PosteriorError
from simtrial.core.provenance import version
from simtrial.core.units import weeks_from_minutes
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.operating.prepare import prepare
from simtrial.report.result_file import patient_places, protocol_of_result, scenarios_of
from simtrial.trial.decisions import Success
from simtrial.trial.design import Design, patients_of
from simtrial.trial.posterior import Posterior
from simtrial.trial.scenario import patient_scenario
from simtrial.trial.wording import success_words

_FAILURES = {"mmt": "MMT", "other_measures": "other measures", "prednisolone": "prednisolone"}
# what is counted by arm: column -> words
_HARMS = {
    "reaction_minute": "with an infusion reaction",
    "thromboembolism_minute": "with thromboembolism",
    "serious_minute": "with another serious event",
    "harm_stop_minute": "treatment stopped for harm",
}


@dataclass(frozen=True, kw_only=True)
class ExampleTrial:
    """A single simulated trial of n patients. Arrays hold the P patients of replicate 0."""

    design: Design
    protocol: Protocol
    seen: Snapshot  # R = 1
    response: NDArray[np.bool_]  # (P,) composite
    observed: NDArray[np.bool_]  # (P,) as measured
    assessed: NDArray[np.bool_]  # (P,)
    probability: float | None  # at the look where the trial ends; None where none decides
    look: int  # from 0
    success: bool

    @property
    def n(self) -> int:
        """The number of patients."""
        return int(self.response.shape[0])


def example_size(document: Mapping[str, Any]) -> int:
    """Return how many patients the example has: the answer, or what the protocol writes."""
    answer: int | None = document.get("n")
    planned: int = document["protocol"]["sample_size"]["n"]
    return planned if answer is None else answer


def why_no_example(document: Mapping[str, Any], posterior: Posterior | None) -> str | None:
    """Return why a document's trial cannot be simulated again here, or None when it can."""
    if document["simtrial"] != version():
        return (
            f"the result was made by simtrial {document['simtrial']}, this page by {version()}, "
            "which may simulate otherwise"
        )
    held = None if posterior is None else posterior.provenance.get("digest", "")
    if held != document["posterior"]:
        return (
            f"the result was made with the posterior {document['posterior']}, which is not at "
            "hand; give its file with --posterior FILE"
        )
    return None


def simulate_example(document: dict[str, Any], posterior: Posterior) -> ExampleTrial:
    """Return replicate 0 of a document under its first row, at the point where rows are drawn.

    Raises
    ------
    PosteriorError : when the posterior is not the one that the document names.
    """
    problem = why_no_example(document, posterior)
    if problem is not None:
        raise PosteriorError(f"no example trial: {problem}.")
    n = example_size(document)
    design = patients_of(protocol_of_result(document), "an example trial").with_n(n)
    first = scenarios_of(document)[patient_places(document)[0]]
    scenario = patient_scenario(first, "an example trial")
    if scenario.source == "posterior":
        scenario = scenario.model_copy(update={"source": "point"})
    ready = prepare(design, scenario, posterior)
    seen = compiled.run(
        ready.protocol, ready.table, ready.arrivals, seed=document["seed"], first=0, last=1, n=n
    ).seen
    response = composite_response(seen, design)
    observed, assessed = observed_response(seen, design)
    probability, look, success = _decision(design, seen, response)
    return ExampleTrial(
        design=design,
        protocol=ready.protocol,
        seen=seen,
        response=response[0],
        observed=observed[0],
        assessed=assessed[0],
        probability=probability,
        look=look,
        success=success,
    )


def _decision(
    design: Design, seen: Snapshot, response: NDArray[np.bool_]
) -> tuple[float | None, int, bool]:
    """Return the posterior probability at the look where the trial ends, the look, and success.

    None where no one probability decides.
    """
    if design.decision is None:
        raise ValueError("the design has no decision")
    decided = decide(design, seen.arm, response, [response.shape[1]])
    look, success = int(decided.look[0, 0]), bool(decided.success[0, 0] and seen.complete[0])
    if not runs_by_recurrence(design):
        return None, look, success
    better, _ = design.decision.success.arms()
    found = posterior_at(
        prior_race(design),
        design.arm_names.index(better),
        seen.arm,
        response,
        np.array([design.look_sizes(response.shape[1])[look]], np.int64),
    )
    return float(found[0, 0]), look, success


def counts_by_arm(trial: ExampleTrial) -> dict[str, dict[str, int]]:
    """Return what is counted -> arm -> number of patients."""
    seen = trial.seen
    flags: dict[str, NDArray[np.bool_]] = {
        "randomised": np.ones(trial.n, np.bool_),
        "responders, composite": trial.response,
        "assessed for the endpoint": trial.assessed,
        "responders as observed": trial.observed,
        "rescued": seen.rescue_minute[0] >= 0,
        "confirmed deterioration": seen.deterioration_minute[0] >= 0,
        "treatment stopped": seen.stop_minute[0] >= 0,
        "left the study": seen.left_minute[0] >= 0,
    }
    for column, words in _HARMS.items():
        minutes: NDArray[np.integer] = getattr(seen, column)
        flags[words] = (minutes[0].reshape(trial.n, -1) >= 0).any(axis=1)
    return {
        words: {
            arm: int((flag & (seen.arm[0] == a)).sum())
            for a, arm in enumerate(trial.design.arm_names)
        }
        for words, flag in flags.items()
    }


def told(trial: ExampleTrial) -> list[str]:
    """Return the trial in sentences: who came, who responded, what was decided."""
    seen, design = trial.seen, trial.design
    if design.decision is None:
        raise ValueError("the design has no decision")
    if not seen.complete[0]:
        return ["The candidates ran out before this trial was full; it counts as not successful."]
    counts = counts_by_arm(trial)
    failed = ", ".join(
        f"{int(count)} for {_FAILURES.get(reason, reason)}"
        for reason, count in zip(SCREENING_FAILURES, seen.failures[0], strict=True)
        if count
    )
    weeks = weeks_from_minutes(int(seen.randomised_minute[0].max()))
    entered = (
        f"{int(seen.screened[0])} candidates were screened"
        f"{f' (not eligible: {failed})' if failed else ''}; the last of {trial.n} patients was "
        f"randomised {weeks:.1f} weeks after the first site opened."
    )
    responded = " and ".join(
        f"{counts['responders, composite'][arm]} of {counts['randomised'][arm]} "
        f"({100 * counts['responders, composite'][arm] / counts['randomised'][arm]:.0f} %) under "
        f"{arm}"
        for arm in design.arm_names
        if counts["randomised"][arm]
    )
    rule = design.decision.success
    verdict = "success" if trial.success else "no success"
    return [
        entered,
        f"{design.endpoint.words()}, intercurrent events counting as no response, was reached by "
        f"{responded}.",
        _verdict(trial, rule, verdict),
    ]


def _verdict(trial: ExampleTrial, rule: Success, verdict: str) -> str:
    """Return the decision in a sentence."""
    looks = trial.design.looks
    size = trial.design.look_sizes(trial.n)[trial.look]
    when = f" at the look at {size} patients" if len(looks) > 1 else ""
    if trial.probability is None:
        return f"Success is {success_words(trial.design)}: {verdict}{when}."
    return (
        f"P({rule.probability_of} | data){when} is {_digits(trial.probability)}, "
        f"{'above' if trial.success else 'not above'} {rule.level_at(trial.look):g}: {verdict}."
    )


def _digits(probability: float) -> str:
    """Return a probability to four decimals, never rounded to certainty."""
    if probability > 0.99995:
        return "above 0.9999"
    return "below 0.0001" if probability < 0.00005 else f"{probability:.4f}"
