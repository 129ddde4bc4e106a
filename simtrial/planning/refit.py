"""Remake the posterior from the facts: fit, add the assumed, tabulate the control arm, save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from simtrial.core.arguments import check_effort
from simtrial.core.errors import EvidenceError
from simtrial.core.located import shown
from simtrial.core.provenance import DEFAULT_SEED, digest, version
from simtrial.evidence.audit import audit
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.wording import status
from simtrial.operating.background import PATIENTS, tabulate
from simtrial.planning.power import Progress
from simtrial.synthesis.fingerprint import differences, fingerprint
from simtrial.synthesis.fit import ROWS, fit, medians_of, summary
from simtrial.synthesis.own import NAMED, own_facts_of
from simtrial.synthesis.own_faults import READ, fault
from simtrial.synthesis.own_protocol import design_of
from simtrial.synthesis.priors import Priors, load_priors
from simtrial.synthesis.tables import PATIENTS_PER_NODE
from simtrial.trial.posterior import Posterior, named


def refit(
    *,
    ledger: Ledger | None = None,
    priors: Priors | None = None,
    seed: int = DEFAULT_SEED,
    patients_per_node: int = PATIENTS_PER_NODE,
    control_patients: int = PATIENTS,
    workers: int = 1,
    progress: Progress | None = None,
) -> Posterior:
    """Return a new posterior, with its provenance.

    Parameters
    ----------
    patients_per_node : simulated patients behind each node of document 002's cell tables.
    control_patients : simulated patients behind each row's noise floor and background response.

    Raises
    ------
    EvidenceError : as :func:`evidence_of` says; nothing is sampled then.
    FitError : when the fit does not converge; nothing is returned then.
    """
    check_effort(seed=seed, workers=workers)
    facts = ledger if ledger is not None else load_ledger()
    evidence = evidence_of(facts)  # before anything that takes long
    table = priors if priors is not None else load_priors()
    report = progress if progress is not None else Progress()
    step = report.start("fit: cell tables and sampling", 1)
    fitted = fit(facts, table, seed=seed, patients_per_node=patients_per_node)
    step(1)
    report.finish()
    point = fitted.point
    step = report.start("control arm of each row", ROWS + 1)
    rows = {
        name: np.append(values, point[name]) for name, values in fitted.draws.items()
    }  # the point is tabulated as one more row
    background = tabulate(
        rows,
        fitted.correlation,
        patients=control_patients,
        workers=workers,
        tick=lambda: step(1),
    )
    report.finish()
    provenance: dict[str, Any] = {
        "simtrial": version(),
        "seed": seed,
        "versions": _versions(),
        "patients_per_node": patients_per_node,
        "control_patients": control_patients,
        "quick": patients_per_node < PATIENTS_PER_NODE or control_patients < PATIENTS,
        "diagnostics": fitted.diagnostics,
        "ess": {name: list(pair) for name, pair in fitted.ess.items()},
        "fingerprint": marks_of(facts, table),
        "evidence": evidence,
        "extra": {name: summary(values) for name, values in fitted.extra.items()},
    }
    return named(
        Posterior(
            draws=fitted.draws,
            point=point,
            origins=fitted.origins,
            background=background,
            correlation=fitted.correlation,
            provenance=provenance,
        )
    )


def evidence_of(ledger: Ledger) -> dict[str, Any]:
    """Return what a fit of a ledger rests on, refusing what it could not read or should not.

    Returns
    -------
    ``documents`` : of each document that is read, its file's name and SHA-256, whether it is the
        user's own, and the digest of the protocol that it names.
    ``own`` : id, quantity, n and status of each of the user's facts that is read.
    ``provisional`` : ids of all facts that the fit reads and that people read once.
    ``without`` : ids of the documents that were left out.
    ``not_fitted`` : ids of the user's own documents of which no fact is fitted.

    Raises
    ------
    EvidenceError : when a fact with role fit cannot be read; when no fact of an own document is
        fitted and no document was left out, so that the fit is as if it had not been given; when
        the audit finds an error in an own document.
    """
    own = own_facts_of(ledger).read
    unfitted = _not_fitted(ledger)
    if unfitted and not ledger.left_out:
        raise EvidenceError("\n".join(_unread(ledger, document) for document in unfitted))
    _refuse_errors(ledger)
    named = [i for ids in NAMED.values() for i in ids if i in ledger.facts]
    read = [f for f in ledger.facts.values() if f.id in named or f in own]

    def protocol(document: str) -> str | None:
        design = design_of(ledger, document, [])
        return None if design is None else design.digest()

    return {
        "documents": {
            document: {
                "file": Path(found.file).name,
                "sha256": found.sha256,
                "own": found.own,
                "protocol": protocol(document),
            }
            for document, found in sorted(ledger.sources.items())
            if document in {fact.document for fact in read}
        },
        "own": [{"id": f.id, "quantity": f.quantity, "n": f.n, "status": status(f)} for f in own],
        "provisional": [f.id for f in read if status(f) == "provisional"],
        "without": list(ledger.left_out),
        "not_fitted": unfitted,
    }


def _not_fitted(ledger: Ledger) -> list[str]:
    fitted = {fact.document for fact in ledger.with_role("fit")}
    return [d for d, found in sorted(ledger.sources.items()) if found.own and d not in fitted]


def _unread(ledger: Ledger, document: str) -> str:
    """Return the line that refuses an own document of which nothing would be fitted."""
    facts = [fact for fact in ledger.facts.values() if fact.document == document]
    readable = [fact for fact in facts if fact.quantity in READ]
    held = f"{len(facts)} fact{'s' * (len(facts) != 1)}"
    rule = (
        f"document {document} has {held}, none with role: fit, so that the fit would be as if "
        f"{ledger.sources[document].file} had not been given; let in what a fit reads "
        f"({', '.join(READ)}), with read_by: [the fit], or leave the file out"
    )
    if not facts:
        return f"{ledger.sources[document].file}: facts is []; {rule}; for example role: fit."
    return fault(ledger, (readable or facts)[0], "role", rule, "role: fit")


def _refuse_errors(ledger: Ledger) -> None:
    """Refuse own documents whose figures contradict one another."""
    own = {document for document, found in ledger.sources.items() if found.own}
    if not own:
        return
    wrong = [
        found
        for found in audit(ledger)
        if found.severity == "error"
        and own & {i.partition(".")[0] for i in (found.fact, *found.related)}
    ]
    if not wrong:
        return
    files = " ".join(f"--evidence {ledger.sources[document].file}" for document in sorted(own))
    lines = [
        f"{_values_at(ledger, found.fact)}; the audit finds an error in {found.fact}, rule "
        f"{found.rule}: {found.proof.rstrip('.')}."
        for found in wrong
    ]
    raise EvidenceError(
        "\n".join([*lines, f"Mend these before the fit; see 'simtrial evidence audit {files}'."])
    )


def _values_at(ledger: Ledger, fact_id: str) -> str:
    place = ledger.places.get(fact_id, {}).get("values", f"{fact_id}: values")
    return f"{place} is {shown(ledger.fact(fact_id).values.model_dump(exclude_none=True))}"


def marks_of(ledger: Ledger, priors: Priors) -> dict[str, Any]:
    """Return the fingerprint of the present code, facts and priors, the control arm included."""
    held = medians_of(ledger, priors) | {"k_on": 0.5, "x50": 0.5}  # the drug is not given here
    medians = {name: np.array([value]) for name, value in held.items()}
    correlation = np.array(priors.baseline.correlation.rows)
    control = tabulate(medians, correlation, patients=2_000)
    counted = {name: values.tolist() for name, values in control.items()}
    return fingerprint(ledger, priors) | {"control": digest(counted)}


def stale_marks(posterior: Posterior) -> list[str]:
    """Return how a posterior's fingerprint differs from the present one; empty: up to date."""
    present = marks_of(load_ledger(), load_priors())
    return differences(posterior.provenance.get("fingerprint", {}), present)


