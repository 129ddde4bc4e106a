"""Say in plain words what is wrong with a record: where, what was given, the rule, an example."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from simtrial.core.located import (
    FieldPath,
    Located,
    as_written,
    dotted_path,
    flow,
    nearest,
    shown,
    value_at,
)
from simtrial.core.other_names import meant_choice
from simtrial.core.other_units import in_another_unit, in_our_unit

_LIKELY = 0.7  # how much an unknown key must look like a known one to be it


class FieldFault(ValueError):
    """A broken rule between fields, raised by a validator: it names the field to change.

    Attributes
    ----------
    path : the field, relative to the model or field whose validator raises it; dots part keys,
        a tuple is taken as it is (a name may hold a dot).
    example : what to write instead, as ``key: value``; None where the field's own example will do.
    """

    def __init__(self, path: str | FieldPath, message: str, *, example: str | None = None) -> None:
        super().__init__(message)
        parts: FieldPath = tuple(path.split(".")) if isinstance(path, str) else path
        self.path: FieldPath = tuple(part for part in parts if part != "")
        self.example = example


def describe_all(
    model: type[BaseModel], located: Located, faults: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return one line about each fault that pydantic found, in the order of the file."""
    found: dict[FieldPath, tuple[int, bool, str]] = {}
    renamed = set()  # what is missing because it stands under another name
    for details in _told_once(faults):
        path, message, meant = _describe(model, located, details)
        place = (located.line(path) or 0, details["type"] == "missing", message)
        found.setdefault(path, place)
        if meant is not None:
            renamed.add((*path[:-1], meant))
    kept = [place for path, place in found.items() if not (place[1] and path in renamed)]
    return [message for _, _, message in sorted(kept, key=lambda place: place[:2])]


# what pydantic writes into a path for a member of a union: ``constrained-float``, ``tuple[...]``
_MEMBER = re.compile(r"^((constrained-)?(float|int|str)|(tuple|list|dict)\[.*\])$")


