"""Wrong calls, outputs that cannot be written, damaged posteriors, and faults of our own."""

from __future__ import annotations

import os
import re
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import simtrial
from simtrial.cli import main
from simtrial.cli.main import app
from simtrial.core.errors import ArgumentError, DesignError, PosteriorError
from simtrial.trial.posterior import SHIPPED, Posterior, load_posterior, save_posterior
from tests.workflow.answers import Answer, refused
from tests.workflow.bad_cases import DESIGN

POWER, SIZE = ("power", "dm_ivig_16w"), ("size", "dm_ivig_16w")
FILE = Path(simtrial.__file__).parent / "trial" / SHIPPED

# the call, and what the answer must hold: the option with its value, the rule, an example
CALLS: list[tuple[tuple[str, ...], str, str, str]] = [
    ((*POWER, "--trails", "10"), "--trails", "the nearest is --trials", "simtrial power dm_ivig"),
    ((*SIZE, "--powr", "0.9"), "--powr", "the nearest is --power", "simtrial size dm_ivig_16w"),
    ((*POWER, "-n", "90"), "-n", "not a known option; the nearest is --n", "simtrial power"),
    (("pwoer", "dm_ivig_16w"), "pwoer is not a command", "the nearest is power", "simtrial size"),
    (("--versoin",), "--versoin", "is not a known option", "simtrial size dm_ivig_16w"),
    (("power",), "DESIGN is missing", "a YAML file, or a shipped name", "simtrial power dm_ivig"),
    ((*POWER, "94"), "94 is one argument too many", "takes DESIGN", "simtrial power dm_ivig"),
    ((*POWER, "--n"), "--n is given without a value", "write --n VALUE", "simtrial power"),
    ((*POWER, "--json=3"), "--json is given a value", "takes none", "simtrial power dm_ivig"),
    ((*POWER, "--trials", "0"), "--trials is 0", "from 1 to 4,000,000", "--trials 1"),
    ((*POWER, "--trials", "many"), "--trials is many", "a whole number", "--trials 1"),
    ((*POWER, "--trials", "1.5"), "--trials is 1.5", "a whole number", "--trials 1"),
    ((*SIZE, "--trials", "5000000"), "--trials is 5000000", "to 4,000,000", "--trials 10000"),
    ((*POWER, "--n", "1"), "--n is 1", "a whole number of at least 2", "--n 2"),
    ((*POWER, "--n", "30000"), "--n is 30000", "a whole number from 2 to 20,000", "--n 94"),
    ((*POWER, "--seed", "-1"), "--seed is -1", "from 0 to", "--seed 20261122"),
    ((*POWER, "--workers", "0"), "--workers is 0", "from 1 to 1,024", "--workers 1"),
    ((*POWER, "--chunk", "0"), "--chunk is 0", "at least 1", "--chunk 1"),
    ((*POWER, "--engine", "fast"), "--engine is fast", "choose compiled or reference", "--engine"),
    ((*POWER, "--mcse", "0.9"), "--mcse is 0.9", "from 0.0002 to 0.5", "--mcse 0.003"),
    ((*POWER, "--mcse", "nan"), "--mcse is nan", "from 0.0002 to 0.5", "--mcse 0.003"),
    ((*POWER, "--mcse", "0.01", "--trials", "9"), "--trials and --mcse", "exclude", "--mcse 0.003"),
    ((*SIZE, "--power", "1.2"), "--power is 1.2", "between 0 and 1", "--power 0.8"),
    ((*SIZE, "--power", "80"), "--power is 80.0", "not a percentage", "--power 0.8"),
    ((*SIZE, "--power", "0"), "--power is 0.0", "between 0 and 1", "--power 0.8"),
    ((*SIZE, "--power", "high"), "--power is high", "it must be a number", "--power 0.9"),
    ((*SIZE, "--assurance", "-0.5"), "--assurance is -0.5", "between 0 and 1", "--assurance 0.8"),
    ((*SIZE, "--power", "0.8", "--assurance", "0.7"), "--assurance is 0.7",
     "one of power and assurance, not both", "--assurance 0.7, without power"),
    ((*SIZE, "--power", "0.8", "--power", "0.9"), "--power is given twice", "has one value",
     "give it once"),
    ((*SIZE, "--scenario", "point", "--scenario=posterior"), "--scenario is given twice",
     "has one value", "give it once"),
    ((*POWER, "--scenario", "point", "--scenario", "point"), "--scenario is point",
     "it is given twice", "--scenario point"),
    ((*SIZE, "--scenario", "no_effect"), "scenarios/no_effect.yaml, line 1: from is 'no_effect'",
     "no size shows a benefit", "from: point"),
    (("power", "documents/lim21"), "designs/documents/lim21.yaml, line 4: decision is missing",
     "has no power and cannot be sized", "decision: {success: {"),
    (("replicate", "--trials", "5"), "--trials is 5", "from 100 to 100,000", "--trials 2000"),
    (("fit", "--seed", "x"), "--seed is x", "a whole number", "--seed 20261122"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "given", "rule", "example"), CALLS, ids=[" ".join(c[0]) for c in CALLS]
)
def test_a_wrong_call_is_answered(
    words: tuple[str, ...], given: str, rule: str, example: str, call: Callable[..., Answer]
) -> None:
    message = refused(call(*words))
    assert message.count("\n") == 1
    assert given in message.partition("; ")[0]
    assert rule in message
    assert example in message.rpartition(rule)[2]


