"""Tables of synthetic patients say what the snapshot holds, in words, weeks and nulls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simtrial.cohort.events import SERIOUS, event_slots
from simtrial.cohort.truth import Cohort, Truth
from simtrial.core.errors import DesignError
from simtrial.endpoints.responder import composite_response, observed_response
from simtrial.myositis import events as further
from simtrial.operating import cohorts
from simtrial.operating.cohorts import run_cohort
from simtrial.operating.prepare import prepare
from simtrial.operating.replicates import run_replicates
from simtrial.report import columns, patients
from simtrial.report.columns import HIDDEN, OBSERVED, dictionary
from simtrial.report.happenings import (
    DEATH,
    DETERIORATION,
    EVENTS,
    FLARE,
    FURTHER,
    LACK_OF_EFFECT,
    LEFT,
    OTHER_SERIOUS,
    RESCUE,
    STABLE,
    STANDARD,
    STOPPED,
    STOPPED_FOR_HARM,
    SWITCHED,
    THROMBOEMBOLISM,
)
from simtrial.report.patients import Source, table_of
from simtrial.report.synthetic import simulate
from simtrial.trial.posterior import load_posterior
from tests.unit.cohort_fixtures import DEMO, ROUGH, WEEK, rough, unharmed

WEEKS_OF = {
    "deterioration_week": "deterioration_minute",
    "rescue_week": "rescue_minute",
    "treatment_stop_week": "stop_minute",
    "left_week": "left_minute",
    "stopped_for_harm_week": "harm_stop_minute",
}


def harmed() -> tuple[Source, dict[str, int]]:
    """Return a cohort in which patient 0 of trial 1 alone has adverse events, one of each."""
    found = rough()
    seen = unharmed(found.cohort.seen)
    for field in ("stop_minute", "rescue_minute", "deterioration_minute", "left_minute"):
        getattr(seen, field)[1, 0] = -1
    seen.cancer[1, 0] = True
    seen.reaction_minute[1, 0, 1] = 4 * WEEK + 1_440
    seen.reaction_kind[1, 0, 1] = 1
    seen.reaction_serious[1, 0, 1] = True
    seen.reaction_minute[1, 0, 0] = 30
    seen.reaction_kind[1, 0, 0] = 0
    seen.thromboembolism_minute[1, 0, 4] = 3 * WEEK  # not after a course
    seen.serious_minute[1, 0, 1] = 5 * WEEK
    seen.harm_stop_minute[1, 0] = seen.stop_minute[1, 0] = 4 * WEEK + 1_440
    source = Source(cohort=Cohort(seen=seen, truth=found.cohort.truth), design=found.design)
    return source, {"trial": 1, "screening_number": int(seen.candidate[1, 0])}


# patients


def test_a_row_a_randomised_patient_in_the_order_of_randomisation() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.patients()
    assert len(table) == 4 * 40
    assert table["patient"].is_unique
    assert list(table["trial"]) == [r for r in range(4) for _ in range(40)]
    assert list(table["screening_number"]) == list(seen.candidate.ravel())
    names = [f"R{r:04d}-P{c:03d}" for r in range(4) for c in seen.candidate[r]]
    assert list(table["patient"]) == names


def test_names_and_values_are_those_of_the_snapshot() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.patients()
    assert list(table["arm"]) == [DEMO.arm_names[a] for a in seen.arm.ravel()]
    strata = ("mild", "moderate", "severe")
    assert list(table["stratum"]) == [strata[s] for s in seen.stratum.ravel()]
    assert list(table["sex"] == "female") == list(seen.female.ravel())
    assert set(table["subtype"]) == {"DM"}
    assert list(table["site"]) == list(seen.site.ravel() + 1)
    assert set(table["site"]) <= set(range(1, 37))
    order = columns.MEASURE_COLUMNS
    assert (table[list(order)].to_numpy(float) == seen.measures[:, :, 0].reshape(-1, 6)).all()
    before = [f"screening_{name}" for name in order]
    assert (table[before].to_numpy(float) == seen.screening.reshape(-1, 6)).all()
    for column, values in {
        "age_years": seen.age,
        "weight_kg": seen.weight,
        "randomised_week": seen.randomised_minute / WEEK,
        "prednisolone_mg": seen.prednisolone[:, :, 0],
        "courses_given": seen.courses,
        "immunoglobulin_g": seen.grams,
    }.items():
        assert (table[column].to_numpy(float) == values.ravel()).all(), column


def test_measures_stand_in_the_order_of_the_science() -> None:
    # a value that each scale alone can hold tells the columns apart
    table = rough().patients()
    assert table["mmt_points"].max() > 80
    assert table["haq"].max() <= 3
    assert ((table["haq"] * 8) % 1 == 0).all()
    assert table["physician_global_cm"].between(0, 10).all()
    assert ((table["enzyme_uln"] * 8) % 1 != 0).any()


@pytest.mark.parametrize(("column", "field"), WEEKS_OF.items())
def test_a_week_is_its_minute_and_what_did_not_happen_is_null(column: str, field: str) -> None:
    found = rough()
    minute = getattr(found.cohort.seen, field).ravel()
    weeks = found.patients()[column]
    assert (minute >= 0).any() and (minute < 0).any()  # both occur, so both are checked
    assert list(weeks.isna()) == list(minute < 0)
    assert list(weeks.dropna()) == list(minute[minute >= 0] / WEEK)


def test_what_happens_at_the_minute_of_randomisation_is_not_null() -> None:
    found = rough()
    left = found.cohort.seen.left_minute.copy()
    left[0, 0] = 0
    at_once = Cohort(found.cohort.seen._replace(left_minute=left), found.cohort.truth)
    source = Source(cohort=at_once, design=found.design)
    assert table_of("patients", source).to_pylist()[0]["left_week"] == 0.0
    first = table_of("events", source).to_pylist()[0]
    assert (first["event"], first["week"], first["day"]) == (LEFT, 0.0, 1)


def test_responders_are_those_of_the_endpoints() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.patients()
    composite = composite_response(seen, found.design)
    hit, assessed = observed_response(seen, found.design)
    assert list(table["responder_composite"] == 1) == list(composite.ravel())
    assert list(table["responder_observed"].notna()) == list(assessed.ravel())
    assert int(table["responder_observed"].sum()) == int(hit.sum())
    assert 0 < int(hit.sum()) != int(composite.sum())
    assert list(table["tis_at_endpoint"].dropna()) == list(seen.tis[:, :, 4][assessed])
    assert {a: v["responders"] for a, v in found.document["arms"].items()} == dict(
        table.groupby("arm", observed=True)["responder_composite"].sum()
    )


def test_the_patients_are_those_that_power_counts() -> None:
    found = rough()
    prepared = prepare(found.design, ROUGH, load_posterior())
    counted = run_replicates(prepared, seed=found.document["seed"], first=0, last=4, sizes=[40])
    table = found.patients()
    for a, arm in enumerate(DEMO.arm_names):
        mine = table[table["arm"] == arm].groupby("trial")
        assert list(mine["responder_composite"].sum()) == list(counted.responders[:, a])
        assert list(mine.size()) == list(counted.arm_n[:, a])
    assert list(found.screening()["screened"]) == list(counted.screened)


def test_a_trial_that_could_not_fill_has_no_rows_for_patients_it_never_had() -> None:
    prepared = prepare(DEMO.with_n(40), ROUGH, load_posterior())
    few = replace(prepared, arrivals=prepared.arrivals._replace(most_candidates=20))
    source = Source(cohort=run_cohort(few, seed=1, trials=2), design=few.design)
    entered = int((source.cohort.seen.arm >= 0).sum())
    assert 0 < entered < 40
    assert table_of("patients", source).num_rows == entered
    assert table_of("truth", source).num_rows == entered
    screening = table_of("screening", source).to_pylist()
    assert [row["complete"] for row in screening] == [0, 0]
    assert sum(row["randomised"] for row in screening) == entered


# visits, events, screening


def test_a_row_an_attended_visit() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.visits()
    attended = ~np.isnan(seen.tis)
    assert not attended.all()
    assert len(table) == int(attended.sum()) == found.document["rows"]["visits"]
    assert list(table["tis"]) == list(seen.tis[attended])
    assert list(table["week"]) == list(np.broadcast_to(DEMO.visits_weeks, attended.shape)[attended])
    assert (table["mmt_points"].to_numpy(float) == seen.measures[..., 4][attended]).all()
    assert not table.isna().any().any()


def test_every_event_is_listed_once_at_its_minute() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.events()
    minutes = {
        DETERIORATION: seen.deterioration_minute,
        RESCUE: seen.rescue_minute,
        STOPPED: np.where(seen.harm_stop_minute >= 0, -1, seen.stop_minute),
        STOPPED_FOR_HARM: seen.harm_stop_minute,
        LEFT: seen.left_minute,
        THROMBOEMBOLISM: seen.thromboembolism_minute,
        OTHER_SERIOUS: seen.serious_minute,
        "reaction: headache": np.where(seen.reaction_kind == 0, seen.reaction_minute, -1),
        "reaction: flu-like": np.where(seen.reaction_kind == 1, seen.reaction_minute, -1),
        "reaction: nausea": np.where(seen.reaction_kind == 2, seen.reaction_minute, -1),
        "reaction: skin": np.where(seen.reaction_kind == 3, seen.reaction_minute, -1),
        DEATH: seen.death_minute,
        # events of rules that this design has not
        FLARE: np.where(seen.flares, seen.visit_minute, -1),
        LACK_OF_EFFECT: seen.lack_of_effect_minute,
        SWITCHED: seen.switch_minute,
        STANDARD: seen.standard_minute,
        STABLE: seen.stable_minute,
    }
    ruled_out = {FLARE, LACK_OF_EFFECT, SWITCHED, STANDARD, STABLE}
    kinds = [name for name, _ in event_slots(4, seen.tis.shape[2])]
    for name, word in zip(further.EVENTS, FURTHER, strict=True):
        minutes[word] = seen.events_minute[..., [kind == name for kind in kinds]]
    assert set(minutes) == set(EVENTS)
    for word, minute in minutes.items():
        listed = table[table["event"] == word]
        happened = minute[minute >= 0]
        assert (happened.size > 0) == (word not in ruled_out), word
        # in the order of patients; of one patient, in the order of time
        key = np.argwhere(minute >= 0)
        order = np.lexsort((happened, key[:, 1], key[:, 0]))
        assert list(listed["week"]) == list(happened[order] / WEEK), word
        assert list(listed["day"]) == list(happened[order] // 1_440 + 1), word
        if minute.ndim == 2 and word != DEATH:
            assert listed["serious"].isna().all() and listed["course"].isna().all()
    assert len(table) == sum(int((m >= 0).sum()) for m in minutes.values())
    assert len(table) == found.document["rows"]["events"]


def test_an_adverse_event_is_listed_with_its_course_and_whether_it_was_serious() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.events()
    reactions = table[table["event"].str.startswith("reaction")]
    assert int(reactions["serious"].sum()) == int(seen.reaction_serious.sum()) > 0
    for word, minute in (
        (THROMBOEMBOLISM, seen.thromboembolism_minute),
        (OTHER_SERIOUS, seen.serious_minute),
    ):
        listed = table[table["event"] == word]
        assert (listed["serious"] == 1).all()
        for j in range(4):
            assert int((listed["course"] == j + 1).sum()) == int((minute[..., j] >= 0).sum())
    without = table[table["event"] == THROMBOEMBOLISM]["course"].isna()
    assert int(without.sum()) == int((seen.thromboembolism_minute[..., 4] >= 0).sum()) > 0
    for j in range(4):
        count = int((seen.reaction_minute[..., j] >= 0).sum())
        assert int((reactions["course"] == j + 1).sum()) == count > 0


def test_events_of_a_patient_stand_in_order_of_time() -> None:
    table = rough().events()
    ordered = table.groupby("patient", sort=False, observed=True)["week"]
    assert ordered.apply(lambda weeks: weeks.is_monotonic_increasing).all()
    assert {RESCUE, LEFT} <= set(table["event"])


def test_screening_adds_up() -> None:
    table = rough().screening()
    failed = table[["failed_mmt", "failed_other_measures", "failed_prednisolone"]].sum(axis=1)
    assert (failed + table["randomised"] == table["screened"]).all()
    assert (table["eligible_share"] == table["randomised"] / table["screened"]).all()
    assert (table["complete"] == 1).all()


# nulls and types


@pytest.mark.parametrize("name", [*OBSERVED, *HIDDEN])
def test_no_number_stands_for_missing(name: str) -> None:
    table = table_of(name, rough().source)
    for field in table.schema:
        values = table.column(field.name).drop_null().to_numpy()
        if values.dtype.kind == "f":
            assert not np.isnan(values).any(), field.name
        # logarithms alone may be negative
        if values.dtype.kind in "fi" and "log" not in field.name and "benefit" not in field.name:
            assert values.min(initial=0) >= 0, field.name


def test_whole_numbers_stay_whole_beside_nulls() -> None:
    source, _ = harmed()
    table = table_of("events", source)
    assert table.column("course").null_count > 0
    assert str(table.schema.field("course").type) == "int64"
    assert str(rough().patients()["responder_observed"].dtype) == "Int8"
    assert rough().patients()["responder_observed"].isna().any()


# what nobody can see


def test_the_observable_tables_hold_no_latent_column() -> None:
    truth = rough().cohort.truth
    hidden = {*Truth._fields, *(c.name for t in HIDDEN for c in columns.columns_of(t))}
    keys = {"study", "trial", "patient", "week"}
    for name in OBSERVED:
        for column in columns.columns_of(name):
            assert column.name in keys or column.name not in hidden
            assert not column.name.startswith("true_")
    table = table_of("patients", rough().source)
    seen = [np.nan_to_num(c.to_numpy(), nan=-9.0) for c in table.columns if _is_number(c)]
    latent = [a.ravel() for a in truth if a.ndim == 2]
    latent += [
        a.reshape(-1, a.shape[2])[:, k] for a in truth if a.ndim == 3 for k in range(a.shape[2])
    ]
    for values in latent:
        if np.unique(values).size > 1:
            assert not any(np.array_equal(values, column) for column in seen)


def _is_number(column) -> bool:  # type: ignore[no-untyped-def]
    return str(column.type) in ("int64", "int8", "double")


def test_the_tables_of_the_truth_hold_all_of_it() -> None:
    found = rough()
    truth, table = found.cohort.truth, found.truth()
    assert list(table["would_respond"] == 1) == list(truth.responds.ravel())
    assert list(table["improves_without_drug"] == 1) == list(truth.improves.ravel())
    assert list(table["depth"]) == list(truth.depth.ravel())
    assert list(table["half_effect_dose_log"]) == list(truth.log_x50.ravel())
    assert list(table["reaction_frailty"]) == list(truth.frailty.ravel())
    assert list(table["true_log_ck_uln"]) == list(truth.baseline[..., 5].ravel())
    visits = found.truth_visits()
    assert len(visits) == len(found.visits())
    assert list(visits["drug_benefit"]) == list(truth.drug_benefit[~np.isnan(truth.drug_benefit)])


# adverse events


def test_adverse_events_become_columns_of_the_patient() -> None:
    source, who = harmed()
    rows = table_of("patients", source).to_pylist()
    (row,) = [r for r in rows if all(r[key] == value for key, value in who.items())]
    assert row["cancer"] == 1
    assert row["reactions"] == 2
    assert row["first_reaction_week"] == 30 / WEEK
    assert row["thromboembolism"] == 1
    assert row["serious_events"] == 3  # the serious reaction, the thromboembolism, the other
    assert row["stopped_for_harm_week"] == row["treatment_stop_week"] == 4 + 1 / 7
    others = [r for r in rows if r is not row]
    assert {r["reactions"] for r in others} == {0}
    assert {r["first_reaction_week"] for r in others} == {None}


def test_adverse_events_are_listed_with_course_and_seriousness() -> None:
    source, who = harmed()
    name = f"R0001-P{who['screening_number']:03d}"
    rows = [
        (r["event"], r["day"], r["course"], r["serious"])
        for r in table_of("events", source).to_pylist()
        if r["patient"] == name
    ]
    assert rows == [
        ("reaction: headache", 1, 1, 0),
        ("thromboembolism", 22, None, 1),
        ("reaction: flu-like", 30, 2, 1),
        ("treatment stopped for harm", 30, None, None),
        ("other serious event", 36, 2, 1),
    ]


def test_a_stop_for_harm_is_one_event() -> None:
    source, who = harmed()
    assert source.cohort.seen.stop_minute[1, 0] == source.cohort.seen.harm_stop_minute[1, 0]
    name = f"R0001-P{who['screening_number']:03d}"
    rows = table_of("events", source).to_pylist()
    stops = [r["event"] for r in rows if r["patient"] == name and "stopped" in r["event"]]
    assert stops == ["treatment stopped for harm"]


def test_events_of_one_minute_stand_in_the_order_in_which_a_trial_has_them() -> None:
    source, who = harmed()
    seen = source.cohort.seen
    for field in ("rescue_minute", "deterioration_minute", "left_minute"):
        getattr(seen, field)[1, 0] = 4 * WEEK + 1_440
    name = f"R0001-P{who['screening_number']:03d}"
    rows = table_of("events", source).to_pylist()
    at_once = [r["event"] for r in rows if r["patient"] == name and r["day"] == 30]
    assert at_once == [
        *(DETERIORATION, RESCUE, "reaction: flu-like", STOPPED_FOR_HARM, LEFT),
    ]


def test_columns_of_harm_are_those_of_the_snapshot() -> None:
    found = rough()
    seen, table = found.cohort.seen, found.patients()
    clots, ill = seen.thromboembolism_minute >= 0, seen.serious_minute >= 0
    wanted = {
        "cancer": seen.cancer,
        "previous_thromboembolism": seen.previous_thromboembolism,
        "reactions": (seen.reaction_minute >= 0).sum(axis=2),
        "thromboembolism": clots.any(axis=2),
        "serious_events": clots.sum(axis=2)
        + ill.sum(axis=2)
        + seen.reaction_serious.sum(axis=2)
        + ((seen.events_detail & SERIOUS) > 0).sum(axis=2),
    }
    for column, values in wanted.items():
        assert list(table[column]) == list(values.ravel().astype(int)), column
        assert values.any() and not values.all()
    first = np.where(seen.reaction_minute >= 0, seen.reaction_minute, 10**9).min(axis=2).ravel()
    assert list(table["first_reaction_week"].dropna()) == list(first[first < 10**9] / WEEK)


# the dictionary


def test_every_column_has_an_entry_and_every_entry_a_column() -> None:
    source = rough().source
    rows = dictionary(source.design, events=EVENTS, truth=True)
    for name in (*OBSERVED, *HIDDEN):
        described = [r["column"] for r in rows if r["table"] == name]
        assert table_of(name, source).column_names == described
    assert all(r["meaning"] and "{" not in "".join(r.values()) for r in rows)
    assert all(r["unit"] for r in rows if r["column"].endswith(("_week", "_cm", "_kg", "_mg")))


def test_a_column_without_an_entry_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    made = patients._trial
    monkeypatch.setattr(
        patients, "_trial", lambda source, row: made(source, row) | {"surprise": row}
    )
    with pytest.raises(KeyError, match="surprise"):
        table_of("screening", rough().source)


def test_values_that_categories_take_are_named_in_the_dictionary() -> None:
    found = rough()
    rows = {(r["table"], r["column"]): r for r in found.columns().to_dict("records")}
    for name in OBSERVED:
        table = table_of(name, found.source)
        for field in table.schema:
            if str(field.type).startswith("dictionary") and field.name != "study":
                values = set(table.column(field.name).to_pylist())
                assert all(v in rows[name, field.name]["values"] for v in values)


def test_every_row_is_marked_synthetic() -> None:
    for name in (*OBSERVED, *HIDDEN):
        table = table_of(name, rough().source)
        assert table.column_names[0] == "study"
        assert set(table.column("study").to_pylist()) == {f"SYNTHETIC {DEMO.title}"}
        assert table.schema.metadata[b"study"].startswith(b"SYNTHETIC")


# the run


def test_neither_batches_nor_threads_move_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(DEMO.with_n(20), ROUGH, load_posterior())
    whole = run_cohort(prepared, seed=3, trials=7)
    monkeypatch.setattr(cohorts, "_BATCH_PATIENTS", 40)
    steps: list[int] = []
    parts = run_cohort(prepared, seed=3, trials=7, workers=2, advance=steps.append)
    assert parts.first_difference(whole) is None
    assert steps == [2, 2, 2, 1]


def test_the_first_patients_of_a_larger_trial_are_the_trial_of_that_size() -> None:
    small, large = rough(n=20).patients(), rough(n=40).patients()
    for trial in range(4):
        first = large[large["trial"] == trial].head(20).reset_index(drop=True)
        assert first.equals(small[small["trial"] == trial].reset_index(drop=True))


def test_more_patients_than_a_table_should_hold_are_refused_before_the_work() -> None:
    with pytest.raises(DesignError, match=r"2,000,040 patients.*at most 50000 trials"):
        simulate(DEMO, n=40, trials=50_001)
    weekly = DEMO.model_copy(update={"visits_weeks": tuple(range(17))})
    with pytest.raises(DesignError, match=r"10,000,000 planned visits: write at most 14705 trials"):
        simulate(weekly, n=40, trials=14_706)


def test_trials_that_are_none_are_refused() -> None:
    with pytest.raises(DesignError, match="trials is 0; give at least 1"):
        simulate(DEMO, trials=0)
