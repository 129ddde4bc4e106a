"""The digits at a fact's place: as numbers, with how many decimals, and against the values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simtrial.evidence.arithmetic import value_of
from simtrial.evidence.measured import MeanChange
from simtrial.evidence.patients import PatientTable
from simtrial.evidence.records import Fact
from simtrial.evidence.values import Values

WORDS = {
    "no": 0,
    "none": 0,
    "one": 1,
    "single": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "fourteen": 14,
    "sixteen": 16,
    "twenty-one": 21,
    "twenty-three": 23,
    "thirty-five": 35,
    "first": 1,
    "second": 2,
    "third": 3,
}
# U+2212 is the minus sign; U+FFFD is what text extraction left of one
_SIGNS = "-+\u2212\ufffd"
_NUMBER = re.compile(
    rf"(?:(?<![\w.])(?P<sign>[{_SIGNS}]))?"
    r"(?P<figures>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)",
    re.ASCII,
)
# a derived number is compared in binary floating point
_FUZZ = 1e-9
# how many patients, which level and how many decimals: known from elsewhere than the place
_NOT_PRINTED = {"n", "level_percent", "decimals"}


class Digits(NamedTuple):
    """One printed number."""

    value: float
    decimals: int


def numbers_of(text: str) -> list[Digits]:
    """Return the numbers of a text, in figures or in words, in their order.

    A dash after a figure is no minus sign: ``1.6-7.3`` is 1.6 and 7.3.
    """
    out: list[Digits] = []
    for token in text.split():
        word = WORDS.get(token.strip("().;,:").lower())
        if word is not None:
            out.append(Digits(float(word), 0))
            continue
        for found in _NUMBER.finditer(token):
            figures = found["figures"].replace(",", "")
            minus = found["sign"] is not None and found["sign"] != "+"
            decimals = len(figures.partition(".")[2])
            out.append(Digits(-float(figures) if minus else float(figures), decimals))
    return out


def decimals_of(fact: Fact, value: float) -> int:
    """Return with how many decimals a value stands at a fact's place, 0 where it does not."""
    return max((d.decimals for d in numbers_of(fact.locator.digits) if d.value == value), default=0)


def unprinted(fact: Fact, instead: Mapping[str, float] | None = None) -> list[str]:
    """Return what is wrong with the numbers of what is entered as printed, one by one.

    A number stands among the digits, or it is ``derived`` by an expression that gives it. A
    restored interval has its figures in the damaged token, one end after the other; what else it
    rests on is a rule of the audit.

    Parameters
    ----------
    instead : numbers to look for instead of the fact's own, by their path.
    """
    numbers = dict(leaves(fact.as_printed)) | dict(instead or {})
    printed = {digits.value for digits in numbers_of(fact.locator.digits)}
    lost = fact.restored is not None and isinstance(fact.as_printed, MeanChange)
    damaged = [_figures(token) for token in fact.locator.digits.split()] if lost else []
    out = []
    for name, number in numbers.items():
        figures = _figures(f"{number:.10g}")
        if name in fact.derived:
            given = value_of(fact.derived[name])
            if abs(given - number) > _FUZZ * max(1.0, abs(number)):
                out.append(f"{name} {number:g}, and {fact.derived[name]} is {given:g}")
            elif ";" not in fact.derived[name]:
                absent = [
                    f"{digits.value:g}"
                    for digits in numbers_of(re.sub(r"[-+*/()]", " ", fact.derived[name]))
                    if digits.value not in {abs(value) for value in printed}
                ]
                if absent:
                    out.append(
                        f"{name} is derived from {', '.join(absent)}, which does not stand there; "
                        "say after a semicolon where it comes from"
                    )
        elif number not in printed and not any(
            token.startswith(figures) or token.endswith(figures) for token in damaged
        ):
            out.append(f"{name} {number:g}, which does not stand there")
    unknown = fact.derived.keys() - numbers.keys()
    return out + [f"{name} is derived, and is no number of the values" for name in sorted(unknown)]


def _figures(text: str) -> str:
    return re.sub(r"\D", "", text)


def found_in(token: str, text: str) -> bool:
    """Return whether a token stands in a text by itself, not inside a longer number or word."""
    whole = rf"(?<![0-9A-Za-z])(?<!\d[.,]){re.escape(token)}(?![0-9A-Za-z])(?![.,]\d)"
    return re.search(whole, text, re.ASCII) is not None


def leaves(values: Values) -> Iterator[tuple[str, float]]:
    """Yield the name and value of each number of a record that a document prints."""
    if isinstance(values, PatientTable):
        for row in values.patients:
            named = row.model_dump(include={"case", "age_years", "ck_before", "ck_after"})
            named["myometer_change_percent"] = row.myometer_change_percent
            if not row.under_one:
                named["duration_years"] = row.duration_years
            series = row.courses_printed or (row.courses,)
            named |= {f"courses[{i}]": k for i, k in enumerate(series)}
            for name, number in named.items():
                if number is not None:
                    yield f"case {row.case}: {name}", float(number)
        return
    yield from _numbers("", values.model_dump())


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield path, float(value)
    elif isinstance(value, dict):
        for name, below in value.items():
            if isinstance(name, int):  # a week, which is printed too
                yield f"{path}.{name}.week", float(name)
            if name not in _NOT_PRINTED:
                yield from _numbers(f"{path}.{name}" if path else str(name), below)
