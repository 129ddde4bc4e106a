"""The dictionary of the patient tables: what each column means, in which unit, with which values.

Tables are built from these entries, so a column without one cannot be written.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from simtrial.myositis.enzymes import ENZYMES
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.trial.design import Design

Kind = Literal["text", "category", "whole", "real", "flag"]
OBSERVED = ("patients", "visits", "events", "screening")
HIDDEN = ("truth", "truth_visits")
# in the order of simtrial.myositis.measures.MEASURES
MEASURE_COLUMNS = (
    "physician_global_cm",
    "patient_global_cm",
    "extramuscular_cm",
    "haq",
    "mmt_points",
    "enzyme_uln",
)
ENZYME_COLUMNS = tuple(f"{name}_uln" for name in ENZYMES)  # all five at a visit
_YES_NO = "0 no, 1 yes"
_LATER = "empty when it did not happen"


@dataclass(frozen=True)
class Column:
    """One column. Words in braces are filled in from the design."""

    name: str
    kind: Kind
    unit: str
    values: str
    meaning: str


_STUDY = Column(
    "study", "category", "", "one constant", "says that these patients are simulated, and for what"
)
_TRIAL = Column("trial", "whole", "", "0, 1, ...", "simulated trial (replicate)")
_PATIENT = Column(
    "patient", "text", "", "R<trial>-P<screening number>", "a patient's name, the same in all files"
)
_ARM = Column("arm", "category", "", "{arms}", "arm assigned at randomisation")
_KEY = (_STUDY, _TRIAL, _PATIENT)

_ULN = "multiples of the upper limit of normal"
_ENZYME_WORDS = ("creatine kinase", "aldolase", "LDH", "AST", "ALT")
_VAS = "0 to 10 by 0.1; more is worse"
_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("cm", _VAS, "physician global activity"),
    ("cm", _VAS, "patient global activity"),
    ("cm", _VAS, "extramuscular activity"),
    ("points", "0 to 3 by 0.125; more is worse", "Health Assessment Questionnaire"),
    ("points", "0 to {mmt_maximum}; less is worse", "strength, {mmt}"),
    (_ULN, "above 0; more is worse", "the patient's enzyme, the most abnormal of five"),
)


def _measures(prefix: str, when: str) -> tuple[Column, ...]:
    return tuple(
        Column(prefix + name, "real", unit, values, f"{what} {when}")
        for name, (unit, values, what) in zip(MEASURE_COLUMNS, _MEASURES, strict=True)
    )


def _week(name: str, meaning: str) -> Column:
    return Column(name, "real", "weeks since randomisation", _LATER, meaning)


_TABLES: dict[str, tuple[Column, ...]] = {
    "patients": (
        *_KEY,
        Column(
            "screening_number",
            "whole",
            "",
            "0, 1, ...",
            "place in the order of screening over all sites; the patient's random numbers hang on "
            "it",
        ),
        Column("site", "whole", "", "1 to {sites}", "site, numbered in the order of opening"),
        _ARM,
        Column("stratum", "category", "", "{strata}", "stratum of the allocation"),
        Column("subtype", "category", "", "{subtypes}", "subtype of myositis"),
        Column("line", "category", "", "{lines}", "line of therapy"),
        Column("sex", "category", "", "female, male", "sex"),
        Column("age_years", "real", "years", "{ages}", "age at screening"),
        Column("weight_kg", "real", "kg", "above 0", "body weight, by which infusions are dosed"),
        Column(
            "randomised_week",
            "real",
            "weeks since the first site opened",
            "0 or more",
            "time of randomisation",
        ),
        *_measures("screening_", "at screening, where eligibility is decided"),
        *_measures("run_in_", "at the start of the run-in; empty without one"),
        Column(
            "run_in_courses",
            "whole",
            "",
            "0, 1, ...",
            "infusion courses given in the run-in, placebo included",
        ),
        Column(
            "run_in_immunoglobulin_g",
            "real",
            "g",
            "0 or more",
            "immunoglobulin given in the run-in",
        ),
        *_measures("", "at baseline"),
        Column(
            "enzyme",
            "category",
            "",
            ", ".join(ENZYMES),
            "the enzyme most abnormal at baseline, by which the patient is scored; at screening "
            "the highest of that day counts",
        ),
        Column("prednisolone_mg", "real", "mg a day", "0 or more", "prednisolone at baseline"),
        Column(
            "courses_given", "whole", "", "0, 1, ...", "infusion courses given, placebo included"
        ),
        Column(
            "immunoglobulin_g", "real", "g", "0 or more", "immunoglobulin given; 0 under placebo"
        ),
        _week(
            "deterioration_week",
            "deterioration confirmed: the rule was met at this visit and the one before",
        ),
        _week("rescue_week", "the physician turned to rescue treatment"),
        _week(
            "treatment_stop_week", "treatment stopped before its planned end, whatever the reason"
        ),
        _week("left_week", "left the study before its last visit"),
        Column(
            "tis_at_endpoint",
            "real",
            "points",
            "0 to 100; empty when not assessed",
            "Total Improvement Score at the endpoint's visit (week {endpoint_week}), whatever "
            "happened before",
        ),
        Column(
            "responder_observed",
            "flag",
            "",
            f"{_YES_NO}; empty when not assessed",
            "{endpoint} as measured, whatever happened before",
        ),
        Column(
            "responder_composite",
            "flag",
            "",
            _YES_NO,
            "{endpoint} under the composite strategy: an intercurrent event or a missed visit is "
            "no response",
        ),
        Column("cancer", "flag", "", _YES_NO, "cancer in the history"),
        Column("previous_thromboembolism", "flag", "", _YES_NO, "thromboembolism in the history"),
        Column("reactions", "whole", "", "0, 1, ...", "courses followed by a reaction"),
        _week("first_reaction_week", "first reaction to an infusion"),
        Column("thromboembolism", "flag", "", _YES_NO, "thromboembolism during the study"),
        Column(
            "serious_events",
            "whole",
            "",
            "0, 1, ...",
            "serious reactions, thromboembolism and other serious events",
        ),
        _week("stopped_for_harm_week", "an adverse event stopped treatment"),
    ),
    "visits": (
        *_KEY,
        _ARM,
        Column("week", "whole", "weeks since randomisation", "{visits}", "planned week of a visit"),
        Column(
            "took_place_week",
            "real",
            "weeks since randomisation",
            "within the window of the planned week",
            "when the visit took place",
        ),
        *_measures("", "at this visit"),
        *(
            Column(name, "real", _ULN, "above 0; more is worse", f"{words} at this visit")
            for name, words in zip(ENZYME_COLUMNS, _ENZYME_WORDS, strict=True)
        ),
        Column(
            "tis",
            "real",
            "points",
            "0 to 100; 0 at baseline by definition; more is better",
            "Total Improvement Score against the baseline visit",
        ),
        Column("prednisolone_mg", "real", "mg a day", "0 or more", "prednisolone at this visit"),
    ),
    "events": (
        *_KEY,
        _ARM,
        Column("event", "category", "", "{events}", "what happened"),
        Column("week", "real", "weeks since randomisation", "0 or more", "when, to the minute"),
        Column(
            "day",
            "whole",
            "days",
            "1, 2, ...",
            "study day; day 1 begins at randomisation (no day 0)",
        ),
        Column(
            "course",
            "whole",
            "",
            "1, 2, ...; empty when none",
            "infusion course that the event followed",
        ),
        Column(
            "serious",
            "flag",
            "",
            f"{_YES_NO}; empty where the word does not apply",
            "whether an adverse event was serious",
        ),
    ),
    "screening": (
        _STUDY,
        _TRIAL,
        Column("screened", "whole", "", "0, 1, ...", "candidates up to the last one randomised"),
        Column("failed_mmt", "whole", "", "0, 1, ...", "not eligible: muscle strength too good"),
        Column(
            "failed_other_measures",
            "whole",
            "",
            "0, 1, ...",
            "strength low enough, but too few other measures abnormal",
        ),
        Column(
            "failed_prednisolone",
            "whole",
            "",
            "0, 1, ...",
            "measures as wanted, but too much prednisolone",
        ),
        *(
            Column(f"failed_{reason}", "whole", "", "0, 1, ...", f"no reason before, but {why}")
            for reason, why in (
                ("mmt_too_low", "strength below the lower limit"),
                ("prednisolone_too_low", "too little prednisolone"),
                ("age", "too young or too old"),
                ("cancer", "cancer"),
                ("previous_thromboembolism", "an earlier thromboembolism"),
                ("other", "a reason outside the model"),
                ("subtype_full", "as many patients of the subtype as are wanted"),
                ("closed", "recruitment closed before randomisation"),
                ("run_in_lost", "lost in the run-in"),
                ("run_in_response", "a score at the end of the run-in that is not wanted"),
            )
        ),
        Column("randomised", "whole", "", "0 to {n}", "patients randomised"),
        Column("eligible_share", "real", "share", "0 to 1", "eligible among those screened"),
        Column(
            "last_randomised_week",
            "real",
            "weeks since the first site opened",
            "0 or more",
            "time of the last randomisation",
        ),
        Column("complete", "flag", "", _YES_NO, "whether all {n} patients were found"),
    ),
    "truth": (
        *_KEY,
        *(
            Column(f"true_{name}", "real", unit, values, meaning)
            for name, unit, values, meaning in (
                ("physician_global_cm", "cm", "0 to 10", "physician global activity at baseline"),
                ("patient_global_cm", "cm", "0 to 10", "patient global activity at baseline"),
                ("extramuscular_cm", "cm", "0 to 10", "extramuscular activity at baseline"),
                ("haq", "points", "0 to 3", "Health Assessment Questionnaire at baseline"),
                ("strength_share", "share", "0 to 1", "strength at baseline, of the maximum"),
                ("log_ck_uln", "logarithm of multiples", "", "creatine kinase at baseline"),
            )
        ),
        Column("would_respond", "flag", "", _YES_NO, "would respond to the drug, in either arm"),
        Column("improves_without_drug", "flag", "", _YES_NO, "improves without the drug"),
        Column("depth", "real", "share", "0 to 1", "benefit at full exposure of who responds"),
        Column("half_effect_dose_log", "real", "logarithm of g/kg", "", "dose of half the effect"),
        Column(
            "reaction_frailty",
            "real",
            "multiple of the mean rate",
            "above 0; 1 on average",
            "how much more often than others the patient reacts to an infusion",
        ),
        Column(
            "would_leave_week",
            "real",
            "weeks since randomisation",
            "empty for never; may lie after the last visit",
            "when the patient would leave if the study went on",
        ),
    ),
    "truth_visits": (
        *_KEY,
        Column("week", "whole", "weeks since randomisation", "{visits}", "planned week of a visit"),
        Column("drug_benefit", "real", "share", "0 to 1", "benefit of the drug at this visit"),
        Column(
            "background_benefit",
            "real",
            "share",
            "0 to 1",
            "benefit without the drug at this visit",
        ),
    ),
}


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns of a table in their order."""
    return _TABLES[table]


