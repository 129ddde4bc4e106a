"""The ledger as one page of Markdown with two forests: equal bytes for equal ledgers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from simtrial.core.files import write_whole
from simtrial.evidence.audit import RULES, SEVERITIES, audit
from simtrial.evidence.catalogue import ROLES
from simtrial.evidence.findings import Finding
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.patients import Patient, PatientTable
from simtrial.evidence.proportions import (
    Selection,
    adverse_event_rates,
    response_proportions,
)
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Header
from simtrial.evidence.wording import in_words, place, status, subtypes_of
from simtrial.report.evidence_forests import (
    HARM_HEAD,
    LINES,
    RESPONSE_HEAD,
    Numbers,
    harm_forest,
    harm_numbers,
    left_out_by_reason,
    response_forest,
    response_numbers,
    what_and_when,
)
from simtrial.report.forest import svg
from simtrial.report.markdown import Markdown, anchor, code, escaped, joined, link, table

PAGE, RESPONSE, HARM = "evidence.md", "evidence_response.svg", "evidence_harm.svg"

_FACT_HEAD = (
    "label",
    "what, when; name; remarks",
    "n",
    "subtypes",
    "printed",
    "used",
    "place",
    "role, status",
)
_PATIENT_HEAD = (
    *("case", "sex", "age", "diagnosis", "subtype", "years", "drugs", "courses", "function"),
    *("MRC", "myometry, %", "CK before", "CK after"),
)


def save_page(ledger: Ledger, folder: Path) -> list[Path]:
    """Write the page and its two figures; each file is whole or absent."""
    content = {
        PAGE: evidence_page(ledger),
        RESPONSE: svg(response_forest(ledger)),
        HARM: svg(harm_forest(ledger)),
    }
    for name, text in content.items():
        write_whole(folder / name, text.encode())
    return [folder / name for name in content]


def evidence_page(ledger: Ledger) -> str:
    """Return the page of a ledger: how to read it, every fact, both forests, what the audit found.

    It names its figures by file, and holds no time, no place on a disk and no version.
    """
    responses, harms = response_numbers(ledger), harm_numbers(ledger)
    findings = audit(ledger)
    second_hand = [fact for fact in ledger.facts.values() if _is_second_hand(ledger, fact)]
    documents = [_document(ledger, head) for head in ledger.documents.values()]
    return (
        _templates()
        .get_template("evidence.md")
        .render(
            facts=len(ledger.facts),
            twice=sum(status(fact) == "read twice" for fact in ledger.facts.values()),
            contents=_contents(documents),
            documents=documents,
            table_of_documents=_table_of_documents(ledger),
            table_of_cohorts=_table_of_cohorts(ledger),
            responses=responses,
            response_file=Markdown(RESPONSE),
            table_of_responses=_table_of_numbers(RESPONSE_HEAD, responses, "%"),
            left_out_of_responses=_left_out(
                "Counts that are in neither the figure nor the table:",
                response_proportions(ledger),
            ),
            harms=harms,
            harm_file=Markdown(HARM),
            table_of_harms=_table_of_numbers(HARM_HEAD, harms, "per 100"),
            left_out_of_harms=_left_out(
                "Shares and events after baseline that are in neither the figure nor the table:",
                adverse_event_rates(ledger),
            ),
            second_hand=_second_hand(ledger, second_hand),
            rules=len(RULES),
            found=_counted(findings),
            findings=_table_of_findings(ledger, findings),
        )
    )


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("simtrial.report"),
        autoescape=False,  # the page is Markdown, which `finalize` escapes
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _contents(documents: Iterable[Mapping[str, Any]]) -> Markdown:
    sections = [
        *("How to read this page", "Documents", "Response proportions", "Adverse events"),
        *(f"Facts of {document['id']}" for document in documents),
        *("Second-hand figures", "What the audit finds"),
    ]
    places = [link(name, name.lower().replace(" ", "-")) for name in sections]
    return Markdown("\n".join(f"- {one}" for one in places))


# documents and sets


def _document(ledger: Ledger, head: Header) -> dict[str, Any]:
    facts = [
        fact
        for fact in ledger.facts.values()
        if fact.document == head.id and not _is_second_hand(ledger, fact)
    ]
    usual = Counter(_treatment(fact) for fact in facts).most_common(1)
    treatment = usual[0][0] if usual else "not stated"
    tables = [fact for fact in facts if isinstance(fact.values, PatientTable)]
    return {
        "id": head.id,
        "cited": f"{_cited(head)}.",
        "design": " ".join(
            [
                head.design,
                f"Treatment, where the remarks name no other: {treatment}.",
                _seal(head),
            ]
        ),
        "facts": table(_FACT_HEAD, (_fact_row(ledger, fact, treatment) for fact in facts)),
        "patients": [
            {
                "place": f"{place(fact.locator)} ({fact.label})",
                "rows": _table_of_patients(fact.values_as(PatientTable).patients),
            }
            for fact in tables
        ],
    }


def _cited(head: Header) -> str:
    by = head.citation
    return f"{by.authors.rstrip('.')}. {by.journal} {by.year};{by.volume}:{by.pages}"


def _seal(head: Header) -> str:
    if head.text is None:
        return "The text in which the lines count has no seal."
    return (
        f"Lines are those of a text with SHA-256 {head.text.sha256}; "
        f"{len(head.text.lines)} of its places are sealed one by one."
    )


def _table_of_documents(ledger: Ledger) -> Markdown:
    rows = []
    for head in ledger.documents.values():
        facts = [fact for fact in ledger.facts.values() if fact.document == head.id]
        roles = Counter[str](fact.role for fact in facts)
        rows.append(
            [
                link(head.id, f"facts-of-{head.id}"),
                head.number or "",
                _cited(head),
                len(facts),
                *(roles[role] for role in ROLES),
                sum(status(fact) == "read twice" for fact in facts),
                sum(_is_second_hand(ledger, fact) for fact in facts),
            ]
        )
    numbers = ("facts", *ROLES, "read twice", "second-hand")
    return table(("document", "number", "published", *numbers), rows, right=", ".join(numbers))


def _table_of_cohorts(ledger: Ledger) -> Markdown:
    rows = [
        [
            code(name),
            cohort.n,
            cohort.what,
            "" if cohort.within is None else code(cohort.within),
            cohort.study or "",
            cohort.cited_as or "",
        ]
        for head in ledger.documents.values()
        for name, cohort in head.cohorts.items()
    ]
    return table(("set", "n", "patients", "within", "study", "quoted as"), rows, right="n")


# facts


def _fact_row(ledger: Ledger, fact: Fact, usual_treatment: str) -> list[object]:
    whose = fact.cohort.partition(".")[2].replace("_", " ")
    what = what_and_when(fact, fact.endpoint)
    return [
        joined([anchor(fact.id), fact.label], ""),
        # one cell, since names do not wrap and remarks are long: they share the wide column
        joined([what, code(fact.id), *_remarks(ledger, fact, usual_treatment)], "<br>"),
        joined([fact.n, whose]),
        " + ".join(subtypes_of(fact)) or "all",
        fact.printed,
        _used(fact),
        place(fact.locator),
        f"{fact.role}, {status(fact)}",
    ]


def _used(fact: Fact) -> str:
    words = in_words(fact.values, fact.unit).replace("_", " ")
    return f"not used; reading {words}" if fact.role == "unusable" else words


def _remarks(ledger: Ledger, fact: Fact, usual_treatment: str) -> list[Markdown]:
    out: list[object] = []
    if _treatment(fact) != usual_treatment:
        out.append(f"Treatment: {_treatment(fact)}")
    if fact.reason is not None:
        out.append(f"Why not: {fact.reason}")
    if fact.read_by:
        out.append(f"Read by: {'; '.join(fact.read_by)}")
    if fact.p_value is not None:
        out.append(f"p {fact.p_value}")
    for other in fact.alternatives:
        named = "Printed here" if other.as_printed else "Also"
        named = "Set aside" if other.set_aside else named
        value = in_words(other.values, other.unit or fact.unit).replace("_", " ")
        whose = [] if other.cohort is None else ["of the set", code(other.cohort)]
        out.append(joined([f"{named}: {value}", *whose, f"({_bare(other.reason)})"]))
    if fact.derived:
        named = ", ".join(f"{name} = {how}" for name, how in fact.derived.items())
        out.append(f"Not printed but derived: {named.replace('_', ' ')}")
    if fact.restored is not None:
        out.append(f"Restored: {fact.restored}")
    if fact.nested_in is not None:
        outer = ledger.fact(fact.nested_in)
        out.append(joined(["Part of", link(outer.label, outer.id), "(the same patients)"]))
    if fact.readings.resolved is not None:
        readings = f"First reading: {fact.readings.first}; second: {fact.readings.second}"
        out.append(f"{readings}; {fact.readings.resolved}")
    if fact.note is not None:
        out.append(fact.note)
    return [Markdown(f"{_bare(escaped(remark))}.") for remark in out]


def _bare(sentence: str) -> str:
    return sentence.strip().removesuffix(".")


def _treatment(fact: Fact) -> str:
    arm = "no arm named" if fact.arm is None else f"arm {fact.arm}"
    return "; ".join(part for part in (arm, LINES[fact.line].lower(), fact.regimen) if part)


def _is_second_hand(ledger: Ledger, fact: Fact) -> bool:
    return ledger.cohort(fact.cohort).study is not None


def _second_hand(ledger: Ledger, facts: Sequence[Fact]) -> Markdown:
    if not facts:
        return Markdown("There are none.")
    head = ("study", "document", "quoted as", *_FACT_HEAD)
    rows = []
    for fact in facts:
        cohort = ledger.cohort(fact.cohort)
        whose = [cohort.study or "", fact.document, cohort.cited_as or ""]
        rows.append([*whose, *_fact_row(ledger, fact, "")])
    return table(head, rows)


def _table_of_patients(patients: Iterable[Patient]) -> Markdown:
    return table(
        _PATIENT_HEAD,
        (_patient_row(row) for row in patients),
        right="case, age, years, myometry, CK before, CK after",
    )


def _patient_row(row: Patient) -> list[object]:
    series = row.courses_printed or (row.courses,)
    change = "–" if row.myometer_change_percent is None else f"{row.myometer_change_percent:+g}"
    return [
        row.case,
        row.sex,
        row.age_years,
        row.diagnosis,
        row.subtype,
        "<1" if row.under_one else f"{row.duration_years:g}",
        ", ".join(row.therapy) or "none",
        " + ".join(map(str, series)),
        "+" if row.functional_improved else "−",
        "+" if row.mrc_improved else "−",
        f"{change} NS" if row.myometer_significant is False else change,
        row.ck_before,
        "–" if row.ck_after is None else f"{row.ck_after}{' *' if row.prednisone_stopped else ''}",
    ]


# figures and findings


def _table_of_numbers(head: Sequence[str], rows: Iterable[Numbers], right: str) -> Markdown:
    return table(
        ("fact", *head),
        ([link(one.fact.label, one.fact.id), *one.cells] for one in rows),
        right=right,
    )


def _left_out(words: str, selection: Selection) -> Markdown:
    if not selection.left_out:
        return Markdown("")
    rows = [
        [reason, joined((link(fact.label, fact.id) for fact in facts), ", ")]
        for reason, facts in left_out_by_reason(selection).items()
    ]
    return Markdown(f"{escaped(words)}\n\n{table(('why not', 'facts'), rows)}")


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(one.severity for one in findings)
    words = [f"{counts[s]} {s}{'' if counts[s] == 1 else 's'}" for s in SEVERITIES]
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _table_of_findings(ledger: Ledger, findings: Iterable[Finding]) -> Markdown:
    rows = [
        [
            one.severity,
            link(one.label, one.fact),
            one.rule.replace("_", " "),
            one.proof,
            one.used.replace("_", " "),
            joined((link(ledger.fact(i).label, i) for i in one.related), ", "),
        ]
        for one in findings
    ]
    return table(("severity", "fact", "rule", "proof", "used", "see also"), rows)
