"""What a variable and a data set of the ADaM-shaped export are, and the variables they share.

Names, labels and roles are those that the ADaM Implementation Guide 1.x gives to variables of the
same meaning; what it has no name for keeps to its form (at most eight characters, labels of at
most forty). Tables are built from these entries, so a column without one cannot be written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["char", "whole", "real", "date"]
# a date is a number in SAS; here it keeps its own type in Parquet and is ISO 8601 in CSV
TYPE_OF: dict[Kind, str] = {"char": "Char", "whole": "Num", "real": "Num", "date": "Num"}


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One variable. ``codelist`` names its allowed terms; ``source`` what it is made from."""

    name: str
    label: str
    kind: Kind
    derivation: str
    source: str = ""
    codelist: str = ""
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One data set: what a row is, the variables that tell rows apart, all variables in order."""

    name: str
    label: str
    structure: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]


def char(name: str, label: str, derivation: str, source: str = "", **more: object) -> Variable:
    """Return a variable of text."""
    return _variable(name, label, "char", derivation, source, more)


def whole(name: str, label: str, derivation: str, source: str = "", **more: object) -> Variable:
    """Return a variable of whole numbers."""
    return _variable(name, label, "whole", derivation, source, more)


def real(name: str, label: str, derivation: str, source: str = "", **more: object) -> Variable:
    """Return a variable of numbers."""
    return _variable(name, label, "real", derivation, source, more)


def date(name: str, label: str, derivation: str, source: str = "", **more: object) -> Variable:
    """Return a variable of dates."""
    return _variable(name, label, "date", derivation, source, more)


def flag(name: str, label: str, derivation: str, source: str = "", **more: object) -> Variable:
    """Return a flag that is Y or empty."""
    options = {"codelist": "Y", "required": False} | more
    return _variable(name, label, "char", derivation, source, options)


def optional(variable: Variable) -> Variable:
    """Return a variable that may be empty."""
    return replace(variable, required=False)


def _variable(
    name: str, label: str, kind: Kind, derivation: str, source: str, more: dict[str, object]
) -> Variable:
    return Variable(name=name, label=label, kind=kind, derivation=derivation, source=source, **more)  # type: ignore[arg-type]


STUDY_DAY = "{date} - RANDDT, plus 1 from RANDDT on: there is no day 0"


def study_day(name: str, label: str, of: str) -> Variable:
    """Return the study day of a date."""
    return whole(name, label, STUDY_DAY.format(date=of), of)


STUDYID = char("STUDYID", "Study Identifier", "SYNTHETIC and the design's title", codelist="STUDY")
TRIALN = whole("TRIALN", "Simulated Trial", "Number of the simulated trial, counted from 0")
USUBJID = char(
    "USUBJID",
    "Unique Subject Identifier",
    "SYN, trial (R), site (S) and screening number (P), joined by hyphens",
    "candidate, site",
)
SITEID = char("SITEID", "Study Site Identifier", "Site in the order of opening", "site")
TRTP = char("TRTP", "Planned Treatment", "Arm as randomised", "arm", codelist="ARM")
TRTPN = whole("TRTPN", "Planned Treatment (N)", "Place of TRTP in the design", "arm")
TRTA = char(
    "TRTA",
    "Actual Treatment",
    "Arm as randomised, where a course was begun; a switch is told by ADSL",
    "arm, courses",
    codelist="ARM",
    required=False,
)
TRTAN = whole("TRTAN", "Actual Treatment (N)", "Place of TRTA in the design", required=False)
ITTFL = char("ITTFL", "Intent-To-Treat Population Flag", "Y: randomised", "arm", codelist="NY")
SAFFL = char(
    "SAFFL", "Safety Population Flag", "Y: at least one course begun", "courses", codelist="NY"
)

# who a row belongs to, in every data set but ADSL
SUBJECT = (STUDYID, TRIALN, USUBJID, SITEID)
PLANNED = (TRTP, TRTPN, TRTA, TRTAN, ITTFL, SAFFL)
ACTUAL = (TRTA, TRTAN, SAFFL)


def visit_variables() -> tuple[Variable, ...]:
    """Return the visit of a record and its date."""
    return (
        char("AVISIT", "Analysis Visit", "Planned visit", "visits of the design", codelist="VISIT"),
        whole(
            "AVISITN",
            "Analysis Visit (N)",
            "Planned week; -1 at screening, 9999 for the whole study",
            "visits of the design",
        ),
    )


def parameter_variables() -> tuple[Variable, ...]:
    """Return the parameter of a record."""
    return (
        char("PARAMCD", "Parameter Code", "As PARAM", codelist="{dataset} PARAMCD"),
        char("PARAM", "Parameter", "What AVAL is", codelist="{dataset} PARAM"),
        whole("PARAMN", "Parameter (N)", "Order of the parameters"),
    )
