"""Read YAML 1.2 into validated models; errors name file, line, field, value, rule and example."""

from __future__ import annotations

import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from simtrial.core.errors import DesignError, SimtrialError

FieldPath = tuple[str | int, ...]


class Spec(BaseModel):
    """A frozen record read from YAML: unknown keys are errors, values keep their type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FieldFault(ValueError):
    """A broken rule between fields, raised by a validator: it names the field to change.

    ``path`` is relative to the model whose validator raises it.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path: FieldPath = tuple(path.split("."))


@dataclass(frozen=True, kw_only=True)
class Located:
    """A YAML document with the line of each of its fields.

    Attributes
    ----------
    data : plain dicts, lists and scalars.
    source : the file's name as the user gave it, for messages.
    """

    data: Any
    source: str
    tree: Any = None

    def line(self, path: Sequence[str | int]) -> int | None:
        """Return the 1-based line of a field, or of its nearest parent; None without a file."""
        node, line = self.tree, None
        if isinstance(node, CommentedMap | CommentedSeq):
            line = node.lc.line + 1
        for part in path:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0] + 1
                node = node[part]
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 1
                node = node[part]
            else:
                break
        return line

    def where(self, path: Sequence[str | int]) -> str:
        """Return ``file, line N: field.path`` as far as it is known."""
        line = self.line(path)
        place = self.source if line is None else f"{self.source}, line {line}"
        dotted = dotted_path(path)
        return f"{place}: {dotted}" if dotted else place


def dotted_path(path: Sequence[str | int]) -> str:
    """Return ``a.b[3].c`` for ``("a", "b", 3, "c")``."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(k) if not isinstance(k, int) else k: _plain(v) for k, v in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return str(node)


def parse_yaml(text: str, source: str, error: type[SimtrialError] = DesignError) -> Located:
    """Parse YAML text; ``error`` is raised, with the line, when it is not YAML 1.2."""
    try:
        tree = YAML(typ="rt").load(io.StringIO(text))
    except MarkedYAMLError as problem:
        mark = problem.problem_mark
        place = source if mark is None else f"{source}, line {mark.line + 1}"
        raise error(
            f"{place}: not readable as YAML ({problem.problem}); "
            "write one 'key: value' a line, indented by spaces."
        ) from None
    except YAMLError as problem:
        raise error(f"{source}: not readable as YAML ({problem}).") from None
    return Located(data=_plain(tree), source=source, tree=tree)


def read_yaml(path: Path, error: type[SimtrialError] = DesignError) -> Located:
    """Read a YAML file; ``error`` says why it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise error(f"{path}: cannot be read ({reason}); give a readable YAML file.") from None
    return parse_yaml(text, str(path), error)


def _field(model: Any, key: object) -> Any:
    """Return the definition of a field by the key a user writes, or None."""
    for name, field in getattr(model, "model_fields", {}).items():
        if key == (field.alias or name):
            return field
    return None


def _known_keys(model: type[BaseModel], path: FieldPath) -> list[str]:
    """Return the keys a model allows at the parent of ``path`` (best effort, for suggestions)."""
    current: Any = model
    for part in path[:-1]:
        field = _field(current, part)
        if field is None:
            continue  # one step into a list or mapping: the model of its values stays
        current = _model_inside(field.annotation)
        if current is None:
            return []
    fields = getattr(current, "model_fields", {})
    return [f.alias or name for name, f in fields.items()]


def _model_inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None


def _rule(model: type[BaseModel], located: Located, details: Mapping[str, Any]) -> str:
    path: FieldPath = tuple(part for part in details["loc"] if part != "[key]")
    kind, value = details["type"], details["input"]
    fault = details.get("ctx", {}).get("error")
    if isinstance(fault, FieldFault):
        path += fault.path
        value = _value_at(located.data, path)
    example = _example(model, path)
    such_as = f"; for example {example}" if example else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _known_keys(model, path), n=1, cutoff=0.0)
        hint = f"; the nearest known key is '{near[0]}'" if near else ""
        return f"{located.where(path)} is not a known key{hint}."
    if kind == "missing":
        return f"{located.where(path)} is missing; it is required{such_as}."
    if kind == "value_error":
        return f"{located.where(path)} is {_shown(value)}; {details['ctx']['error']}{such_as}."
    message = details["msg"][0].lower() + details["msg"][1:]
    return f"{located.where(path)} is {_shown(value)}; {message}{such_as}."


def _value_at(data: Any, path: FieldPath) -> Any:
    """Return what the user wrote at a path; nothing where a default stands."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _example(model: type[BaseModel], path: FieldPath) -> str:
    """Return the example that the field's definition carries, as ``key: value``."""
    current: Any = model
    for index, part in enumerate(path):
        field = _field(current, part)
        if field is None:
            continue  # one step into a list or mapping: the model of its values stays
        if field.examples and index >= len(path) - 2:
            return f"{part}: {field.examples[0]}"
        current = _model_inside(field.annotation)
        if current is None:
            return ""
    return ""


def validate[M: BaseModel](
    model: type[M], located: Located, error: type[SimtrialError] = DesignError
) -> M:
    """Return the validated model, or raise ``error`` with one line per fault."""
    if located.data is None:
        raise error(f"{located.source}: the file is empty; it needs 'key: value' lines.")
    if not isinstance(located.data, dict):
        raise error(
            f"{located.source}: expected 'key: value' lines at the top, got {_shown(located.data)}."
        )
    try:
        return model.model_validate(located.data)
    except ValidationError as problem:
        # a union reports each of its members; the first fault of each field is enough
        lines: dict[str, str] = {}
        for details in problem.errors():
            message = _rule(model, located, details)
            lines.setdefault(message.split(" ", 1)[0] + str(details["loc"]), message)
        raise error("\n".join(lines.values())) from None
