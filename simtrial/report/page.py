"""A result as one self-contained HTML page: no network, no script, equal bytes for equal results.

Every number of the result is looked up in the document by its place, and carries that place and
its full value in the page (``<data value="..." data-at="/n">``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from simtrial.core.provenance import digest, version
from simtrial.myositis.parameters import PARAMETERS
from simtrial.report.belief import STATUSES, belief, counts_in_words, replaced_in_words
from simtrial.report.curves import figure_markup
from simtrial.report.example import counts_by_arm, simulate_example, told, why_no_example
from simtrial.report.example_figure import BANDS, draw_swimmer
from simtrial.report.looks import figures_markup, timed_by
from simtrial.report.result_file import (
    decision_metric,
    outcome_places,
    patient_places,
    protocol_of_result,
)
from simtrial.report.tables import around_the_answer, curve_kinds
from simtrial.trial.posterior import Posterior
from simtrial.trial.wording import sentences

_METRIC_WORDS = {
    "power": "power: chance of success at the medians of all parameters",
    "assurance": "assurance: chance of success over the uncertainty of the parameters",
    "type1": "type I error: chance of success when the arms are identical",
    "success": "chance of success when the drug has no effect",
    "bias": "bias of the estimated difference in response",
    "coverage": "coverage of its 95 % credible interval",
    "duration_weeks": "weeks from the first site's opening to the last visit",
    "screened": "candidates screened",
    "expected_n": "expected patients, a trial that stops early counting those until then",
}
_OUTCOME_WORDS = {
    "power": "power: chance of success under the outcomes as given",
    "assurance": "assurance: chance of success over the priors of the chances as given",
    "type1": "type I error: chance of success where there is no benefit",
    "type1_maximum": "largest type I error over all chances without the benefit",
    "type1_maximum_overruled": "the same, were trials to go on against the rule of futility",
    "expected_n": "expected patients",
    "expected_events": "expected events",
    "duration_weeks": "expected weeks to the last look held",
}
_HARM_WORDS = {
    "reaction_patients": "patients with an infusion reaction",
    "reaction_courses": "courses with an infusion reaction",
    "thromboembolism_patients": "patients with thromboembolism",
    "serious_patients": "patients with a serious event of any kind",
    "stopped_for_harm": "patients whose treatment was stopped for harm",
}
_DECIMALS = {
    "duration_weeks": (1, 2),
    "screened": (1, 2),
    "bias": (4, 4),
    "expected_n": (1, 2),
    "expected_events": (1, 2),
}
_EXACT_DECIMALS = {"expected_n": 2}


class Number(NamedTuple):
    """A number of the document: its value, how it is printed, and its place (RFC 6901)."""

    value: float | int | None
    text: str
    at: str


class Numbers:
    """Looks numbers up in a document, so that none is printed that is not in it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def __call__(
        self, *place: str | int, decimals: int | None = None, significant: int | None = None
    ) -> Number:
        """Return the number at a place; a dash where the document holds null."""
        found: Any = self._document
        for part in place:
            found = found[part]
        at = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)
        return Number(value=found, text=_printed(found, decimals, significant), at=at)


def _printed(value: float | int | None, decimals: int | None, significant: int | None) -> str:
    if value is None:
        return "–"
    if significant is not None:
        return f"{value:.{significant}g}"
    if decimals is not None:
        return f"{value:.{decimals}f}"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def page(document: dict[str, Any], posterior: Posterior | None = None) -> str:
    """Return the page of a ``size`` or ``power`` document.

    Parameters
    ----------
    posterior : the one the document names, for the example trial; without it, or with another,
        the page says why it shows no example. Outcomes alone have neither.
    """
    patients = patient_places(document)
    shown = _of_any(document) | (_of_patients(document, posterior) if patients else {})
    name = "page.html" if patients else "outcome_page.html"
    return _templates().get_template(name).render(shown)


