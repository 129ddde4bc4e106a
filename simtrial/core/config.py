"""Turn a YAML document into a validated model; errors name place, value, rule and example."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from simtrial.core.errors import DesignError, SimtrialError
from simtrial.core.faults import FieldFault, describe_all, example_of
from simtrial.core.located import FieldPath, Located, parse_yaml, read_yaml, shown

__all__ = [
    "FieldFault",
    "FieldPath",
    "Located",
    "Spec",
    "parse_yaml",
    "read_yaml",
    "validate",
]


class Spec(BaseModel):
    """A frozen record read from YAML: unknown keys are errors, values keep their type.

    It remembers where it was read from, for rules that are checked later. The place is no part
    of it: two records with the same fields are equal and have one digest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    _located: Located | None = PrivateAttr(default=None)

    def where(self, *path: str | int) -> str:
        """Return ``file, line N: field.path`` of a field, as far as it is known."""
        held = self._located
        return (held or Located(data=None, source=type(self).__name__.lower())).where(path)

    def placed(self, located: Located | None, *, but: Collection[str] = ()) -> None:
        """Remember where the record was read from, but for some top-level fields set since."""
        if located is not None and but:
            lines = {path: n for path, n in located.lines.items() if not path or path[0] not in but}
            located = replace(located, lines=lines)
        self._located = located

    @property
    def place(self) -> Located | None:
        """Where the record was read from."""
        return self._located

    def __eq__(self, other: object) -> bool:
        """Return whether the other is such a record with the same fields."""
        return type(other) is type(self) and self.__dict__ == other.__dict__


def validate[M: BaseModel](
    model: type[M], located: Located, error: type[SimtrialError] = DesignError
) -> M:
    """Return the validated model, or raise ``error`` with one line per fault."""
    first = next(field.alias or name for name, field in model.model_fields.items())
    such_as = located.example((first,)) or example_of(model, (first,))
    if located.data is None:
        raise error(
            f"{located.source}: the file is empty; it needs 'key: value' lines, such as {such_as}."
        )
    if not isinstance(located.data, dict):
        raise error(
            f"{located.where(())}: the file is {shown(located.data)}; it must be 'key: value' "
            f"lines, such as {such_as}."
        )
    try:
        made = model.model_validate(located.data)
    except ValidationError as problem:
        raise error("\n".join(describe_all(model, located, problem.errors()))) from None
    if isinstance(made, Spec):
        made.placed(located)
    return made
