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
