"""The page of a result of outcomes alone, and the looks of any result: numbers, places, words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache

import pytest

from simtrial.core.provenance import canonical_json
from simtrial.report.page import page
from simtrial.report.result_file import checked
from tests.unit.results import (
    Document,
    event_power,
    outcome_power,
    outcome_size,
    outcome_size_without_answer,
    patients_sized_with_looks,
    patients_with_looks,
    shipped,
    signed,
    simulated_outcomes,
)
from tests.unit.test_page import Reader, at

ALONE = [outcome_power, simulated_outcomes, event_power, outcome_size, outcome_size_without_answer]
WITH_PATIENTS = [patients_with_looks, patients_sized_with_looks]
RESULTS = pytest.mark.parametrize("result", [*ALONE, *WITH_PATIENTS])


def text_of(document: Document) -> str:
    of_patients = any("kind" not in row for row in document["scenarios"])
    return page(checked(document, "test"), shipped() if of_patients else None)


def read(document: Document) -> Reader:
    return Reader(text_of(document))


@cache
def text_from(result: Callable[[], Document]) -> str:
    """Return the page of a result, made once for the tests that only read it."""
    return text_of(result())


def places(reader: Reader) -> set[str]:
    return {e.attributes["data-at"] for e in reader.all("data")}


@RESULTS
def test_every_number_is_the_document_s(result):
    document = result()
    numbers = Reader(text_from(result)).all("data")
    assert len(numbers) > 40
    for number in numbers:
        found = at(document, number.attributes["data-at"])
        text = number.text.replace(",", "")
        if found is None:
            assert (number.attributes["value"], text) == ("", "–")
            continue
        assert float(number.attributes["value"]) == found
        decimals = len(text.partition("e")[0].partition(".")[2])
        unit = 0.5 * 10.0**-decimals
        if re.match(r"/assumptions|/scenarios/\d/(rates|hazards|dropout|strata)|.*bound",
                    number.attributes["data-at"]):  # fmt: skip
            unit = 0.0005 * abs(found)  # at least four significant digits
        # rates of patients have three decimals; the widest of the two holds
        assert float(text) == pytest.approx(
            found, abs=1.000001 * max(unit, 0.5 * 10.0**-decimals if "." in text else 0.0), rel=0
        )


@RESULTS
def test_no_number_in_a_table_bypasses_the_document(result):
    text = re.sub(
        r'aria-label="Table: (counts of the example|inputs by family).*?</table>', "",
        text_from(result), flags=re.DOTALL,
    )  # fmt: skip
    cells = re.findall(r'<td class="n">(.*?)</td>', text, flags=re.DOTALL)
    assert len(cells) > 15
    for cell in cells:
        outside = re.sub(r"<data .*?</data>", "", cell, flags=re.DOTALL)
        assert not re.search(r"\d", outside), cell


@RESULTS
def test_every_chance_at_every_look_is_shown(result):
    document = result()
    found = places(Reader(text_from(result)))
    for i, row in enumerate(document["scenarios"]):
        for k, look in enumerate(row["looks"]):
            for key in ("reached", "success", "success_by", "futility", "futility_by"):
                parts = ("estimate", "mcse") if look[key]["replicates"] else ("estimate",)
                for part in parts:
                    assert f"/scenarios/{i}/looks/{k}/{key}/{part}" in found
            by = "events" if "events" in look else "n"
            assert f"/scenarios/{i}/looks/{k}/{by}" in found


@RESULTS
def test_every_metric_is_shown_and_every_truth_with_its_status_and_source(result):
    document = result()
    reader = Reader(text_from(result))
    found = places(reader)
    for i, row in enumerate(document["scenarios"]):
        for name in row["metrics"]:
            if document["command"] == "size" and name in ("power", "assurance"):
                continue  # on the curve
            assert f"/scenarios/{i}/metrics/{name}/estimate" in found
        if "kind" not in row:
            continue
        rows = [e.text for e in reader.all("tr") if row["source"] in e.text]
        for arm in row["given"][row["kind"]]:
            told = [text for text in rows if text.startswith(arm)]
            assert told, arm
            assert all("assumed" in text for text in told)
        if row["kind"] == "outcomes":
            assert all(any(w in text for text in rows) for w in row["truth"].values())


def test_exact_numbers_are_called_exact_and_have_no_error():
    reader = read(outcome_power())
    shown = " ".join(e.text for e in reader.all("dd"))
    assert shown.count("exact") == 3
    assert "MCSE" not in shown
    assert not [place for place in places(reader) if place.endswith("/mcse")]
    assert "trials a scenario" not in [e.text for e in reader.all("dt")]
    assert "computed exactly" in reader.all("p")[0].text


@pytest.mark.parametrize("result", [simulated_outcomes, event_power])
def test_simulated_numbers_have_errors_and_trials(result):
    document = result()
    reader = Reader(text_from(result))
    for i, row in enumerate(document["scenarios"]):
        for name in row["metrics"]:
            for part in ("mcse", "replicates"):
                assert f"/scenarios/{i}/metrics/{name}/{part}" in places(reader)
    assert "exact" not in " ".join(e.text for e in reader.all("td"))
    assert "by simulation" in reader.all("p")[0].text


@pytest.mark.parametrize("result", ALONE)
def test_a_page_of_outcomes_has_its_sections_and_none_of_patients(result):
    document = result()
    ids = Reader(text_from(result)).ids()
    sections = ["question", "answer", "sentence", "truth", "sizes", "looks", "inputs", "again"]
    if not document.get("protocol_sentence"):
        sections.remove("sentence")
    assert [i for i in ids if i in sections] == sections
    assert not {"control", "example", "belief", "harm", "response"} & set(ids)


def test_a_page_of_patients_and_outcomes_has_the_sections_of_both():
    document = patients_with_looks()
    reader = read(document)
    wanted = {"question", "answer", "looks", "truth", "response", "control", "example", "belief"}
    assert wanted <= set(reader.ids())
    found = places(reader)
    assert "/scenarios/0/observed_rates/ivig" in found
    assert "/scenarios/1/rates/ivig" in found
    assert "/scenarios/0/metrics/power/mcse" in found
    assert "/scenarios/1/metrics/power/mcse" not in found
    tables = [e for e in reader.elements if e.attributes.get("aria-label", "").startswith("Table")]
    words = next(e.text for e in tables if "response by arm" in e.attributes["aria-label"])
    assert "given_patients" not in words


@RESULTS
def test_no_id_is_used_twice_and_every_reference_has_its_target(result):
    reader = Reader(text_from(result))
    ids = reader.ids()
    assert len(ids) == len(set(ids))
    for element in reader.elements:
        for name, value in element.attributes.items():
            if name in ("href", "xlink:href"):
                assert value.startswith("#")
                assert value.removeprefix("#") in ids
            for target in re.findall(r"url\(#([^)]*)\)", value):
                assert target in ids
    assert not {"script", "link", "img", "iframe"} & {e.tag for e in reader.elements}
    for svg in reader.all("svg"):
        assert {"aria-label", "aria-labelledby", "aria-hidden"} & set(svg.attributes)


@RESULTS
def test_the_same_document_gives_the_same_bytes_also_from_its_file(result):
    document = result()
    assert text_of(json.loads(canonical_json(document))) == text_from(result)


def test_markup_in_the_user_s_words_stays_words():
    document = outcome_power()
    evil = '<script>alert(1)</script> & "quoted" $x$ {{ 7 * 7 }}'
    document["title"] = document["protocol"]["title"] = evil
    for row in document["scenarios"]:
        row["scenario"] = row["source"] = row["given"]["source"] = evil
    for number in document["assumptions"]:
        number["source"] = number["source"].replace("set in the scenario", evil)
    truths = signed(document)
    reader = read(truths)
    assert reader.all("script") == []
    assert reader.all("h1")[0].text == evil
    assert any(evil in e.text for e in reader.all("td"))


def test_without_an_answer_the_page_says_so_and_shows_the_largest_size():
    document = outcome_size_without_answer()
    reader = read(document)
    assert any(e.text.startswith("NO ANSWER. Power 0.8") for e in reader.all("p"))
    last = len(document["curve"]) - 1
    assert f"/curve/{last}/power/estimate" in places(reader)
    assert "/n" not in places(reader)


def test_an_interrupted_result_says_so():
    document = outcome_size()
    assert read(document).by_id("interrupted") is None
    told = read(document | {"interrupted": True}).by_id("interrupted").text
    assert document["rerun"] in told


def test_the_curve_of_an_exact_size_has_no_band_and_says_exact():
    from simtrial.report.curves import power_and_assurance

    document = outcome_size()
    (axes,) = power_and_assurance(document).axes
    assert not axes.collections
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["power (exact)"]
    (line,) = [a for a in axes.lines if a.get_gid() == "power"]
    assert list(line.get_ydata()) == [p["power"]["estimate"] for p in document["curve"]]