def _told_once(faults: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the faults without those that another one explains.

    A union reports each of its members: of a list the member that is none says it is no number,
    and the one that is says which element is wrong; the deeper is told. Too long a list is told
    before what is wrong with its elements, too short a one after them.
    """
    plain = []
    for details in faults:
        parts = tuple(part for part in details["loc"] if not _is_member(part))
        plain.append((parts, len(parts) < len(details["loc"]), details))
    too_long = {path for path, _, details in plain if details["type"] == "too_long"}
    out: list[Mapping[str, Any]] = []
    for path, of_union, details in plain:
        inside_too_long = any(path[: len(whole)] == whole != path for whole in too_long)
        deeper = any(other[: len(path)] == path != other for other, _, _ in plain)
        explained = (of_union or details["type"] == "too_short") and details["type"] != "too_long"
        if not inside_too_long and not (deeper and explained):
            out.append({**details, "loc": path})
    return out


def _is_member(part: str | int) -> bool:
    return isinstance(part, str) and _MEMBER.match(part) is not None


def _describe(
    model: type[BaseModel], located: Located, details: Mapping[str, Any]
) -> tuple[FieldPath, str, str | None]:
    """Return the path of a fault, a line about it, and the key that an unknown one means."""
    path: FieldPath = tuple(part for part in details["loc"] if part != "[key]")
    kind, value = details["type"], details["input"]
    fault = details.get("ctx", {}).get("error")
    example = None
    if isinstance(fault, FieldFault):
        if fault.path:
            path += fault.path
            value = value_at(located.data, path)
        example = fault.example
    whole = path
    while len(path) > 1 and not isinstance(value_at(located.data, path[:-1]), dict | list):
        path = path[:-1]  # a bare value may stand for a mapping; the user has not written its keys
    where = located.where(as_written(located.data, path))
    if kind == "extra_forbidden":
        words, meant = _meant(model, located, path, value)
        return path, f"{where} is not a known key (its value is {shown(value)}); {words}.", meant
    example = example or _of_bare(model, whole, path) or _example(model, located, path)
    if "[key]" in details["loc"]:
        given = shown(value_at(located.data, path))
        near = meant_choice(value, [str(c) for c in _key_choices(field_at(model, path))])
        words = _rule(model, path, details)[0] + (f"; the nearest is '{near}'" if near else "")
        line = f"{where} is not a known key (its value is {given}); {words}{_such_as(example)}."
        return path, line, None
    if kind == "missing":
        return path, f"{where} is missing; it is required{_such_as(example)}.", None
    if kind == "value_error":
        return path, f"{where} is {shown(value)}; {fault}{_such_as(example)}.", None
    rule, better = _rule(model, path, details, whole)
    return path, f"{where} is {shown(value)}; {rule}{_such_as(better or example)}.", None


def _such_as(example: str | None) -> str:
    return f"; for example {example}" if example else ""


# the rule of a field, from the type of the fault


def _rule(
    model: type[BaseModel],
    path: FieldPath,
    details: Mapping[str, Any],
    whole: FieldPath | None = None,
) -> tuple[str, str | None]:
    """Return the rule that a value breaks, and an example where the value itself suggests one.

    ``whole`` is the path with the key that a bare value stands for, where it does.
    """
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    field = field_at(model, path if whole is None else whole)
    key = str(path[-1]) if path else ""
    if kind in _NUMBERS:
        bounds = _bounds(field, context)
        noun = _NUMBERS[kind] or _noun(field)
        note, better = _about_number(value, noun, key, lambda number: _within(number, bounds))
        named = isinstance(path[-1], str) if path else False
        example = f"{key}: {shown(better)}" if better is not None and named else None
        return f"it must be {_number_words(noun, bounds)}{note}", example
    if kind == "literal_error":
        annotation = getattr(field, "annotation", None)
        near = meant_choice(value, [c for c in _choices(annotation) if isinstance(c, str)])
        named = near is not None and isinstance(path[-1], str)  # not one of a list
        return f"choose {context['expected']}", f"{key}: {near}" if named else None
    if kind in _WORDS:
        inside = model_at(model, path)
        keys = ", ".join(_keys(inside)) if inside is not None else ""
        return _WORDS[kind].format(**{**context, "keys": keys}), None
    return details["msg"][0].lower() + details["msg"][1:], None


# a fault about a number, and what kind of number its field takes (by the field where empty)
_WHOLE = "a whole number"
_NUMBERS = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than": "",
    "greater_than_equal": "",
    "less_than": "",
    "less_than_equal": "",
}
# every other fault a YAML file can raise, as a rule
_WORDS = {
    "string_type": "it must be text; put a number that is a name in quotes",
    "bool_type": "write true or false",
    "dict_type": "it must be a mapping, {{key: value, ...}}",
    "mapping_type": "it must be a mapping, {{key: value, ...}}",
    "model_type": "it must be a mapping with the keys {keys}",
    "model_attributes_type": "it must be a mapping with the keys {keys}",
    "list_type": "it must be a list in brackets",
    "tuple_type": "it must be a list in brackets",
    "too_short": "it needs at least {min_length}, and has {actual_length}",
    "too_long": "it holds at most {max_length}, and has {actual_length}",
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "it must be of small letters, digits, _ and dots, like the example",
    "is_instance_of": "it must be a mapping, {{key: value, ...}}",
}


def _bounds(field: Any, context: Mapping[str, Any]) -> dict[str, float]:
    """Return the bounds ``gt, ge, lt, le`` of a field."""
    out = {}
    constraints = [*getattr(field, "metadata", ())]
    for member in get_args(getattr(field, "annotation", None)):  # of a union, each has its own
        for noted in getattr(member, "__metadata__", ()):
            constraints += getattr(noted, "metadata", ())
    for name in ("gt", "ge", "lt", "le"):
        for constraint in constraints:
            if getattr(constraint, name, None) is not None:
                out[name] = getattr(constraint, name)
        if name in context:
            out[name] = context[name]
    return out


def _within(number: float, bounds: Mapping[str, float]) -> bool:
    return bounds.get("gt", -float("inf")) < number < bounds.get("lt", float("inf")) and bounds.get(
        "ge", -float("inf")
    ) <= number <= bounds.get("le", float("inf"))


def _number_words(noun: str, bounds: Mapping[str, float]) -> str:
    if "ge" in bounds and "le" in bounds:
        return f"{noun} from {_figure(bounds['ge'])} to {_figure(bounds['le'])}"
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    found = [f"{words[name]} {_figure(bounds[name])}" for name in words if name in bounds]
    of = " of" if found and found[0].startswith("at") else ""
    return f"{noun}{of} {' and '.join(found)}" if found else noun


def _figure(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _noun(field: Any) -> str:
    return _WHOLE if int in _types(getattr(field, "annotation", None)) else "a number"


def _types(annotation: Any) -> list[Any]:
    """Return the plain types of an annotation, ``int`` and ``float`` among them."""
    inner = [found for part in get_args(annotation) for found in _types(part)]
    return inner or [annotation]


def _about_number(
    value: Any, noun: str, key: str, allows: Callable[[float], bool]
) -> tuple[str, int | float | None]:
    """Return what a value looks like when it is no such number, and the number that is meant."""
    if isinstance(value, bool):
        return ", and true and false are none", None
    if isinstance(value, str):
        number = _number_in(value)
        if number is not None and allows(number):
            return "; in quotes it is text, so leave the quotes out", number
        return "", None
    if noun == _WHOLE and isinstance(value, float) and value.is_integer() and allows(value):
        return ", without a decimal point", int(value)
    other = in_another_unit(key, value, allows)
    return ("", None) if other is None else (f"; {other[1]}", other[0])


def _number_in(text: str) -> int | float | None:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _key_choices(field: Any) -> list[Any]:
    """Return the keys that a mapping's field allows, where it names them."""
    return _choices((get_args(getattr(field, "annotation", None)) or (None,))[0])


def _choices(annotation: Any) -> list[Any]:
    """Return the members of a Literal, inside an optional or a list too."""
    if get_origin(annotation) is None:
        return []
    out = []
    for part in get_args(annotation):
        out += _choices(part) if get_origin(part) is not None else [part]
    return out


# an unknown key


def _meant(
    model: type[BaseModel], located: Located, path: FieldPath, value: Any
) -> tuple[str, str | None]:
    """Return which key an unknown one was meant to be, with an example of it, and that key."""
    key, parent = str(path[-1]), model_at(model, path[:-1])
    known = _keys(parent) if parent is not None else []
    if parent is None or not known:
        return "leave it out", None
    meant = in_our_unit(key, value, known)
    if meant is not None:
        whole = int in _types(getattr(field_of(parent, meant.key), "annotation", None))
        fits = meant.value is not None and not (whole and isinstance(meant.value, float))
        example = f"{meant.key}: {shown(meant.value)}" if fits else None
        same = "" if meant.value is None else f" ({shown(value)} as {shown(meant.value)})"
        words = f"the unit is {meant.unit}, not {meant.given_unit}{same}"
        usual = _example(model, located, (*path[:-1], meant.key))
        return f"{words}{_such_as(example or usual)}", meant.key

    def such_as(near: str) -> str:
        kept = f"{near}: {flow(value)}"
        usual = _example(model, located, (*path[:-1], near))
        return _such_as(kept if _fits(parent, beside, key, near) else usual)

    beside = value_at(located.data, path[:-1])
    near = nearest(key, known) or known[0]
    if difflib.SequenceMatcher(None, key.lower(), near.lower()).ratio() >= _LIKELY:
        return f"the nearest known key is '{near}'{such_as(near)}", near
    elsewhere = next((p for p in _paths_to(model, key) if p[:-1] != path[:-1]), None)
    if elsewhere is not None and not _in_every_entry(model, key):
        under = dotted_path(elsewhere[:-1]) or "no section, but the top"
        kept = f"{key} belongs under {under}"
        return f"{kept}{_such_as(_example(model, located, elsewhere))}", None
    listed = ", ".join(known)
    missing = _missing_for(parent, beside, key)
    if missing is not None:
        return f"of {listed} the one that is missing is '{missing}'{such_as(missing)}", missing
    return f"of {listed} the nearest known key is '{near}'{such_as(near)}", None


def _missing_for(parent: type[BaseModel], beside: Any, key: str) -> str | None:
    """Return the one required key that is missing where one unknown key stands that fits it."""
    if not isinstance(beside, dict):
        return None
    known = _keys(parent)
    missing = [
        field.alias or name
        for name, field in parent.model_fields.items()
        if field.is_required() and (field.alias or name) not in beside
    ]
    unknown = [other for other in beside if other not in known]
    alone = len(missing) == 1 and unknown == [key]
    return missing[0] if alone and _fits(parent, beside, key, missing[0]) else None


def _fits(parent: type[BaseModel], beside: Any, key: str, known: str) -> bool:
    """Return whether what stands under an unknown key would be right under a known one."""
    if not isinstance(beside, dict) or known in beside:
        return False
    renamed = {known if other == key else other: value for other, value in beside.items()}
    try:
        parent.model_validate(renamed)
    except ValidationError as problem:
        return all(fault["loc"][:1] != (known,) for fault in problem.errors())
    return True


def _paths_to(model: Any, key: str, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield where a key of that name is known, through sections only."""
    for name, field in getattr(model, "model_fields", {}).items():
        own = field.alias or name
        if own == key:
            yield (*path, own)
        inside = _section(field.annotation)
        if inside is not None:
            yield from _paths_to(inside, key, (*path, own))


def _in_every_entry(model: type[BaseModel], key: str) -> bool:
    """Return whether a key is one of every entry of a mapping, such as of every arm."""
    mappings = [
        f.annotation for f in model.model_fields.values() if get_origin(f.annotation) is dict
    ]
    return any(key in getattr(get_args(m)[1], "model_fields", {}) for m in mappings)


# what a model knows at a path


def _example(model: type[BaseModel], located: Located, path: FieldPath) -> str:
    """Return an example of the field at a path: the document's own, or that of its field."""
    return located.example(path) or example_of(model, path)


def _of_bare(model: type[BaseModel], whole: FieldPath, path: FieldPath) -> str | None:
    """Return the example of the key that a bare number stands for, under the user's own name.

    None where the field has no bounds: then its name decides which numbers are right.
    """
    field = field_at(model, whole)
    bare = len(whole) == len(path) + 1 and isinstance(path[-1], str) and field is not None
    known = bare and field.examples and _bounds(field, {})
    return f"{path[-1]}: {field.examples[0]}" if known else None


def example_of(model: type[BaseModel], path: FieldPath) -> str:
    """Return the example of the field at a path, or around it, as ``key: value``."""
    current: Any = model
    found = ""
    for part in path:
        field = field_of(current, part)
        if field is None:
            continue  # one step into a list or mapping: the model of its values stays
        found = f"{part}: {field.examples[0]}" if field.examples else ""
        current = _model_inside(field.annotation)
    return found


def field_of(model: Any, key: object) -> Any:
    """Return the definition of a field by the key a user writes, or None."""
    for name, field in getattr(model, "model_fields", {}).items():
        if key == (field.alias or name):
            return field
    return None


def field_at(model: type[BaseModel], path: FieldPath) -> Any:
    """Return the definition of the field at a path, or of the list or mapping it is in."""
    current, found = model, None
    for part in path:
        field = field_of(current, part)
        if field is None:
            continue
        found, current = field, _model_inside(field.annotation)  # type: ignore[assignment]
    return found


def model_at(model: type[BaseModel], path: FieldPath) -> type[BaseModel] | None:
    """Return the model of the mapping at a path."""
    current: type[BaseModel] | None = model
    for part in path:
        field = field_of(current, part)
        if field is None:
            continue  # one step into a list or mapping: the model of its values stays
        current = _model_inside(field.annotation)
        if current is None:
            return None
    return current


def _keys(model: type[BaseModel]) -> list[str]:
    return [f.alias or name for name, f in model.model_fields.items()]


def _section(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a field that is one mapping, not a list or a mapping of them."""
    parts = [part for part in get_args(annotation) if part is not NoneType]
    if parts and get_origin(annotation) in (dict, list, tuple):
        return None
    return _model_inside(annotation)


def _model_inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_inside(argument)
        if found is not None:
            return found
    return None
