"""Read YAML 1.2 with the line of each field, and say why a file cannot be read."""

from __future__ import annotations

import copy
import difflib
import functools
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from simtrial.core.errors import DesignError, SimtrialError

FieldPath = tuple[str | int, ...]
# a text that YAML reads as the same text without quotes
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*([ -][A-Za-z0-9_.]+)*|\d+ of \d+")
_NOT_TEXT = ("true", "false", "null")


@dataclass(frozen=True, kw_only=True)
class Located:
    """A YAML document with the line of each of its fields.

    Attributes
    ----------
    data : plain dicts, lists and scalars.
    source : the file's name as the user gave it, for messages.
    lines : the 1-based line of each field; empty without a file.
    """

    data: Any
    source: str
    lines: Mapping[FieldPath, int] = field(default_factory=dict, repr=False, compare=False)

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the line of a field, or of its nearest parent; None without a file."""
        for length in range(len(path), -1, -1):
            if tuple(path[:length]) in self.lines:
                return self.lines[tuple(path[:length])]
        return None

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file, line N: field.path`` as far as it is known."""
        line = self.line(path)
        place = self.source if line is None else f"{self.source}, line {line}"
        dotted = dotted_path(path)
        return f"{place}: {dotted}" if dotted else place

    def example(self, path: Sequence[str | int]) -> str | None:
        """Return ``key: value`` as this document would have it right at a path, where known.

        A kind of document that knows its own names and numbers says so; else a field's example
        will do.
        """
        return None


def dotted_path(path: Sequence[str | int]) -> str:
    """Return ``a.b[3].c`` for ``("a", "b", 3, "c")``."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def value_at(data: Any, path: FieldPath) -> Any:
    """Return what the user wrote at a path; nothing where a default stands."""
    for part in path:
        if isinstance(data, list) and isinstance(part, str):
            continue  # the list stands for a mapping with that key
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def as_written(data: Any, path: FieldPath) -> FieldPath:
    """Return a path without the keys that a bare list stands for, which no user has written."""
    out: list[str | int] = []
    for part in path:
        if not (isinstance(data, list) and isinstance(part, str)):
            out.append(part)
            data = value_at(data, (part,))
    return tuple(out)


def shown(value: Any) -> str:
    """Return a value as a user would write it in YAML, cut short when long."""
    text = _written(value)
    return text if len(text) <= 80 else text[:77] + "..."


def flow(value: Any) -> str:
    """Return a value as a user would write it in YAML on one line, without needless quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) is not None
    return _written(value, bare=plain and str(value).lower() not in _NOT_TEXT)


def nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str | None:
    """Return the known name that looks most like one that is not known, whatever the case."""
    lower = {other.lower(): other for other in reversed(list(known))}
    near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.0)
    return lower[near[0]] if near else None


def parse_yaml(text: str, source: str, error: type[SimtrialError] = DesignError) -> Located:
    """Parse YAML text; ``error`` is raised, with the line, when it is not YAML 1.2."""
    try:
        plain, lines = _parsed(text)
        return Located(data=copy.deepcopy(plain), source=source, lines=lines)
    except MarkedYAMLError as problem:
        raise error(_unreadable(problem, text, source)) from None
    except YAMLError as problem:
        place = source
        position = getattr(problem, "position", None)  # a character YAML does not allow
        if position is not None:
            place = f"{source}, line {text.count(chr(10), 0, position) + 1}"
        reason = str(problem).partition("\n")[0]
        raise error(
            f"{place}: not readable as YAML ({reason}); give a text file of 'key: value' lines, "
            "such as title: My trial."
        ) from None
    except (ValueError, KeyError, AttributeError) as problem:  # a date, number or tag in name only
        reason = str(problem).partition("\n")[0]
        raise error(
            f"{source}: not readable as YAML ({reason}); put texts that look like dates or numbers "
            "in quotes, such as printed: '2026-13-45'."
        ) from None
    except RecursionError:
        raise error(
            f"{source}: not readable as YAML (nested too deeply, or within itself); "
            "write one 'key: value' a line, indented by spaces."
        ) from None


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> tuple[Any, Mapping[FieldPath, int]]:
    """Return plain contents and the lines of a text; a long document takes a second to parse."""
    tree = YAML(typ="rt").load(io.StringIO(text))
    return _plain(tree), dict(_lines(tree, ()))


