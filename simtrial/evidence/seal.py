"""Seal a document of the ledger: write the SHA-256 of its text and of the lines of every place."""

from __future__ import annotations

import re
from pathlib import Path

from simtrial.core.config import parse_yaml, read_yaml
from simtrial.core.errors import EvidenceError
from simtrial.core.files import write_whole
from simtrial.evidence.digits import found_in
from simtrial.evidence.reading import read_document
from simtrial.evidence.sources import FILE
from simtrial.evidence.text import folded, hash_of, key_of, lines_of

# a block of the top level: its name, and every line below it that is indented or empty
_BLOCK = re.compile(r"^text:.*\n(?:[ \t]+.*\n|\n(?=[ \t]))*", re.MULTILINE)


def seal(path: Path, folder: Path, name: str | None = None) -> int:
    """Write a document's ``text`` block anew and return how many places it has.

    Parameters
    ----------
    path : YAML file of the document; the block is put at its end, all else stays as it is.
    folder : where the text file is.
    name : the text file's name; None for the one that the document names already.

    Raises
    ------
    EvidenceError : when the document breaks a rule, the text is not there, or a place's digits do
        not stand in its lines; the file is then left as it was.
    """
    head, facts = read_document(read_yaml(path, EvidenceError))
    file = name or (head.text.file if head.text else None)
    if file is None:
        raise EvidenceError(
            f"{path}: text is missing, and no name was given; name the text file whose lines the "
            "places count in; for example --text paper.txt."
        )
    if not re.match(FILE, file):
        raise EvidenceError(
            f"--text {file}: a text file has a plain name of letters and digits in the folder; "
            "for example --text paper.txt."
        )
    sha256, text = lines_of(folder / file, head.id)
    faults = []
    for fact, part in facts:
        first, last = fact.locator.lines
        whole = folded(text, (first, last))
        missing = [token for token in fact.locator.digits.split() if not found_in(token, whole)]
        if last > len(text):
            faults.append(
                f"{part.where(('locator', 'lines'))} is [{first}, {last}]; {file} has {len(text)} "
                f"lines; for example lines: [1, {len(text)}]."
            )
        elif missing:
            faults.append(
                f"{part.where(('locator', 'digits'))} is '{fact.locator.digits}'; lines {first} to "
                f"{last} of {file} do not hold {', '.join(missing)}; write each number as it "
                "stands there, for example '1,234 -5.6 seven'."
            )
    if faults:
        raise EvidenceError("\n".join(faults))
    places = sorted({fact.locator.lines for fact, _ in facts})
    block = "".join(f"    {key_of(lines)}: {hash_of(text, lines)}\n" for lines in places)
    written = path.read_text(encoding="utf-8").rstrip("\n") + "\n"
    rest = _BLOCK.sub("", written).rstrip("\n") + "\n"
    sealed = f"{rest}\ntext:\n  file: {file}\n  sha256: {sha256}\n  lines:\n{block}"
    read_document(parse_yaml(sealed, str(path), EvidenceError))  # what is written can be read
    write_whole(path, sealed.encode("utf-8"))
    return len(places)
