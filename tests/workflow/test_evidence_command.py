"""What ``simtrial evidence`` prints: few processes, since what it says has tests of its own."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from pathlib import Path

FULL = str(Path(__file__).parents[1] / "unit" / "full_ledger.yaml")
SHIPPED = ("gan23", "lim21", "mas98", "nan25", "oha21")
# the made-up document alone
ALONE = ("--evidence", FULL, *(word for name in SHIPPED for word in ("--without", name)))


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
    shipped = importlib.resources.files("simtrial.evidence") / "documents" / "lim21.yaml"
    text = shipped.read_text(encoding="utf-8").replace("printed: '12 (63)'", "printed: '12 (53)'")
    (tmp_path / "lim21.yaml").write_text(text, encoding="utf-8")
    own = ("--without", "lim21", "--evidence", str(tmp_path))
    done = simtrial("evidence", "audit", *own, "--json")
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


def test_filters_of_the_list_are_taken_together_and_an_unknown_one_is_refused(call):
    said = ("--second-hand", "--kind", "interval", "--line", "refractory", "--arm", "drug")
    more = ("--study", "oth99", "--cohort", "full25.oth99", "--search", "FALL of", "--json")
    done = call("evidence", "list", *ALONE, *said, *more)
    assert done.code == 0, done.err
    assert [fact["label"] for fact in json.loads(done.out)["facts"]] == ["N14"]
    own = call("evidence", "list", *ALONE, "--own")
    assert own.out.splitlines()[-1] == "14 of 16 facts."
    wrong = call("evidence", "list", *ALONE, "--study", "oth9")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--study oth9: no fact has this study; the nearest is 'oth99'" in wrong.err


def test_the_coverage_is_a_report_that_ends_with_the_share(call):
    told = call("evidence", "audit", "--coverage")
    assert told.code == 0, told.err
    done = call("evidence", "audit", "--coverage", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    covered, percent = document["covered"], int(document["percent"])
    assert told.out.splitlines()[-1] == f"coverage {covered} of 135 rows ({percent} %)"
    for row in document["catalogue"]:
        if row["state"] == "missing":
            assert f"  {row['row']} " in told.out and row["what"] in told.out


def test_coverage_and_places_are_not_asked_for_at_once(call):
    done = call("evidence", "audit", "--coverage", "--documents", "papers")
    assert (done.code, done.out) == (2, "")
    assert "--documents papers: --coverage is of the whole catalogue and checks no" in done.err


def test_a_list_of_a_subtype_ends_with_what_it_does_not_list(call):
    done = call("evidence", "list", "--subtype", "dermatomyositis", "--document", "004")
    assert done.code == 0, done.err
    said = " ".join(done.out.partition("facts.\n")[2].split())
    assert said.startswith("Not listed: ")
    assert said.endswith("give --cohort in place of --subtype, such as --cohort mas98.entered.")
    assert "Not listed" not in call("evidence", "list", "--document", "004").out


def test_export_lists_the_files_that_it_wrote(call, tmp_path):
    folder = tmp_path / "ledger"
    options = ("evidence", "export", *ALONE, "--out", str(folder), "--json")
    done = call(*options, "--format", "parquet")
    assert done.code == 0, done.err
    assert str(tmp_path) not in done.out
    files = json.loads(done.out)["files"]
    assert {one["file"] for one in files} == {p.name for p in folder.iterdir()} - {"ledger.json"}
    for one in files:
        assert hashlib.sha256((folder / one["file"]).read_bytes()).hexdigest() == one["sha256"]
    assert {one["table"]: one["rows"] for one in files}["facts"] == 16
    assert call(*options, "--format", "parquet").out == done.out


def test_export_does_not_replace_the_tables_of_another_ledger(call, tmp_path):
    first = call("evidence", "export", *ALONE, "--out", str(tmp_path))
    assert first.code == 0, first.err
    assert f"Written: {tmp_path / 'figures.csv'}" in first.out
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = call("evidence", "export", "--out", str(tmp_path))
    assert (other.code, other.out) == (2, "")
    assert "holds other tables: 16 facts of full25 (another ledger); choose another" in other.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_for_the_export_that_cannot_be_made_is_told(call, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = call("evidence", "export", "--out", str(tmp_path / "file" / "ledger"))
    assert (done.code, done.out) == (2, "")
    assert "cannot be written" in done.err and "Traceback" not in done.err


def test_the_page_and_its_figures_are_written_where_they_are_asked_for(call, tmp_path):
    out = tmp_path / "new" / "folder"
    done = call("evidence", "page", "--out", str(out), "--json")
    assert done.code == 0, done.err
    names = ["evidence.md", "evidence_response.svg", "evidence_harm.svg"]
    assert json.loads(done.out)["written"] == [str(out / name) for name in names]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    page = (out / "evidence.md").read_text(encoding="utf-8")
    assert "lim21.tis40_by_w9.ivig" in page
    assert str(tmp_path) not in page
