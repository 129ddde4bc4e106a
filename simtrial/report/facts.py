"""Facts of the ledger and findings of its audit as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simtrial.report.tables import aligned, per_hundred

_LABEL, _WIDTH = 12, 100
_VALUE, _PLACE = 38, 24  # most letters of a column of the list
# columns of the list, and what in them says nothing where all facts have it
_OPTIONAL = {
    "p": "",
    "subtypes": "",
    "status": "read twice",
    "study": "own",
    "numbers": "",
}


def catalogue_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a fact, of one or more."""
    rows = [_row(entry) for entry in entries]
    # what says nothing of any of them is left out: most documents restore and cite little
    said = [
        name
        for name in rows[0]
        if name not in _OPTIONAL or any(row[name] not in ("", _OPTIONAL[name]) for row in rows)
    ]
    counts = any(_has_interval(entry) for entry in entries)
    head = ["value (exact 95 %)" if name == "value" and counts else name for name in said]
    return aligned([head, *([row[name] for name in said] for row in rows)], right=[said.index("n")])


def of_all_subtypes(subtype: str, cohorts: Sequence[str]) -> str:
    """Return that facts about all subtypes of sets that hold one are not listed, and where.

    ``cohorts`` has the set of each of these facts.
    """
    facts = "1 fact is" if len(cohorts) == 1 else f"{len(cohorts)} facts are"
    most = Counter(cohorts).most_common(1)[0][0]
    return textwrap.fill(
        f"Not listed: {facts} about all subtypes of sets that hold {subtype}; to see them give "
        f"--cohort in place of --subtype, such as --cohort {most}.",
        _WIDTH,
        break_on_hyphens=False,
    )


def fact_lines(fact: Mapping[str, Any]) -> str:
    """Return everything that is known of one fact."""
    return "\n".join(_fact_lines(fact))


def finding_lines(document: Mapping[str, Any]) -> str:
    """Return the findings of an audit, each with its proof and what is used."""
    whose = "" if document["document"] is None else f" of {document['document']}"
    head = (
        f"{_plural(document['facts'], 'fact')}{whose}, {len(document['rules'])} rules: "
        f"{_severities(document['counts'])}"
    )
    own = document["own"]
    if own["documents"] and document["document"] is None:
        named = ", ".join(own["documents"])
        head += f"; of them about your own ({named}): {_severities(own['counts'])}"
    lines = [f"{head}."]
    for found in document["findings"]:
        lines += ["", f"{found['severity']}: {found['fact']} ({found['label']}), {found['rule']}"]
        lines += [*_named("proof", found["proof"]), *_named("used", found["used"])]
        if found["related"]:
            lines += _named("see", ", ".join(found["related"]))
    return "\n".join(lines)


def place_lines(places: Mapping[str, Any]) -> str:
    """Return the check of the places against the documents' texts."""
    faults = places["faults"]
    lines = [f"{places['checked']} places checked against the texts: {len(faults)} faults."]
    lines += [f"{fault['fact'] or fault['document']}: {fault['proof']}" for fault in faults]
    if places["without_text"]:
        lines.append(f"Not checked, no text is named: {', '.join(places['without_text'])}.")
    return "\n".join(lines)


def _severities(counts: Mapping[str, int]) -> str:
    return ", ".join(_plural(n, severity) for severity, n in counts.items())


