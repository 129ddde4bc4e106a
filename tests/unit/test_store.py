"""Replicates kept on disk: what names them, what is read, and what is done about damage."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from simtrial.core import compiled, files
from simtrial.core.errors import StoreError
from simtrial.core.provenance import content_digest
from simtrial.operating import replicates, store
from simtrial.operating.prepare import Prepared, prepare
from simtrial.operating.replicates import Outcomes, run_all
from simtrial.operating.store import Store
from simtrial.trial.design import load_design, revalidated
from simtrial.trial.posterior import Posterior, load_posterior
from simtrial.trial.scenario import Scenario, load_scenario

DESIGN = load_design("dm_ivig_16w").with_n(12)
SIZES = [8, 12]


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return load_posterior()


@pytest.fixture(scope="module")
def prepared(posterior: Posterior) -> Prepared:
    return prepare(DESIGN, load_scenario("point"), posterior)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """Return the ranges of replicates that are simulated from here on."""
    ranges = []
    simulate = replicates.run_replicates

    def counted(prepared, *, first, last, **more):
        ranges.append(range(first, last))
        return simulate(prepared, first=first, last=last, **more)

    monkeypatch.setattr(replicates, "run_replicates", counted)
    return ranges


def run(
    prepared: Prepared, kept: Store | None, trials: int, *, chunk: int = 10, **more
) -> Outcomes:
    more = {"seed": 5, "sizes": SIZES} | more
    return run_all(prepared, trials=trials, chunk=chunk, store=kept, **more).outcomes


def assert_equal(a: Outcomes, b: Outcomes) -> None:
    for field in dataclasses.fields(Outcomes):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


def pieces(folder: Path) -> list[Path]:
    return sorted(folder.glob("replicates/*/*.npz"))


# what is computed


def test_more_trials_compute_the_new_ones_only(prepared, tmp_path, computed):
    undisturbed = run(prepared, None, 70)
    run(prepared, Store(tmp_path), 40)
    computed.clear()
    kept = Store(tmp_path)
    assert_equal(run(prepared, kept, 70), undisturbed)
    assert sorted(i for part in computed for i in part) == list(range(40, 70))
    assert (kept.read, kept.computed) == (40, 30)
    assert kept.words() == "40 replicates read, 30 computed."


def test_fewer_trials_use_a_part_and_compute_nothing(prepared, tmp_path, computed):
    run(prepared, Store(tmp_path), 40)
    computed.clear()
    kept = Store(tmp_path)
    few = run(prepared, kept, 25)
    assert computed == []
    assert (kept.read, kept.computed) == (25, 0)
    assert_equal(few, run(prepared, None, 25))


def test_a_hole_is_filled_and_nothing_else(prepared, tmp_path, computed):
    undisturbed = run(prepared, Store(tmp_path), 50)
    pieces(tmp_path)[2].unlink()
    computed.clear()
    assert_equal(run(prepared, Store(tmp_path), 50, chunk=7), undisturbed)
    assert sorted(i for part in computed for i in part) == list(range(20, 30))


def test_a_later_start_shares_the_series(prepared, tmp_path, computed):
    undisturbed = run(prepared, Store(tmp_path), 40)
    computed.clear()
    part = run(prepared, Store(tmp_path), 30, first=20)
    assert [i for r in computed for i in r] == list(range(40, 50))
    np.testing.assert_array_equal(part.screened[:20], undisturbed.screened[20:])


def test_progress_begins_at_what_is_there(prepared, tmp_path):
    run(prepared, Store(tmp_path), 40)
    steps: list[int] = []
    run(prepared, Store(tmp_path), 60, advance=steps.append)
    assert steps[0] == 40
    assert sum(steps) == 60


def test_what_this_run_computed_is_not_counted_as_read_when_it_is_met_again(prepared, tmp_path):
    kept = Store(tmp_path)
    run(prepared, kept, 30)
    run(prepared, kept, 50)
    assert (kept.read, kept.computed) == (0, 50)


def test_a_batch_that_is_finished_but_not_collected_when_interrupted_is_part_of_the_result(
    prepared, tmp_path
):
    def interrupt(_: int) -> None:
        until = time.monotonic() + 60.0
        while len(pieces(tmp_path)) < 2 and time.monotonic() < until:
            time.sleep(0.001)
        raise KeyboardInterrupt

    # a second batch is under way while the first is collected
    ended = run_all(
        prepared,
        seed=5,
        trials=100,
        sizes=SIZES,
        chunk=10,
        advance=interrupt,
        store=Store(tmp_path),
    )
    assert ended.interrupted
    assert ended.outcomes.replicates == 10 * len(pieces(tmp_path)) >= 20


# pieces


@pytest.mark.parametrize(
    ("written", "held"),
    [([(10, 30), (7, 45)], 45), ([(10, 30), (60, 60), (7, 45)], 60), ([(25, 25), (20, 40)], 40)],
)
def test_overlapping_pieces_of_other_chunks_are_read_once_each_replicate(
    prepared, tmp_path, written, held
):
    undisturbed = run(prepared, None, 60)
    for chunk, trials in written:
        other = tmp_path / str(chunk)
        run(prepared, Store(other), trials, chunk=chunk)
        for path in pieces(other):
            target = tmp_path / "all" / path.relative_to(other)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    kept = Store(tmp_path / "all")
    series = kept.series(prepared, seed=5, sizes=SIZES, engine="compiled")
    assert sum(batch.replicates for batch in series.read(0, 60).values()) == held
    assert_equal(run(prepared, kept, 60), undisturbed)
    assert (kept.read, kept.computed) == (held, 60 - held)


def test_overlapping_pieces_that_differ_are_refused_and_named(prepared, tmp_path):
    run(prepared, Store(tmp_path), 20)
    series = Store(tmp_path).series(prepared, seed=5, sizes=SIZES, engine="compiled")
    changed = run(prepared, None, 30)
    changed.screened[17] += 1
    series.write(0, changed)
    with pytest.raises(StoreError, match=r"replicate 17 is in .*0-0000000029\.npz.*screened"):
        run(prepared, Store(tmp_path), 30)


def test_equal_runs_write_equal_bytes(prepared, tmp_path):
    for name in ("a", "b"):
        run(prepared, Store(tmp_path / name), 30, workers=2)
    one, other = (
        {p.name: p.read_bytes() for p in (tmp_path / name).rglob("*.*")} for name in ("a", "b")
    )
    assert one == other
    assert {"0000000000-0000000009.npz", "series.json"} <= set(one)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    at = content.index(b"screened.npy") + 20
    return content[:at] + bytes([content[at] ^ 8]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"PK nonsense"])
def test_a_damaged_piece_is_set_aside_told_and_computed_again(prepared, tmp_path, computed, damage):
    undisturbed = run(prepared, Store(tmp_path), 30)
    path = pieces(tmp_path)[1]
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    computed.clear()
    told: list[str] = []
    assert_equal(run(prepared, Store(tmp_path, tell=told.append), 30), undisturbed)
    assert computed == [range(10, 20)]
    assert path.with_name(f"{path.name}.damaged").exists()
    assert path.read_bytes() == whole
    (sentence,) = told
    assert path.name in sentence
    assert "computed again" in sentence


@pytest.mark.parametrize("change", ["moved", "renamed", "stretched"])
def test_a_piece_in_the_wrong_place_is_not_believed(prepared, tmp_path, change):
    undisturbed = run(prepared, Store(tmp_path), 30)
    target = pieces(tmp_path)[1]
    if change == "moved":
        run(prepared, Store(tmp_path / "other"), 30, seed=6)
        target.write_bytes(pieces(tmp_path / "other")[1].read_bytes())
    elif change == "renamed":
        target.write_bytes(pieces(tmp_path)[2].read_bytes())
    else:
        target.rename(target.with_name("0000000010-0000000029.npz"))
    told: list[str] = []
    assert_equal(run(prepared, Store(tmp_path, tell=told.append), 30), undisturbed)
    assert len(told) == 1


def test_leftovers_of_killed_writers_are_cleared_and_those_of_living_ones_stay(prepared, tmp_path):
    run(prepared, Store(tmp_path), 10)
    folder = pieces(tmp_path)[0].parent
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = folder / f".0000000010-0000000019.npz.{ended.pid}-1.part"
    living = folder / f".0000000020-0000000029.npz.{os.getpid()}-1.part"
    for path in (dead, living):
        path.write_bytes(b"half")
    run(prepared, Store(tmp_path), 30)
    assert not dead.exists()
    assert living.exists()


def test_a_file_keeps_its_content_until_the_new_one_is_whole(tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    path = tmp_path / "whole.npz"
    path.write_bytes(b"before")
    seen = []

    def fail(number: int) -> None:
        seen.append(path.read_bytes())
        raise Killed

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(Killed):
        files.write_whole(path, b"content")
    assert seen == [b"before"]
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.undo()
    files.write_whole(path, b"content")
    assert path.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_refused(prepared, tmp_path):
    (tmp_path / "replicates").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        run(prepared, Store(tmp_path), 10)


# what names a series


def name_of(prepared: Prepared, folder: Path, **more) -> str:
    chosen = {"seed": 5, "sizes": SIZES, "engine": "compiled"} | more
    return Store(folder).series(prepared, **chosen).name


def test_the_series_of_equal_runs_is_the_same(prepared, posterior, tmp_path):
    again = prepare(DESIGN, load_scenario("point"), posterior, workers=2)
    assert name_of(again, tmp_path) == name_of(prepared, tmp_path)


@pytest.mark.parametrize(
    "more", [{"seed": 6}, {"sizes": [12]}, {"sizes": [4, 12]}, {"engine": "reference"}]
)
def test_seed_sizes_and_engine_name_the_series(prepared, tmp_path, more):
    assert name_of(prepared, tmp_path, **more) != name_of(prepared, tmp_path)


@pytest.mark.parametrize(
    "scenario",
    [
        {"from": "posterior"},
        {"from": "identical_arms"},
        {"from": "point", "set": {"p_response.DM": 0.5}},
        {"from": "point", "set": {"accrual.patients_per_site_month": 0.2}},
    ],
)
def test_the_scenario_names_the_series(prepared, posterior, tmp_path, scenario):
    other = prepare(DESIGN, Scenario.model_validate(scenario), posterior)
    assert name_of(other, tmp_path) != name_of(prepared, tmp_path)


def test_the_design_and_its_n_name_the_series(prepared, posterior, tmp_path):
    other = prepare(DESIGN.with_n(14), load_scenario("point"), posterior)
    assert name_of(other, tmp_path) != name_of(prepared, tmp_path)


# allocation follows the order, so the same arms the other way round have other patients
def test_the_order_of_the_arms_names_the_series(prepared, posterior, tmp_path):
    turned_arms = {"arms": dict(reversed(DESIGN.model_dump()["arms"].items()))}
    turned = prepare(revalidated(DESIGN, turned_arms), load_scenario("point"), posterior)
    assert turned.design == prepared.design
    assert name_of(turned, tmp_path) != name_of(prepared, tmp_path)
    run(prepared, Store(tmp_path), 10)
    assert_equal(run(turned, Store(tmp_path), 10), run(turned, None, 10))


def test_a_rule_that_only_the_analysis_reads_names_the_series(prepared, posterior, tmp_path):
    rule = {"success": {"probability_of": "ivig > placebo", "above": 0.95}}
    other = prepare(revalidated(DESIGN, {"decision": rule}), load_scenario("point"), posterior)
    assert name_of(other, tmp_path) != name_of(prepared, tmp_path)


def test_any_bit_of_the_posterior_that_is_read_names_the_series(prepared, posterior, tmp_path):
    point = posterior.point | {"depth": np.nextafter(posterior.point["depth"], 2.0)}
    other = dataclasses.replace(posterior, point=point)  # its provenance claims to be the same
    changed = prepare(DESIGN, load_scenario("point"), other)
    assert name_of(changed, tmp_path) != name_of(prepared, tmp_path)


def test_replicates_of_other_code_are_never_read(prepared, tmp_path, computed, monkeypatch):
    run(prepared, Store(tmp_path), 20)
    monkeypatch.setattr(compiled, "SOURCE_DIGEST", "0123456789abcdef")
    computed.clear()
    kept = Store(tmp_path)
    run(prepared, kept, 20)
    assert (kept.read, kept.computed) == (0, 20)
    assert sum(map(len, computed)) == 20
    assert len(list((tmp_path / "replicates").iterdir())) == 2


@pytest.mark.parametrize("function", ["version", "version_of"])
def test_another_version_of_us_or_of_a_library_names_another_series(
    prepared, tmp_path, monkeypatch, function
):
    before = name_of(prepared, tmp_path)
    monkeypatch.setattr(store, function, lambda *_: "99.0")
    assert name_of(prepared, tmp_path) != before


def test_the_header_says_what_the_series_is(prepared, tmp_path):
    text = (tmp_path / "replicates" / name_of(prepared, tmp_path) / "series.json").read_text()
    for part in (DESIGN.title, '"from": "point"', '"seed": 5', '"numba"', '"simtrial"'):
        assert part in text


def test_a_digest_of_content_knows_every_bit_shape_and_name():
    base = {"a": np.zeros(4), "b": (1, "x")}
    others = [
        {"a": np.array([0.0, 0.0, 0.0, -0.0]), "b": (1, "x")},
        {"a": np.zeros((2, 2)), "b": (1, "x")},
        {"a": np.zeros(4, np.int64), "b": (1, "x")},
        {"c": np.zeros(4), "b": (1, "x")},
        {"a": np.zeros(4), "b": (1.0, "x")},
        {"a": np.zeros(4), "b": (1, "y")},
    ]
    found = [content_digest(value) for value in (base, *others)]
    assert len(set(found)) == len(found)
    assert content_digest({"b": [1, "x"], "a": np.zeros(4)}) == found[0]
