"""The guide to a user's own evidence runs as written, with fewer trials."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from simtrial.evidence.ledger import load_with
from simtrial.planning.refit import evidence_of
from simtrial.synthesis.own import own_facts_of
from tests.workflow.answers import Answer, refused

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "own_evidence.md"
TEXT = GUIDE.read_text(encoding="utf-8")
Call = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that holds the files of the guide, and work in it."""
    files = re.findall(r"```yaml\n# (\S+)\n(.*?)```", TEXT, flags=re.DOTALL)
    assert [name for name, _ in files] == ["reg26.yaml", "reg26_protocol.yaml", "reg34.yaml"]
    for name, content in files:
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, flags=re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def test_the_guide_s_commands_about_facts_run(call: Call, folder: Path) -> None:
    ran = [words for words in commands() if words[0] == "evidence"]
    answers = {words[1]: call(*words) for words in ran}
    assert {name: a.code for name, a in answers.items()} == dict.fromkeys(answers, 0)
    assert answers["audit"].out.startswith("3 facts of reg26, 30 rules: 0 errors, 0 warnings, 1 n")
    assert "reg26.tis20_by_w12.dm" in answers["list"].out
    assert "27/40" in answers["show"].out
    assert (folder / "my_series.yaml").is_file()


def test_findings_about_own_facts_are_counted_apart_and_come_first(
    call: Call, folder: Path
) -> None:
    own = ("evidence", "audit", "--evidence", "reg26.yaml")
    head = call(*own).out.splitlines()[0]
    assert head.endswith("; of them about your own (reg26): 0 errors, 0 warnings, 1 note.")
    found = json.loads(call(*own, "--json").out)
    assert found["own"] == {
        "documents": ["reg26"],
        "counts": {"error": 0, "warning": 0, "note": 1},
    }
    notes = [one["fact"] for one in found["findings"] if one["severity"] == "note"]
    assert notes[0] == "reg26.tis20_by_w12.dm"
    assert not any(fact.startswith("reg26.") for fact in notes[1:])
    only = json.loads(call(*own, "--document", "reg26", "--json").out)
    assert (only["document"], only["facts"]) == ("reg26", 3)
    assert [one["fact"] for one in only["findings"]] == notes[:1]


def test_the_guide_s_series_of_two_subtypes_is_read_set_by_set(folder: Path) -> None:
    ledger = load_with([folder / "reg34.yaml"])
    assert evidence_of(ledger)["provisional"] == []
    counted = {c.fact: (c.n, c.responders) for c in own_facts_of(ledger).responses}
    assert counted == {
        "reg34.response_at_w12.dm": (34, 20),
        "reg34.response_at_w12.pm": (12, 5),
    }


def test_a_template_is_printed_and_never_written_over_a_file(call: Call, folder: Path) -> None:
    printed = call("evidence", "template")
    assert call("evidence", "template", "--out", "mine.yaml").code == 0
    assert (folder / "mine.yaml").read_text(encoding="utf-8") == printed.out
    (folder / "mine.yaml").write_text("id: filled in\n", encoding="utf-8")
    message = refused(call("evidence", "template", "--out", "mine.yaml"))
    assert message.startswith("--out mine.yaml: is there already")
    assert (folder / "mine.yaml").read_text(encoding="utf-8") == "id: filled in\n"


def test_the_guide_names_every_quantity_that_a_fit_reads() -> None:
    from simtrial.synthesis.own import READ

    table = TEXT[TEXT.index("| quantity |") : TEXT.index("Never fitted")]
    assert {name for name in re.findall(r"`(\w+)`", table) if name in READ} == set(READ)


@pytest.mark.verify
@pytest.mark.filterwarnings("always::simtrial.trial.posterior.OtherFacts")
@pytest.mark.filterwarnings("always::simtrial.trial.posterior.QuickFit")
def test_the_guide_leads_to_the_power_on_a_posterior_of_own_facts(call: Call, folder: Path) -> None:
    (fit,) = [words for words in commands() if words[0] == "fit"]
    done = call(*fit, "--json")
    assert done.code == 0, done.err
    rests_on = json.loads(done.out)["evidence"]
    assert rests_on == evidence_of(load_with([Path("reg26.yaml")]))
    assert rests_on["own"][0]["id"] == "reg26.tis20_by_w12.dm"
    used = [words for words in commands() if "--posterior" in words]
    assert [words[0] for words in used] == ["power", "size"]
    for words in used:
        words[words.index("--trials") + 1] = "100"
        answer = call(*words, "--json")
        assert answer.code == 0, answer.err
        assert "own documents: reg26" in answer.err
        assert "own.npz: fitted with --quick: coarser tables, not for a submission" in answer.err
        how = {"quick": True, "own": ["reg26"], "without": [], "not_fitted": []}
        assert json.loads(answer.out)["posterior_fit"] == how
        inputs = {a["parameter"]: a["source"] for a in json.loads(answer.out)["assumptions"]}
        source = inputs["p_response[DM, refractory]"]
        assert "own document reg26 (40)" in source
        assert "rests on provisional fact reg26.tis20_by_w12.dm (read once)" in source
