"""What ``simtrial evidence`` prints: few processes, since what it says has tests of its own."""

from __future__ import annotations

import importlib.resources
import json


def test_the_list_is_one_json_document_that_keeps_the_contract(simtrial):
    done = simtrial("evidence", "list", "--role", "fit", "--document", "lim21", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)["facts"]
    assert "lim21.tis_course.ivig" in [fact["id"] for fact in facts]
    for fact in facts:
        assert set(fact) >= {"id", "label", "document", "locator", "role", "status"}
        assert (fact["document"], fact["role"]) == ("lim21", "fit")
        assert fact["status"] in ("provisional", "read twice")


def test_a_label_shows_the_fact_and_a_wrong_id_the_nearest_one(simtrial):
    shown = simtrial("evidence", "show", "L22")
    assert shown.returncode == 0, shown.stderr
    for text in ("lim21.tis40_by_w9.ivig", "lines 506-510", "20.3 to 66.5", "interval_method"):
        assert text in shown.stdout
    wrong = simtrial("evidence", "show", "lim21.tis40_at_w9.ivig")
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert "nearest is 'lim21.tis40_by_w9.ivig'" in wrong.stderr


def test_the_audit_of_a_users_own_ledger_finds_what_was_planted_in_it(simtrial, tmp_path):
    for entry in (importlib.resources.files("simtrial.evidence") / "documents").iterdir():
        text = entry.read_text(encoding="utf-8").replace("printed: '12 (63)'", "printed: '12 (53)'")
        (tmp_path / entry.name).write_text(text, encoding="utf-8")
    done = simtrial("evidence", "audit", "--evidence", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    for found in document["findings"]:
        assert set(found) >= {"fact", "rule", "severity", "proof", "used"}
    errors = [found for found in document["findings"] if found["severity"] == "error"]
    assert [(e["fact"], e["rule"]) for e in errors] == [("lim21.female.all", "percentage_of_count")]
    assert "printed 53 %; 12/19 is 63.2 %; the nearest count of 19 is 10" in errors[0]["proof"]


def test_help_gives_an_example(simtrial):
    done = simtrial("evidence", "show", "--help")
    assert done.returncode == 0
    assert "Example: simtrial evidence show" in done.stdout