def test_every_correct_call_that_is_shown_can_be_parsed() -> None:
    from typer.main import get_command

    commands = get_command(app).commands  # type: ignore[attr-defined]
    shown = {name: command.epilog or "" for name, command in commands.items()}
    for name, epilog in shown.items():
        words = epilog.removeprefix("Example: simtrial ").split()
        assert words[0] == name
        commands[name].make_context(name, words[1:])  # raises where an option is not known


def test_a_call_without_a_command_shows_the_help(call: Callable[..., Answer]) -> None:
    answer = call()
    assert answer.code == 2
    assert "Usage: simtrial" in answer.out + answer.err


# where nothing can be written

UNWRITABLE = ("file", "file/sub", "/proc/sub", "/dev/full")


@pytest.mark.parametrize("place", UNWRITABLE)
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    place: str, call: Callable[..., Answer], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    out = tmp_path / place  # an absolute place stays itself
    message = refused(call(*SIZE, "--out", str(out), "--json"))
    assert message.startswith(f"--out {out}: cannot be written (")
    assert "such as --out results/demo" in message
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_file_cannot_take_the_place_of_a_folder(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    message = refused(call("fit", "--out", str(tmp_path)))
    assert "cannot be written (it is a folder); give a file, such as --out" in message


def test_a_folder_that_was_there_stays(call: Callable[..., Answer], tmp_path: Path) -> None:
    refused(call(*SIZE, "--power", "7", "--out", str(tmp_path / "there" / "new")))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "there").mkdir()
    refused(call(*SIZE, "--power", "7", "--out", str(tmp_path / "there" / "new")))
    assert [p.name for p in tmp_path.rglob("*")] == ["there"]


def test_a_disk_that_fills_up_leaves_no_part_of_a_file(
    call: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).name == "size.json":  # the compiler's cache is elsewhere
            raise OSError(28, "No space left on device")
        put(source, target)

    monkeypatch.setattr("os.replace", full)
    answer = call(*SIZE, "--trials", "20", "--out", str(tmp_path / "new"), "--json")
    assert "cannot be written (No space left on device)" in refused(answer)
    # what was simulated is kept for the next try
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["replicates"]
    assert not [p.name for p in tmp_path.rglob("*") if p.name.endswith(".part")]


def test_a_full_device_for_the_answer_is_said(simtrial: Any) -> None:
    from tests.workflow.conftest import COMMAND, ROOT

    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "power", "--help"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=300,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "a file or the standard output: cannot be read or written (No space left on device); "
        "give another file or folder."
    )


# posteriors


def shortened(**changed: Any) -> Posterior:
    held = load_posterior()
    fields = {name: getattr(held, name) for name in held.__dataclass_fields__}
    return Posterior(**(fields | changed))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


