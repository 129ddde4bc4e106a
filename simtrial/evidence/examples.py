"""What a user's document would have right at a field: in its own names, with its own numbers.

The examples of the fields themselves are lines of shipped documents. Copied into another document
they would name patients and figures that are not its own, so whatever the document says by itself
is told back: its id, its sets of patients, the fact's number, and the digits at its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, get_args

from simtrial.core.located import FieldPath, flow
from simtrial.core.other_names import meant_choice
from simtrial.evidence.digits import Digits, numbers_of
from simtrial.evidence.values import Subtype

_COUNTED = {"count": "responders", "proportion": "part"}
_READERS = {"fit": "[the fit]", "check": "[replication]"}
_YEAR = 2026  # any year will do
_CITATION = {
    **{"authors": "Our group", "journal": "unpublished", "year": _YEAR},
    **{"volume": "1", "pages": "1"},
}


def example(root: Any, source: str, path: FieldPath) -> str | None:
    """Return ``key: value`` for a path of a document as written, or None where it says nothing.

    Parameters
    ----------
    root : the whole document, as plain dicts, lists and scalars.
    source : the name of its file.
    """
    written = _mapping(root)
    match path:
        case ("id",):
            return f"id: {document_id(written, source)}"
        case ("citation",):
            return f"citation: {flow(_CITATION)}"
        case ("cohorts",):
            named = dict(_cohorts_named(written, document_id(written, source)))
            return f"cohorts: {flow(named)}" if named else None
        case ("cohorts", name):
            found = dict(_cohorts_named(written, document_id(written, source)))
            own = _of(document_id(written, source), str(name))
            given = _mapping(_mapping(written.get("cohorts")).get(str(name)))
            return f"{own}: {flow({**found.get(own, cohort_of(1)), **given})}"
        case ("cohorts", name, "n"):
            return f"n: {max((_n(f) or 1 for f in _facts(written, str(name))), default=1)}"
        case ("cohorts", name, "within"):
            return _around(written, str(name))
        case ("defaults", key):
            fact = next(iter(_facts(written)), {})
            return FactWritten(written, fact, document_id(written, source)).field((key,))
        case ("facts", int(index), *rest) if rest:
            listed = written.get("facts")
            fact = listed[index] if isinstance(listed, list) and index < len(listed) else {}
            own_id = document_id(written, source)
            return FactWritten(written, _mapping(fact), own_id).field(tuple(rest))
    return None


def document_id(written: Mapping[str, Any], source: str) -> str:
    """Return a document's id, put right where it is none: from its facts, or its file's name."""
    given = written.get("id")
    if isinstance(given, str | int) and slug(str(given)):
        return slug(str(given))
    return shared_prefix(written) or slug(PurePath(source).stem) or "own26"


def shared_prefix(written: Mapping[str, Any]) -> str | None:
    """Return what the ids of all facts begin with, where it is one and the same."""
    ids = [str(fact.get("id")) for fact in _facts(written)]
    prefixes = {slug(fact_id.partition(".")[0]) for fact_id in ids if "." in fact_id}
    return prefixes.pop() if len(prefixes) == 1 and ids else None


def slug(name: str) -> str:
    """Return a name in the letters that ids are made of."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def cohort_of(n: int, subtype: object = None) -> dict[str, Any]:
    """Return a set of patients as it is written under ``cohorts``."""
    who = f"patients with {subtype}" if isinstance(subtype, str) else "patients treated"
    return {"n": n, "what": who}


