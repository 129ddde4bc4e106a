"""The ledger against an independent second reading of the same documents.

The second reader wrote his file from the documents, without seeing the ledger. Every fact that
says ``second: agrees`` is compared here, and every fact that is compared says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from simtrial.core.config import read_yaml
from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.records import Fact
from simtrial.evidence.values import (
    Count,
    Interval,
    MedianIqr,
    Mix,
    Multinomial,
    Patient,
    Percentage,
    Proportion,
    Subtype,
    Times,
    Values,
)
from simtrial.stats.intervals import METHOD_NAMES

READING = Path(__file__).parents[1] / "independent" / "second_reading.yaml"

Reading = Mapping[str, Any]
Expected = Callable[[Reading], Values]

MEASURES = ("physician", "patient", "mmt", "haq", "ck", "extramuscular")
GROUPS = {"all": "all", "dm": "dm", "imnm": "imnm", "om": "nm_om", "asys": "ass"}
NUMBER_WORDS = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5},
    **{"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
}


def quartiles(printed: Any) -> MedianIqr:
    """Return median and quartiles; the quartiles of a change may stand in either order."""
    if not isinstance(printed, list):
        return MedianIqr(q1=printed, median=printed, q3=printed)
    median, *ends = printed
    if not ends:
        return MedianIqr(q1=median, median=median, q3=median)
    return MedianIqr(q1=min(ends), median=median, q3=max(ends))


def percentage(printed: float) -> Percentage:
    """Return a percentage; one that is read as a whole number is printed without decimals."""
    return Percentage(percent=printed, decimals=0 if isinstance(printed, int) else 1)


def measure(name: str, when: str) -> Expected:
    return lambda second: quartiles(second[f"lim21.{name}"][when])


def women(group: str) -> Expected:
    total = "total" if group == "all" else group
    return lambda second: Proportion(
        n=second["lim21.mix"][total], part=second["lim21.female"][group]
    )


def age(group: str) -> Expected:
    return lambda second: quartiles(second["lim21.age"][group])


def screened(field: str) -> Expected:
    return lambda second: Proportion(
        n=second["lim21.screening"]["screened"], part=second["lim21.screening"][field]
    )


def analysed(key: str, field: str) -> Expected:
    """Return an endpoint of all in the analysis; a count printed as none is 0."""

    def expected(second: Reading) -> Count:
        number = second[key][field]
        return Count(n=second["lim21.mix"]["total"], responders=_zero_for_none(number))

    return expected


def responders(*keys: str) -> Expected:
    """Return a response of document mas98, printed in the same way at one or several places."""

    def expected(second: Reading) -> Count:
        read = {(second[key]["responders"], second[key]["n"]) for key in keys}
        assert len(read) == 1, f"{keys} are not read alike: {read}"
        ((improved, n),) = read
        return Count(n=n, responders=improved)

    return expected


def mix_of_clinic(key: str) -> Expected:
    def expected(second: Reading) -> Mix:
        read = second[key]
        cells: dict[Subtype, int] = {
            "DM": read["dm"],
            "PM": read["pm"],
            "OM": read["overlap"],
            "IBM": read["ibm"],
        }
        return Mix(n=read["total"], cells=cells)

    return expected


def mix_of_analysis(second: Reading) -> Mix:
    read = second["lim21.mix"]
    cells: dict[Subtype, int] = {
        "DM": read["dm"],
        "IMNM": read["imnm"],
        "OM": read["nm_om"],
        "ASyS": read["ass"],
    }
    return Mix(n=read["total"], cells=cells)


def first_reached(second: Reading) -> Times:
    read, n = second["lim21.tis40_first"], second["lim21.mix"]["total"]
    first = {week: read[f"by_week_{week}"] for week in (3, 4, 6)}
    return Times(n=n, never=n - second["lim21.tis40_by_w9"]["responders"], first_by_week=first)


def course(second: Reading) -> Multinomial:
    first = second["lim21.tis40_first"]
    n, reached = second["lim21.mix"]["total"], second["lim21.tis40_by_w9"]["responders"]
    kept, lost = second["lim21.tis20_by_w9"]["patients"], second["lim21.tis20_lost"]["patients"]
    by_week_6 = sum(first[f"by_week_{week}"] for week in (3, 4, 6))
    cells = {f"tis40_first_w{week}": first[f"by_week_{week}"] for week in (3, 4, 6)} | {
        "tis40_first_w9": reached - by_week_6,
        "tis20_kept": kept - reached,
        "tis20_lost": lost,
        "never": n - kept - lost,
    }
    return Multinomial(n=n, cells=cells)


def amended(second: Reading) -> Multinomial:
    read = second["lim21.amended_regimen"]
    ended, no_further = read["ended_early"], read["no_further_improvement"]
    improved = read["eligible"] - ended - no_further
    cells = {"ended_early": ended, "no_further_improvement": no_further, "improved": improved}
    return Multinomial(n=read["eligible"], cells=cells)


def of_all_included(key: str) -> Expected:
    """Return patients of all included of document lim21; the second reader writes ``all``."""

    def expected(second: Reading) -> Proportion:
        read, n = second[key]["patients"], second["lim21.screening"]["included"]
        return Proportion(n=n, part=n if read == "all" else read)

    return expected


def of_all_entered(key: str) -> Expected:
    def expected(second: Reading) -> Proportion:
        return Proportion(n=second["mas98.minor_reactions"]["n"], part=second[key]["patients"])

    return expected


def with_kind(*kinds: str) -> Expected:
    """Return the patients of document mas98 whose serious reaction is of these kinds."""

    def expected(second: Reading) -> Proportion:
        read = second["mas98.serious_reactions"]
        assert len(read["kinds"]) == len(read["cases"]) == read["patients"]
        part = sum(kind in kinds for kind in read["kinds"])
        return Proportion(n=second["mas98.minor_reactions"]["n"], part=part)

    return expected


def stopped(serious: str, stopped_key: str) -> Expected:
    """Return those who stopped, of those with a serious event."""
    return lambda second: Proportion(
        n=second[serious]["patients"], part=second[stopped_key]["patients"]
    )


def serious_events(second: Reading) -> Multinomial:
    read = second["lim21.serious_events"]
    ours = {
        "pulmonary embolism": "thromboembolism",
        "anaemia and dehydration": "anaemia_and_dehydration",
        "folliculitis": "folliculitis_or_abscess",
    }
    cells = dict.fromkeys(ours.values(), 0)
    for kind in read["kinds"]:
        cells[ours[kind]] += 1
    return Multinomial(n=read["events"], cells=cells)


def minor_kinds(second: Reading) -> Multinomial:
    read = second["mas98.minor_reactions"]
    kinds = ("local_erythema", "itching", "rash", "headache")
    return Multinomial(n=read["patients"], cells={kind: read[kind] for kind in kinds})


def discussion(second: Reading) -> Count:
    read = second["mas98.dmpm_discussion"]
    n = read["responders"] + read["others_deteriorated"]
    return Count(n=n, responders=read["responders"])


COMPARED: dict[str, Expected] = {
    "lim21.included.screened": screened("included"),
    "lim21.excluded_immunosuppression.screened": screened("reason_prior_immunosuppression"),
    "lim21.excluded_minimal_disability.screened": screened("reason_minimal_disability"),
    "lim21.excluded_duration.screened": screened("reason_duration"),
    "lim21.waned_before_amendment.first_ten": lambda second: Proportion(
        n=second["lim21.amendment"]["patients_before"], part=second["lim21.amendment"]["waned"]
    ),
    "lim21.subtype_mix.analysed": mix_of_analysis,
    **{f"lim21.age_onset.{ours}": age(theirs) for ours, theirs in GROUPS.items()},
    **{f"lim21.female.{ours}": women(theirs) for ours, theirs in GROUPS.items()},
    "lim21.tis_course.ivig": course,
    "lim21.tis40_by_w9.ivig": lambda second: Count(
        n=second["lim21.tis40_by_w9"]["n"], responders=second["lim21.tis40_by_w9"]["responders"]
    ),
    "lim21.tis40_first.ivig": first_reached,
    "lim21.tis20_at_end.ivig": analysed("lim21.tis20_by_w9", "patients"),
    "lim21.tis20_lost.ivig": analysed("lim21.tis20_lost", "patients"),
    "lim21.tis20_discussion.included": lambda second: percentage(
        second["lim21.tis20_discussion"]["percent"]
    ),
    "lim21.amended_regimen.ivig": amended,
    "lim21.rescue.ivig": analysed("lim21.rescue", "patients"),
    "lim21.deterioration.ivig": analysed("lim21.deterioration", "patients"),
    **{
        f"lim21.{name}_{when}.all": measure(name, when)
        for name in MEASURES
        for when in ("baseline", "end", "change")
    },
    "mas98.subtype_mix.clinic": mix_of_clinic("mas98.source_population"),
    "mas98.subtype_mix.entered": mix_of_clinic("mas98.entered"),
    "mas98.response_abstract.dm_pm": responders("mas98.dmpm_abstract"),
    "mas98.response_discussion.dm_pm": discussion,
    "mas98.response.dm": responders("mas98.dm_results"),
    "mas98.response.pm": responders("mas98.pm_results"),
    "mas98.response.overlap": responders("mas98.overlap_abstract", "mas98.overlap_results"),
    "mas98.response.ibm": responders("mas98.ibm_abstract", "mas98.ibm_results"),
    "lim21.adverse_event.ivig": of_all_included("lim21.adverse_events"),
    "lim21.serious_events.ivig": serious_events,
    "lim21.serious_patients.ivig": of_all_included("lim21.serious_events"),
    "lim21.thromboembolism.ivig": of_all_included("lim21.pulmonary_embolism"),
    "lim21.stopped_for_harm.ivig": stopped(
        "lim21.serious_events", "lim21.stopped_for_adverse_events"
    ),
    "mas98.minor_reactions.ivig": of_all_entered("mas98.minor_reactions"),
    "mas98.reaction_kinds.ivig": minor_kinds,
    "mas98.serious_patients.ivig": of_all_entered("mas98.serious_reactions"),
    "mas98.serious_other.ivig": with_kind("septicaemia"),
    "mas98.thromboembolism.ivig": with_kind("stroke"),
    "mas98.death.ivig": of_all_entered("mas98.death"),
    "mas98.stopped_for_harm.ivig": stopped(
        "mas98.serious_reactions", "mas98.stopped_for_reactions"
    ),
}
# compared in tests of their own below
ELSEWHERE = {
    "mas98.response.patients",
    "mas98.serious_reactions.courses",
    "mas98.time_to_improvement.dm",
    "mas98.time_to_improvement.pm",
    "mas98.time_to_improvement.overlap",
    "mas98.transient_improvement.dm",
}


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


@pytest.fixture(scope="module")
def second() -> Reading:
    reading: Reading = _flat(read_yaml(READING).data)
    return reading


def test_what_says_agrees_is_what_is_compared(ledger: Ledger) -> None:
    said = {fact.id for fact in _read_twice(ledger) if fact.readings.second == "agrees"}
    assert said == set(COMPARED) | ELSEWHERE


def test_what_the_second_reader_did_not_read_says_so(ledger: Ledger) -> None:
    others = [f for f in _read_twice(ledger) if f.id not in set(COMPARED) | ELSEWHERE]
    assert all(fact.readings.second is None for fact in others)


@pytest.mark.parametrize("fact_id", COMPARED)
def test_a_fact_prints_what_the_second_reader_read(
    ledger: Ledger, second: Reading, fact_id: str
) -> None:
    assert ledger.fact(fact_id).as_printed == COMPARED[fact_id](second)


def test_the_printed_percentage_and_interval_are_read_alike(
    ledger: Ledger, second: Reading
) -> None:
    read, fact = second["lim21.tis40_by_w9"], ledger.fact("lim21.tis40_by_w9.ivig")
    percentage, interval = _alternative(fact, Percentage), _alternative(fact, Interval)
    assert percentage.percent == read["percent"]
    assert [interval.low, interval.high] == read["interval"]
    assert interval.method is not None
    assert METHOD_NAMES[interval.method] == read["interval_method_named"]


def test_all_courses_are_read_alike(ledger: Ledger, second: Reading) -> None:
    total = second["mas98.total_courses"]
    printed = next(iter(total.values())) if isinstance(total, dict) else total
    courses = ledger.fact("mas98.serious_reactions.courses").values_as(Proportion)
    assert courses.n == printed


def test_courses_and_ages_by_case_are_read_alike(ledger: Ledger, second: Reading) -> None:
    ages, courses = second["mas98.ages_by_case"], second["mas98.courses_by_case"]
    for patient in ledger.patients("mas98"):
        assert patient.age_years == ages[patient.case]
        assert patient.courses == _courses(courses[patient.case])


@pytest.mark.parametrize(
    ("fact_id", "printed"),
    [
        # an interval from the start (low 0) is printed as its end only
        ("mas98.time_to_improvement.dm", lambda of: [{of.low, of.high}]),
        ("mas98.time_to_improvement.pm", lambda of: [{of.high}]),
        ("mas98.time_to_improvement.overlap", lambda of: [{of.low, of.high}]),
        # days, or days and then weeks
        ("mas98.transient_improvement.dm", lambda of: [{of.low, of.high}, {of.low, of.high / 7}]),
    ],
)
def test_a_time_of_improvement_is_one_that_the_second_reader_has(
    ledger: Ledger, second: Reading, fact_id: str, printed: Callable[[Interval], list[set[float]]]
) -> None:
    theirs = [_numbers(entry) for entry in second["mas98.time_to_response"].values()]
    either = printed(ledger.fact(fact_id).values_as(Interval))
    assert any(times in theirs for times in either)


def test_there_are_as_many_patients_as_the_second_reader_has(
    ledger: Ledger, second: Reading
) -> None:
    assert len(ledger.patients("mas98")) == len(_rows(second))


@pytest.mark.parametrize("case", range(1, 17))
def test_a_patient_is_read_alike(ledger: Ledger, second: Reading, case: int) -> None:
    (ours,) = [patient for patient in ledger.patients("mas98") if patient.case == case]
    (theirs,) = [row for row in _rows(second) if row["case"] == case]
    assert _of_patient(ours) == _of_row(theirs)


def _of_patient(patient: Patient) -> dict[str, Any]:
    return {
        "sex": patient.sex,
        "age": patient.age_years,
        "diagnosis": patient.diagnosis,
        "duration": "<1" if patient.under_one else patient.duration_years,
        "courses": patient.courses,
        "functional": patient.functional_improved,
        "mrc": patient.mrc_improved,
        "myometer": patient.myometer_change_percent,
        "not_significant": patient.myometer_significant is False,
        "ck_before": patient.ck_before,
        "ck_after": patient.ck_after,
        "prednisone_stopped": patient.prednisone_stopped,
    }


def _of_row(row: Reading) -> dict[str, Any]:
    duration = row["duration_y"]
    under_one = isinstance(duration, str) or duration < 1
    return {
        "sex": row["sex"],
        "age": row["age"],
        "diagnosis": row["diagnosis"],
        "duration": "<1" if under_one else duration,
        "courses": _courses(row["courses"]),
        "functional": _improved(row["functional"]),
        "mrc": _improved(row["mrc"]),
        "myometer": _performed(row.get("myometer_percent")),
        "not_significant": bool(row.get("myometer_ns")),
        "ck_before": _performed(row.get("ck_before")),
        "ck_after": _performed(row.get("ck_after")),
        "prednisone_stopped": bool(row.get("prednisone_stopped")),
    }


def _courses(read: Any) -> int:
    """Return all courses of a patient, printed as 4, ``1 + 3`` or [1, 3]."""
    return sum(int(series) for series in re.findall(r"\d+", str(read)))


def _improved(read: Any) -> bool:
    assert read in ("+", "-", True, False), read
    return read in ("+", True)


def _performed(read: Any) -> Any:
    return None if read in ("NP", None) else read


def _zero_for_none(read: Any) -> int:
    return 0 if read == "none" else int(read)


def _numbers(read: Any) -> set[float]:
    """Return every number of a reading, however deep, in figures or in words."""
    if isinstance(read, Mapping):
        return set().union(*map(_numbers, [*read.keys(), *read.values()]))
    if isinstance(read, list):
        return set().union(*map(_numbers, read))
    if isinstance(read, str):
        words = {NUMBER_WORDS[w] for w in re.findall(r"[a-z]+", read.lower()) if w in NUMBER_WORDS}
        return {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", read)} | words
    return {float(read)} if isinstance(read, int | float) else set()


def _read_twice(ledger: Ledger) -> list[Fact]:
    return [fact for fact in ledger.facts.values() if fact.document in ("lim21", "mas98")]


def _alternative[V: Values](fact: Fact, record: type[V]) -> V:
    (values,) = [a.values for a in fact.alternatives if isinstance(a.values, record)]
    return values


def _rows(second: Reading) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = second["mas98.patients"]
    return rows


def _flat(read: Any) -> dict[str, Any]:
    """Return the reading by ``document.key``, whether the file nests or dots its keys."""
    flat: dict[str, Any] = {}
    for key, value in read.items():
        if "." not in str(key) and isinstance(value, dict):
            flat |= {f"{key}.{inner}": below for inner, below in value.items()}
        else:
            flat[str(key)] = value
    return flat
