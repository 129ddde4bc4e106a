"""The ledger against the documents' own text: the file, the lines, and the digits in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simtrial.core.errors import EvidenceError
from simtrial.evidence.digits import found_in
from simtrial.evidence.ledger import Ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import Text


@dataclass(frozen=True, kw_only=True)
class PlaceFault:
    """A place that the documents' text does not bear out.

    ``fact`` is None where the fault is the file's.
    """

    document: str
    fact: str | None
    proof: str


def key_of(lines: tuple[int, int]) -> str:
    """Return the name of a place's lines in a document's table of hashes: ``506-510``."""
    return f"{lines[0]}-{lines[1]}"


def folded(text: list[str], lines: tuple[int, int]) -> str:
    """Return the lines ``first`` to ``last`` as one, every run of white space as one space."""
    return " ".join(" ".join(text[lines[0] - 1 : lines[1]]).split())


def hash_of(text: list[str], lines: tuple[int, int]) -> str:
    """Return the SHA-256 of some lines, white space folded."""
    return hashlib.sha256(folded(text, lines).encode("utf-8")).hexdigest()


def lines_of(path: Path, document: str) -> tuple[str, list[str]]:
    """Return the SHA-256 of a document's text file, and its lines.

    Raises
    ------
    EvidenceError : when the file is not there, or is no UTF-8 text.
    """
    try:
        raw = path.read_bytes()
        return hashlib.sha256(raw).hexdigest(), raw.decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        reason = "no UTF-8 text" if isinstance(problem, UnicodeDecodeError) else "not there"
        raise EvidenceError(
            f"{path}: {reason}; it is to be the text of document {document}; give the folder that "
            f"holds {path.name}, for example --documents papers."
        ) from problem


def check_places(
    ledger: Ledger, folder: Path, document: str | None = None
) -> tuple[PlaceFault, ...]:
    """Return what the documents' text does not bear out, of every fact whose text is named.

    With ``document`` only that one's text is read.

    Each place's lines exist, have the SHA-256 that the ledger keeps, and hold the digits.

    Raises
    ------
    EvidenceError : when the file of a text is not in the folder.
    """
    faults: list[PlaceFault] = []
    for head in ledger.documents.values():
        if head.text is None or document not in (None, head.id):
            continue
        sha256, text = lines_of(folder / head.text.file, head.id)
        if sha256 != head.text.sha256:
            proof = f"{head.text.file} has SHA-256 {sha256}, and the ledger {head.text.sha256}"
            faults.append(PlaceFault(document=head.id, fact=None, proof=proof))
        for fact in ledger.facts.values():
            if fact.document == head.id:
                faults += [
                    PlaceFault(document=head.id, fact=fact.id, proof=proof)
                    for proof in _place_faults(fact, head.text, text)
                ]
    return tuple(faults)


def places_document(ledger: Ledger, folder: Path, document: str | None = None) -> dict[str, Any]:
    """Return the check of all places, or of one document's, for JSON: how many, and each fault."""
    asked = [head for head in ledger.documents.values() if document in (None, head.id)]
    with_text = {head.id for head in asked if head.text is not None}
    return {
        "checked": sum(fact.document in with_text for fact in ledger.facts.values()),
        "without_text": [head.id for head in asked if head.text is None],
        "faults": [asdict(fault) for fault in check_places(ledger, folder, document)],
    }


def _place_faults(fact: Fact, kept: Text, text: list[str]) -> Iterator[str]:
    lines = fact.locator.lines
    if lines[1] > len(text):
        yield f"lines {key_of(lines)}, and {kept.file} has {len(text)}"
        return
    found = hash_of(text, lines)
    if found != kept.lines.get(key_of(lines)):
        yield (
            f"lines {key_of(lines)} of {kept.file} have SHA-256 {found}, and the ledger keeps "
            f"{kept.lines.get(key_of(lines), 'none')}"
        )
    whole = folded(text, lines)
    missing = [token for token in fact.locator.digits.split() if not found_in(token, whole)]
    if missing:
        yield f"lines {key_of(lines)} of {kept.file} do not hold {', '.join(missing)}"
