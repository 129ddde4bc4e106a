"""A fact of a document: its figures, its place, whom it is about, and what may read it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.errors import EvidenceError
from simtrial.evidence.arithmetic import arithmetic
from simtrial.evidence.counts import MOST
from simtrial.evidence.sources import COHORT_ID, DOCUMENT_ID, FACT_ID, PART, Line, Locator, Timing
from simtrial.evidence.values import RECORDS, Kind, Subtype, Values

Role = Literal["fit", "check", "context", "unusable"]


class Readings(Spec):
    """How the figure was read, and what a second reader made of it.

    Attributes
    ----------
    first : the reading that the values state.
    second : ``agrees`` (on what is printed there), or the second reader's value; None where
        nobody read it again.
    resolved : why the values stand, where the second reader read otherwise.
    """

    first: str = Field(examples=["8 of the 19 analysed"])
    second: str | None = Field(default=None, examples=["7 of the 19"])
    resolved: str | None = Field(
        default=None, validate_default=True, examples=["the table's footnote decides"]
    )

    @field_validator("resolved")
    @classmethod
    def _resolved_in_writing(cls, resolved: str | None, info: ValidationInfo) -> str | None:
        differs = info.data.get("second") not in (None, "agrees")
        if differs != (resolved is not None):
            raise ValueError(
                "a second reading that differs is resolved in writing, and only such a one"
            )
        return resolved


class Alternative(Spec):
    """Another reading of the same place, or a figure of the document that contradicts it.

    Attributes
    ----------
    as_printed : whether this is the printed figure, set aside in favour of the fact's values.
    set_aside : whether this other printed figure is known to contradict the values, which stand;
        the audit then warns, where it would otherwise ask for the ledger to be mended.
    cohort : the set of patients, where it is not the fact's.
    """

    kind: Kind = Field(examples=["count"])
    values: Values
    unit: str | None = Field(default=None, examples=["percent"])
    cohort: str | None = Field(default=None, pattern=COHORT_ID, examples=["lim21.included"])
    as_printed: bool = Field(default=False, examples=["true"])
    set_aside: bool = Field(default=False, examples=["true"])
    reason: str = Field(min_length=1, examples=["the abstract says otherwise"])

    @field_validator("values")
    @classmethod
    def _of_its_kind(cls, values: Values, info: ValidationInfo) -> Values:
        return _of_kind(values, info)


class Fact(Spec):
    """One figure of a document; ``values`` is the reading that is used.

    Attributes
    ----------
    id : ``study.quantity_when.group``.
    label : short label of the catalogue of figures, unique.
    quantity : what is measured, so that no patient is counted twice for one quantity.
    cohort, n : the set of patients, and how many of them the figure is about.
    subtype, subtypes : the one it is about, or the several that it pools; neither for all.
    nested_in : id of the fact that holds the same patients' same information.
    role : ``fit`` enters a likelihood, ``check`` is compared with what a fit predicts,
        ``context`` is neither, ``unusable`` must not be read, for a ``reason``.
    read_by : names of what reads the fact.
    p_value : as printed.
    derived : of each number of the values that is not printed, the arithmetic that gives it from
        those that are, with words after a semicolon: ``{cells.never: 19 - 9 - 3}``.
    restored : what the text lost (dashes, minus signs) and how the values bring it back.
    """

    id: str = Field(pattern=FACT_ID, examples=["lim21.tis40_by_w9.ivig"])
    label: str = Field(min_length=1, examples=["L22"])
    document: str = Field(pattern=DOCUMENT_ID, examples=["lim21"])
    locator: Locator
    printed: str = Field(examples=["8/19"])
    kind: Kind = Field(examples=["count"])
    unit: str = Field(examples=["patients"])
    quantity: str = Field(pattern=rf"^{PART}$", examples=["tis40"])
    cohort: str = Field(pattern=COHORT_ID, examples=["lim21.analysed"])
    n: int = Field(ge=1, le=MOST, examples=[19])
    subtype: Subtype | None = Field(default=None, examples=["DM"])
    subtypes: Annotated[tuple[Subtype, ...], Field(strict=False, examples=["[DM, PM]"])] = ()
    line: Line | None = Field(default=None, examples=["first_line"])
    arm: str | None = Field(default=None, examples=["ivig"])
    regimen: str | None = Field(default=None, examples=["ivig 2 + 1 + 1 g/kg every 3 weeks"])
    endpoint: str = Field(examples=["TIS >= 40 at least once by week 9"])
    timing: Timing
    values: Values
    readings: Readings
    alternatives: Annotated[tuple[Alternative, ...], Field(strict=False)] = ()
    nested_in: str | None = Field(default=None, pattern=FACT_ID, examples=["lim21.tis_course.ivig"])
    role: Role = Field(examples=["check"])
    read_by: Annotated[
        tuple[str, ...],
        Field(strict=False, validate_default=True, examples=["[replication]"]),
    ] = ()
    reason: str | None = Field(default=None, validate_default=True, examples=["scale unknown"])
    p_value: str | None = Field(default=None, pattern=r"^[<>=] ?0?\.\d+$", examples=["'< 0.01'"])
    derived: dict[str, Annotated[str, AfterValidator(arithmetic)]] = Field(
        default_factory=dict, examples=["{cells.never: 19 - 9 - 3}"]
    )
    restored: str | None = Field(default=None, min_length=1, examples=["a dash, -37 to -15"])
    note: str | None = Field(default=None, examples=["the safety text may count 20"])

    @field_validator("document")
    @classmethod
    def _id_names_the_document(cls, document: str, info: ValidationInfo) -> str:
        own = info.data.get("id")
        if own is not None and not own.startswith(f"{document}."):
            raise ValueError(f"the fact's id is {own}, and an id begins with its document")
        return document

    @field_validator("subtypes")
    @classmethod
    def _one_or_several(
        cls, subtypes: tuple[Subtype, ...], info: ValidationInfo
    ) -> tuple[Subtype, ...]:
        if subtypes and info.data.get("subtype") is not None:
            raise ValueError("subtype names one and subtypes several; write one of the two")
        if len(subtypes) == 1 or len(set(subtypes)) < len(subtypes):
            raise ValueError("several different subtypes are pooled; of one, write subtype")
        return subtypes

    @field_validator("values")
    @classmethod
    def _of_kind_and_number(cls, values: Values, info: ValidationInfo) -> Values:
        _of_kind(values, info)
        own_n, n = getattr(values, "n", None), info.data.get("n")
        if info.data.get("unit") == "patients" and None not in (own_n, n) and own_n != n:
            raise ValueError(f"it counts {own_n} patients, and the fact's n is {n}")
        return values

    @field_validator("alternatives")
    @classmethod
    def _at_most_one_as_printed(
        cls, alternatives: tuple[Alternative, ...], info: ValidationInfo
    ) -> tuple[Alternative, ...]:
        printed = [other.kind for other in alternatives if other.as_printed]
        if len(printed) > 1 or any(kind != info.data.get("kind") for kind in printed):
            raise ValueError("at most one alternative is as_printed, and it has the fact's kind")
        return alternatives

    @field_validator("read_by")
    @classmethod
    def _read_by_something(cls, read_by: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        role = info.data.get("role")
        if role in ("fit", "check") and not any(name.strip() for name in read_by):
            reader = "the fit" if role == "fit" else "replication"
            raise FieldFault(
                "", f"a fact with role {role} names what reads it", example=f"read_by: [{reader}]"
            )
        if role == "unusable" and read_by:
            raise ValueError("nothing reads an unusable fact; take out read_by")
        return read_by

    @field_validator("reason")
    @classmethod
    def _unusable_for_a_reason(cls, reason: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("role") == "unusable" and not (reason or "").strip():
            raise ValueError("an unusable fact says why")
        return reason

    @property
    def as_printed(self) -> Values:
        """Return the figures as the document prints them at the locator."""
        return next((other.values for other in self.alternatives if other.as_printed), self.values)

    def values_as[V: Values](self, record: type[V]) -> V:
        """Return the values, known to be of one record type.

        Raises
        ------
        EvidenceError : when the fact is of another kind.
        """
        if not isinstance(self.values, record):
            raise EvidenceError(
                f"Fact '{self.id}' is of kind {self.kind}, and {record.__name__} was asked for; "
                f"ask for {type(self.values).__name__}."
            )
        return self.values


def _of_kind(values: Values, info: ValidationInfo) -> Values:
    kind = info.data.get("kind")
    if kind is not None and not isinstance(values, RECORDS[kind]):
        raise ValueError(f"kind is {kind}, whose values are a {RECORDS[kind].__name__} record")
    return values