class FactWritten:
    """One fact as written, with what its document's defaults add."""

    def __init__(self, root: Mapping[str, Any], fact: Mapping[str, Any], document: str) -> None:
        self.root, self.document = root, document
        self.stated = fact
        self.fact = {**_mapping(root.get("defaults")), **fact}
        self.cohorts = {str(i): _n(c) for i, c in _mapping(root.get("cohorts")).items()}

    def field(self, path: FieldPath) -> str | None:
        """Return ``key: value`` for a field of the fact."""
        key, inside = path[0], path[1:]
        if key == "values":
            return self._values(inside)
        if inside:
            return self._inside(str(key), inside)
        plain: dict[str, Callable[[], str | int | None]] = {
            "id": self.right_id,
            "label": self._label,
            "document": lambda: self.document,
            "cohort": self.cohort,
            "n": self.n,
            "printed": lambda: flow(self._printed()),
            "locator": lambda: flow(
                {"section": "Report", "lines": [1, 1], "digits": self._printed()}
            ),
            "timing": self._timing,
            "readings": lambda: flow({"first": self._first(), "second": None}),
            "quantity": lambda: _slug_of(self.fact.get("quantity")),
            "nested_in": self._nested_in,
            "read_by": lambda: _READERS.get(str(self.fact.get("role")), "[a report]"),
            "subtypes": lambda: self._subtypes("subtypes"),
        }
        found = plain[str(key)]() if str(key) in plain else None
        return None if found is None else f"{key}: {found}"

    def n(self) -> int | None:
        """Return how many patients the fact is about: by its values, or its set."""
        by_values = _n(_mapping(self.fact.get("values")))
        of_set = self.cohorts.get(str(self.fact.get("cohort")))
        known = by_values if self.fact.get("unit", "patients") == "patients" else None
        return known or of_set

    def cohort(self) -> str | None:
        """Return the smallest set of the document that holds the fact's patients."""
        n = _n(self.fact) or self.n() or 1
        holds = [(size, i) for i, size in self.cohorts.items() if size is not None and size >= n]
        return min(holds, key=lambda pair: pair[0])[1] if holds else None

    def right_id(self) -> str:
        """Return the fact's id with its document's at the front, of three parts, and its own."""
        parts = [slug(part) for part in str(self.fact.get("id", "")).split(".")]
        if len(parts) != len(("document", "quantity", "group")) or not all(parts):
            quantity = _slug_of(self.fact.get("quantity")) or "response"
            group = self.fact.get("subtype") or self.fact.get("arm") or "all"
            parts = ["", quantity, slug(str(group)) or "all"]
        made = ".".join((self.document, *parts[1:]))
        taken = [other.get("id") for other in _facts(self.root) if other is not self.stated]
        return _free(made, taken, "_")

    def values(self, kind: str, count: int | None = None) -> dict[str, Any] | None:
        """Return the record of a kind that counts, with the fact's number and what was counted."""
        n = _n(self.fact) or self.n() or max((k for k in self._digits() if k >= 1), default=None)
        if kind not in _COUNTED or n is None:
            return None
        return {"n": n, _COUNTED[kind]: self.count(n) if count is None else count}

    def count(self, n: int) -> int:
        """Return what was counted of ``n``: as it stands in the values, or at the place."""
        given = _mapping(self.fact.get("values"))
        stated = [given[key] for key in _COUNTED.values() if key in given]
        fits = [k for k in (*stated, *self._digits()) if _whole(k) and 0 <= k <= n]
        return next((k for k in fits if k != n or k in stated), n)

    def _values(self, inside: FieldPath) -> str | None:
        kind, given = str(self.fact.get("kind")), _mapping(self.fact.get("values"))
        if not inside:
            made = self.values(kind)
            return None if made is None else f"values: {flow(made)}"
        key = str(inside[0])
        n = _n(given) or _n(self.fact) or self.n()
        if key == "n" and len(inside) == 1:
            stated = _n(self.fact) or self.n()
            return None if stated is None else f"n: {stated}"
        if key in _COUNTED.values():
            return None if n is None else f"{key}: {self.count(n)}"
        if key in ("cells", "first_by_week"):
            return self._cells(key, given, n)
        if key == "percent":
            printed = [token for token in str(self._place().get("digits")).split() if "%" in token]
            shares = [d for token in printed for d in numbers_of(token)]
            share = next((d for d in (*shares, *self._numbers()) if 0 <= d.value <= 100), None)
            return None if share is None else f"percent: {_as_printed(share)}"
        return self._ordered(key, given)

    def _cells(self, key: str, given: Mapping[str, Any], n: int | None) -> str | None:
        """Return the user's own cells, with the last one as it has to be for them to sum."""
        cells = {}
        for name, k in _mapping(given.get(key)).items():
            meant = (
                meant_choice(name, get_args(Subtype)) if self.fact.get("kind") == "mix" else name
            )
            if meant is None or not _whole(k) or k < 0:
                return None
            cells[meant] = k
        never = given.get("never", 0)
        if n is None or not cells or not _whole(never):
            return None
        if self.fact.get("kind") == "tally":
            return f"{key}: {flow({name: min(k, n) for name, k in cells.items()})}"
        last = list(cells)[-1]
        rest = n - never - sum(k for name, k in cells.items() if name != last)
        return f"{key}: {flow({**cells, last: rest})}" if rest >= 0 else None

    def _ordered(self, key: str, given: Mapping[str, Any]) -> str | None:
        """Return a number of the place that stands in order with those given before it."""
        middle = next((given[k] for k in ("mean", "median", "estimate") if k in given), None)
        bound = {"median": given.get("q1"), "q3": given.get("median"), "low": middle}.get(
            key, given.get("low") if middle is None else middle
        )
        if key not in ("median", "q3", "low", "high") or not isinstance(bound, int | float):
            return None
        below = key == "low"
        fits = [d for d in self._numbers() if (d.value < bound if below else d.value > bound)]
        return f"{key}: {_as_printed(fits[0]) if fits else flow(bound)}"

    def _inside(self, key: str, inside: FieldPath) -> str | None:
        match (key, *inside):
            case ("locator", "digits"):
                return f"digits: {flow(self._printed())}"
            case ("readings", "first"):
                return f"first: {flow(self._first())}"
            case ("subtypes", int()):
                several = self._subtypes("subtypes")
                return None if several is None else f"subtypes: {several}"
            case ("read_by", int()):
                return f"read_by: {_READERS.get(str(self.fact.get('role')), '[a report]')}"
            case ("alternatives", int(), "cohort"):
                found = self.cohort()
                return None if found is None else f"cohort: {found}"
        return None

    def _label(self) -> str:
        taken = [other.get("label") for other in _facts(self.root) if other is not self.stated]
        listed = [id(other) for other in _facts(self.root)]
        at = listed.index(id(self.stated)) + 1 if id(self.stated) in listed else 1
        return _free(f"{self.document[:1].upper()}{at}", taken, ".")

    def _timing(self) -> str:
        others = (_mapping(other.get("timing")) for other in _facts(self.root))
        found = next(
            (dict(t) for t in others if t.get("how") in ("by", "at") and "week" in t), None
        )
        return flow(found or {"how": "by", "week": 12})

    def _nested_in(self) -> str | None:
        own = [str(other.get("id")) for other in _facts(self.root) if other is not self.stated]
        return own[0] if own else None

    def _subtypes(self, key: str) -> str | None:
        given = self.fact.get(key)
        if not isinstance(given, list):
            return None
        meant = [meant_choice(name, get_args(Subtype)) for name in given]
        kept = list(dict.fromkeys(name for name in meant if name is not None))
        return f"[{', '.join(kept)}]" if len(kept) > 1 and None not in meant else None

    def _first(self) -> str:
        made = self.values(str(self.fact.get("kind"))) or {}
        given = _mapping(self.fact.get("values"))
        if made and given:
            n, count = made.values()
            return f"{count} of {n}"
        return self._printed()

    def _printed(self) -> str:
        """Return what stands at the place: as printed, its digits, or the numbers of the values."""
        printed = self.fact.get("printed") or self._place().get("digits")
        if isinstance(printed, str | int | float):
            return str(printed)
        made = self.values(str(self.fact.get("kind")))
        if made is not None:
            n, count = made.values()
            return f"{count}/{n}"
        numbers = [k for k in _mapping(self.fact.get("values")).values() if _number(k)]
        return " ".join(map(flow, numbers)) or "as it stands there"

    def _place(self) -> Mapping[str, Any]:
        return _mapping(self.fact.get("locator"))

    def _numbers(self) -> list[Digits]:
        return numbers_of(str(self._place().get("digits", "")))

    def _digits(self) -> list[int]:
        return [int(d.value) for d in self._numbers() if d.value >= 0 and not d.decimals]


