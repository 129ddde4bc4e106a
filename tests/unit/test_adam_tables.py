"""Each data set says what the Snapshot holds: a patient made by hand, and sums over many."""

from __future__ import annotations

import datetime
from functools import cache

import numpy as np
import pandas as pd
import pytest

from simtrial.cohort.protocol import protocol_of
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.errors import DesignError
from simtrial.endpoints.harm import count_harm
from simtrial.operating.cohorts import cut_cohort
from simtrial.report.adam.check import faults_of
from simtrial.report.adam.datasets import adam_tables
from simtrial.report.adam.define import schema_of
from simtrial.report.patients import Source
from simtrial.trial.design import Design
from tests.unit.cohort_fixtures import DEMO, WEEK, rough, unharmed

DAY = 1_440
Tables = dict[str, pd.DataFrame]


@cache
def many() -> Tables:
    return rough().adam()


def written(seen: Snapshot, design: Design = DEMO, cut_week: int | None = None) -> Tables:
    """Return the data sets of a changed Snapshot, cut or not, which pass their schema."""
    minute = None if cut_week is None else cut_week * WEEK
    cohort = Cohort(seen, rough().cohort.truth)
    if minute is not None:
        cohort = cut_cohort(cohort, minute, protocol_of(design))
    source = Source(cohort=cohort, design=design, cut_minute=minute)
    tables = adam_tables(source)
    assert faults_of(tables, schema_of(design, source.study)) == []
    return {name: table.to_pandas() for name, table in tables.items()}


def made() -> tuple[Snapshot, str]:
    """Return a cohort whose patient 3 of trial 1 has a course known by heart, and his name.

    Randomised on day 70 at noon, week 10, under the drug; rescue at week 12.
    """
    seen = unharmed(rough().cohort.seen)
    at = (1, 3)
    for column in ("deterioration_minute", "rescue_minute", "stop_minute", "left_minute"):
        getattr(seen, column)[at] = -1
    seen.randomised_minute[at] = 10 * WEEK + 12 * 60
    seen.arm[at] = DEMO.arm_names.index("ivig")
    seen.site[at], seen.candidate[at] = 6, 999
    seen.age[at], seen.female[at], seen.weight[at] = 64.99, True, 90.0
    seen.courses[at], seen.grams[at] = 3, 480.0  # 160 g of 180 g: at most 80 g a day
    seen.course_minute[at] = (0, 4 * WEEK, 8 * WEEK, -1)
    seen.course_days[at], seen.course_dose[at] = (2, 2, 2, 0), (*[160.0 / 90.0] * 3, np.nan)
    seen.course_drug[at] = (True, True, True, False)
    seen.rescue_minute[at] = seen.stop_minute[at] = 12 * WEEK
    seen.prednisolone[at] = (10.0, 10.0, np.nan, 7.5, 0.0)
    seen.tis[at] = (0.0, 22.5, np.nan, 17.5, 42.5)
    seen.visit_minute[at] = [0, 4 * WEEK, -1, 12 * WEEK, 16 * WEEK]  # a visit missed
    seen.measures[1, 3, 2] = seen.enzymes[1, 3, 2] = np.nan
    seen.measures[1, 3, [0, 1, 3, 4]] = rough().cohort.seen.measures[0, 0, 0]
    return seen, "SYN-R0001-S07-P999"


def of(table: pd.DataFrame, name: str, code: str | None = None) -> pd.DataFrame:
    mine = table[table["USUBJID"] == name]
    return mine if code is None else mine[mine["PARAMCD"] == code]


def date(study_day_of_trial: int) -> datetime.date:
    return datetime.date(2030, 1, 1) + datetime.timedelta(days=study_day_of_trial)


# ADSL


def test_a_patient_is_described_in_adsl() -> None:
    seen, name = made()
    row = of(written(seen)["ADSL"], name).iloc[0]
    wanted = {
        "STUDYID": f"SYNTHETIC {DEMO.title}",
        "TRIALN": 1,
        "SUBJID": "R0001-P999",
        "SITEID": "07",
        "AGE": 64,
        "AGEGR1": "<65",
        "SEX": "F",
        "WEIGHTBL": 90.0,
        "TRT01P": "ivig",
        "TRT01A": "ivig",
        "TRT01PN": 2,
        "SAFFL": "Y",
        "RANDDT": date(70),
        "TRTSDT": date(70),
        "TRTEDT": date(70 + 56 + 1),  # the second day of the third course
        "TRTDURD": 58,
        "NCOURSE": 3,
        "CUMDOSE": 480.0,
        "EOTSTT": "DISCONTINUED",
        "DCTREAS": "LACK OF EFFICACY",
        "DCTDT": date(70 + 84),
        "EOSSTT": "COMPLETED",
        "EOSDT": date(70 + 112),
        "EOSDY": 113,
        "COMPLFL": "Y",
        "PREDBL": 10.0,
    }
    assert {key: row[key] for key in wanted} == wanted
    assert row[["DCSREAS", "DCSREASP"]].isna().all()