def _versions() -> dict[str, str]:
    from importlib.metadata import version as of

    return {name: of(name) for name in ("pymc", "pytensor", "nutpie", "numpy", "scipy", "numba")}


def effective_rows(posterior: Posterior, name: str) -> tuple[float, float] | None:
    """Return the (bulk, tail) effective sample size of a sampled parameter's rows."""
    pair = posterior.provenance.get("ess", {}).get(name)
    return None if pair is None else (float(pair[0]), float(pair[1]))


def compare(new: Posterior, old: Posterior) -> list[dict[str, Any]]:
    """Return, for each parameter and statistic, how far it is from that of another posterior.

    Statistics: mean and 5, 50, 95 % quantiles. ``z`` is the difference in combined Monte Carlo
    standard errors: whether two fits of the same facts agree. ``shift_in_sd`` is the difference in
    standard deviations of the old draws: how far other facts moved it. Both are 0 where there is
    no difference, and infinite where there is one and nothing to measure it by.
    """
    out = []
    for name in old.draws:
        mine, theirs = (
            summary(made.draws[name], effective_rows(made, name)) for made in (new, old)
        )
        spread = float(old.draws[name].std(ddof=1))
        for statistic in ("mean", "q5", "q50", "q95"):
            gap = mine[statistic] - theirs[statistic]
            error = float(np.hypot(mine[f"{statistic}_mcse"], theirs[f"{statistic}_mcse"]))
            out.append(
                {
                    "parameter": name,
                    "statistic": statistic,
                    "new": mine[statistic],
                    "shipped": theirs[statistic],
                    "z": _in_units(gap, error),
                    "shift_in_sd": _in_units(gap, spread),
                }
            )
    return out


def _in_units(gap: float, unit: float) -> float:
    if gap == 0.0:
        return 0.0
    return gap / unit if unit > 0.0 else float(np.copysign(np.inf, gap))


def same_facts(new: Posterior, old: Posterior) -> bool:
    """Return whether two posteriors were fitted to the same facts under the same priors."""
    marks = (made.provenance.get("fingerprint", {}) for made in (new, old))
    mine, theirs = ((of.get("facts"), of.get("priors")) for of in marks)
    return mine == theirs
