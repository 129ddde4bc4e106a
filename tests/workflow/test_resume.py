"""An interrupted run goes on where it was: the same bytes, and nothing computed twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simtrial.core import files
from simtrial.core.errors import StoreError
from simtrial.operating import prepare as preparing
from simtrial.operating import replicates
from simtrial.operating.store import Store
from simtrial.planning import power as power_module
from simtrial.planning.power import Power, Progress, power
from simtrial.planning.size import SampleSize, size
from simtrial.trial.design import load_design
from tests.workflow.conftest import COMMAND, ROOT

DESIGN = load_design("dm_ivig_16w")


class Interrupt:
    """Sends SIGINT to this process once, at the k-th occasion of its kind."""

    def __init__(self, at: int) -> None:
        self.left = at

    def occasion(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)

    @property
    def sent(self) -> bool:
        return self.left <= 0


class InterruptAtStart(Progress):
    """Interrupts when a named piece of work begins."""

    def __init__(self, title: str) -> None:
        self.title = title

    def start(self, title: str, total: int) -> Callable[[int], None]:
        if title.startswith(self.title):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        return lambda _: None


def interrupt_after_pieces(monkeypatch, count: int, *, truth: bool = False) -> Interrupt:
    """Interrupt when the count-th piece has got its name."""
    interrupt = Interrupt(count)
    replace = os.replace

    def watched(source, target):
        replace(source, target)
        name = Path(target).name
        if name.endswith(".npz") and (int(name[:10]) >= 2**31) == truth:
            interrupt.occasion()

    monkeypatch.setattr(files.os, "replace", watched)
    return interrupt


def interrupt_while_writing(monkeypatch, count: int) -> Interrupt:
    """Interrupt between the bytes of the count-th file and its name."""
    interrupt = Interrupt(count)
    sync = os.fsync

    def watched(number):
        sync(number)
        interrupt.occasion()

    monkeypatch.setattr(files.os, "fsync", watched)
    return interrupt


def interrupt_at_prepare(monkeypatch, count: int) -> Interrupt:
    """Interrupt when the count-th scenario is made ready."""
    interrupt = Interrupt(count)
    made_ready = preparing.prepare

    def watched(*arguments, **more):
        interrupt.occasion()
        time.sleep(0.1)
        return made_ready(*arguments, **more)

    monkeypatch.setattr(power_module, "prepare", watched)
    return interrupt


def small_power(store: Store | None, **more: Any) -> Power:
    names = ("point", "posterior", "identical_arms")
    options: dict[str, Any] = {"scenarios": names, "n": 20, "trials": 200, "chunk": 25}
    return power(DESIGN, store=store, **(options | more))


def small_size(store: Store | None, **more: Any) -> SampleSize:
    return size(DESIGN, store=store, **({"trials": 60, "chunk": 10} | more))


@pytest.fixture
def small_truth(monkeypatch):
    monkeypatch.setattr(power_module, "_TRUTH_PATIENTS", 4_000)


def held(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in folder.glob("replicates/*/*.npz")}


def replicates_in(folder: Path) -> int:
    names = [p.stem.split("-") for p in folder.glob("replicates/*/*.npz")]
    return sum(int(last) - int(first) + 1 for first, last in names)


def assert_resumes(make, folder: Path, undisturbed: str, total: int, monkeypatch) -> None:
    """Run again: the bytes of an undisturbed run, every finished replicate kept as it was."""
    monkeypatch.undo()
    monkeypatch.setattr(power_module, "_TRUTH_PATIENTS", 4_000)
    before, done = held(folder), replicates_in(folder)
    assert done < total
    store = Store(folder)
    assert make(store).to_json() == undisturbed
    assert (store.read, store.computed) == (done, total - done)
    assert {path: held(folder)[path] for path in before} == before
    assert list(folder.rglob(".*.part")) == []


POWER_TOTAL = 3 * 200 + 2 * 200  # and the truths of the two scenarios of one row
POWER_MOMENTS = {
    "after the second piece": lambda m: interrupt_after_pieces(m, 2),
    "in the second scenario": lambda m: interrupt_after_pieces(m, 11),
    "while the second scenario is made ready": lambda m: interrupt_at_prepare(m, 2),
    "during the truth": lambda m: interrupt_after_pieces(m, 1, truth=True),
    "while a file is being written": lambda m: interrupt_while_writing(m, 4),
    "while a header is being written": lambda m: interrupt_while_writing(m, 1),
}


@pytest.fixture(scope="module")
def undisturbed_power() -> str:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(power_module, "_TRUTH_PATIENTS", 4_000)
        return small_power(None).to_json()


@pytest.mark.parametrize("moment", POWER_MOMENTS)
def test_an_interrupted_power_goes_on_to_the_same_bytes(
    moment, undisturbed_power, small_truth, tmp_path, monkeypatch
):
    interrupt = POWER_MOMENTS[moment](monkeypatch)
    store = Store(tmp_path)
    try:
        partial = small_power(store)
    except KeyboardInterrupt:
        assert "header" in moment  # before anything was finished
    else:
        assert partial.interrupted
        assert json.loads(partial.to_json())["digest"] == json.loads(undisturbed_power)["digest"]
        shown = partial.document["scenarios"]
        assert 1 <= shown[0]["metrics"]["power"]["replicates"] <= 200
    assert interrupt.sent
    # a batch that is finished when the interrupt comes is kept, also when it was not collected
    assert replicates_in(tmp_path) == store.computed
    assert_resumes(small_power, tmp_path, undisturbed_power, POWER_TOTAL, monkeypatch)


@pytest.fixture(scope="module")
def undisturbed_size() -> str:
    return small_size(None).to_json()


SIZE_MOMENTS = {
    "after the second piece": lambda m: interrupt_after_pieces(m, 2),
    "in the second curve": lambda m: interrupt_after_pieces(m, 8),
    "before the first batch": "power to",
    "between the curves": "assurance to",
    "while a file is being written": lambda m: interrupt_while_writing(m, 4),
}


@pytest.mark.parametrize("moment", SIZE_MOMENTS)
def test_an_interrupted_size_goes_on_to_the_same_bytes(
    moment, undisturbed_size, tmp_path, monkeypatch
):
    how = SIZE_MOMENTS[moment]
    more = {"progress": InterruptAtStart(how)} if isinstance(how, str) else {}
    if not isinstance(how, str):
        how(monkeypatch)
    try:
        partial = small_size(Store(tmp_path), **more)
    except KeyboardInterrupt:
        assert moment == "before the first batch"
    else:
        assert partial.interrupted
    assert_resumes(small_size, tmp_path, undisturbed_size, 2 * 60, monkeypatch)


def test_more_trials_of_a_size_add_only_the_new_ones_and_another_target_uses_them(tmp_path):
    first = Store(tmp_path)
    small_size(first)
    store = Store(tmp_path)
    grown = small_size(store, trials=100)
    # noise decides up to which n a search simulates: of a series that both need 60 trials are read
    # and 40 are new, of another all 100 are
    series, common = divmod(store.read + store.computed, 100)[0], store.read // 60
    assert store.read == 60 * common and 1 <= common <= first.computed // 60
    assert store.computed == 40 * common + 100 * (series - common)
    assert grown.to_json() == small_size(None, trials=100, workers=2, chunk=7).to_json()
    store = Store(tmp_path)
    small_size(store, trials=100, assurance=0.3)
    assert store.computed in (0, 40) and store.read >= 60  # 40 of a series known to 60 trials
    again = Store(tmp_path)
    small_size(again, trials=100, assurance=0.3)
    assert (again.read, again.computed) == (store.read + store.computed, 0)


def test_the_pilot_of_an_mcse_is_part_of_the_run_it_decides(small_truth, tmp_path, monkeypatch):
    simulated = []
    simulate = replicates.run_replicates

    def counted(prepared, *, first, last, **more):
        simulated.append(last - first)
        return simulate(prepared, first=first, last=last, **more)

    monkeypatch.setattr(replicates, "run_replicates", counted)
    store = Store(tmp_path)
    found = small_power(store, scenarios=("point",), mcse=0.01, n=40)
    counted_trials = found.document["scenarios"][0]["metrics"]["power"]["replicates"]
    assert counted_trials > 1_000
    assert (store.read, store.computed) == (0, counted_trials + 100)
    assert sum(simulated) == counted_trials + 100
    again = Store(tmp_path)
    assert small_power(again, scenarios=("point",), mcse=0.01, n=40).to_json() == found.to_json()
    assert (again.computed, sum(simulated)) == (0, counted_trials + 100)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scenarios": ("posterior",)}, r"of another scenario; .*--out or --scenario\."),
        ({"n": 22}, "of another design or n;"),
        ({"seed": 4}, "of seed 20261122; choose another --out or --seed 20261122"),
    ],
)
def test_the_result_of_another_question_is_not_overwritten(small_truth, tmp_path, more, words):
    found = small_power(Store(tmp_path), scenarios=("point",), trials=50)
    (tmp_path / "power.json").write_text(found.to_json())
    digest = found.document["digest"]
    with pytest.raises(StoreError, match=rf"Result {digest} holds replicates 0\.\.49 {words}"):
        small_power(Store(tmp_path), **({"scenarios": ("point",)} | more))
    small_power(Store(tmp_path), scenarios=("point",), trials=75)  # more of the same may


def test_a_file_that_is_no_result_is_not_overwritten(small_truth, tmp_path):
    (tmp_path / "power.json").write_text("[1, 2]")
    with pytest.raises(StoreError, match=r"power\.json is no result of simtrial"):
        small_power(Store(tmp_path), scenarios=("point",), trials=50)


# as a user meets it: processes, signals, files

WORDS = ["power", "dm_ivig_16w", "--scenario", "posterior", "--n", "24", "--json"]


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return what starts the command in a process of its own, which does not outlive the test."""
    processes = []

    def start(folder: Path, *more: str) -> subprocess.Popen[str]:
        words = [*COMMAND, *WORDS, "--out", str(folder), *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen(words, cwd=ROOT, text=True, **pipes))
        return processes[-1]

    yield start
    for process in processes:
        with process:
            process.kill()


