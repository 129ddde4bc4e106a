"""The file of a posterior: what comes back, and what is refused without leaving traces."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simtrial.core import files
from simtrial.core.errors import PosteriorError
from simtrial.myositis.parameters import PARAMETERS
from simtrial.trial.posterior import (
    FORMAT,
    Origin,
    OtherFacts,
    Posterior,
    QuickFit,
    digest_of_content,
    fitted_how,
    load_posterior,
    median_on_free_scale,
    named,
    save_posterior,
)

AGAIN = "make it again with 'simtrial fit --out FILE'"


def small(**changed: Any) -> Posterior:
    content: dict[str, Any] = {
        "draws": {
            "depth": np.array([0.5, 0.6, 0.7]),
            "hill": np.array([3.0, 3.0, 1.0 / 3.0]),
            "p_response[DM, refractory]": np.array([0.2, 0.7, 0.9]),
            "p_response[PM, refractory]": np.array([0.2, 0.6, 0.9]),
        },
        "point": {"depth": 0.6, "hill": 3.0}
        | {f"p_response[{s}, refractory]": p for s, p in (("DM", 0.7), ("PM", 0.6))},
        "origins": {
            name: Origin(status="fitted", source="L22")
            for name in (
                "depth",
                "hill",
                "p_response[DM, refractory]",
                "p_response[PM, refractory]",
            )
        },
        "background": {"r0": np.array([0.1, 0.2, 0.3, 0.2]), "r1": np.full(4, 0.8)}
        | {"r0_error": np.full(4, 0.001), "r1_error": np.full(4, 0.001)},
        "correlation": np.eye(6),
        "provenance": {"seed": 7},
    }
    content |= changed
    made = Posterior(**content)
    return replace(made, provenance=named(made).provenance | made.provenance)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "fit.npz"
    save_posterior(small(), path)
    return path


def altered(path: Path, *, drop: str = "", **header: Any) -> Path:
    """Rewrite a file with an array left out, or with other entries of its header."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name != drop}
    if "header" in arrays:
        entries = json.loads(bytes(arrays["header"]).decode()) | header
        arrays["header"] = np.frombuffer(json.dumps(entries).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(PosteriorError) as caught:
        load_posterior(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


# what comes back


def test_every_draw_comes_back_to_the_last_bit(saved: Path) -> None:
    got, want = load_posterior(saved).draws, small().draws
    assert {k: v.tobytes() for k, v in got.items()} == {k: v.tobytes() for k, v in want.items()}


def test_the_background_table_comes_back(saved: Path) -> None:
    got, want = load_posterior(saved).background, small().background
    assert {k: v.tolist() for k, v in got.items()} == {k: v.tolist() for k, v in want.items()}


def test_the_correlation_comes_back(saved: Path) -> None:
    np.testing.assert_array_equal(load_posterior(saved).correlation, small().correlation)


@pytest.mark.parametrize("field", ["point", "origins", "provenance"])
def test_what_is_said_of_the_draws_comes_back(saved: Path, field: str) -> None:
    assert getattr(load_posterior(saved), field) == getattr(small(), field)


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.npz", tmp_path / "other.npz"
    save_posterior(small(), one)
    save_posterior(small(), other)
    assert one.read_bytes() == other.read_bytes()


def test_the_day_of_saving_is_not_in_the_file(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_saving_what_was_loaded_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.npz"
    save_posterior(load_posterior(saved), copy)
    assert copy.read_bytes() == saved.read_bytes()


def test_another_draw_gives_other_bytes(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    draws = small().draws | {"depth": np.array([0.5, 0.6, 0.71])}
    save_posterior(small(draws=draws), other)
    assert other.read_bytes() != saved.read_bytes()


def test_saving_again_replaces_the_file(saved: Path) -> None:
    save_posterior(small(provenance={"seed": 8}), saved)
    assert load_posterior(saved).provenance["seed"] == 8


def test_saving_leaves_nothing_else_behind(saved: Path) -> None:
    assert os.listdir(saved.parent) == [saved.name]


def test_the_number_of_rows_is_known(saved: Path) -> None:
    assert load_posterior(saved).n_draws == 3


# the shipped one


def test_the_shipped_posterior_holds_every_parameter_but_the_solved_one() -> None:
    # the two rescue chances belong to no shipped design: a scenario that needs one sets it
    assert set(PARAMETERS) - set(load_posterior().draws) == {
        "p_background",
        "rescue_per_visit[first_line, continued]",
        "rescue_per_visit[refractory, none]",
    }


def test_the_shipped_draws_lie_within_their_ranges() -> None:
    outside = [
        name
        for name, draws in load_posterior().draws.items()
        if not all(PARAMETERS[name].allows(float(v)) for v in (draws.min(), draws.max()))
    ]
    assert outside == []


def test_the_shipped_draws_have_a_row_each_and_one_more_of_background() -> None:
    shipped = load_posterior()
    assert {v.shape for v in shipped.draws.values()} == {(shipped.n_draws,)}
    assert {v.shape for v in shipped.background.values()} == {(shipped.n_draws + 1,)}


def test_the_shipped_point_lies_in_the_middle_of_the_shipped_draws() -> None:
    # it is the median of more draws than are shipped, or of the prior itself; a median of 4,000
    # independent rows has a share of 0.48 to 0.52 below it but for one in 100, correlated ones more
    shipped = load_posterior()
    aside = [
        name
        for name, draws in shipped.draws.items()
        if (draws < shipped.point[name]).mean() > 0.6 or (draws <= shipped.point[name]).mean() < 0.4
    ]
    assert aside == []


@pytest.mark.parametrize(
    ("name", "draws", "median"),
    [
        ("hill", [1.0, 4.0], 2.0),
        ("depth", [0.1, 0.9], 0.5),
        ("baseline.mmt.location", [-1.0, 2.0], 0.5),
    ],
    ids=["log", "logit", "identity"],
)
def test_a_median_between_two_draws_is_taken_on_the_free_scale(
    name: str, draws: list[float], median: float
) -> None:
    assert median_on_free_scale(name, np.array(draws)) == pytest.approx(median, rel=1e-15)


# what it does not hold


def test_a_parameter_that_is_held_is_handed_out() -> None:
    assert small().require("depth").tolist() == [0.5, 0.6, 0.7]


def test_a_missing_parameter_is_answered_with_its_family() -> None:
    with pytest.raises(PosteriorError) as caught:
        small().require("p_response[IBM]")
    message = str(caught.value)
    assert "holds no p_response[IBM]" in message
    held = "It holds p_response[DM, refractory], p_response[PM, refractory]."
    assert held in message
    assert "Set p_response[IBM] in the scenario, with its source" in message


def test_a_missing_parameter_without_family_is_answered_with_all() -> None:
    with pytest.raises(PosteriorError, match=r"holds no x50.*It holds depth, hill, p_response\[DM"):
        small().require("x50")


# files that are refused


def test_a_file_that_is_not_there_is_made_by_a_fit(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nowhere.npz")
    assert "cannot be read (No such file or directory)" in message
    assert "make one with 'simtrial fit --out FILE'" in message


def test_a_file_cut_short_anywhere_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for n in range(0, len(whole), 17):
        saved.write_bytes(whole[:n])
        message = refusal(saved)
        assert "damaged or no posterior file" in message
        assert AGAIN in message


def test_a_text_file_is_no_posterior(tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    path.write_text("depth: 0.5\n", encoding="utf-8")
    message = refusal(path)
    assert "damaged or no posterior file" in message
    assert AGAIN in message


def test_another_format_is_refused(saved: Path) -> None:
    message = refusal(altered(saved, format=FORMAT + 1))
    assert f"has format {FORMAT + 1}, this version reads {FORMAT}" in message
    assert AGAIN in message


def test_an_archive_without_a_header_is_refused(saved: Path) -> None:
    assert AGAIN in refusal(altered(saved, drop="header"))


def test_a_file_with_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    draws = small().draws | {"depht": np.ones(3)}
    save_posterior(small(draws=draws), path)
    message = refusal(path)
    assert "its parameters are not this version's (depht)" in message
    assert AGAIN in message


def test_a_file_without_the_origin_of_a_draw_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    save_posterior(small(origins={}), path)
    assert AGAIN in refusal(path)


def test_a_folder_is_no_posterior(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in refusal(tmp_path)


# files that cannot be written


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "fit.npz"
    with pytest.raises(PosteriorError) as caught:
        save_posterior(small(), path)
    assert str(caught.value).startswith(f"{path}: cannot be written (No such file or directory)")
    assert "give --out a folder that exists and may be written" in str(caught.value)


def test_a_file_that_cannot_take_its_place_leaves_no_partial_one(tmp_path: Path) -> None:
    (tmp_path / "fit.npz").mkdir()
    with pytest.raises(PosteriorError, match=r"cannot be written"):
        save_posterior(small(), tmp_path / "fit.npz")
    assert os.listdir(tmp_path) == ["fit.npz"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_partial_one(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        assert len(os.listdir(saved.parent)) == 2  # part of the new file is there by now
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PosteriorError, match=r"cannot be written \(No space left on device\)"):
        save_posterior(small(provenance={"seed": 8}), saved)
    assert os.listdir(saved.parent) == [saved.name]
    assert saved.read_bytes() == before


def test_a_folder_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # acted, because an administrator may write to every folder
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "open", denied, raising=False)
    with pytest.raises(PosteriorError, match=r"cannot be written \(Permission denied\)"):
        save_posterior(small(), tmp_path / "fit.npz")
    assert os.listdir(tmp_path) == []


def test_a_file_damaged_at_any_byte_is_refused_or_whole(saved: Path) -> None:
    content = saved.read_bytes()
    for place in range(0, len(content), 7):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        saved.write_bytes(bytes(broken))
        with contextlib.suppress(PosteriorError):
            got = load_posterior(saved)
            assert all(np.array_equal(got.draws[k], v) for k, v in small().draws.items())
            assert (got.point, got.origins) == (small().point, small().origins)


@pytest.mark.parametrize("missing", ["correlation", "background/r0", "draws/depth"])
def test_a_file_with_a_part_missing_is_refused(saved: Path, missing: str) -> None:
    with np.load(saved) as archive:
        assert missing in archive.files
    message = refusal(altered(saved, drop=missing))
    assert "simtrial fit" in message


def test_a_plain_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(3))
    assert "no posterior file" in refusal(tmp_path / "x.npy")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PosteriorError, match="cannot be written"):
        save_posterior(small(), tmp_path / "file" / "x.npz")


def test_a_file_whose_digest_is_not_that_of_its_content_is_refused(saved: Path) -> None:
    name = small().provenance["digest"]
    altered(saved, provenance={"seed": 7, "digest": name[::-1]})
    assert f"damaged: its digest is '{name[::-1]}', not that of what it holds" in refusal(saved)


@pytest.mark.parametrize("part", ["draws", "point", "origins", "background", "correlation"])
def test_every_part_of_a_posterior_is_in_its_digest(part: str) -> None:
    held = small()
    changed: dict[str, Any] = {
        "draws": held.draws | {"depth": held.draws["depth"] + 1e-9},
        "point": held.point | {"depth": 0.61},
        "origins": held.origins | {"depth": Origin(status="assumed", source="L22")},
        "background": held.background | {"r0": held.background["r0"] + 1e-9},
        "correlation": held.correlation + 1e-9,
    }
    assert digest_of_content(replace(held, **{part: changed[part]})) != digest_of_content(held)


def test_the_shipped_posterior_has_the_digest_of_its_content() -> None:
    shipped = load_posterior()
    assert shipped.provenance["digest"] == digest_of_content(shipped)


def marked(path: Path, **marks: Any) -> Path:
    """Save a posterior with the shipped fingerprint, but for some marks."""
    provenance = {"simtrial": "0.0.1", "fingerprint": load_posterior().provenance["fingerprint"]}
    provenance["fingerprint"] |= marks
    save_posterior(small(provenance=provenance), path)
    return path


def test_a_fit_to_the_present_facts_and_code_is_read_in_silence(tmp_path: Path) -> None:
    assert load_posterior(marked(tmp_path / "fit.npz")).n_draws == 3


@pytest.mark.parametrize(
    "mark", [{"engine": "0" * 16}, {"control": "0" * 16}, {"log_density": [1.0, 2.0, 3.0]}]
)
def test_a_fit_of_a_model_that_counted_otherwise_is_stale(
    tmp_path: Path, mark: dict[str, Any]
) -> None:
    message = refusal(marked(tmp_path / "fit.npz", **mark))
    assert "stale: made by simtrial 0.0.1 whose model counts otherwise than this version's " in (
        message
    )
    assert f"({next(iter(mark))}); {AGAIN}" in message


@pytest.mark.parametrize("mark", ["facts", "priors"])
def test_a_fit_to_other_facts_is_read_and_said(tmp_path: Path, mark: str) -> None:
    path = marked(tmp_path / "fit.npz", engine="0" * 16, **{mark: "1" * 16})
    with pytest.warns(OtherFacts, match=f"fitted to other {mark} than the shipped posterior"):
        assert load_posterior(path).n_draws == 3


def test_a_fit_with_coarser_tables_is_read_and_said(tmp_path: Path) -> None:
    save_posterior(small(provenance={"quick": True}), tmp_path / "fit.npz")
    said = "fit.npz: fitted with --quick: coarser tables, not for a submission"
    with pytest.warns(QuickFit, match=said):
        assert fitted_how(load_posterior(tmp_path / "fit.npz"))["quick"]
    assert not fitted_how(load_posterior())["quick"]