POSTERIORS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda _: b"", "damaged or no posterior file (the file is empty)"),
    ("text", lambda _: b"depth: 0.5\n", "it begins with b'depth: 0'"),
    ("cut_short", lambda whole: whole[:-100], "damaged or no posterior file"),
    ("half", lambda whole: whole[: len(whole) // 2], "damaged or no posterior file"),
    ("flipped_byte", flipped, "damaged or no posterior file (Bad CRC-32"),
]


@pytest.mark.parametrize(
    ("name", "damage", "said"), POSTERIORS, ids=[name for name, _, _ in POSTERIORS]
)
def test_a_damaged_posterior_is_answered(
    name: str,
    damage: Callable[[bytes], bytes],
    said: str,
    call: Callable[..., Answer],
    tmp_path: Path,
) -> None:
    path = written(tmp_path / f"{name}.npz", damage(FILE.read_bytes()))
    message = refused(call(*POWER, "--posterior", str(path), "--json"))
    assert message.startswith(f"{path}: ")
    assert said in message or (name == "flipped_byte" and "damaged" in message)
    assert "make it again with 'simtrial fit --out FILE'" in message


def test_another_npz_is_no_posterior(call: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, x=np.zeros(3))
    message = refused(call(*POWER, "--posterior", str(path)))
    assert f"{path}: damaged or no posterior file (it holds no header)" in message


def test_a_missing_posterior_is_answered_with_the_one_beside_it(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    beside = written(tmp_path / "fit.npz", FILE.read_bytes())
    message = refused(call(*POWER, "--posterior", str(tmp_path / "fti.npz")))
    assert message.startswith(f"{tmp_path / 'fti.npz'}: cannot be read (No such file")
    assert f"such as {beside}" in message


def test_a_changed_draw_is_damage(call: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "changed.npz"
    held = load_posterior()
    save_posterior(shortened(draws=held.draws | {"depth": held.draws["depth"] * 0.999}), path)
    message = refused(call(*POWER, "--posterior", str(path)))
    digest = held.provenance["digest"]
    assert f"{path}: damaged: its digest is '{digest}', not that of what it holds" in message


def test_a_stale_posterior_is_refused(call: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "stale.npz"
    provenance = load_posterior().provenance
    marks = provenance["fingerprint"] | {"engine": "0" * 16}
    save_posterior(shortened(provenance=provenance | {"fingerprint": marks}), path)
    message = refused(call(*POWER, "--posterior", str(path)))
    assert f"{path}: stale: made by simtrial" in message
    assert "counts otherwise than this version's (engine)" in message


def test_a_posterior_of_other_facts_is_read_and_said(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    path = tmp_path / "own.npz"
    provenance = load_posterior().provenance
    marks = provenance["fingerprint"] | {"facts": "0" * 16}
    save_posterior(shortened(provenance=provenance | {"fingerprint": marks}), path)
    words = ("--posterior", str(path), "--trials", "20", "--scenario", "point", "--json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        answer = call(*POWER, *words)
    assert answer.code == 0
    assert answer.err.startswith(f"Warning: {path}: fitted to other facts than the shipped")
    assert answer.out.startswith("{")


def test_a_posterior_without_a_parameter_says_which(
    call: Callable[..., Answer], tmp_path: Path
) -> None:
    from simtrial.trial.posterior import named

    held, path = load_posterior(), tmp_path / "short.npz"
    lost = "p_response[DM, refractory]"
    without = {
        part: {k: v for k, v in getattr(held, part).items() if k != lost}
        for part in ("draws", "point", "origins")
    }
    save_posterior(named(shortened(**without, provenance=held.provenance)), path)
    message = refused(call(*POWER, "--posterior", str(path)))
    assert message.startswith(f"{path} holds no {lost}; no document informs it")
    assert f'for example set: {{"{lost}": {{value: 0.6, source: expert opinion}}}}' in message


# a fault of our own


def test_a_fault_of_our_own_is_one_line_with_what_to_report(
    call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("simtrial.trial.design.load_design", broken)
    answer = call(*POWER, "--trials", "7")
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert (
        "not of your input: ZeroDivisionError: by nothing (test_bad_calls.py, line " in answer.err
    )
    assert "report this line with the command 'simtrial power dm_ivig_16w --trials 7'" in answer.err
    assert "Traceback" not in answer.err
    monkeypatch.setenv(main.TRACEBACK, "1")
    assert "Traceback (most recent call last)" in call(*POWER).err


# functions of a script

ARGUMENTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("power", {"trials": 0}, "trials is 0; it must be a whole number from 1", "trials=10000"),
    ("power", {"trials": 2.5}, "trials is 2.5; it must be a whole number", "trials=10000"),
    ("power", {"trials": True}, "trials is True; it must be a whole number", "trials=10000"),
    ("power", {"n": -4}, "n is -4; it must be a whole number from 2 to 20,000", "n=94"),
    ("power", {"n": "94"}, "n is '94'; it must be a whole number", "n=94"),
    ("power", {"seed": -1}, "seed is -1; it must be a whole number from 0", "seed=20261122"),
    ("power", {"workers": 0}, "workers is 0; it must be a whole number from 1", "workers=2"),
    ("power", {"chunk": 0}, "chunk is 0; it must be a whole number from 1", "chunk=500"),
    ("power", {"mcse": 0.9}, "mcse is 0.9; it must be a number from 0.0002 to", "mcse=0.003"),
    ("power", {"engine": "fast"}, "engine is 'fast'; choose compiled or", "engine='reference'"),
    ("power", {"engine": None}, "engine is None; choose compiled or", "engine='compiled'"),
    ("power", {"scenarios": ()}, "scenarios is (); it must hold at least", "scenarios=('point',)"),
    ("power", {"scenarios": "point"}, "scenarios is 'point'; it must", "scenarios=('point',)"),
    ("power", {"scenarios": ("point", "point")}, "given twice", "scenarios=('point',)"),
    ("power", {"posterior": "fit.npz"}, "posterior is 'fit.npz'; it must be a Posterior",
     "posterior=load_posterior('my_posterior.npz')"),
    ("size", {"power": 1.2}, "power is 1.2; it must be a number between 0 and 1", "power=0.8"),
    ("size", {"assurance": 70}, "assurance is 70; it must be", "assurance=0.7"),
    ("size", {"trials": 0}, "trials is 0; it must be a whole number", "trials=10000"),
    ("size", {"seed": 1.0}, "seed is 1.0; it must be a whole number", "seed=20261122"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "options", "said", "example"), ARGUMENTS)
def test_a_wrong_argument_of_a_function_is_answered(
    function: str, options: dict[str, Any], said: str, example: str
) -> None:
    design = simtrial.load_design("dm_ivig_16w")
    with pytest.raises(ArgumentError) as caught:
        getattr(simtrial, function)(design, **options)
    assert said in str(caught.value)
    assert str(caught.value).endswith(f"; for example {example}.")


@pytest.mark.parametrize("function", ["power", "size"])
def test_a_name_in_the_place_of_a_design_is_answered(function: str) -> None:
    with pytest.raises(ArgumentError, match=r"must be a Design; for example design=load_design\("):
        getattr(simtrial, function)("dm_ivig_16w")


def test_an_unknown_scenario_of_a_function_is_answered_with_the_nearest() -> None:
    design = simtrial.load_design("dm_ivig_16w")
    with pytest.raises(DesignError, match=r"pont is neither .* the nearest is point"):
        simtrial.power(design, scenarios=("pont",))


def test_a_wrong_argument_of_a_replication_is_answered() -> None:
    with pytest.raises(ArgumentError, match=r"trials is 0; .* for example trials=2000\."):
        simtrial.replicate_lim21(load_posterior(), trials=0)
    with pytest.raises(ArgumentError, match="must be a Posterior"):
        simtrial.replicate_lim21("fit.npz")


def test_fewer_patients_than_arms_are_refused(tmp_path: Path) -> None:
    text = re.sub(r"analysis:.*(?=looks:)", "", DESIGN, flags=re.DOTALL)
    text = text.replace(
        "  ivig:\n", "  low: {dose_g_per_kg: 1.0, every_weeks: 4, infusions: 4}\n  ivig:\n"
    )
    text = text.replace("ivig: 1}", "low: 1, ivig: 1}").replace("[4]", "[3]")
    path = tmp_path / "three.yaml"
    path.write_text(text, encoding="utf-8")
    design = simtrial.load_design(path)
    assert design.with_n(3).sample_size.n == 3
    path.write_text(text.replace("n: 94", "n: 2"), encoding="utf-8")
    with pytest.raises(
        DesignError, match=r"sample_size\.n is 2; each of the 3 arms needs a patient"
    ):
        simtrial.load_design(path)


def test_an_odd_number_of_patients_is_allowed() -> None:
    # the last block of a stratum may stay unfilled
    assert simtrial.load_design("dm_ivig_16w").with_n(95).sample_size.n == 95


def test_a_design_with_another_size_still_knows_where_it_was_read() -> None:
    design = simtrial.load_design("dm_ivig_16w").with_n(60)
    assert design.where("population", "eligibility") == (
        "designs/dm_ivig_16w.yaml, line 4: population.eligibility"
    )
    assert design.where("sample_size", "n") == "designs/dm_ivig_16w.yaml, line 2: sample_size.n"


def test_where_a_design_was_read_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "copy.yaml"
    path.write_text("\n\n" + DESIGN, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(DESIGN, encoding="utf-8")
    one, other = simtrial.load_design(path), simtrial.load_design(tmp_path / "other.yaml")
    assert (one == other, one.digest()) == (True, other.digest())
    assert one.where("endpoint") != other.where("endpoint")


def test_a_posterior_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(PosteriorError, match="cannot be read"):
        load_posterior(tmp_path / "a\0b.npz")
