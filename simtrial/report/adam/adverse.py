"""ADAE: one row an adverse event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.snapshot import REACTIONS
from simtrial.endpoints.harm import ACTIONS as TAKEN
from simtrial.endpoints.harm import CLASSES, EventList, events_of
from simtrial.myositis.events import COURSE_EVENTS
from simtrial.report.adam.endings import last_planned
from simtrial.report.adam.records import Subjects, Text, sequence_within, table, yes, yes_no
from simtrial.report.adam.variables import (
    ACTUAL,
    SUBJECT,
    Dataset,
    char,
    date,
    flag,
    study_day,
    whole,
)

# classes whose occasion is a course
_OF_COURSES = ("reaction", "thromboembolism", "other_serious", *COURSE_EVENTS)


class Term(NamedTuple):
    """The words for a class of adverse event, or for one kind of a class."""

    name: str  # of CLASSES, or of REACTIONS
    decoded: str
    body_system: str


# not coded with a dictionary; a new class of event is a row here
TERMS = (
    Term("headache", "Headache", "Nervous system"),
    Term("flu_like", "Influenza-like illness", "General and administration site"),
    Term("nausea", "Nausea", "Gastrointestinal"),
    Term("skin", "Rash", "Skin"),
    Term("thromboembolism", "Thromboembolism", "Vascular"),
    Term("other_serious", "Other serious event", "Not specified"),
    Term("meningitis", "Aseptic meningitis", "Nervous system"),
    Term("haemolysis", "Haemolysis", "Blood"),
    Term("infection", "Infection", "Infections"),
    Term("steroid_toxicity", "Harm of prednisolone", "Not specified"),
    Term("cancer", "Cancer", "Neoplasms"),
    Term("death", "Death from the disease", "General and administration site"),
    Term("progression", "Worsening of myositis", "Musculoskeletal"),
)
BODY_SYSTEMS = tuple(dict.fromkeys(term.body_system for term in TERMS))
_BODY_SYSTEM_OF = np.array([BODY_SYSTEMS.index(term.body_system) for term in TERMS])
RELATED = ("RELATED", "NOT RELATED")
ACTIONS = ("DRUG WITHDRAWN", "DRUG INTERRUPTED", "DOSE NOT CHANGED", "NOT APPLICABLE")
_WITHDRAWN, _INTERRUPTED, _UNCHANGED, _NOT_APPLICABLE = range(4)
_EVENTS = "reaction_*, thromboembolism_minute, serious_minute, events_minute"

ADAE = Dataset(
    name="ADAE",
    label="Adverse Event Analysis Dataset",
    structure="one row an adverse event",
    keys=("USUBJID", "AESEQ"),
    variables=(
        *SUBJECT,
        *ACTUAL,
        whole("AESEQ", "Sequence Number", "Order in time within a subject", _EVENTS),
        char("AETERM", "Reported Term for the Adverse Event", "The model's words", _EVENTS),
        char(
            "AEDECOD",
            "Dictionary-Derived Term",
            "One word a kind of event; not coded with MedDRA",
            _EVENTS,
            codelist="AEDECOD",
        ),
        char(
            "AEBODSYS",
            "Body System or Organ Class",
            "One group a kind of event; not coded with MedDRA",
            _EVENTS,
            codelist="AEBODSYS",
        ),
        date("ASTDT", "Analysis Start Date", "Day of the event", _EVENTS),
        study_day("ASTDY", "Analysis Start Relative Day", "ASTDT"),
        flag(
            "TRTEMFL",
            "Treatment Emergent Analysis Flag",
            "Y: at or after the minute of the first course",
            "courses",
        ),
        char("AESER", "Serious Event", "Y or N", "events_detail", codelist="NY"),
        char("AESDTH", "Results in Death", "Y or N", "events_detail", codelist="NY"),
        char(
            "AEREL",
            "Causality",
            "As drawn; of reactions, thromboembolism and other serious events RELATED where a "
            "course brought them",
            f"{_EVENTS}, events_detail",
            codelist="AEREL",
        ),
        char(
            "AEACN",
            "Action Taken with Study Treatment",
            "DRUG WITHDRAWN: treatment was stopped for harm at this minute; DRUG INTERRUPTED: the "
            "next course was to be left out; NOT APPLICABLE: no course was to follow, or "
            "treatment had been stopped before",
            "harm_stop_minute, stop_minute, courses, events_detail",
            codelist="AEACN",
        ),
        replace(
            whole(
                "COURSEN",
                "Infusion Course Followed (N)",
                "Course after which the event came; empty where none brought it",
                _EVENTS,
            ),
            required=False,
        ),
        flag("AOCCFL", "1st Occurrence within Subject Flag", "First with TRTEMFL Y", _EVENTS),
        flag(
            "AOCCPFL",
            "1st Occurrence of Preferred Term Flag",
            "First of its AEDECOD with TRTEMFL Y",
            _EVENTS,
        ),
        flag("ANL01FL", "Analysis Flag 01", "Y: TRTEMFL is Y", _EVENTS),
    ),
)


def make_adae(subjects: Subjects) -> Any:
    """Return ADAE."""
    what = events_of(subjects.seen)
    who = subjects.index[what.replicate, what.patient]
    minute = what.minute
    kind = _terms(what)
    emergent = subjects.treated[who] & (minute >= subjects.first_course[who])
    by_course = np.array([name in _OF_COURSES for name in CLASSES])[what.which]
    followed = by_course & (what.occasion >= 0)
    return table(
        ADAE,
        subjects,
        who,
        {
            "AESEQ": sequence_within(who),
            "AETERM": Text(kind, [term.name.upper().replace("_", " ") for term in TERMS]),
            "AEDECOD": Text(kind, [term.decoded for term in TERMS]),
            "AEBODSYS": Text(_BODY_SYSTEM_OF[kind], BODY_SYSTEMS),
            **subjects.dates("AST", minute, who),
            "TRTEMFL": yes(emergent),
            "AESER": yes_no(what.serious),
            "AESDTH": yes_no(what.fatal),
            "AEREL": Text(np.where(what.related, 0, 1), RELATED),
            "AEACN": Text(_actions(subjects, who, what), ACTIONS),
            "COURSEN": np.ma.array(what.occasion + 1, mask=~followed),
            "AOCCFL": yes(_first_of(who, emergent)),
            "AOCCPFL": yes(_first_of(who * len(TERMS) + kind, emergent)),
            "ANL01FL": yes(emergent),
        },
    )


def _terms(what: EventList) -> NDArray[np.int64]:
    """Return indices into TERMS, of a reaction by its kind and else by its class."""
    names = [term.name for term in TERMS]
    lost = {*REACTIONS, *CLASSES[1:]} - set(names)  # the first class is the reactions
    if lost:
        raise KeyError(f"ADAE has no term for {sorted(lost)}")
    reactions = np.array([names.index(name) for name in REACTIONS])
    classes = np.array([0, *(names.index(name) for name in CLASSES[1:])])
    return np.where(what.kind >= 0, reactions[what.kind], classes[what.which])


def _actions(subjects: Subjects, who: NDArray[np.int64], what: EventList) -> NDArray[np.int64]:
    """Return what was done with treatment, an index into ACTIONS."""
    stopped = subjects.of("stop_minute")[who]
    # the last course of the plan had begun, so that nothing was left to withdraw
    over = (what.minute >= last_planned(subjects)[who]) | (
        (stopped >= 0) & (stopped <= what.minute)
    )
    named = [what.action == TAKEN.index(word) for word in ("stop", "interrupt")]
    return np.select(
        [named[0], over, named[1]], [_WITHDRAWN, _NOT_APPLICABLE, _INTERRUPTED], _UNCHANGED
    )


def _first_of(group: NDArray[np.int64], counted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which counted records are the first of their group; records are in order of time."""
    out = np.zeros(group.size, np.bool_)
    places = np.nonzero(counted)[0]
    _, first = np.unique(group[places], return_index=True)
    out[places[first]] = True
    return out