def stop_after_pieces(process: subprocess.Popen[str], folder: Path, count: int, how: int) -> None:
    until = time.monotonic() + 120.0
    while len(held(folder)) < count and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(how)


def test_a_killed_and_an_interrupted_command_go_on_to_the_same_files(started, tmp_path):
    folder, few = tmp_path / "o", ("--trials", "3000", "--chunk", "5")
    first = started(folder, *few)
    stop_after_pieces(first, folder, 20, signal.SIGKILL)
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    after_kill = held(folder)
    assert 20 <= len(after_kill) < 600

    second = started(folder, *few)
    stop_after_pieces(second, folder, len(after_kill) + 20, signal.SIGINT)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 130, err
    assert json.loads(out)["interrupted"]
    assert f"{5 * len(after_kill):,} replicates read" in err

    between = held(folder)
    third, whole = started(folder, *few), started(tmp_path / "u", "--trials", "3000")
    out, err = third.communicate(timeout=120)
    assert third.returncode == 0, err
    assert f"{5 * len(between):,} replicates read" in err
    assert out == whole.communicate(timeout=120)[0]
    assert (folder / "power.json").read_text() == (tmp_path / "u" / "power.json").read_text() == out
    assert {path: held(folder)[path] for path in between} == between


def test_two_processes_may_write_the_same_series_at_once(started, tmp_path):
    folder = tmp_path / "o"
    pair = [started(folder, "--trials", "1500", "--chunk", c, "--seed", "3") for c in ("7", "11")]
    outs = [process.communicate(timeout=120) for process in pair]
    assert [p.returncode for p in pair] == [0, 0], outs
    alone = started(tmp_path / "u", "--trials", "1500", "--seed", "3").communicate(timeout=120)[0]
    assert outs[0][0] == outs[1][0] == alone
    later, err = started(folder, "--trials", "1500", "--seed", "3").communicate(timeout=120)
    assert later == alone
    assert "1,500 replicates read, 0 computed" in err
