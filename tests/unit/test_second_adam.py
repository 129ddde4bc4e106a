"""ADRS says what a second, separate derivation finds in the other data sets."""

from __future__ import annotations

from functools import cache

import pandas as pd
import pytest

from tests.independent import adam_second
from tests.unit.cohort_fixtures import DEMO, rough


@cache
def tables() -> dict[str, pd.DataFrame]:
    return rough(trials=12).adam()


def of(code: str) -> pd.DataFrame:
    table = tables()["ADRS"]
    return table[table["PARAMCD"] == code].set_index(["USUBJID", "AVISITN"])


def test_scores_of_adrs_are_those_of_adqs_alone() -> None:
    second = adam_second.scores(tables()["ADQS"]).set_index(["USUBJID", "AVISITN"])["TIS"]
    found = of("TIS")["AVAL"]
    assert len(found) > 1_400
    assert found.nunique() > 30
    # equal, not close: points are multiples of 2.5
    assert found.sort_index().astype(float).equals(second.sort_index().rename("AVAL"))


def test_categories_and_answers_by_visit_are_those_of_adqs_alone() -> None:
    second = adam_second.scores(tables()["ADQS"]).set_index(["USUBJID", "AVISITN"])["TIS"]
    second = second.sort_index()
    category = of("TISCAT")["AVALC"].sort_index().astype(str)
    assert set(category) == {"NONE", "MINIMAL", "MODERATE", "MAJOR"}
    assert list(category) == list(adam_second.categories(second))
    for threshold, code in ((20, "TISMIN"), (40, "TISMOD"), (60, "TISMAJ")):
        answers = of(code).sort_index()
        expected = (second >= threshold).map({True: "Y", False: "N"})
        assert list(answers["AVALC"]) == list(expected)
        assert list(answers["AVAL"]) == list((expected == "Y") * 1.0)


def test_the_best_is_the_best_of_the_visits_at_its_first() -> None:
    second = adam_second.scores(tables()["ADQS"])
    best = second.loc[second.groupby("USUBJID")["TIS"].idxmax()].set_index("USUBJID")
    found = of("BESTTIS").reset_index("AVISITN")
    assert set(found["AVISITN"]) == {9_999}
    assert found["AVAL"].astype(float).to_dict() == best["TIS"].to_dict()
    days = (7 * best["AVISITN"] + 1).to_dict()
    assert found["ADY"].to_dict() == days
    second["category"] = adam_second.categories(second["TIS"])
    words = dict(zip(best.index, adam_second.categories(best["TIS"]), strict=True))
    category = of("BESTCAT").reset_index("AVISITN")
    assert category["AVALC"].astype(str).to_dict() == words
    first = second[second["category"] == second["USUBJID"].map(words)]
    days = (7 * first.groupby("USUBJID")["AVISITN"].min() + 1).to_dict()
    assert category["ADY"].to_dict() == days


def test_times_to_a_score_are_the_days_of_its_first_visit() -> None:
    second = adam_second.scores(tables()["ADQS"])
    times = tables()["ADTTE"]
    for threshold, code in ((20, "TTMIN"), (40, "TTMOD")):
        first = second[second["TIS"] >= threshold].groupby("USUBJID")["AVISITN"].min()
        found = times[times["PARAMCD"] == code].set_index("USUBJID")
        event = found["CNSR"] == 0
        assert found.loc[event, "AVAL"].to_dict() == (7.0 * first + 1).to_dict()
        last = second.groupby("USUBJID")["AVISITN"].max().reindex(found.index[~event], fill_value=0)
        assert found.loc[~event, "AVAL"].to_dict() == (7.0 * last + 1).to_dict()


def test_the_endpoint_follows_from_the_other_data_sets() -> None:
    week, threshold = DEMO.endpoint.week, DEMO.endpoint.threshold
    second = adam_second.scores(tables()["ADQS"]).set_index(["USUBJID", "AVISITN"])["TIS"]
    measured = second.xs(week, level="AVISITN") >= threshold
    observed = of("RSPOBS").reset_index("AVISITN")["AVALC"] == "Y"
    assert observed.to_dict() == measured.to_dict()
    expected, unsure = adam_second.composite(tables(), week, threshold)
    found = of("RSPCOMP").reset_index("AVISITN")["AVALC"] == "Y"
    assert set(found.index) == set(expected.index)
    assert unsure.mean() < 0.02
    told = ~unsure
    assert found[told.index][told].to_dict() == expected[told].to_dict()
    # an event spoils responses that were measured, so the two endpoints differ
    assert found.sum() < observed.sum() - 10


@pytest.mark.parametrize(("code", "n"), [("RSPCOMP", 480), ("BESTTIS", None)])
def test_each_patient_has_one_answer(code: str, n: int | None) -> None:
    found = of(code)
    assert found.index.get_level_values("USUBJID").is_unique
    if n is not None:
        assert len(found) == n