def _of_any(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the templates of every result read."""
    sized = document["command"] == "size"
    design = protocol_of_result(document)
    rows = document["scenarios"]
    looked = [i for i, row in enumerate(rows) if len(row.get("looks") or ()) > 1]
    stopping, boundaries = figures_markup(document) if looked else ("", "")
    worst = [i for i, row in enumerate(rows) if "type1_maximum_at" in row]
    bounds = [i for i, row in enumerate(rows) if row.get("exact") and "error_bound" in row]
    return {
        "document": document,
        "design": design,
        "number": Numbers(document),
        "sized": sized,
        "question": _question(document),
        "protocol": sentences(design, with_n=not sized)[1:],
        "arms": list(design.arm_names),
        "patients": patient_places(document),
        "outcomes": outcome_places(document),
        "simulated": any(not row.get("exact") for row in rows),
        "exact_bound": bounds[0] if bounds else None,
        "worst": worst[0] if worst else None,
        "kinds": curve_kinds(document) if sized else [],
        "at": _place_of_the_answer(document) if sized else -1,
        "around": around_the_answer(document) if sized else range(0),
        "figure": figure_markup(document) if sized else "",
        "looked": looked,
        "stopping": stopping,
        "boundaries": boundaries,
        "timed_by": timed_by,
        "words_of": _words_of,
        "decimals": _DECIMALS,
        "exact_decimals": _EXACT_DECIMALS,
        "decision_of": decision_metric,
        "metrics_of": lambda row: _metrics_in_order(row, with_decision=not sized),
        "counts_in_words": counts_in_words(document["assumptions"]),
        "inputs": _inputs_in_order(document),
        "meaning": _meaning,
        "made_by": version(),
        "content": digest(document),
    }


def _of_patients(document: dict[str, Any], posterior: Posterior | None) -> dict[str, Any]:
    """Return what the template of simulated patients reads besides."""
    without = why_no_example(document, posterior)
    example: dict[str, Any] | None = None
    if without is None and posterior is not None:
        trial = simulate_example(document, posterior)
        example = {
            "trial": trial,
            "sentences": told(trial),
            "counts": counts_by_arm(trial),
            "swimmer": draw_swimmer(trial),
        }
    rows = list(enumerate(document["scenarios"]))
    return {
        "harm_words": _HARM_WORDS,
        "harm_rows": [i for i, row in rows if row.get("harm")],
        "clipped": [i for i, row in rows if row.get("control_rows_clipped")],
        "replaced_in_words": replaced_in_words,
        "example": example,
        "without_example": without,
        "bands": BANDS,
        "belief": belief(document),
        "statuses": STATUSES,
    }


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("simtrial.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _question(document: Mapping[str, Any]) -> str:
    if document["command"] == "size":
        goal = document["target"]
        return (
            f"How many patients does this trial need so that its {goal['metric']} is at least "
            f"{goal['value']:g}?"
        )
    n = document["scenarios"][0]["n"]
    errs = any("type1" in row["metrics"] for row in document["scenarios"])
    also = ", and how often would it succeed without a difference" if errs else ""
    return f"How likely is success of this trial with {n:,} patients{also}?"


def _place_of_the_answer(document: Mapping[str, Any]) -> int:
    """Return the place of n on the curve; without an answer that of the largest size."""
    sizes = [point["n"] for point in document["curve"]]
    return len(sizes) - 1 if document["n"] is None else sizes.index(document["n"])


def _words_of(row: Mapping[str, Any], name: str) -> str:
    """Return what a metric of a row is, in words."""
    words = _OUTCOME_WORDS if "kind" in row else _METRIC_WORDS
    return words.get(name, name.replace("_", " "))


def _metrics_in_order(row: Mapping[str, Any], *, with_decision: bool) -> list[str]:
    """Return the names of a row's metrics: the known ones first, in the order of their words."""
    left_out = None if with_decision else decision_metric(row)
    words = _OUTCOME_WORDS if "kind" in row else _METRIC_WORDS
    known = [name for name in words if name in row["metrics"]]
    others = sorted(set(row["metrics"]) - set(known))
    return [name for name in (*known, *others) if name != left_out]


def _inputs_in_order(document: Mapping[str, Any]) -> list[int]:
    """Return the places of the inputs, fitted ones first."""
    inputs = document["assumptions"]
    return sorted(range(len(inputs)), key=lambda i: (STATUSES.index(inputs[i]["status"]), i))


def _meaning(name: str) -> str:
    """Return what a parameter means, with its unit; nothing for one that is no parameter."""
    known = PARAMETERS.get(name)
    if known is None:
        return ""
    return known.meaning if known.unit == "1" else f"{known.meaning} ({known.unit})"