def _plural(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    value = entry["value"]
    if _has_interval(entry):
        value += f", {_short_share(entry['share'])}"
    return {
        "id": entry["id"],
        "label": entry["label"],
        # a joint table has a long value; the rest of it is what `show` is for
        "value": textwrap.shorten(value, _VALUE, placeholder=" ..."),
        "p": entry["p_value"] or "",
        "n": str(entry["n"]),
        "subtypes": "+".join(entry["subtypes"]),
        "when": entry["when"].replace("at the last assessment", "at the end"),
        "role": entry["role"],
        "status": entry["status"],
        "study": entry["cohort"]["study"] or "own",
        "place": _short_place(entry["place"]),
        "numbers": ", ".join(m for m in ("derived", "restored", "resolved") if entry[m]),
    }


def _has_interval(entry: Mapping[str, Any]) -> bool:
    """Return whether the list shows a share: a count's that may be used."""
    return entry["share"] is not None and entry["role"] != "unusable"


def _short_share(share: Mapping[str, Any]) -> str:
    low, high = share["interval95"]
    return f"{per_hundred(share['share'])} % ({100 * low:.1f} to {100 * high:.1f})"


def _short_place(place: str) -> str:
    """Return a place with its lines, and as much of the name before them as there is room for."""
    place = place.replace(", lines ", ", l. ").replace(", line ", ", l. ")
    before, comma, lines = place.rpartition(", ")
    if len(place) <= _PLACE or not comma:
        return place
    kept = before[: _PLACE - len(lines) - len(comma) - 1].rstrip()
    return f"{kept}\u2026{comma}{lines}"


def evidence_lines(rests_on: Mapping[str, Any]) -> list[str]:
    """Return what a fit rests on: the documents, the user's own facts, those read once."""
    named = [f"{d} (own)" if of["own"] else d for d, of in rests_on["documents"].items()]
    lines = [f"Documents read: {', '.join(named)}."]
    replaced = {d for d, of in rests_on["documents"].items() if of["own"]}
    gone = [f"{d} (yours is read instead)" if d in replaced else d for d in rests_on["without"]]
    if gone:
        lines.append(f"Left out: {', '.join(gone)}.")
    lines += [f"{d} (own): none of its facts is fitted." for d in rests_on["not_fitted"]]
    own = [f"{fact['id']} ({fact['n']})" for fact in rests_on["own"]]
    if own:
        lines.append(f"Own facts in the fit, with their n: {', '.join(own)}.")
    if rests_on["provisional"]:
        lines.append(
            f"Rests on provisional facts (read once): {', '.join(rests_on['provisional'])}."
        )
    return lines


def _fact_lines(fact: Mapping[str, Any]) -> Iterator[str]:
    by, cohort = fact["citation"], fact["cohort"]
    yield f"{fact['id']} ({fact['label']}): {fact['endpoint']}"
    cited = (
        f"{by['authors'].rstrip('.')}. {by['journal']} {by['year']};{by['volume']}:{by['pages']}"
    )
    number = "" if fact["document_number"] is None else f" ({fact['document_number']})"
    yield from _named("document", f"{fact['document']}{number}, {cited}")
    yield from _named("place", fact["place"])
    yield from _named("digits", fact["locator"]["digits"])
    yield from _named("printed", fact["printed"])
    if fact["p_value"]:
        yield from _named("p value", f"{fact['p_value']}, as printed")
    if fact["read_by"]:
        yield from _named("used", fact["value"])
    else:
        yield from _named("used", f"not used, {fact['role']}")
        yield from _named("reading", fact["value"])
    for share in fact["shares"]:
        yield from _named("", _share(share))
    if fact["shares"] and fact["unit"] != "patients":
        yield from _named("", f"(as if {fact['unit']} were independent of one another)")
    for name, given in fact["derived"].items():
        yield from _named("derived", f"{name} = {' '.join(given.split())}")
    if fact["restored"]:
        yield from _named("restored", " ".join(fact["restored"].split()))
    of = "" if fact["n"] == cohort["n"] else f"{fact['n']} of "
    subtypes = f", {' + '.join(fact['subtypes'])}" if fact["subtypes"] else ""
    yield from _named("patients", f"{of}{cohort['id']} ({cohort['n']}, {cohort['what']}){subtypes}")
    if cohort["study"]:
        yield from _named("second-hand", f"of study {cohort['study']}, {cohort['cited_as']}")
    treated = [text for text in (fact["arm"], fact["line"], fact["regimen"]) if text]
    if treated:
        yield from _named("treatment", "; ".join(treated))
    yield from _named("when", fact["when"])
    yield from _named("readings", f"first: {fact['readings']['first']}")
    second = fact["readings"]["second"]
    yield from _named("", f"second: {second or 'nobody read it again'} -> {fact['status']}")
    if fact["resolved"]:
        yield from _named("", f"resolved: {' '.join(fact['resolved'].split())}")
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
        f"{cell}{per_hundred(share['share'])} %, exact 95 % interval "
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