def strata_names(design: Design) -> tuple[str, ...]:
    """Return the names of the strata in the order of the engines' numbers."""
    levels = [design.level_names(factor) for factor in design.strata]
    return tuple(", ".join(names) for names in itertools.product(*levels)) if levels else ("all",)


def dictionary(
    design: Design, *, events: tuple[str, ...], truth: bool = False
) -> list[dict[str, str]]:
    """Return one row a column of every table, in plain words.

    Parameters
    ----------
    events : the words that the column ``event`` may hold.
    truth : also the columns of the separate tables of what nobody can see.
    """
    words = {
        "arms": ", ".join(design.arms),
        "strata": ", ".join(strata_names(design)),
        "subtypes": ", ".join(design.population.subtypes),
        "lines": ", ".join(design.population.lines),
        "sites": str(design.accrual.sites),
        "ages": "2 to 18" if design.population.age_group == "juvenile" else "18 to 95",
        "mmt": design.population.mmt,
        "mmt_maximum": str(MMT_MAXIMUM[design.population.mmt]),
        "endpoint": design.endpoint.words(),
        "endpoint_week": str(design.endpoint.week),
        "visits": ", ".join(map(str, design.visits_weeks)),
        "events": "; ".join(events),
        "n": str(design.sample_size.n),
    }
    return [
        {
            "table": table,
            "column": column.name,
            "kind": column.kind,
            "unit": column.unit,
            "values": column.values.format_map(words),
            "meaning": column.meaning.format_map(words),
        }
        for table in (*OBSERVED, *(HIDDEN if truth else ()))
        for column in columns_of(table)
    ]