@pytest.mark.parametrize(
    ("column", "then", "treatment", "study"),
    [
        ("harm_stop_minute", "harm", "ADVERSE EVENT", "ADVERSE EVENT"),
        ("deterioration_minute", "deterioration", "PROGRESSIVE DISEASE", "PROGRESSIVE DISEASE"),
        ("rescue_minute", "rescue", "LACK OF EFFICACY", "LACK OF EFFICACY"),
        (None, None, "OTHER", "OTHER"),
    ],
)
def test_reasons_are_those_of_the_minute_where_the_design_ends_the_study(
    column: str | None, then: str | None, treatment: str, study: str
) -> None:
    seen, name = made()
    at = (1, 3)
    seen.rescue_minute[at] = -1
    if column is None:
        seen.stop_minute[at] = -1
    else:
        getattr(seen, column)[at] = seen.stop_minute[at] = 12 * WEEK
    seen.left_minute[at] = 12 * WEEK
    rules = DEMO.intercurrent.model_copy()
    strict = {
        part: getattr(rules, part).model_copy(update={"then": "leave_study"})
        for part in ("harm", "deterioration", "rescue")
        if part == then
    }
    leaves = DEMO.model_copy(update={"intercurrent": rules.model_copy(update=strict)})
    row = of(written(seen, leaves)["ADSL"], name).iloc[0]
    assert (row["DCTREAS"], row["EOSSTT"], row["DCSREAS"]) == (treatment, "DISCONTINUED", study)
    # without such a rule the leaving is another matter
    assert of(written(seen)["ADSL"], name).iloc[0]["DCSREAS"] == "OTHER"


def test_who_left_before_the_first_course_is_not_treated() -> None:
    seen, name = made()
    at = (1, 3)
    seen.courses[at], seen.grams[at], seen.course_minute[at] = 0, 0.0, -1
    seen.rescue_minute[at] = seen.stop_minute[at] = -1
    seen.left_minute[at] = 0
    tables = written(seen)
    row = of(tables["ADSL"], name).iloc[0]
    assert (row["SAFFL"], row["ITTFL"], row["TRT01P"]) == ("N", "Y", "ivig")
    untreated = ["TRT01A", "TRT01AN", "TRTSDT", "TRTEDT", "TRTDURD", "EOTSTT", "DCTREAS"]
    assert row[untreated].isna().all()
    assert of(tables["ADEX"], name)["PARAMCD"].tolist() == ["NCOURSE", "CUMDOSE"]


def test_a_row_each_randomised_patient_and_sums_as_counted() -> None:
    seen, adsl = rough().cohort.seen, many()["ADSL"]
    assert len(adsl) == 160
    assert adsl["CUMDOSE"].to_numpy().tolist() == seen.grams.ravel().tolist()
    assert (adsl["EOSSTT"] == "DISCONTINUED").sum() == (seen.left_minute >= 0).sum()
    assert set(adsl["DCTREAS"].dropna()) >= {"ADVERSE EVENT", "LACK OF EFFICACY", "OTHER"}


# ADAE


