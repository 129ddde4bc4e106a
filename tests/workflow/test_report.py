"""From the command that computes to the page, as a user does it."""

from __future__ import annotations

import json


def test_size_writes_a_page_and_report_writes_the_same_from_its_result(simtrial, tmp_path):
    few = ("size", "dm_ivig_16w", "--trials", "60", "--out", str(tmp_path))
    done = simtrial(*few)
    assert done.returncode == 0, done.stderr
    assert f"Written: {tmp_path / 'report.html'}" in done.stdout
    page = (tmp_path / "report.html").read_bytes()

    again = tmp_path / "new" / "again.html"
    done = simtrial("report", str(tmp_path / "size.json"), "--out", str(again), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "command": "report", "written": str(again), "bytes": len(page),
    }  # fmt: skip
    assert again.read_bytes() == page

    result = str(tmp_path / "size.json")
    for out in (tmp_path / "new", tmp_path / "size.json" / "page.html"):  # a folder; under a file
        done = simtrial("report", result, "--out", str(out))
        assert done.returncode == 2
        assert "--out" in done.stderr
        assert "Traceback" not in done.stderr
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted(["new", "power_and_assurance.png", "power_and_assurance.svg",
                           "replicates", "report.html", "size.json"])  # fmt: skip

    (tmp_path / "other.json").write_text('{"simtrial": "0.1.0", "command": "fit"}')
    done = simtrial("report", str(tmp_path / "other.json"), "--out", str(tmp_path / "no.html"))
    assert done.returncode == 2
    assert "other.json" in done.stderr
    assert "'simtrial fit'" in done.stderr
    assert not (tmp_path / "no.html").exists()


def test_power_of_several_looks_draws_them_and_report_writes_its_page(call, tmp_path):
    null = tmp_path / "null.yaml"
    null.write_text("outcomes: {control: 0.4, treated: 0.4}\n")
    design, out = "outcome_binary_three_looks", tmp_path / "out"
    done = call("power", design, "--scenario", design, "--scenario", str(null), "--out", str(out))
    assert done.code == 0, done.err
    figures = ["boundaries.png", "boundaries.svg", "looks.png", "looks.svg"]
    for name in ("power.json", *figures):
        assert f"Written: {out / name}" in done.out
        assert (out / name).stat().st_size > 0
    document = json.loads((out / "power.json").read_text())

    page = tmp_path / "page.html"
    done = call("report", str(out / "power.json"), "--out", str(page))
    assert done.code == 0, done.err
    assert "example" not in done.out  # outcomes alone have none, and none is missed
    text = page.read_text()
    for i, row in enumerate(document["scenarios"]):
        value = row["looks"][2]["success_by"]["estimate"]
        place = f"/scenarios/{i}/looks/2/success_by/estimate"
        assert f'<data value="{value}" data-at="{place}">{value:.5f}</data>' in text

    document["scenarios"][0]["rates"]["treated"] = 0.75
    (out / "altered.json").write_text(json.dumps(document))
    done = call("report", str(out / "altered.json"), "--out", str(tmp_path / "no.html"))
    assert done.code == 2
    assert "altered.json: has in scenarios[0] rates that is not that of its truth" in done.err
    assert not (tmp_path / "no.html").exists()


def test_size_of_outcomes_writes_its_curve_and_the_page_that_report_writes(call, tmp_path):
    out = tmp_path / "out"
    done = call("size", "outcome_binary_two_arm", "--power", "0.8", "--out", str(out))
    assert done.code == 0, done.err
    for name in ("size.json", "power_and_assurance.svg", "report.html"):
        assert f"Written: {out / name}" in done.out
    assert "looks.svg" not in done.out  # there is one look
    again = tmp_path / "again.html"
    done = call("report", str(out / "size.json"), "--out", str(again))
    assert done.code == 0, done.err
    assert again.read_bytes() == (out / "report.html").read_bytes()
