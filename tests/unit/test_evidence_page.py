"""The page of the ledger: complete, well formed, the same each time, and the one in docs/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from simtrial.evidence.ledger import Ledger, load_ledger
from simtrial.evidence.proportions import adverse_event_rates, response_proportions
from simtrial.evidence.wording import place
from simtrial.report.evidence_forests import (
    harm_forest,
    response_forest,
    what_and_when,
)
from simtrial.report.evidence_page import HARM, PAGE, RESPONSE, evidence_page, save_page
from simtrial.report.forest import numbers_digest
from simtrial.report.markdown import escaped, table
from simtrial.report.tables import per_hundred
from tests.unit.made_up_ledger import NASTY, made_up_ledger

DOCS = Path(__file__).parents[2] / "docs"
STALE = "is not what the ledger gives now; run 'make docs' and commit what it writes"


@pytest.fixture(scope="module", params=["shipped", "made up"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return load_ledger() if request.param == "shipped" else made_up_ledger()


@pytest.fixture(scope="module")
def page(ledger: Ledger) -> str:
    return evidence_page(ledger)


def cells(line: str) -> list[str]:
    """Return the cells of a line of a table; an escaped pipe is no border."""
    return re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]


def tables(page: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("|"):
            lines.append(line)
        elif lines:
            yield lines
            lines = []


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_page_in_the_repository_is_that_of_the_present_ledger() -> None:
    kept = (DOCS / PAGE).read_text(encoding="utf-8")
    assert kept == evidence_page(load_ledger()), f"docs/{PAGE} {STALE}"


@pytest.mark.parametrize(
    ("name", "make"), [(RESPONSE, response_forest), (HARM, harm_forest)], ids=[RESPONSE, HARM]
)
def test_the_figures_in_the_repository_show_the_present_numbers(name: str, make: object) -> None:
    # letters are drawn by a font library, so their paths may differ between its versions
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert callable(make)
    assert f"numbers {numbers_digest(make(load_ledger()))}" in kept, f"docs/{name} {STALE}"


def test_the_same_ledger_gives_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (save_page(ledger, tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in one] == [PAGE, RESPONSE, HARM]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


def test_every_fact_stands_once_in_a_table_of_facts(ledger: Ledger, page: str) -> None:
    for fact in ledger.facts.values():
        assert page.count(f'<a id="{fact.id}"></a>') == 1, fact.id
        assert page.count(f"`{fact.id}`") == 1, fact.id


def test_a_row_has_what_is_printed_and_what_is_used(page: str, ledger: Ledger) -> None:
    rows = {
        row: line for line in page.splitlines() for row in re.findall(r'<a id="([^"]+)">', line)
    }
    for fact in ledger.facts.values():
        shown = rows[fact.id]
        for text in (fact.label, fact.printed, place(fact.locator), fact.role):
            assert f" {escaped(text)}" in shown or f">{escaped(text)}" in shown, (fact.id, text)


def test_subtypes_and_numbers_of_documents_have_columns_of_their_own() -> None:
    page = evidence_page(load_ledger())
    documents = next(tables(section(page, "Documents")))
    assert any(" 000 " in cells(line) for line in documents if "nan25" in line)
    (facts,) = [t for t in tables(section(page, "Facts of mas98")) if "| printed |" in t[0]]
    at = [cell.strip() for cell in cells(facts[0])].index("subtypes")
    found = {line.split("</a>")[1].split(" ")[0]: cells(line)[at].strip() for line in facts[2:]}
    assert (found["M13"], found["M9"], found["M15"]) == ("DM + PM + OM", "DM", "all")


def test_an_unusable_figure_is_not_called_used() -> None:
    page = evidence_page(load_ledger())
    (line,) = [line for line in page.splitlines() if '<a id="nan25.effective_end.ivig">' in line]
    assert "| not used; reading 20 of 21 |" in line


def test_every_table_has_as_many_cells_in_each_row(page: str) -> None:
    found = list(tables(page))
    assert len(found) > 8
    for lines in found:
        assert {len(cells(line)) for line in lines} == {len(cells(lines[0]))}, lines[0]
        assert re.fullmatch(r"(\| --[-:] )+\||(\|---)+\|", lines[1])


def test_a_markdown_reader_sees_the_same_tables(page: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    lines = sum(len(one) - 1 for one in tables(page))  # without the rules
    assert html.count("<tr>") == lines
    assert html.count("<table>") == len(list(tables(page)))


def test_every_link_leads_to_a_place_of_the_page(page: str) -> None:
    targets = re.findall(r"\]\(#([^)]+)\)", page)
    heads = {h.lower().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    places = heads | set(re.findall(r'<a id="([^"]+)">', page))
    assert targets
    assert set(targets) <= places


def test_any_text_is_shown_as_it_is() -> None:
    html = MarkdownIt().enable(["table", "strikethrough"]).render(table(("head",), [[NASTY]]))
    (shown,) = re.findall(r"<td>(.*)</td>", html)
    plain = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert plain == NASTY


def test_no_text_of_a_ledger_becomes_markup() -> None:
    page = evidence_page(made_up_ledger())
    assert "&lt;b&gt;a tag" in section(page, "Facts of made0")
    assert not re.search(r"<(?!a id=\"[^\"]+\">|/a>|br>)|(?<!\\)\*stars|(?<!\\)\$sums", page)


def test_numbers_of_the_figures_stand_below_them(page: str, ledger: Ledger) -> None:
    for title, selection in (
        ("Response proportions", response_proportions(ledger)),
        ("Adverse events", adverse_event_rates(ledger)),
    ):
        part = section(page, title)
        (numbers, *_) = tables(part)
        assert len(numbers) - 2 == len(selection.rates)
        for rate, line in zip(selection.rates, numbers[2:], strict=True):
            low, high = rate.interval
            assert f"| {per_hundred(rate.count / rate.n)} |" in line
            assert f"| {100 * low:.1f} to {100 * high:.1f} |" in line
            assert re.search(rf"\| {rate.count} (of|in) {rate.n}\b", line)
        for left in selection.left_out:
            assert f"(#{left.fact.id})" in part


def test_second_hand_figures_stand_apart(page: str, ledger: Ledger) -> None:
    apart = section(page, "Second-hand figures")
    for fact in ledger.facts.values():
        quoted = ledger.cohort(fact.cohort).study is not None
        assert (f"`{fact.id}`" in apart) == quoted, fact.id


def test_the_patients_of_a_printed_table_are_all_shown() -> None:
    part = section(evidence_page(load_ledger()), "Facts of mas98")
    (patients,) = (lines for lines in tables(part) if "| case |" in lines[0])
    assert [cells(line)[0].strip() for line in patients[2:]] == [str(i) for i in range(1, 17)]
    assert (
        "| 13 | M | 65 | IBM | IBM | 6 | none | 3 | − | − | -1.9 NS | 460 | 910 \\* |" in patients
    )


def test_a_half_is_rounded_up_as_documents_do() -> None:
    rates = {r.fact.label: r for r in adverse_event_rates(load_ledger()).rates}
    assert (rates["M15"].count, rates["M15"].n) == (5, 16)
    assert per_hundred(rates["M15"].count / rates["M15"].n) == "31.3"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("L22", "TIS >= 40 at least once by week 9"),
        ("L25", "TIS >= 20 at the last assessment (week 9)"),
        ("M20", "marked improvement, as cited; time not stated"),
        ("N16", "dysphagia improved, by a criterion that is not stated; at month 3"),
    ],
)
def test_a_time_that_the_endpoint_names_is_not_said_twice(label: str, said: str) -> None:
    fact = load_ledger().by_label(label)
    assert what_and_when(fact, fact.endpoint) == said


def test_a_ledger_without_counts_or_harm_has_a_page_too() -> None:
    whole = load_ledger()
    kept = {i: f for i, f in whole.facts.items() if f.kind == "median_iqr" and not f.nested_in}
    page = evidence_page(Ledger(documents=whole.documents, facts=kept))
    assert "Forest of 0 response proportions" in page
