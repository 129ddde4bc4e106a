"""The documents' studies as designs hold the documents' figures, and the fit keeps its own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from simtrial.evidence.counts import Mix, Multinomial, Proportion
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.measured import Number
from simtrial.evidence.patients import PatientTable
from simtrial.synthesis.tables import document_design
from simtrial.trial.design import Design, load_patient_design
from simtrial.trial.scenario import Scenario, load_patient_scenario

DESIGNS = Path(__file__).resolve().parents[2] / "configs/designs/documents"
STUDIES = ("lim21", "nan25", "oha21", "mas98")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def study(name: str) -> Design:
    return load_patient_design(f"documents/{name}")


def truth(name: str) -> dict[str, float]:
    scenario: Scenario = load_patient_scenario(name, "test")
    return {key: float(new.value or 0.0) for key, new in scenario.replacements().items()}


@pytest.mark.parametrize("name", STUDIES)
def test_the_facts_that_a_study_names_are_in_the_ledger(name: str, ledger: Ledger) -> None:
    text = (DESIGNS / f"{name}.yaml").read_text("utf-8")
    named = re.findall(rf"{name}\.[a-z0-9_]+\.[a-z0-9_]+", text)
    assert len(named) >= 4
    assert not [fact for fact in named if fact not in ledger.facts]


@pytest.mark.parametrize(
    ("name", "fact", "n"),
    [
        ("lim21", "lim21.included.screened", 20),
        ("nan25", "nan25.included_all.ivig", 22),
        ("oha21", "oha21.patients_all.ivig", 23),
        ("mas98", "mas98.entered.clinic", 16),
    ],
)
def test_a_study_has_as_many_patients_as_its_document(
    name: str, fact: str, n: int, ledger: Ledger
) -> None:
    values = ledger.fact(fact).values
    printed = values.part if isinstance(values, Proportion) else int(getattr(values, "value", -1))
    assert study(name).sample_size.n == n == printed


@pytest.mark.parametrize(
    ("name", "fact"),
    [("lim21", "lim21.subtype_mix.included"), ("mas98", "mas98.subtype_mix.entered")],
)
def test_subtypes_come_in_the_printed_shares(name: str, fact: str, ledger: Ledger) -> None:
    mix = ledger.fact(fact).values_as(Mix)
    want = {subtype: number / mix.n for subtype, number in mix.cells.items()}
    assert study(name).population.subtypes == pytest.approx(want, abs=1e-12)


def test_document_000_s_pooled_subtypes_are_parted_evenly(ledger: Ledger) -> None:
    printed = ledger.fact("nan25.subtype_mix.all").values_as(Multinomial)
    want = dict(printed.cells)
    pooled = want.pop("ASS_overlap")
    want |= {"ASyS": pooled / 2, "OM": pooled / 2}
    found = {s: 22 * share for s, share in study("nan25").population.subtypes.items()}
    assert found == pytest.approx(want, abs=1e-9)


def test_document_002_has_its_amendment(ledger: Ledger) -> None:
    arm = study("lim21").arms["ivig"]
    (change,) = arm.dose_change

    def number(fact: str) -> float:
        return float(ledger.fact(f"lim21.{fact}").values_as(Number).value)

    assert [c.dose_g_per_kg for c in arm.course_list()] == [
        number("loading_dose.ivig"),
        *[number("maintenance_dose.ivig")] * int(number("maintenance_courses.ivig")),
    ]
    assert (change.at_week, change.if_tis_below) == (
        number("extra_assessment_week.second_ten"),
        number("insufficient_tis.amended"),
    )
    apart = change.courses[1].week - change.courses[0].week
    assert apart == number("amended_interval.amended")
    assert {c.dose_g_per_kg for c in change.courses} == {number("amended_dose.amended")}
    first = number("regimen_amended_after.included") + 1
    assert change.from_patient == first == study("lim21").visits_from_patient[4]


def test_document_000_s_doses_and_missing_strength_are_the_printed_ones(ledger: Ledger) -> None:
    held = truth("nan25")
    log_sd = np.sqrt(np.log1p((29.7 / 44.7) ** 2))
    assert held["prednisolone.log_sd"] == pytest.approx(log_sd, abs=5e-5)
    assert held["prednisolone.median"] == pytest.approx(44.7 / np.exp(log_sd**2 / 2), abs=5e-3)
    valid = ledger.fact("nan25.mmt8_valid_by_m6.all").values_as(Proportion)
    assert held["missing.item.mmt"] == pytest.approx(1 - valid.part / valid.n, abs=5e-6)


def test_document_001_loses_as_many_as_printed_by_its_end(ledger: Ledger) -> None:
    lost = ledger.fact("oha21.lost_to_follow_up_end.ivig").values_as(Proportion)
    stay_16_weeks = 1.0 - truth("oha21")["dropout_16_weeks"]
    weeks = 31 * 365.25 / 12 / 7
    assert 1.0 - stay_16_weeks ** (weeks / 16) == pytest.approx(lost.part / lost.n, abs=1e-4)
    assert study("oha21").visits_weeks[-1] == round(weeks)


def test_document_004_gives_up_as_often_as_its_table_of_patients(ledger: Ledger) -> None:
    rows = ledger.fact("mas98.response.patients").values_as(PatientTable).patients
    held = truth("mas98")
    without = [row for row in rows if not row.improved and row.case != 7]  # 7: stopped for harm
    # a visit comes before each course, so courses c >= 2 mean c - 1 visits, the last of them a stop
    assert held["lack_of_effect_per_visit"] == len(without) / sum(r.courses - 1 for r in without)
    assert held["female_share"] == np.mean([row.sex == "F" for row in rows])
    on_it = ["Pred" in row.therapy for row in rows]
    assert held["prednisolone_share[refractory]"] == np.mean(on_it)
    most = max(row.courses for row in rows)
    assert len(study("mas98").courses_of("ivig")) == most


def test_the_fit_reads_the_plain_design_of_document_002() -> None:
    # a change here moves the posterior
    fitted = load_patient_design("documents/lim21_as_fitted")
    courses = [(c.week, c.dose_g_per_kg, c.days) for c in fitted.courses_of("ivig")]
    assert courses == [(0, 2.0, 2), (3, 1.0, 1), (6, 1.0, 1)]
    assert (fitted.visits_weeks, fitted.sample_size.n) == ((0, 3, 6, 9), 19)
    assert not fitted.arms["ivig"].dose_change
    assert not fitted.visits_from_patient
    assert document_design().arms == fitted.arms
    assert document_design().population == fitted.population
