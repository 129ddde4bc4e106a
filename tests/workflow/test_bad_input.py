"""Bad input everywhere: code 2, where, what was given, the rule, and an example that is right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError, create_model

from simtrial.core.config import Located, Spec, parse_yaml, validate
from simtrial.core.errors import EvidenceError
from simtrial.core.faults import _model_inside
from simtrial.core.located import dotted_path
from simtrial.evidence import ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.sources import DocumentFile
from simtrial.evidence.values import RECORDS
from simtrial.operating.prepare import check
from simtrial.planning.refit import evidence_of
from simtrial.synthesis.own import own_facts_of
from simtrial.trial.design import Design, load_design
from simtrial.trial.outcome_design import OutcomeDesign
from simtrial.trial.outcomes import OutcomeScenario
from simtrial.trial.posterior import load_posterior
from simtrial.trial.scenario import Scenario, check_replacements
from tests.workflow import bad_cases, own_cases
from tests.workflow.answers import Answer, refused
from tests.workflow.bad_cases import DESIGN, SCENARIO, Case


def exchanged(text: str, case: Case) -> str:
    assert text.count(case.old) == 1, f"{case.old!r} is there {text.count(case.old)} times"
    return text.replace(case.old, case.new)


def line_named(right: str, text: str, case: Case) -> int:
    """Return the line that the message must name."""
    if case.at is not None:
        return next(i for i, line in enumerate(text.splitlines(), 1) if case.at in line)
    start = right.index(case.old)
    key = str(next(part for part in reversed(case.path) if not isinstance(part, int)))
    inside = text.find(key, start, start + len(case.new))
    return text.count("\n", 0, start if inside < 0 else inside) + 1


def check_message(message: str, place: str, case: Case) -> None:
    """Check each part of a message: place, field, value, rule, example."""
    first = message.splitlines()[0]
    assert first.startswith(f"{place}: {dotted_path(case.path)} is "), message
    assert case.value in first.removeprefix(place).partition("; ")[0], message
    assert case.rule in first, message
    if case.example is not None:
        assert first.endswith(f"; for example {case.example}."), message


# designs

DESIGNS = [
    *bad_cases.UNKNOWN_KEYS,
    *bad_cases.OTHER_UNITS,
    *bad_cases.WRONG_TYPES,
    *bad_cases.BROKEN_RULES,
]


@pytest.mark.parametrize("case", DESIGNS, ids=lambda case: case.name)
def test_a_wrong_design_is_answered(
    case: Case, call: Callable[..., Answer], tmp_path: Path
) -> None:
    text = exchanged(DESIGN, case)
    path = tmp_path / "trial.yaml"
    path.write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    message = refused(call("size", str(path), "--trials", "10", "--out", str(out), "--json"))
    check_message(message, f"{path}, line {line_named(DESIGN, text, case)}", case)
    assert not out.exists()


@pytest.mark.parametrize(
    "case", [case for case in DESIGNS if case.example is not None], ids=lambda case: case.name
)
def test_the_example_of_a_message_mends_the_design(case: Case) -> None:
    data = parse_yaml(exchanged(DESIGN, case), "trial.yaml").data
    mended(data, case)
    if case.name != "course_day":  # one course may not stand beside what the others say
        assert validate(Design, Located(data=data, source="mended")).title


def mended(data: Any, case: Case) -> None:
    """Write a case's example into the document, where the message says."""
    assert case.example is not None
    whole = case.example[0] in "{[" or ":" not in case.example  # what stands there, without a key
    example = parse_yaml(f"it: {case.example}" if whole else case.example, "example").data
    example = example["it"] if whole else example
    *parents, key = case.path
    inside = data
    steps = iter(parents)
    for part in steps:
        if not whole and isinstance(inside, dict) and set(example) & {part}:
            break  # the example is of a field around the one at fault
        inside = inside[part]
    if whole:
        inside[key] = example
        return
    if isinstance(inside, dict) and key in inside and key not in example:
        del inside[key]
    inside.update(example)


