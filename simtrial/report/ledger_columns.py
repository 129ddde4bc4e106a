"""The dictionary of the ledger's tables: what each column means, in which unit, with which values.

Tables are built from these entries, so a column without one cannot be written.
"""

from __future__ import annotations

from simtrial.report.columns import Column

_ABSENT = "empty where there is none"
_YES_NO = "0 no, 1 yes"
_FACT = Column("fact", "text", "", "facts.id", "the fact")
_DOCUMENT = Column("document", "text", "", "documents.id", "the document")
_READING = Column(
    "reading",
    "text",
    "",
    "used; as_printed; alternative 1, 2, ...",
    "used: the reading that the ledger goes on with. as_printed: what stands there instead, where "
    "it is set aside. alternative: other readings and figures. A fact without as_printed is used "
    "as it is printed, but for what is derived or restored",
)
_ALTERNATIVE = Column(
    "alternative", "whole", "", "1, 2, ...", "number of the alternative within its fact"
)


def _text(name: str, values: str, meaning: str) -> Column:
    return Column(name, "text", "", values, meaning)


_TABLES: dict[str, tuple[Column, ...]] = {
    "facts": (
        _text("id", "study.quantity_when.group", "the fact; it names the rows of other tables"),
        _text("label", "unique", "short label"),
        _text("rows", "separated by '; '", "rows of the catalogue of figures that the label names"),
        _DOCUMENT,
        _text("section", _ABSENT, "section of the document"),
        _text("table", _ABSENT, "table of the document"),
        Column("first_line", "whole", "", "1, 2, ...", "first line of the place in the text"),
        Column("last_line", "whole", "", "1, 2, ...", "last line of the place in the text"),
        _text("digits", "separated by spaces", "numbers exactly as they stand at the place"),
        _text("printed", "", "what stands there, in a few words"),
        _text("kind", "count, proportion, ...", "kind of figure; it says which numbers belong to"),
        _text("unit", "", "unit of the figure"),
        _text("quantity", "", "what is measured, without the time"),
        _text("cohort", "cohorts.id", "the set of patients"),
        Column("cohort_n", "whole", "patients", "1, 2, ...", "size of that set"),
        Column("n", "whole", "patients", "1, 2, ...", "how many of them the figure is about"),
        _text("subtypes", "separated by '; '; empty for all", "subtypes it is about"),
        _text("line", f"first_line, refractory; {_ABSENT}", "line of treatment"),
        _text("arm", _ABSENT, "what the patients were given"),
        _text("regimen", _ABSENT, "dose and schedule"),
        _text("endpoint", "", "what was counted or measured"),
        _text(
            "timing",
            "by, at, end, baseline",
            "by: ever up to then; at: on it; end: last assessment",
        ),
        Column("week", "real", "weeks", _ABSENT, "when, where the document counts weeks"),
        Column("months", "real", "months", _ABSENT, "when, where the document counts months"),
        Column("from_months", "real", "months", "empty for baseline", "start of a change"),
        _text("when", "", "the time in words"),
        _text("value", "", "the used reading in words; its numbers are in table figures"),
        _text("p_value", _ABSENT, "as printed"),
        _text("restored", _ABSENT, "what the text lost (dashes, signs), and what brings it back"),
        _text(
            "derived",
            f"number = arithmetic; words, separated by ' | '; {_ABSENT}",
            "numbers that are not printed, from those that are",
        ),
        _text(
            "role",
            "fit, check, context, unusable",
            "fit: in a likelihood. check: compared with what a fit predicts. context: neither. "
            "unusable: must not be read",
        ),
        _text("read_by", f"separated by '; '; {_ABSENT}", "what reads the fact"),
        _text("reason", _ABSENT, "why the fact is unusable"),
        _text("status", "read twice, provisional", "whether a second reader has read it"),
        _text("first_reading", "", "the first reading"),
        _text(
            "second_reading",
            "agrees; what was read; empty where nobody did",
            "the second reading, of the same place",
        ),
        _text("resolved", _ABSENT, "why the values stand where the second reader read otherwise"),
        _text("nested_in", f"facts.id; {_ABSENT}", "fact that holds the same information"),
        Column(
            "second_hand",
            "flag",
            "",
            _YES_NO,
            "whether the document cites the figure from another study",
        ),
        _text("study", f"id; {_ABSENT}", "the cited study, of second-hand figures"),
        _text("cited_as", _ABSENT, "how the document cites it"),
        _text("note", _ABSENT, "what to know before using it"),
    ),
    "figures": (
        _FACT,
        _READING,
        _ALTERNATIVE,
        _text("kind", "count, proportion, ...", "kind of figure of this reading"),
        _text(
            "name",
            "n, responders, median, cells.<name>, first_by_week.<week>, patients[0].ck_before, ...",
            "name of the number within its reading",
        ),
        _text("type", "whole, real, flag, text", "what the number is; a text has no value"),
        Column("value", "real", "as in column unit", "a flag is 0 or 1; empty for a text", "it"),
        _text("text", "empty for a number", "the text: a relation, a method, a month, a diagnosis"),
        _text("unit", _ABSENT, "unit of the value"),
        _text("derived", "arithmetic; words; empty where printed", "how it follows from the print"),
    ),
    "shares": (
        _FACT,
        _text(
            "cell", "all, or name of a cell", "all: the fact's count; otherwise one of its parts"
        ),
        Column("count", "whole", "as in column unit", "0, 1, ...", "how many, by the used reading"),
        Column("n", "whole", "as in column unit", "1, 2, ...", "of how many"),
        _text(
            "unit",
            "patients, courses",
            "what is counted; courses are taken as independent of one another. Events, of which a "
            "patient may have several, have no share",
        ),
        Column("share", "real", "", "0 to 1", "count / n"),
        Column("low95", "real", "", "0 to 1", "lower end of the exact 95 % interval of the share"),
        Column("high95", "real", "", "0 to 1", "upper end of the exact 95 % interval of the share"),
        _text("method", "clopper_pearson", "how the interval is made"),
        _text("role", "fit, check, context, unusable", "as in table facts"),
    ),
    "alternatives": (
        _FACT,
        _ALTERNATIVE,
        _READING,
        _text("kind", "count, proportion, ...", "kind of figure of this reading"),
        _text("unit", "", "unit of the figure"),
        _text("cohort", "cohorts.id; empty for the fact's", "the set of patients"),
        Column(
            "set_aside",
            "flag",
            "",
            _YES_NO,
            "whether another printed figure is known to contradict the fact, and does not stand",
        ),
        _text("value", "", "the reading in words; its numbers are in table figures"),
        _text("reason", "", "why it is there"),
    ),
    "patients": (
        _FACT,
        _DOCUMENT,
        Column("case", "whole", "", "1, 2, ...", "number of the patient in the printed table"),
        _text("sex", "F, M", "sex"),
        Column("age_years", "whole", "years", "0 to 120", "age"),
        _text("diagnosis", "", "diagnosis as printed"),
        _text("subtype", "DM, PM, OM, IBM, ...", "our subtype; overlap (OM) is PM with another"),
        Column("duration_years", "real", "years", "0.5 for a printed <1", "duration of disease"),
        Column("under_one", "flag", "", _YES_NO, "whether the duration is printed as <1"),
        _text("therapy", f"separated by '; '; {_ABSENT}", "drugs that were continued"),
        Column("courses", "whole", "courses", "1, 2, ...", "series of infusions"),
        _text("courses_printed", "such as 1 + 3; empty where one number", "courses as printed"),
        Column("functional_improved", "flag", "", _YES_NO, "function improved"),
        Column("mrc_improved", "flag", "", _YES_NO, "MRC grades improved"),
        Column("improved", "flag", "", _YES_NO, "both improved: the response that is counted"),
        Column(
            "myometer_change_percent",
            "real",
            "percent",
            "empty where not performed",
            "change of strength by myometer",
        ),
        Column(
            "myometer_significant",
            "flag",
            "",
            f"{_YES_NO}; empty where not performed",
            "whether that change is printed without NS",
        ),
        Column("ck_before", "whole", "not printed", "0 or more", "creatine kinase before"),
        Column(
            "ck_after", "whole", "not printed", "empty where not performed", "creatine kinase after"
        ),
        Column(
            "prednisone_stopped",
            "flag",
            "",
            _YES_NO,
            "stopped shortly before, which confounds creatine kinase and strength",
        ),
    ),
    "cohorts": (
        _text("id", "study.name", "the set of patients"),
        _DOCUMENT,
        Column("n", "whole", "patients", "1, 2, ...", "size"),
        _text("what", "", "who they are"),
        _text("within", f"cohorts.id; {_ABSENT}", "larger set that it is part of"),
        _text("study", f"id; {_ABSENT}", "the cited study, of second-hand figures"),
        _text("cited_as", _ABSENT, "how the document cites it"),
        Column("facts", "whole", "", "0, 1, ...", "facts about it"),
    ),
    "documents": (
        _text("id", "study", "the document"),
        _text("number", f"000, 001, ...; {_ABSENT}", "what texts call the document"),
        _text("authors", "", "authors"),
        _text("journal", "", "journal"),
        Column("year", "whole", "", "", "year"),
        _text("volume", "", "volume"),
        _text("pages", "", "pages"),
        _text("design", "", "how the study was done"),
        _text("text_file", _ABSENT, "text in which the lines of its places count"),
        _text("text_sha256", _ABSENT, "SHA-256 of that text"),
        Column("facts", "whole", "", "0, 1, ...", "facts of it"),
    ),
    "findings": (
        _FACT,
        _text("label", "", "label of the fact"),
        _text("rule", "", "rule of the audit"),
        _text(
            "severity",
            "error, warning, note",
            "error: figures that are used contradict one another. warning: a printed figure "
            "contradicts those that are used. note: nothing contradicts",
        ),
        _text("proof", "", "the figures and the arithmetic"),
        _text("used", "", "what the ledger goes on with"),
        _text("related", f"facts.id, separated by '; '; {_ABSENT}", "facts the proof rests on"),
    ),
}

TABLES: tuple[str, ...] = tuple(_TABLES)


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns of a table in their order."""
    return _TABLES[table]


def dictionary() -> list[dict[str, str]]:
    """Return one row a column of every table, in plain words."""
    return [
        {
            "table": table,
            "column": column.name,
            "kind": column.kind,
            "unit": column.unit,
            "values": column.values,
            "meaning": column.meaning,
        }
        for table, columns in _TABLES.items()
        for column in columns
    ]
