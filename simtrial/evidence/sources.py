"""A document of the ledger: what was published, its text, its sets of patients, its places."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from simtrial.core.config import Spec
from simtrial.evidence.counts import MOST

Line = Literal["first_line", "refractory"]

PART = r"[a-z0-9][a-z0-9_]*"
DOCUMENT_ID = rf"^{PART}$"
FACT_ID = rf"^{PART}\.{PART}\.{PART}$"
COHORT_ID = rf"^{PART}\.{PART}$"
LINES = r"^[1-9]\d{0,8}-[1-9]\d{0,8}$"
SHA256 = r"^[0-9a-f]{64}$"
FILE = r"^[A-Za-z0-9][A-Za-z0-9._ -]*$"  # a plain name, in one folder, of letters and digits
_EXAMPLE = "ab" * 32  # simtrial evidence seal writes the true ones


class Citation(Spec):
    """Where a document was published."""

    authors: str = Field(examples=["Lim J, et al."])
    journal: str = Field(examples=["Rheumatology"])
    year: int = Field(ge=1900, examples=[2021])
    volume: str = Field(examples=["'60'"])
    pages: str = Field(examples=["1784-92"])


class Text(Spec):
    """The text that the lines of a document's places count in.

    Attributes
    ----------
    file : name of the text file, without its folder.
    sha256 : of the file's bytes.
    lines : SHA-256 of the lines ``first-last`` of every place, white space folded.
    """

    file: str = Field(pattern=FILE, examples=["paper.txt"])
    sha256: str = Field(pattern=SHA256, examples=[_EXAMPLE])
    lines: dict[
        Annotated[str, Field(pattern=LINES)],
        Annotated[str, Field(pattern=SHA256)],
    ] = Field(examples=[f"{{506-510: {_EXAMPLE}}}"])


class Cohort(Spec):
    """A set of patients that facts are about.

    Attributes
    ----------
    within : the larger set that it is part of.
    study : of second-hand figures, the cited study; the same id wherever it is cited, and that of
        the document where the ledger holds it.
    cited_as : how the document cites that study.
    """

    n: int = Field(ge=1, le=MOST, examples=[19])
    what: str = Field(examples=["patients in the analysis"])
    within: str | None = Field(default=None, pattern=COHORT_ID, examples=["lim21.included"])
    study: str | None = Field(default=None, pattern=DOCUMENT_ID, examples=["che94"])
    cited_as: str | None = Field(default=None, validate_default=True, examples=["reference 9"])

    @field_validator("cited_as")
    @classmethod
    def _with_a_study(cls, cited_as: str | None, info: ValidationInfo) -> str | None:
        if (cited_as is None) != (info.data.get("study") is None):
            raise ValueError("a second-hand set has both study and cited_as, any other neither")
        return cited_as


class Defaults(Spec):
    """What a document's facts share; a fact that states a field overrides it."""

    cohort: str | None = Field(default=None, pattern=COHORT_ID, examples=["lim21.analysed"])
    n: int | None = Field(default=None, ge=1, le=MOST, examples=[19])
    line: Line | None = Field(default=None, examples=["first_line"])
    arm: str | None = Field(default=None, examples=["ivig"])
    regimen: str | None = Field(default=None, examples=["ivig 2 + 1 + 1 g/kg every 3 weeks"])


class Header(Spec):
    """A document: what was published, how the study was done, its text and sets of patients.

    Attributes
    ----------
    number : what the document is called in texts, three digits; commands take it for the id.
    protocol : regimen and visits as a design file beside the document, or a shipped design's
        name; what counts of a Total Improvement Score are simulated under.
    """

    id: str = Field(pattern=DOCUMENT_ID, examples=["lim21"])
    number: str | None = Field(default=None, pattern=r"^\d{3}$", examples=["'002'"])
    citation: Citation
    design: str = Field(examples=["single-arm open-label study of ..."])
    protocol: str | None = Field(default=None, min_length=1, examples=["registry_protocol.yaml"])
    text: Text | None = None
    cohorts: dict[Annotated[str, Field(pattern=COHORT_ID)], Cohort]


class DocumentFile(Header):
    """One file of the ledger, before its facts are read one by one."""

    defaults: Defaults = Defaults()
    facts: list[dict[str, Any]]


class Locator(Spec):
    """The place of a figure: section or table, the lines of the document's text, and its digits.

    Attributes
    ----------
    digits : what stands there, number by number (or number word) and with its marks, separated by
        spaces: ``Eight 8/19 42.0% 19.6 64.6``.
    """

    section: str | None = Field(default=None, examples=["Results"])
    table: str | None = Field(default=None, validate_default=True, examples=["'2'"])
    lines: Annotated[tuple[int, int], Field(strict=False, examples=["[506, 510]"])]
    digits: str = Field(min_length=1, examples=["'8/19 42.0%'"])

    @field_validator("table")
    @classmethod
    def _somewhere(cls, table: str | None, info: ValidationInfo) -> str | None:
        if table is None and info.data.get("section") is None:
            raise ValueError("a place is a section or a table")
        return table

    @field_validator("lines")
    @classmethod
    def _ascending(cls, lines: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= lines[0] <= lines[1] < 10**9:
            raise ValueError("the first line comes first, and lines count from 1")
        return lines


class Timing(Spec):
    """When: ``by`` is ever up to then, ``at`` is on it, ``end`` is the last assessment.

    Weeks or months, as the document counts. ``from_months`` is the start of a change that does
    not begin at baseline.
    """

    how: Literal["by", "at", "end", "baseline"] = Field(examples=["by"])
    week: float | None = Field(default=None, ge=0.0, le=5200.0, examples=[9])
    months: float | None = Field(default=None, ge=0.0, le=1200.0, examples=[6])
    from_months: float | None = Field(default=None, ge=0.0, examples=[3])

    @field_validator("months")
    @classmethod
    def _weeks_or_months(cls, months: float | None, info: ValidationInfo) -> float | None:
        if months is not None and info.data.get("week") is not None:
            raise ValueError("a time is in weeks or in months; write the one that is printed")
        return months

    @field_validator("from_months")
    @classmethod
    def _before_the_end(cls, start: float | None, info: ValidationInfo) -> float | None:
        months = info.data.get("months")
        if start is not None and "months" in info.data and (months is None or start >= months):
            raise ValueError("from_months is earlier than months, which is the end of the change")
        return start