def test_the_right_design_is_right(call: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text(DESIGN, encoding="utf-8")
    answer = call("power", str(path), "--trials", "20", "--scenario", "point", "--json")
    assert (answer.code, answer.out[0]) == (0, "{")


# scenarios


@pytest.mark.parametrize("case", bad_cases.SCENARIOS, ids=lambda case: case.name)
def test_a_wrong_scenario_is_answered_before_another_is_run(
    case: Case, call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a trial is simulated before the input is known to be right")

    monkeypatch.setattr("simtrial.planning.power.run_all", never)
    text = exchanged(SCENARIO, case)
    path = tmp_path / "truth.yaml"
    path.write_text(text, encoding="utf-8")
    words = ("--scenario", "point", "--scenario", str(path), "--trials", "20", "--json")
    message = refused(call("power", "dm_ivig_16w", *words))
    check_message(message, f"{path}, line {line_named(SCENARIO, text, case)}", case)


@pytest.mark.parametrize(
    "case",
    [case for case in bad_cases.SCENARIOS if case.example is not None],
    ids=lambda case: case.name,
)
def test_the_example_of_a_message_mends_the_scenario(case: Case) -> None:
    data = parse_yaml(exchanged(SCENARIO, case), "truth.yaml").data
    mended(data, case)
    scenario = validate(Scenario, Located(data=data, source="mended"))
    check_replacements(scenario)
    if case.name != "both_ends":
        check(load_design("dm_ivig_16w"), scenario, load_posterior())


# files


FILES: list[tuple[str, bytes, int | None, str]] = [  # name, content, line, what is said of it
    ("empty", b"", None, "the file is empty; it needs 'key: value' lines, such as title: Add-on"),
    ("comment", b"# nothing yet\n", None, "the file is empty"),
    ("words", b"just words\n", None, "the file is 'just words'; it must be 'key: value' lines"),
    ("list", b"- 1\n- 2\n", 1, "the file is [1, 2]; it must be 'key: value' lines"),
    ("tab", b"title: A\npopulation:\n\tline: x\n", 3, "a tab stands where spaces belong"),
    ("twice", b"title: A\nlooks: []\ntitle: B\n", 3, "title stands twice in one mapping"),
    ("twice_inside", b"sample_size: {n: 3, n: 4}\n", 1, "n stands twice in one mapping"),
    ("colon", b"title: A: B\n", 1, "put a text with a colon in quotes"),
    ("bracket", b"title: A\nvisits_weeks: [0, 4\nlooks: []\n", 3, "a bracket is opened"),
    ("quote", b"title: 'A\n", None, "a quote is opened and not closed"),
    ("indent", b"title: A\n  looks: []\n", 2, "a line indented too far"),
    ("two_documents", b"title: A\n---\ntitle: B\n", 2, "a second document begins"),
    ("alias", b"title: *A\n", 1, "* refers to an anchor that is not there"),
    ("binary", b"\x7fELF\x02\x00\x00\xff\xfe", 1, "it is not UTF-8 text): byte 0xff"),
    ("control", b"title: A\x00B\n", 1, "unacceptable character #x0000"),
    ("latin1", "title: A\nsource: Zürich\n".encode("latin-1"), 2, "text): byte 0xfc"),
    ("deep", b"[" * 6_000, None, "nested too deeply"),
]


@pytest.mark.parametrize(("name", "content", "line", "said"), FILES, ids=[f[0] for f in FILES])
def test_a_file_that_is_no_yaml_is_answered(
    name: str,
    content: bytes,
    line: int | None,
    said: str,
    call: Callable[..., Answer],
    tmp_path: Path,
) -> None:
    path = tmp_path / f"{name}.yaml"
    path.write_bytes(content)
    message = refused(call("power", str(path), "--json"))
    assert message.startswith(f"{path}: " if line is None else f"{path}, line {line}: ") or (
        line is None and message.startswith(f"{path}, line ")
    )
    assert said in message
    assert (
        ", such as " in message
        or "; write " in message
        or "; indent " in message
        or ("; keep one" in message)
    )


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + DESIGN.encode())
    assert load_design(path) == validate(Design, parse_yaml(DESIGN, "trial.yaml"))


def test_a_folder_is_answered_with_a_file_in_it(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    (tmp_path / "trial.yaml").write_text(DESIGN, encoding="utf-8")
    message = refused(call("power", str(tmp_path)))
    assert message.startswith(f"{tmp_path}: cannot be read (Is a directory); give a readable")
    assert f"such as {tmp_path / 'trial.yaml'}" in message


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("power", "dm_ivig_16"), "the nearest is dm_ivig_16w"),
        (("power", "configs/designs/dm_ivig16w.yaml"), "the nearest is dm_ivig_16w"),
        (("power", "dm_ivig_16w", "--scenario", "pont"), "the nearest is point"),
        (("power", "point"), "it is one of the scenarios"),
        (("power", "x" * 5_000), "give a path to a YAML file"),
        (("power", ""), "give a path to a YAML file"),
    ],
)
def test_a_missing_file_is_answered_with_the_nearest_name(
    words: tuple[str, ...], near: str, call: Callable[..., Answer]
) -> None:
    message = refused(call(*words))
    assert "neither a file nor a shipped name" in message or near.startswith("give")
    assert near in message


