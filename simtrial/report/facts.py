"""Facts of the ledger and findings of its audit as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simtrial.report.tables import aligned

_LABEL, _WIDTH = 12, 100


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a fact."""
    head = ["id", "label", "value", "n", "role", "status", "place"]
    rows = [[str(entry[name]) for name in head] for entry in entries]
    # a joint table has a long value; the rest of it is what `show` is for
    shown = [[*row[:2], textwrap.shorten(row[2], 44, placeholder=" ..."), *row[3:]] for row in rows]
    return aligned([head, *shown], right=[3])


def fact_lines(fact: Mapping[str, Any]) -> str:
    """Return everything that is known of one fact."""
    return "\n".join(_fact_lines(fact))


def finding_lines(document: Mapping[str, Any]) -> str:
    """Return the findings of an audit, each with its proof and what is used."""
    counts = ", ".join(f"{n} {severity}s" for severity, n in document["counts"].items())
    lines = [f"{document['facts']} facts, {len(document['rules'])} rules: {counts}."]
    for found in document["findings"]:
        lines += ["", f"{found['severity']}: {found['fact']} ({found['label']}), {found['rule']}"]
        lines += [*_named("proof", found["proof"]), *_named("used", found["used"])]
        if found["related"]:
            lines += _named("see", ", ".join(found["related"]))
    return "\n".join(lines)


def _fact_lines(fact: Mapping[str, Any]) -> Iterator[str]:
    by, cohort = fact["citation"], fact["cohort"]
    yield f"{fact['id']} ({fact['label']}): {fact['endpoint']}"
    cited = (
        f"{by['authors'].rstrip('.')}. {by['journal']} {by['year']};{by['volume']}:{by['pages']}"
    )
    yield from _named("document", f"{fact['document']}, {cited}")
    yield from _named("place", fact["place"])
    yield from _named("printed", fact["printed"])
    yield from _named("used", fact["value"])
    for share in fact["shares"]:
        yield from _named("", _share(share))
    if fact["shares"] and fact["unit"] != "patients":
        yield from _named("", f"(as if {fact['unit']} were independent of one another)")
    of = "" if fact["n"] == cohort["n"] else f"{fact['n']} of "
    subtypes = f", {' + '.join(fact['subtypes'])}" if fact["subtypes"] else ""
    yield from _named("patients", f"{of}{cohort['id']} ({cohort['n']}, {cohort['what']}){subtypes}")
    treated = [text for text in (fact["arm"], fact["line"], fact["regimen"]) if text]
    if treated:
        yield from _named("treatment", "; ".join(treated))
    yield from _named("when", fact["when"])
    yield from _named("readings", f"first: {fact['readings']['first']}")
    second = fact["readings"]["second"]
    yield from _named("", f"second: {second or 'nobody read it again'} -> {fact['status']}")
    reader = f", read by {'; '.join(fact['read_by'])}" if fact["read_by"] else ", nothing reads it"
    yield from _named("role", fact["role"] + reader)
    if fact["reason"]:
        yield from _named("reason", fact["reason"])
    if fact["nested_in"]:
        yield from _named("inside", fact["nested_in"])
    if fact["holds"]:
        yield from _named("holds", ", ".join(fact["holds"]))
    if fact["note"]:
        yield from _named("note", " ".join(fact["note"].split()))
    for i, other in enumerate(fact["alternatives"]):
        where = f" of {other['cohort']}" if other["cohort"] else ""
        printed = " (as printed)" if other["as_printed"] else ""
        reason = " ".join(other["reason"].split())
        yield from _named(
            "alternative" if i == 0 else "", f"{other['value']}{where}{printed}: {reason}"
        )
    for i, found in enumerate(fact["findings"]):
        said = f"{found['severity']}, {found['rule']}: {found['proof']}"
        yield from _named("audit" if i == 0 else "", said)
    if fact["kind"] == "patients":
        yield ""
        yield _patient_table(fact["values"]["patients"])


def _share(share: Mapping[str, Any]) -> str:
    low, high = share["interval95"]
    cell = "" if share["cell"] == "all" else f"{share['cell']}: "
    return (
        f"{cell}{100 * share['share']:.1f} %, exact 95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} % (Clopper-Pearson)"
    )


def _patient_table(patients: Sequence[Mapping[str, Any]]) -> str:
    head = ["case", "sex", "age", "diagnosis", "years", "courses", "function", "MRC"]
    rows = [[*head, "myometer %", "CK before", "after"]]
    for row in patients:
        series = row["courses_printed"] or [row["courses"]]
        change = row["myometer_change_percent"]
        rows.append(
            [
                *(str(row["case"]), row["sex"], str(row["age_years"]), row["diagnosis"]),
                "<1" if row["under_one"] else f"{row['duration_years']:g}",
                " + ".join(map(str, series)),
                *("+" if row[name] else "-" for name in ("functional_improved", "mrc_improved")),
                "-" if change is None else f"{change:+g}",
                *("-" if row[ck] is None else str(row[ck]) for ck in ("ck_before", "ck_after")),
            ]
        )
    return aligned(rows, right=[0, 2, 4, 8, 9, 10])


def _named(name: str, text: str) -> list[str]:
    """Return ``name  text``, wrapped under itself."""
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=f"  {name:<{_LABEL}}",
        subsequent_indent=" " * (_LABEL + 2),
        break_on_hyphens=False,
    )