def test_adverse_events_are_told_with_what_was_done() -> None:
    seen, name = made()
    at = (1, 3)
    seen.rescue_minute[at] = -1
    seen.reaction_minute[1, 3, 0], seen.reaction_kind[1, 3, 0] = 13 * 60, 0  # after midnight
    seen.reaction_minute[1, 3, 1], seen.reaction_kind[1, 3, 1] = 4 * WEEK + 1, 0
    seen.thromboembolism_minute[1, 3, 4] = 5 * WEEK
    seen.serious_minute[1, 3, 2] = seen.harm_stop_minute[at] = seen.stop_minute[at] = 9 * WEEK
    seen.reaction_minute[1, 3, 2], seen.reaction_kind[1, 3, 2] = 9 * WEEK + 5, 3
    rows = of(written(seen)["ADAE"], name)
    told = ["AESEQ", "AEDECOD", "ASTDY", "AESER", "AEREL", "AEACN", "AOCCFL", "AOCCPFL"]
    assert rows[told].astype(object).where(rows[told].notna(), None).values.tolist() == [
        [1, "Headache", 2, "N", "RELATED", "DOSE NOT CHANGED", "Y", "Y"],
        [2, "Headache", 29, "N", "RELATED", "DOSE NOT CHANGED", None, None],
        [3, "Thromboembolism", 36, "Y", "NOT RELATED", "DOSE NOT CHANGED", None, "Y"],
        [4, "Other serious event", 64, "Y", "RELATED", "DRUG WITHDRAWN", None, "Y"],
        [5, "Rash", 64, "N", "RELATED", "NOT APPLICABLE", None, "Y"],
    ]
    assert rows["COURSEN"].tolist()[:2] == [1, 2]
    assert rows["ASTDT"].tolist()[0] == date(71)
    assert (rows["TRTEMFL"] == "Y").all()


def test_nothing_is_left_to_withdraw_after_the_last_course_began() -> None:
    seen, name = made()
    at = (1, 3)
    seen.rescue_minute[at] = seen.stop_minute[at] = -1
    seen.courses[at], seen.grams[at] = 4, 640.0
    seen.course_minute[1, 3, 3], seen.course_days[1, 3, 3] = 12 * WEEK, 2
    seen.course_dose[1, 3, 3], seen.course_drug[1, 3, 3] = 160.0 / 90.0, True
    seen.serious_minute[1, 3, 2] = 12 * WEEK - 1
    seen.serious_minute[1, 3, 3] = 12 * WEEK
    rows = of(written(seen)["ADAE"], name)
    assert rows["AEACN"].tolist() == ["DOSE NOT CHANGED", "NOT APPLICABLE"]


def test_adverse_events_are_as_many_as_were_counted() -> None:
    harmed, adae = count_harm(rough().cohort.seen), many()["ADAE"]
    assert (adae["AESER"] == "Y").sum() == harmed.serious.sum()
    assert (adae["AEDECOD"] == "Thromboembolism").sum() == harmed.thromboembolisms.sum()
    reactions = adae["AEDECOD"].isin(["Headache", "Influenza-like illness", "Nausea", "Rash"])
    assert reactions.sum() == harmed.reactions.sum()
    assert adae.loc[adae["AEACN"] == "DRUG WITHDRAWN", "USUBJID"].nunique() == harmed.stopped.sum()


# ADEX and ADCM


def test_courses_are_told_with_dates_and_doses() -> None:
    seen, name = made()
    rows = of(written(seen)["ADEX"], name)
    dose = rows[rows["PARAMCD"] == "DOSE"]
    assert dose["AVAL"].tolist() == [160.0 / 90.0 * 90.0] * 3
    assert dose["ASTDY"].tolist() == [1, 29, 57]
    assert dose["AENDY"].tolist() == [2, 30, 58]
    per_kg = rows.loc[rows["PARAMCD"] == "DOSEKG", "AVAL"]
    assert per_kg.tolist() == [160.0 / 90.0] * 3
    overall = rows[rows["PARCAT1"] == "OVERALL"].set_index("PARAMCD")["AVAL"]
    assert overall.to_dict() == {"NCOURSE": 3.0, "CUMDOSE": 480.0}


def test_doses_of_courses_add_up_to_the_grams_of_adsl() -> None:
    adex, adsl = many()["ADEX"], many()["ADSL"].set_index("USUBJID")
    total = adex[adex["PARAMCD"] == "DOSE"].groupby("USUBJID")["AVAL"].sum()
    total = total.reindex(adsl.index, fill_value=0.0)
    # up to four doses of at most 250 g, added in another order: a few units in the last place
    np.testing.assert_allclose(total.astype(float), adsl["CUMDOSE"].astype(float), rtol=1e-14)


def test_prednisolone_is_told_in_periods_of_one_dose() -> None:
    seen, name = made()
    rows = of(written(seen)["ADCM"], name)
    told = ["CMSEQ", "CMCAT", "CMDOSE", "ASTDY", "AENDY", "PREFL", "ONGOFL"]
    assert rows[told].astype(object).where(rows[told].notna(), None).values.tolist() == [
        # the visit of week 8 was missed; at week 16 the dose was 0
        [1, "PREDNISOLONE", 10.0, None, 84.0, "Y", None],
        [2, "PREDNISOLONE", 7.5, 85.0, 112.0, None, None],
        [3, "RESCUE", None, 85.0, None, None, "Y"],
    ]