# evidence

LEDGER = Path(ledger.__file__).parent / "documents" / "lim21.yaml"


@pytest.mark.parametrize("case", bad_cases.EVIDENCE, ids=lambda case: case.name)
def test_a_wrong_fact_is_answered(case: Case, call: Callable[..., Answer], tmp_path: Path) -> None:
    right = LEDGER.read_text(encoding="utf-8")
    text = exchanged(right, case)
    path = tmp_path / "lim21.yaml"
    path.write_text(text, encoding="utf-8")
    made = tmp_path / "made.npz"
    given = ("--without", "lim21", "--evidence", str(path))
    message = refused(call("fit", *given, "--out", str(made), "--json"))
    place, _, rest = message.splitlines()[0].partition(": ")
    assert place == f"{path}, line {line_named(right, text, case)}"
    field = re.escape(dotted_path(case.path)).replace(r"facts\[0\]", r"facts\[\d+\]")
    assert re.match(rf"{field} is ", rest), message
    assert case.value in rest.partition("; ")[0]
    assert case.rule in rest
    assert case.example is None or rest.endswith(f"; for example {case.example}.")
    assert not made.exists()


@pytest.mark.parametrize("case", own_cases.CASES, ids=lambda case: case.name)
def test_an_own_fact_that_cannot_be_fitted_is_answered_before_the_fit(
    case: Case, call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("something is simulated before the facts are known to be readable")

    monkeypatch.setattr("simtrial.synthesis.fit.cell_tables", never)
    (tmp_path / "own26_protocol.yaml").write_text(own_cases.PROTOCOL, encoding="utf-8")
    path, made = tmp_path / "own26.yaml", tmp_path / "made.npz"
    text = exchanged(own_cases.OWN, case)
    path.write_text(text, encoding="utf-8")
    message = refused(call("fit", "--evidence", str(path), "--out", str(made), "--json"))
    check_message(message, f"{path}, line {line_named(own_cases.OWN, text, case)}", case)
    if case.path[0] == "defaults":
        assert len(message.splitlines()) == 1, "a fault of the defaults is told once"
    assert not made.exists()


@pytest.mark.parametrize(
    "case", [c for c in own_cases.CASES if c.example is not None], ids=lambda case: case.name
)
def test_the_example_of_a_message_mends_the_own_document(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "own26.yaml"
    (tmp_path / "own26_protocol.yaml").write_text(own_cases.PROTOCOL, encoding="utf-8")
    text = exchanged(own_cases.OWN, case)
    # that a document has nothing to fit is seen where the whole fit is made ready
    read = evidence_of if case.name == "nothing_to_fit" else own_facts_of
    for _ in range(3):  # facts of one fault in their own fields are mended one by one
        path.write_text(text, encoding="utf-8")
        try:
            read(ledger.load_with([path]))
            break
        except EvidenceError as fault:
            text = applied(text, str(fault).splitlines()[0])
    else:
        read(ledger.load_with([path]))
    assert text != exchanged(own_cases.OWN, case)


def applied(text: str, message: str) -> str:
    """Return a document with the example of a message written where the message says."""
    where, _, rest = message.partition(": ")[2].partition(" is ")
    example = rest.rpartition("; for example ")[2].removesuffix(".")
    document = parse_yaml(text, "own26.yaml").data
    given = parse_yaml("{" + example + "}", "example").data
    if (where == "facts[1].subtypes" and "quantity" in given) or "courses_given" in example:
        made = {k: v for k, v in document["facts"][1].items() if k != "subtypes"}
        document["facts"].append(made | given | {"id": "own26.made.up", "label": "O99"})
        if "courses_given" in example:
            made = document["facts"][-1]
            made |= {"cohort": "own26.treated", "n": 40}
        return json.dumps(document)
    steps = [int(s) if s.isdigit() else s for s in re.findall(r"[A-Za-z_0-9]+", where)]
    (*parents, key), inside = steps, document
    for step in parents:
        if set(given) & {step}:
            break  # the example is of a field around the one at fault
        inside = inside[step]
    for name, value in given.items():
        if name == "protocol":
            document[name] = value
        elif "." in name:
            document["cohorts"][name] = value
        else:
            inside[name] = value
    if "is not a known key" in message and key not in given:
        inside.pop(key, None)
    if "subtype" in given:
        inside.pop("subtypes", None)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lim12.yaml", "lim21.yaml"),
        ("", "no *.yaml in this directory"),
        ("empty.yaml", "the file is empty"),
        ("list.yaml", "must be 'key: value' lines, such as id: list"),
    ],
)
def test_an_evidence_file_that_cannot_be_read_is_answered(
    name: str, said: str, call: Callable[..., Answer], tmp_path: Path
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    if name:
        (folder / "lim21.yaml").write_text("id: lim21\n", encoding="utf-8")
    if name == "empty.yaml":
        (folder / name).write_text("", encoding="utf-8")
    if name == "list.yaml":
        (folder / name).write_text("- 1\n", encoding="utf-8")
    message = refused(call("fit", "--evidence", str(folder / name)))
    assert message.startswith(str(folder / name))
    assert said in message


# every example that a field carries


def every_field(model: Any, seen: set[str]) -> list[Any]:
    """Return (model, key, example) of each field of a model and of those inside it."""
    if model.__name__ in seen:
        return []
    seen.add(model.__name__)
    out = []
    for name, field in model.model_fields.items():
        out += [pytest.param(model, name, id=f"{model.__name__}.{name}")]
        inside = _model_inside(field.annotation)
        out += every_field(inside, seen) if inside is not None else []
    return out


@pytest.mark.parametrize(
    ("model", "name"),
    [
        field
        for model in (
            Design,
            OutcomeDesign,
            Scenario,
            OutcomeScenario,
            DocumentFile,
            Fact,
            *RECORDS.values(),
        )
        for field in every_field(model, set())
    ],
)
def test_the_example_of_every_field_is_right(model: Any, name: str) -> None:
    field = model.model_fields[name]
    if not field.examples:
        assert (model.__name__, name) in WITHOUT_EXAMPLE
        return
    key = field.alias or name
    example = parse_yaml(f"{key}: {field.examples[0]}", "example").data
    alone = create_model("One", __base__=Spec, **{name: (field.annotation, field)})
    assert alone.model_validate(example)
    # and the rules of the model itself on that one field: alone, or among the other examples
    others = {
        f.alias or n: parse_yaml(f"x: {f.examples[0]}", "example").data["x"]
        for n, f in model.model_fields.items()
        if f.examples
    }
    assert not (faults_at(model, key, example) and faults_at(model, key, others))


def faults_at(model: Any, key: str, fields: dict[str, Any]) -> list[Any]:
    try:
        model.model_validate(fields)
    except ValidationError as problem:
        return [fault for fault in problem.errors() if fault["loc"][:1] == (key,)]
    return []


# what holds other records of the ledger, each with examples of its own
WITHOUT_EXAMPLE = {
    (model, name)
    for model, names in {
        "DocumentFile": ("citation", "text", "cohorts", "defaults", "facts"),
        "Fact": ("locator", "timing", "values", "readings", "alternatives"),
        "Alternative": ("values",),
        "PatientTable": ("patients",),
    }.items()
    for name in names
} | {(record.__name__, "n") for record in RECORDS.values()}
