"""Tables held against the schema of the export; every export passes here before it is kept.

It reads the schema alone, not the code that made the tables, so that it serves files too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simtrial.report.adam.records import arrow_type


def faults_of(tables: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Return what breaks the schema, in sentences; empty when nothing does.

    Parameters
    ----------
    tables : name -> pyarrow table, all trials of which are whole.
    schema : as ``simtrial.report.adam.define.schema_of`` gives it.

    Checked are the variables and their order, their types, that required ones are filled, the
    terms of codelists, that keys are unique, that codes and their words go together, that dates
    that belong together are in order, that every subject is in ADSL, and that what is repeated
    from ADSL is the same there.
    """
    wanted = {dataset["name"]: dataset for dataset in schema["datasets"]}
    out = [f"{name} is missing." for name in wanted if name not in tables]
    out += [f"{name} is not in the schema." for name in tables if name not in wanted]
    subjects = tables.get("ADSL")
    for name, dataset in wanted.items():
        if name not in tables:
            continue
        table = tables[name]
        found = _columns(table, dataset)
        if found:  # what follows would fail on missing variables
            out += found
            continue
        out += _values(table, dataset, schema["codelists"])
        out += _keys(table, dataset)
        out += _together(table, dataset)
        out += _in_order(table, dataset)
        if subjects is not None and name != "ADSL":
            out += _from_adsl(table, dataset, subjects)
    return out


def _columns(table: Any, dataset: Mapping[str, Any]) -> list[str]:
    name, variables = dataset["name"], dataset["variables"]
    names = [variable["name"] for variable in variables]
    if table.column_names != names:
        differ = sorted(set(table.column_names) ^ set(names)) or "their order"
        return [f"{name} and the schema differ in {differ}."]
    return [
        f"{name}.{variable['name']} is {table.schema.field(variable['name']).type}, not "
        f"{arrow_type(variable['type'])}."
        for variable in variables
        if table.schema.field(variable["name"]).type != arrow_type(variable["type"])
    ]


def _values(
    table: Any, dataset: Mapping[str, Any], codelists: Mapping[str, list[str | int]]
) -> list[str]:
    import pyarrow.compute as pc

    out = []
    for variable in dataset["variables"]:
        column = table.column(variable["name"])
        where = f"{dataset['name']}.{variable['name']}"
        if variable["required"] and column.null_count:
            out.append(f"{where} is empty in {column.null_count} rows.")
        if variable["type"] == "char" and pc.any(pc.equal(_text(column), "")).as_py():
            out.append(f"{where} holds empty text; what is missing is null.")
        if variable["codelist"]:
            held = set(pc.unique(_text(column)).to_pylist()) - {None}
            strange = held - set(codelists[variable["codelist"]])
            if strange:
                out.append(f"{where} holds {sorted(strange)}, not of {variable['codelist']}.")
    return out


def _text(column: Any) -> Any:
    """Return a column with its dictionary, if it has one, written out."""
    import pyarrow as pa

    is_coded = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_coded else column


def _distinct(table: Any, names: list[str]) -> Any:
    """Return the different rows of some columns."""
    import pyarrow as pa

    plain = pa.table({name: _text(table.column(name)) for name in names})
    return plain.group_by(names).aggregate([])


def _keys(table: Any, dataset: Mapping[str, Any]) -> list[str]:
    keys = dataset["keys"]
    more = table.num_rows - _distinct(table, keys).num_rows
    return [f"{dataset['name']} has {more} rows that repeat their keys {keys}."] if more else []


def _together(table: Any, dataset: Mapping[str, Any]) -> list[str]:
    out = []
    for group in dataset["together"]:
        n_groups = _distinct(table, group).num_rows
        for name in group:
            if _distinct(table, [name]).num_rows != n_groups:
                out.append(f"{dataset['name']}: {', '.join(group)} do not go together by {name}.")
    return out


def _in_order(table: Any, dataset: Mapping[str, Any]) -> list[str]:
    import pyarrow.compute as pc

    out = []
    for before, after in dataset["in_order"]:
        late = pc.sum(pc.greater(table.column(before), table.column(after))).as_py()
        if late:
            out.append(f"{dataset['name']}: {before} lies after {after} in {late} rows.")
    return out


def _from_adsl(table: Any, dataset: Mapping[str, Any], subjects: Any) -> list[str]:
    import pyarrow.compute as pc

    who = _text(table.column("USUBJID"))
    place = pc.index_in(who, value_set=_text(subjects.column("USUBJID")).combine_chunks())
    if place.null_count:
        return [f"{dataset['name']}.USUBJID: {place.null_count} rows are of nobody in ADSL."]
    out = []
    for mine, theirs in dataset["from_adsl"].items():
        ours = _text(table.column(mine))
        expected = _text(subjects.column(theirs)).take(place)
        # two empty values are the same
        same = pc.fill_null(pc.equal(ours, expected), False)
        same = pc.or_(same, pc.and_(pc.is_null(ours), pc.is_null(expected)))
        differing = table.num_rows - (pc.sum(same).as_py() or 0)
        if differing:
            out.append(f"{dataset['name']}.{mine} is not ADSL's {theirs} in {differing} rows.")
    return out
