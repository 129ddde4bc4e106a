"""The coverage of the catalogue of figures as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from simtrial.report.tables import aligned

_COLUMNS = ("rows", "represented", "accounted", "missing", "facts")


def coverage_lines(document: Mapping[str, Any]) -> str:
    """Return a table by document, what the facts are, what is missing, and the share covered."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    facts, traps = document["facts"], document["traps"]
    yield _wrapped(
        f"The catalogue lists the {document['rows']} figures, or groups of figures, that were "
        "looked for in the shipped documents, one a row; traps are places of them that mislead a "
        "reader, each shown by facts or by findings of the audit."
    )
    if document["beyond"]:
        yield _wrapped(f"It has no rows of your own documents: {', '.join(document['beyond'])}.")
    yield ""
    table = [["document", *_COLUMNS]]
    table += [[one["document"], *(str(one[name]) for name in _COLUMNS)] for one in _rows(document)]
    yield aligned(table, right=range(1, len(table[0])))
    yield ""
    yield _wrapped(
        f"{facts['total']} facts: {_counts(facts['by_role'])}; {_counts(facts['by_status'])}; "
        f"{facts['distinct']} distinct by patients, quantity and time."
    )
    cited = facts["second_hand"]
    studies = ", ".join(f"{study} {n}" for study, n in cited["by_study"].items())
    yield _wrapped(f"{cited['total']} of them tell of a cited study{studies and ': '}{studies}.")
    if facts["unplaced"]:
        yield _wrapped(f"Of no row of the catalogue: {', '.join(facts['unplaced'])}.")
    missing = [row for row in document["catalogue"] if row["state"] == "missing"]
    if missing:
        yield "\nMissing rows:"
        yield aligned([["", row["row"], row["document"], row["what"]] for row in missing])
    unshown = [trap for trap in traps["catalogue"] if trap["state"] == "missing"]
    if unshown:
        yield "\nTraps that nothing shows:"
        yield aligned([["", trap["trap"], _of(trap), trap["what"]] for trap in unshown])
    yield ""
    yield f"shown {_share(traps, 'traps')}"
    yield f"coverage {_share(document)}"


def _rows(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from document["by_document"]
    yield {**document, "document": "all", "facts": document["facts"]["total"]}


def _of(trap: Mapping[str, Any]) -> str:
    documents = " ".join(trap["documents"])
    return f"{documents}, without {' '.join(trap['unseen'])}" if trap["unseen"] else documents


def _share(counts: Mapping[str, Any], of: str = "rows") -> str:
    """Return ``61 of 135 rows (45 %)``; less than all is never rounded to 100 %."""
    percent = "" if counts["percent"] is None else f" ({int(counts['percent'])} %)"
    return f"{counts['covered']} of {counts[of]} {of}{percent}"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, subsequent_indent="  ", break_on_hyphens=False)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())