def _cohorts_named(
    written: Mapping[str, Any], document: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sets that the facts name, each with the most patients that a fact has of it."""
    defaults = _mapping(written.get("defaults"))
    sizes: dict[str, int] = {}
    about: dict[str, set[object]] = {}
    for fact in _facts(written):
        whole = {**defaults, **fact}
        name = _of(document, str(whole.get("cohort", "treated")))
        sizes[name] = max(sizes.get(name, 1), _n(whole) or _n(_mapping(whole.get("values"))) or 1)
        if isinstance(whole.get("subtype"), str):
            about.setdefault(name, set()).add(whole["subtype"])
    for name, n in sizes.items():
        only = about.get(name, set())
        yield name, cohort_of(n, next(iter(only)) if len(only) == 1 else None)


def _around(written: Mapping[str, Any], name: str) -> str | None:
    cohorts = _mapping(written.get("cohorts"))
    n = _n(_mapping(cohorts.get(name))) or 1
    larger = [str(i) for i, c in cohorts.items() if i != name and (_n(_mapping(c)) or 0) >= n]
    return f"within: {larger[0]}" if larger else None


def _of(document: str, name: str) -> str:
    return f"{document}.{slug(name.rpartition('.')[2]) or 'treated'}"


def _facts(written: Mapping[str, Any], cohort: str | None = None) -> list[Mapping[str, Any]]:
    listed = written.get("facts")
    facts = [f for f in listed if isinstance(f, Mapping)] if isinstance(listed, list) else []
    shared = _mapping(written.get("defaults")).get("cohort")
    return [f for f in facts if cohort is None or f.get("cohort", shared) == cohort]


def _n(fields: object) -> int | None:
    n: Any = _mapping(fields).get("n")
    return n if _whole(n) and n >= 1 else None


def _free(name: str, taken: list[Any], mark: str) -> str:
    if name not in taken:
        return name
    return next(
        f"{name}{mark}{k}" for k in range(2, len(taken) + 3) if f"{name}{mark}{k}" not in taken
    )


def _slug_of(name: object) -> str | None:
    return slug(name) or None if isinstance(name, str) else None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_printed(number: Digits) -> str:
    return f"{number.value:.{number.decimals}f}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