def read_yaml(path: Path, error: type[SimtrialError] = DesignError) -> Located:
    """Read a YAML file; ``error`` says why it cannot be read."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as problem:  # ValueError: a name with a null character in it
        reason = getattr(problem, "strerror", None) or str(problem)
        raise error(
            f"{path}: cannot be read ({reason}); give a readable YAML file{_beside(path)}."
        ) from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise error(
            f"{path}, line {line}: cannot be read (it is not UTF-8 text): byte "
            f"0x{content[problem.start]:02x}; give a text file of 'key: value' lines, such as "
            "title: My trial, saved as UTF-8."
        ) from None
    return parse_yaml(text, str(path), error)


def _beside(path: Path) -> str:
    """Return the file that was likely meant: the nearest in the folder, or one inside it."""
    try:
        folder = path if path.is_dir() else path.parent
        names = sorted(p.name for p in folder.glob("*.yaml"))
    except (OSError, ValueError):
        return ""
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.0 if folder == path else 0.6)
    return f", such as {folder / near[0]}" if near else ""


_PROBLEMS = (  # what the parser says, and what a user can do about it
    (r"'\t' that cannot start", "a tab stands where spaces belong", "indent with spaces"),
    (
        "that cannot start any token",
        "a text that begins with a special character needs quotes",
        'put it in quotes, such as title: "@home"',
    ),
    (
        "mapping values are not allowed",
        "a second colon in a line, or a line indented too far",
        'put a text with a colon in quotes, such as title: "Part 2: extension"',
    ),
    ("found another document", "a second document begins", "keep one, without '---' between"),
    (
        "<block",
        "the indentation changes where it may not",
        "indent the keys of one mapping alike, two spaces below their parent",
    ),
    (
        "unexpected end of stream",
        "a quote is opened and not closed",
        "close it, such as title: 'My trial'",
    ),
    (
        "expected ',' or",
        "a bracket is opened and not closed, or a comma is missing",
        "write such as visits_weeks: [0, 4, 8] or sample_size: {n: 94}",
    ),
    (
        "undefined alias",
        "* refers to an anchor that is not there",
        'put the text in quotes, such as title: "*"',
    ),
)
_TWICE = "found duplicate key "


def _unreadable(problem: MarkedYAMLError, text: str, source: str) -> str:
    mark = problem.problem_mark
    said = problem.problem or problem.context or "no YAML"
    place = source if mark is None else f"{source}, line {mark.line + 1}"
    if said.startswith(_TWICE):
        key = said.removeprefix(_TWICE).split('"')[1]
        return (
            f"{place}: {key} stands twice in one mapping; a key is given once; keep one of the "
            f"two, such as {_line(text, mark)!r}."
        )
    for mark_of, meaning, advice in _PROBLEMS:
        if mark_of in repr(said)[1:-1] or mark_of in said:
            return f"{place}: not readable as YAML ({meaning}): {_line(text, mark)!r}; {advice}."
    return (
        f"{place}: not readable as YAML ({said}): {_line(text, mark)!r}; "
        "write one 'key: value' a line, indented by spaces, such as title: My trial."
    )


def _line(text: str, mark: Any) -> str:
    lines = text.splitlines()
    found = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    return found if len(found) <= 60 else found[:57] + "..."


def _key(key: Any) -> str | int:
    return key if isinstance(key, int) and not isinstance(key, bool) else _written(key, bare=True)


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {_key(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    text = str(node)
    if not text.isascii() and any("\ud800" <= mark <= "\udfff" for mark in text):
        raise ValueError("half of a character: a surrogate, which no text holds")
    return text


def _lines(node: Any, path: FieldPath) -> Iterator[tuple[FieldPath, int]]:
    """Yield the line of a node and of all below it."""
    if isinstance(node, CommentedMap | CommentedSeq):
        if not path:
            yield (), node.lc.line + 1
        for part, inside in node.items() if isinstance(node, CommentedMap) else enumerate(node):
            below = (*path, _key(part))
            place = node.lc.data.get(part) if node.lc.data else None  # none: taken in by a merge
            if place is not None:
                yield below, place[0] + 1
            yield from _lines(inside, below)


def _written(value: Any, *, bare: bool = False) -> str:
    """Return a value in YAML's flow style; ``bare`` leaves out the quotes of a text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    if isinstance(value, Mapping):
        inner = (f"{_written(k, bare=True)}: {_written(v)}" for k, v in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(v) for v in value) + "]"
    if isinstance(value, int | float):
        try:
            return repr(value)
        except ValueError:  # an int with more digits than Python writes in decimal
            return hex(int(value))
    return str(value) if bare else repr(str(value))
