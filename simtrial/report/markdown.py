"""Markdown that shows a text as it is: escaped words, code, links and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]|~$#])")


class Markdown(str):
    """A text that is Markdown already, and is not escaped again."""

    __slots__ = ()


def escaped(text: object) -> Markdown:
    """Return a text that Markdown shows unchanged, on one line; Markdown stays as it is."""
    if isinstance(text, Markdown):
        return text
    flat = " ".join(str(text).split())
    entities = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markdown(_SPECIAL.sub(r"\\\1", entities))


def code(name: str) -> Markdown:
    """Return a name as code; a name has no backticks and no pipes."""
    return Markdown(f"`{name}`")


def link(words: str, target: str) -> Markdown:
    """Return words that lead to a place of the same page."""
    return Markdown(f"[{escaped(words)}](#{target})")


def anchor(target: str) -> Markdown:
    """Return an invisible place that a link of the page leads to."""
    return Markdown(f'<a id="{target}"></a>')


def joined(parts: Iterable[object], between: str = " ") -> Markdown:
    """Return texts one after the other, each escaped unless it is Markdown."""
    return Markdown(between.join(escaped(part) for part in parts))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: str = "") -> Markdown:
    """Return a table, every cell on one line.

    Parameters
    ----------
    right : names of the columns that are aligned to the right, separated by commas.
    """
    numbers = [name.strip() for name in right.split(",")]
    rules = ["--:" if name in numbers else "---" for name in head]
    lines = [_line(head), _line([Markdown(rule) for rule in rules])]
    lines += [_line(row) for row in rows]
    return Markdown("\n".join(lines))


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"