def test_every_rescue_and_every_dose_at_baseline_has_a_record() -> None:
    seen, adcm = rough().cohort.seen, many()["ADCM"]
    assert (adcm["CMCAT"] == "RESCUE").sum() == (seen.rescue_minute >= 0).sum()
    assert (adcm["PREFL"] == "Y").sum() == (seen.prednisolone[:, :, 0] > 0).sum()


# ADQS and ADLB


def test_measures_are_those_of_the_snapshot_with_their_change() -> None:
    found, seen = many(), rough().cohort.seen
    codes = ("PHGA", "PTGA", "EMGA", "HAQ", "MMT", "ENZYME")
    for k, code in enumerate(codes):
        rows = found["ADQS"][found["ADQS"]["PARAMCD"] == code]
        at_visits = rows[rows["AVISITN"] >= 0]
        values = seen.measures[:, :, :, k]
        assert at_visits["AVAL"].tolist() == values[~np.isnan(values)].tolist()
        screened = rows[rows["AVISIT"] == "Screening"]
        assert screened["AVAL"].tolist() == seen.screening[:, :, k].ravel().tolist()
        assert (screened["ADY"] == -14).all()
        base = np.repeat(values[:, :, :1], 5, axis=2)[~np.isnan(values)]
        assert at_visits["BASE"].tolist() == base.tolist()
        later = at_visits[at_visits["AVISITN"] > 0]
        assert later["CHG"].tolist() == (later["AVAL"] - later["BASE"]).tolist()
        assert at_visits.loc[at_visits["ABLFL"] == "Y", "CHG"].isna().all()
        assert (at_visits["ABLFL"] == "Y").sum() == 160
    for k, code in enumerate(("CK", "ALDO", "LDH", "AST", "ALT")):
        values = seen.enzymes[:, :, :, k]
        rows = found["ADLB"][found["ADLB"]["PARAMCD"] == code]
        assert rows["AVAL"].tolist() == values[~np.isnan(values)].tolist()
    # the enzyme of the score is the patient's own, of the five
    own = found["ADQS"][(found["ADQS"]["PARAMCD"] == "ENZYME") & (found["ADQS"]["AVISITN"] >= 0)]
    own = own.merge(found["ADSL"][["USUBJID", "ENZYMBL"]]).astype({"ENZYMBL": str, "USUBJID": str})
    one = found["ADLB"].astype({"PARAMCD": str, "USUBJID": str})
    both = own.merge(
        one, left_on=["USUBJID", "AVISITN", "ENZYMBL"], right_on=["USUBJID", "AVISITN", "PARAMCD"]
    )
    assert len(both) == len(own)
    assert both["AVAL_x"].tolist() == both["AVAL_y"].tolist()
    assert both["ENZYMBL"].nunique() > 2
    assert (
        both["SCRANGE"].tolist()
        == both["ENZYMBL"].map({"CK": 15.0, "ALDO": 6.0}).fillna(3.0).tolist()
    )
    assert ((found["ADLB"]["AVAL"] > 1) == (found["ADLB"]["ANRIND"] == "HIGH")).all()


def test_the_second_flag_ends_after_the_visit_of_an_event() -> None:
    seen, name = made()
    rows = of(written(seen)["ADQS"], name, "PHGA").set_index("AVISITN")
    assert rows["ANL01FL"].notna().to_dict() == {-1: False, 0: True, 4: True, 12: True, 16: True}
    # rescue was decided at the visit of week 12, after its measurement
    assert rows["ANL02FL"].notna().to_dict() == {-1: False, 0: True, 4: True, 12: True, 16: False}


# ADTTE


