"""The HTML page of a result: what it says, and what it may not hold."""

from __future__ import annotations

import itertools
import json
import re
from html.parser import HTMLParser
from typing import Any, NamedTuple

import pytest

from simtrial.core.provenance import canonical_json
from simtrial.report.page import page
from simtrial.report.result_file import checked
from tests.unit.results import (
    Document,
    power_result,
    shipped,
    signed,
    size_result,
    without_answer,
)

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "circle", "use"}
SECTIONS = ["question", "answer", "sentence", "sizes", "response", "control", "example", "belief",
            "inputs", "again"]  # fmt: skip


class Element(NamedTuple):
    """One element: its tag, attributes, and all text inside it."""

    tag: str
    attributes: dict[str, str]
    pieces: list[str]
    parents: list[str]

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


class Reader(HTMLParser):
    """Collects every element with its text; complains of tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()
        assert self._open == [], "tags left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {tag}"
        element = Element(tag, {k: v or "" for k, v in attrs}, [], [e.tag for e in self._open])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {k: v or "" for k, v in attrs}, [], []))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop().tag == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.pieces.append(data)

    def all(self, tag: str) -> list[Element]:
        return [e for e in self.elements if e.tag == tag]

    def by_id(self, name: str) -> Element | None:
        return next((e for e in self.elements if e.attributes.get("id") == name), None)

    def ids(self) -> list[str]:
        return [e.attributes["id"] for e in self.elements if "id" in e.attributes]


def at(document: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def read(document: Document) -> Reader:
    return Reader(page(checked(document, "test"), shipped()))


RESULTS = pytest.mark.parametrize("result", [size_result, power_result, without_answer])


@RESULTS
def test_every_number_of_the_result_is_the_document_s(result):
    document = result()
    numbers = read(document).all("data")
    assert len(numbers) > 80
    for number in numbers:
        found = at(document, number.attributes["data-at"])
        value, text = number.attributes["value"], number.text.replace(",", "")
        if found is None:
            assert (value, text) == ("", "–")
            continue
        assert float(value) == found  # the full value, not the rounded one
        decimals = len(text.partition(".")[2])
        unit = 0.5 * 10.0**-decimals
        if number.attributes["data-at"].startswith("/assumptions"):
            unit = 0.0005 * abs(found)  # four significant digits
        assert float(text) == pytest.approx(found, abs=1.000001 * unit, rel=0)


@RESULTS
def test_no_number_in_a_table_of_the_result_bypasses_the_document(result):
    text = page(result(), shipped())
    # two tables count instead: patients of the example, and inputs by status
    text = re.sub(
        r'aria-label="Table: (counts of the example|inputs by family).*?</table>', "", text,
        flags=re.DOTALL,
    )  # fmt: skip
    cells = re.findall(r'<td class="n">(.*?)</td>', text, flags=re.DOTALL)
    assert len(cells) > 60
    for cell in cells:
        outside = re.sub(r"<data .*?</data>", "", cell, flags=re.DOTALL)
        assert not re.search(r"\d", outside), cell


def test_the_answer_stands_there_with_its_errors():
    document = size_result()
    pointers = {e.attributes["data-at"] for e in read(document).all("data")}
    i = [point["n"] for point in document["curve"]].index(document["n"])
    wanted = {"/n", "/n_interval/0", "/n_interval/1", "/target/value"}
    for kind in ("power", "assurance"):
        wanted |= {f"/curve/{i}/{kind}/{part}" for part in ("estimate", "mcse", "replicates")}
    assert wanted <= pointers


def test_every_scenario_s_response_is_shown_with_its_error():
    document = power_result()
    pointers = {e.attributes["data-at"] for e in read(document).all("data")}
    for i, row in enumerate(document["scenarios"]):
        for kind in ("rates", "rates_mcse", "observed_rates", "observed_rates_mcse"):
            assert {f"/scenarios/{i}/{kind}/{arm}" for arm in row[kind]} <= pointers
        for name in row["metrics"]:
            assert f"/scenarios/{i}/metrics/{name}/mcse" in pointers


def test_each_arm_s_response_stands_under_its_own_name():
    text = page(power_result(), shipped())
    table = re.search(r'aria-label="Table: response by arm">(.*?)</table>', text, re.DOTALL)[1]
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)[2:]
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.DOTALL)
    assert len(rows) == 3
    for i, row in enumerate(rows):
        places = re.findall(r'data-at="/scenarios/(\d)/(\w+)/(\w+)"', row)[0::2]
        kinds = {"composite": "rates", "as observed": "observed_rates"}
        wanted = [(str(i), kinds[h.split(", ")[1]], h.split(", ")[0]) for h in heads]
        assert places == wanted


def test_sections_come_in_their_order():
    found = [i for i in read(size_result()).ids() if i in SECTIONS]
    assert found == SECTIONS


@RESULTS
def test_headings_go_down_one_step_at_a_time(result):
    levels = [int(e.tag[1]) for e in read(result()).elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


@RESULTS
def test_nothing_is_loaded_from_anywhere(result):
    reader = read(result())
    loading = {
        "src",
        "href",
        "xlink:href",
        "srcset",
        "poster",
        "action",
        "formaction",
        "background",
    }
    for element in reader.elements:
        assert element.tag not in {"script", "link", "img", "iframe", "object", "embed", "image"}
        for name, value in element.attributes.items():
            if name in loading:
                assert value.startswith("#"), f"{element.tag} {name}={value}"
            assert not name.startswith("on"), f"{element.tag} has {name}"
            for target in re.findall(r"url\(([^)]*)\)", value):
                assert target.startswith("#")
    styles = " ".join(e.text for e in reader.all("style"))
    assert "@import" not in styles
    assert "url(" not in styles.replace("url(#", "")


@RESULTS
def test_every_reference_inside_the_page_has_its_target_and_no_id_is_used_twice(result):
    reader = read(result())
    ids = reader.ids()
    assert len(ids) == len(set(ids))
    for element in reader.elements:
        targets = element.attributes.get("aria-labelledby", "").split()
        for name in ("href", "xlink:href"):
            if name in element.attributes:
                targets.append(element.attributes[name].removeprefix("#"))
        assert set(targets) <= set(ids), element
    assert reader.all("html")[0].attributes["lang"] == "en"
    for svg in reader.all("svg"):
        named = {"aria-label", "aria-labelledby", "aria-hidden"} & set(svg.attributes)
        assert named, "a figure without words"


@RESULTS
def test_the_same_document_gives_the_same_bytes_also_from_its_file(result):
    document = result()
    once = page(document, shipped())
    assert page(json.loads(canonical_json(document)), shipped()) == once
    assert len(once.encode()) < 500_000


def test_a_trial_of_thousands_stays_below_two_megabytes_and_says_who_is_drawn():
    document = power_result()
    document["protocol"]["sample_size"]["n"] = 3_000
    reader = read(signed(document))
    text = page(signed(document), shipped())
    assert len(text.encode()) < 2_000_000
    assert "the first 400 of 3000 patients" in reader.by_id("example-drawn").text
    assert sum("Simulated patients" in e.text for e in reader.all("title")) == 10


def test_markup_in_the_user_s_words_stays_words():
    document = power_result()
    evil = '<script>alert(1)</script> & "quoted" $x$ {{ 7 * 7 }}'
    document["title"] = document["protocol"]["title"] = evil
    document["scenarios"][0]["scenario"] = evil
    document["assumptions"][0]["source"] = evil
    reader = read(signed(document))
    assert reader.all("script") == []
    (heading,) = reader.all("h1")
    assert heading.text == evil
    assert any(evil in e.text for e in reader.all("td"))


def test_a_document_without_an_answer_says_so_and_shows_the_limit():
    document = without_answer()
    reader = read(document)
    answer = " ".join(e.text for e in reader.all("p") if e.text.startswith("NO ANSWER"))
    assert "not reached" in answer
    last = len(document["curve"]) - 1
    pointers = {e.attributes["data-at"] for e in reader.all("data")}
    assert f"/curve/{last}/power/estimate" in pointers
    assert "/n" not in pointers
    assert reader.by_id("sentence") is None
    assert not any("smallest n" in e.text for e in reader.all("td"))


def test_an_interrupted_document_says_so_and_may_lack_a_curve():
    document = size_result()
    assert read(document).by_id("interrupted") is None
    for point in document["curve"]:
        del point["assurance"]
    document |= {"interrupted": True, "scenarios": document["scenarios"][:1]}
    told = read(document).by_id("interrupted").text
    assert "INTERRUPTED" in told
    assert "second curve is missing" in told
    assert document["rerun"] in told


def test_a_power_document_has_its_scenarios_in_place_of_the_curve():
    reader = read(power_result())
    assert reader.by_id("sizes").text == "Scenarios"
    assert reader.by_id("sentence") is None
    assert not any("Figure: power" in e.attributes.get("aria-label", "") for e in reader.elements)
    words = reader.by_id("scenarios-table").text
    for part in ("type I error", "bias", "coverage", "assurance", "power"):
        assert part in words


def test_harm_has_a_section_with_every_share_of_every_scenario_and_arm():
    document = power_result()
    reader = read(document)
    assert reader.by_id("harm") is not None
    pointers = {e.attributes["data-at"]: e.text for e in reader.all("data")}
    n = 0
    for i, row in enumerate(document["scenarios"]):
        for arm, found in row["harm"].items():
            for name, metric in found.items():
                for part in ("estimate", "mcse"):
                    at = f"/scenarios/{i}/harm/{arm}/{name}/{part}"
                    assert pointers[at] == f"{metric[part]:.4f}"
                    n += 1
    assert n == len(document["scenarios"]) * 2 * 5 * 2
    assert document["scenarios"][0]["harm"]["ivig"]["reaction_patients"]["estimate"] > 0.0
    order = [i for i in reader.ids() if i in ("example", "harm", "belief")]
    assert order == ["example", "harm", "belief"]


def test_harm_of_an_arm_without_patients_is_a_dash_and_a_result_without_harm_has_no_section():
    document = power_result()
    for row in document["scenarios"]:
        row["harm"]["placebo"]["serious_patients"] = None
    assert read(document).by_id("harm") is not None
    for row in document["scenarios"]:
        del row["harm"]
    assert read(document).by_id("harm") is None


def test_without_its_posterior_a_page_leaves_the_example_out_and_says_why():
    document = size_result()
    for text in (page(document), page(document | {"posterior": "feed"}, shipped())):
        reader = Reader(text)
        told = next(e.text for e in reader.all("p") if e.text.startswith("LEFT OUT"))
        assert "--posterior FILE" in told
        assert "SYNTHETIC" not in text


def test_another_version_s_result_gets_neither_example_nor_this_version_s_limits():
    document = size_result() | {"simtrial": "0.0.1"}
    text = page(document, shipped())
    assert "LEFT OUT" in text
    assert "0.0.1" in text
    assert "Not built yet" not in text


def test_the_example_is_marked_synthetic_in_words_and_in_each_picture():
    reader = read(size_result())
    pictures = [e for e in reader.all("svg") if "aria-labelledby" in e.attributes]
    assert len(pictures) >= 2
    assert all("SYNTHETIC" in picture.text for picture in pictures)
    assert any(e.text.startswith("SYNTHETIC.") for e in reader.all("p"))
