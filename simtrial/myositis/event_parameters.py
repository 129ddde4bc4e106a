"""Parameters of the seven classes of ``myositis.events``, of their details, of who is at risk."""

from __future__ import annotations

from collections.abc import Callable

from simtrial.myositis.events import EVENTS

# a diagnosis of cancer is serious by definition, and so is death
_MAY_BE_SERIOUS = ("meningitis", "haemolysis", "infection", "steroid_toxicity", "progression")


def cancer_name(subtype: str) -> str:
    """Return the name of a subtype's rate of cancer diagnoses: dermatomyositis has its own."""
    return f"cancer.per_year[{'DM' if subtype == 'DM' else 'others'}]"


def death_name(subtype: str) -> str:
    """Return the name of a subtype's rate of death: inclusion body myositis has its own."""
    return f"death.per_year[{'IBM' if subtype == 'IBM' else 'others'}]"


BY_SUBTYPE = ("cancer.per_year", "death.per_year")
# names of this table begin with these
EVENT_PREFIXES = (
    *(f"{name}." for name in EVENTS),
    *("migraine_share", "group_o_share", "related.", "fatal.", "interrupt."),
)


def event_parameters[P](share: Callable[[str, str], P], positive: Callable[..., P]) -> list[P]:
    """Return the table; rates a course and a year are expected numbers of events.

    ``share, positive`` : make a parameter of a share, and of a positive number.
    """
    return [
        share("migraine_share", "share of patients with migraine"),
        share("group_o_share", "share of patients of blood group O"),
        positive("meningitis.per_course", "1/course", "aseptic meningitis without migraine", 100.0),
        positive("meningitis.hr_migraine", "1", "hazard ratio of migraine", 1000.0, 0.001),
        positive(
            "haemolysis.per_course", "1/course", "haemolysis at 2 g/kg, not blood group O", 100.0
        ),
        positive("haemolysis.hr_g_per_kg", "1", "hazard ratio of 1 g/kg more", 1000.0, 0.001),
        positive("infection.per_year", "1/year", "infections without prednisolone", 100.0),
        positive("infection.hr_10mg", "1", "hazard ratio of 10 mg prednisolone a day", 100.0, 0.01),
        positive(
            "steroid_toxicity.per_year_10mg",
            "1/year",
            "adverse events of prednisolone under 10 mg a day",
            100.0,
        ),
        positive("cancer.per_year[DM]", "1/year", "diagnoses of cancer in DM", 10.0),
        positive("cancer.per_year[others]", "1/year", "the same, in other subtypes", 10.0),
        positive("death.per_year[IBM]", "1/year", "deaths from the disease in IBM", 10.0),
        positive("death.per_year[others]", "1/year", "the same, in other subtypes", 10.0),
        positive("progression.per_year", "1/year", "worsening reported as adverse event", 100.0),
        *(
            share(f"{name}.serious", f"chance that an event ({words(name)}) is serious")
            for name in _MAY_BE_SERIOUS
        ),
        share("fatal.serious", "chance that a serious event other than cancer is fatal"),
        *(
            share(f"related.{name}", f"chance that {words(name)} is called related to treatment")
            for name in EVENTS
        ),
        share(
            "interrupt.serious",
            "chance that a serious event that does not stop treatment has the next course left out",
        ),
        share("interrupt.other", "the same, of an event that is not serious"),
    ]


def words(name: str) -> str:
    """Return a class as people say it."""
    return name.replace("meningitis", "aseptic meningitis").replace("_", " ")