def test_times_are_days_with_their_censoring() -> None:
    seen, name = made()
    rows = of(written(seen)["ADTTE"], name).set_index("PARAMCD")
    assert rows[["AVAL", "CNSR"]].T.to_dict("list") == {
        "TTMIN": [29.0, 0],
        "TTMOD": [113.0, 0],
        "TTRESC": [85.0, 0],
        "TTDETER": [113.0, 1],
        "TTSWITCH": [113.0, 1],
        "TTDEATH": [113.0, 1],
        "TTDISC": [85.0, 0],
        "TTLEAVE": [113.0, 1],
    }
    assert rows.loc["TTDISC", "EVNTDESC"] == "RESCUE TREATMENT"
    seen.left_minute[1, 3] = 13 * WEEK + 5
    seen.measures[1, 3, 4] = seen.enzymes[1, 3, 4] = seen.tis[1, 3, 4] = np.nan
    seen.visit_minute[1, 3, 4] = -1
    rows = of(written(seen)["ADTTE"], name).set_index("PARAMCD")
    assert rows.loc["TTLEAVE", ["AVAL", "CNSR"]].tolist() == [92.0, 0]
    # a score is known up to the last visit, a deterioration up to the last day
    assert rows.loc["TTMOD", ["AVAL", "CNSR"]].tolist() == [85.0, 2]
    assert rows.loc["TTDETER", ["AVAL", "CNSR"]].tolist() == [92.0, 2]


def test_who_had_every_course_was_watched_to_the_last() -> None:
    seen, name = made()
    at = (1, 3)
    seen.courses[at], seen.grams[at] = 4, 640.0
    seen.course_minute[1, 3, 3], seen.course_days[1, 3, 3] = 12 * WEEK, 2
    seen.course_dose[1, 3, 3], seen.course_drug[1, 3, 3] = 160.0 / 90.0, True
    row = of(written(seen)["ADTTE"], name, "TTDISC").iloc[0]
    assert (row["AVAL"], row["CNSR"]) == (85.0, 1)


# a cut


def test_a_cut_leaves_patients_ongoing_and_times_open() -> None:
    seen, name = made()
    tables = written(seen, cut_week=20)  # week 10 of the patient, less half a day
    row = of(tables["ADSL"], name).iloc[0]
    assert (row["EOSSTT"], row["EOTSTT"], row["NCOURSE"]) == ("ONGOING", "ONGOING", 3)
    assert row[["EOSDT", "DCTREAS", "COMPLFL"]].isna().all()
    times = of(tables["ADTTE"], name).set_index("PARAMCD")
    assert times[["AVAL", "CNSR"]].T.to_dict("list") == {
        "TTMIN": [29.0, 0],
        "TTMOD": [29.0, 3],
        "TTRESC": [71.0, 3],
        "TTDETER": [71.0, 3],
        "TTSWITCH": [71.0, 3],
        "TTDEATH": [71.0, 3],
        "TTDISC": [71.0, 3],
        "TTLEAVE": [71.0, 3],
    }
    assert of(tables["ADRS"], name, "RSPCOMP").empty
    assert set(tables["ADSL"]["USUBJID"]) < set(written(seen)["ADSL"]["USUBJID"])


def test_a_course_that_runs_at_the_cut_ends_there() -> None:
    seen, name = made()
    row = of(written(seen, cut_week=10 + 8 + 0)["ADSL"], name)
    assert row.iloc[0]["NCOURSE"] == 2  # noon of that day is still to come
    cohort = Cohort(seen, rough().cohort.truth)
    minute = 18 * WEEK + 12 * 60
    source = Source(
        cohort=cut_cohort(cohort, minute, protocol_of(DEMO)), design=DEMO, cut_minute=minute
    )
    row = of(adam_tables(source)["ADSL"].to_pandas(), name).iloc[0]
    assert (row["NCOURSE"], row["TRTEDT"]) == (3, date(70 + 56))


def test_nobody_gives_empty_data_sets_of_the_same_form() -> None:
    tables = written(rough().cohort.seen, cut_week=0)
    assert all(table.empty for table in tables.values())


def test_dates_beyond_the_calendar_are_refused() -> None:
    seen, _ = made()
    seen.randomised_minute[3, 39] = 8_000 * 366 * DAY
    with pytest.raises(DesignError, match=r"beyond the year 9999.*tables='plain'"):
        written(seen)


def test_a_stop_after_a_last_course_that_was_missed_stops_nothing() -> None:
    seen, name = made()
    at = (1, 3)
    seen.missed_courses[at] = 1  # of week 12
    seen.rescue_minute[at] = seen.stop_minute[at] = 12 * WEEK + 1
    rows = written(seen)
    assert of(rows["ADSL"], name).iloc[0]["EOTSTT"] == "COMPLETED"
    row = of(rows["ADTTE"], name, "TTDISC").iloc[0]
    assert (row["AVAL"], row["CNSR"]) == (113.0, 1)
