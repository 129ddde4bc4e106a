"""A sweep: every job a row, any end survived, no replicate computed twice."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simtrial.core.errors import StoreError
from simtrial.planning.power import Progress, power
from simtrial.sweep.conduct import SweepResult, run_sweep, sweep_status
from simtrial.sweep.plan import Plan, load_plan
from simtrial.trial.design import load_design
from simtrial.trial.posterior import load_posterior
from tests.workflow.conftest import COMMAND, ROOT

DEMO = (ROOT / "configs/designs/dm_ivig_16w.yaml").read_text(encoding="utf-8")


def written_scenarios(count: int) -> str:
    return "".join(
        f"  - {{name: chance {i}, from: point, set: {{p_response.DM: {0.2 + 0.6 * i / count}}}}}\n"
        for i in range(count)
    )


def sweep_file(folder: Path, scenarios: int, *, trials: int, design: str = "dm_ivig_16w") -> Path:
    path = folder / "sweep.yaml"
    path.write_text(
        f"designs: [{{design: {design}, n: 8}}]\ntrials: {trials}\n"
        f"scenarios:\n{written_scenarios(scenarios)}"
    )
    return path


def plan_of(path: Path, *, trials: int | None = None, seed: int = 1) -> Plan:
    return load_plan(str(path), load_posterior(), seed=seed, trials=trials)


# in this process


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sweep")


@pytest.fixture(scope="module")
def mixed(folder: Path) -> Path:
    """Return a sweep of two designs and two scenarios; nobody may enter the second design."""
    (folder / "nobody.yaml").write_text(DEMO.replace("mmt_below: 142", "mmt_below: 14"))
    path = folder / "mixed.yaml"
    path.write_text(
        "designs: [nobody.yaml, {design: dm_ivig_16w, n: 20}]\nscenarios: [point, posterior]\n"
        "trials: 200\n"
    )
    return path


@pytest.fixture(scope="module")
def found(folder: Path, mixed: Path) -> SweepResult:
    return run_sweep(plan_of(mixed), folder / "o")


def test_a_row_says_what_power_says(found):
    design = load_design("dm_ivig_16w")
    scenarios = ("point", "posterior")
    alone = power(design, scenarios=scenarios, n=20, trials=200, seed=1).document["scenarios"]
    jobs = {job["scenario"]: job for job in found.document["jobs"] if job["status"] == "done"}
    assert list(jobs) == list(scenarios)
    for row in alone:
        job = jobs[row["scenario"]]
        same = {key: job["metrics"][key] for key in job["metrics"]}
        assert same == {key: row["metrics"][key] for key in same}
        assert job["rates"] == row["rates"]
        assert job["n"] == 20


def test_a_job_that_fails_is_a_row_and_the_others_go_on(found):
    states = [(j["job"], j["status"]) for j in found.document["jobs"]]
    assert states == [
        ("nobody.yaml n=94 point", "failed"),
        ("nobody.yaml n=94 posterior", "failed"),
        ("dm_ivig_16w n=20 point", "done"),
        ("dm_ivig_16w n=20 posterior", "done"),
    ]
    message = found.document["jobs"][0]["message"]
    assert "nobody.yaml, line " in message
    assert "population.eligibility is {mmt_below: 14.0, " in message
    assert found.failed == 2


def test_the_csv_holds_a_row_for_each_job_and_metric(found, folder):
    text = (folder / "o" / "sweep.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert json.loads((folder / "o" / "sweep.json").read_text()) == found.document
    for job in found.document["jobs"]:
        mine = {r["metric"]: r for r in rows if r["job"] == job["job"]}
        if job["status"] == "failed":
            assert list(mine) == [""]
            assert mine[""]["message"] == job["message"]
            continue
        assert set(mine) >= set(job["metrics"])
        for name, metric in job["metrics"].items():
            assert float(mine[name]["estimate"]) == metric["estimate"]
            assert float(mine[name]["mcse"]) == metric["mcse"]
            assert (mine[name]["replicates"], mine[name]["n"]) == ("200", "20")


def test_the_status_counts_what_is_done_failed_and_missing(found, folder, mixed):
    now = sweep_status(plan_of(mixed), folder / "o")
    assert {k: now[k] for k in ("planned", "done", "missing", "failed")} == {
        "planned": 4,
        "done": 2,
        "missing": 0,
        "failed": 2,
    }
    assert [job["status"] for job in now["not_done"]] == ["failed", "failed"]
    later = sweep_status(plan_of(mixed, trials=300), folder / "o")
    assert (later["done"], later["missing"]) == (0, 4)
    assert not (folder / "nowhere").exists()
    assert sweep_status(plan_of(mixed), folder / "nowhere")["missing"] == 4
    assert not (folder / "nowhere").exists()


def test_a_sweep_grows_by_trials_and_jobs_and_reads_what_is_there(found, folder, mixed, tmp_path):
    shutil.copytree(folder / "o", tmp_path / "o")
    wider = folder / "wider.yaml"
    wider.write_text(mixed.read_text().replace("n: 20", "n: [22, 20]"))
    grown = run_sweep(plan_of(wider, trials=300), tmp_path / "o", processes=3)
    assert (grown.read, grown.computed) == (2 * 200, 2 * 100 + 2 * 300)
    alone = run_sweep(plan_of(wider, trials=300), tmp_path / "alone", processes=1)
    assert grown.to_json() == alone.to_json()


def test_a_sweep_that_would_lose_jobs_is_refused(found, folder, mixed):
    fewer = folder / "fewer.yaml"
    fewer.write_text(mixed.read_text().replace("[point, posterior]", "[point]"))
    with pytest.raises(StoreError, match=r"holds the job 'nobody\.yaml n=94 posterior'"):
        run_sweep(plan_of(fewer), folder / "o")
    with pytest.raises(StoreError, match=r"holds seed 1; choose another --out"):
        run_sweep(plan_of(mixed, seed=2), folder / "o")


class KillsAChild(Progress):
    """Kills one process of the sweep at the first job that ends."""

    def __init__(self) -> None:
        self.killed = 0

    def start(self, title: str, total: int) -> Callable[[int], None]:
        def step(jobs: int) -> None:
            children = multiprocessing.active_children()
            if jobs and children and not self.killed:
                self.killed += 1
                children[0].kill()

        return step


def test_a_process_that_ends_by_itself_fails_its_job_only_and_the_next_run_mends_it(tmp_path):
    path = sweep_file(tmp_path, 24, trials=1_000)  # three jobs are handed over at a time
    progress = KillsAChild()
    hurt = run_sweep(plan_of(path), tmp_path / "o", progress=progress)
    assert progress.killed == 1
    assert (hurt.failed, hurt.document["done"]) == (1, 23)
    (lost,) = [job for job in hurt.document["jobs"] if job["status"] == "failed"]
    assert "exit code -9" in lost["message"]
    assert multiprocessing.active_children() == []
    # a fault that was written down, such as a full disk, is no end either
    record = next((tmp_path / "o" / "jobs").glob("*.json"))
    record.write_text('{"status": "failed", "message": "no space left", "row": null}')
    mended = run_sweep(plan_of(path), tmp_path / "o")
    assert (mended.ended_before, mended.document["done"]) == (22, 24)


# as a user meets it: processes and signals


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts a sweep in a process of its own, which does not outlive the test."""
    processes = []

    def start(path: Path, folder: Path, **more) -> subprocess.Popen[str]:
        words = [*COMMAND, "sweep", "run", str(path), "--out", str(folder), "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
        processes.append(subprocess.Popen(words, cwd=ROOT, text=True, **(pipes | more)))
        return processes[-1]

    yield start
    for process in processes:
        with process:
            process.kill()


def children_of(process: subprocess.Popen[str]) -> list[int]:
    try:
        text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def runs(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def simulates(number: int) -> bool:
    """Return whether a process is one that simulates, and has begun to be it."""
    return b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()


def holds_back_interrupts(number: int) -> bool:
    blocked = re.search(r"SigBlk:\s*(\w+)", Path(f"/proc/{number}/status").read_text())
    return bool(int(blocked[1], 16) >> (signal.SIGINT - 1) & 1)


def assert_end(children: list[int]) -> None:
    until = time.monotonic() + 30.0
    while any(map(runs, children)) and time.monotonic() < until:
        time.sleep(0.01)
    assert [number for number in children if runs(number)] == []


def wait_until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    until = time.monotonic() + 120.0
    while not reached() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def ended_jobs(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("jobs/*.json")}


def pieces(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("replicates/*/*.npz")}


def replicates_in(folder: Path) -> int:
    bounds = [path.stem.split("-") for path in pieces(folder)]
    return sum(int(last) - int(first) + 1 for first, last in bounds)


def assert_survives_kills(
    started, tmp_path: Path, jobs: int, trials: int, kills: list[int]
) -> None:
    """Kill at some numbers of ended jobs; the end is that of an undisturbed run, byte for byte."""
    path, folder = sweep_file(tmp_path, jobs, trials=trials), tmp_path / "o"
    for count in kills:
        process = started(path, folder)
        wait_until(process, lambda count=count: len(ended_jobs(folder)) >= count)
        children = children_of(process)
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert len(children) >= 2
        assert_end(children)
        assert count <= len(ended_jobs(folder)) < jobs
        assert not (folder / "sweep.json").exists()
    before = ended_jobs(folder)
    kept = {**before, **pieces(folder)}
    missing = jobs * trials - replicates_in(folder)
    last, whole = started(path, folder), started(path, tmp_path / "undisturbed")
    out, err = last.communicate(timeout=300)
    expected, err_whole = whole.communicate(timeout=300)
    assert (last.returncode, whole.returncode) == (0, 0), err + err_whole
    assert f"{len(before)} jobs had ended before;" in err
    assert f" {missing:,} computed." in err
    assert f"0 replicates read, {jobs * trials:,} computed." in err_whole
    assert out == expected
    for name in ("sweep.json", "sweep.csv"):
        assert (folder / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    assert (folder / "sweep.json").read_text() == out
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert json.loads(out)["done"] == jobs


def test_a_sweep_killed_outright_goes_on_to_the_same_bytes(started, tmp_path):
    assert_survives_kills(started, tmp_path, jobs=12, trials=6_000, kills=[1])


@pytest.mark.verify
def test_a_sweep_of_200_killed_three_times_goes_on_to_the_same_bytes(started, tmp_path):
    assert_survives_kills(started, tmp_path, jobs=200, trials=1_000, kills=[20, 90, 150])


def test_its_processes_end_with_a_killed_command_in_the_midst_of_a_job(started, tmp_path):
    path, folder = sweep_file(tmp_path, 2, trials=4_000_000), tmp_path / "o"  # for many minutes
    process = started(path, folder)
    wait_until(process, lambda: len(pieces(folder)) > 0)
    children = children_of(process)
    process.kill()
    process.communicate(timeout=60)
    assert len(children) >= 2
    assert_end(children)
    assert ended_jobs(folder) == {}


def test_ctrl_c_reaches_all_processes_and_ends_without_noise(started, tmp_path):
    path, folder = sweep_file(tmp_path, 40, trials=8_000), tmp_path / "o"
    process = started(path, folder)
    wait_until(process, lambda: sum(map(simulates, children_of(process))) == 2)
    children = children_of(process)
    assert [holds_back_interrupts(n) for n in children if simulates(n)] == [True, True]
    time.sleep(0.2)  # they are importing
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Interrupted" in err
    document = json.loads(out)
    assert (document["planned"], document["done"] + document["missing"]) == (40, 40)
    assert_end(children)
    assert not (folder / "sweep.json").exists()


def test_a_process_of_a_sweep_loads_neither_sampler_nor_plots(started, tmp_path):
    path = sweep_file(tmp_path, 2, trials=50)
    # every interpreter, those of the sweep included, tells on stderr what it imports
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    process = started(path, tmp_path / "o", env=environment)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    loaded = [line.rpartition("|")[2].strip() for line in err.splitlines() if "|" in line]
    assert loaded.count("simtrial.cohort.compiled") == 3  # the command's own and two more
    tops = {name.partition(".")[0] for name in loaded}
    assert not tops & {"pymc", "pytensor", "arviz", "nutpie", "matplotlib"}


def test_a_failed_job_ends_the_command_with_3(tmp_path, simtrial):
    (tmp_path / "nobody.yaml").write_text(DEMO.replace("mmt_below: 142", "mmt_below: 14"))
    path = sweep_file(tmp_path, 1, trials=20, design="nobody.yaml")
    done = simtrial("sweep", "run", str(path), "--out", str(tmp_path / "o"))
    assert done.returncode == 3, done.stderr
    assert "1 planned, 0 done, 0 missing, 1 failed." in done.stdout
    assert "population.eligibility" in done.stderr
    again = simtrial("sweep", "status", str(path), "--out", str(tmp_path / "o"))
    assert "failed: nobody.yaml n=8 chance 0" in again.stdout


def test_one_trial_has_no_error_and_is_a_row_of_the_csv_all_the_same(tmp_path, simtrial):
    text = "designs: [{design: dm_ivig_16w, n: 20}]\nscenarios: [point]\ntrials: 1\n"
    (tmp_path / "one.yaml").write_text(text)
    done = simtrial("sweep", "run", str(tmp_path / "one.yaml"), "--out", str(tmp_path / "o"))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "o" / "sweep.csv").read_text().splitlines()))
    screened = next(row for row in rows if row["metric"] == "screened")
    assert screened["mcse"] == ""
    assert float(screened["estimate"]) >= 20
