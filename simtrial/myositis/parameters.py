"""Every parameter of the course by name: unit, meaning, and the scale on which it is free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from simtrial.myositis.enzymes import OTHERS
from simtrial.myositis.event_parameters import EVENT_PREFIXES, event_parameters
from simtrial.myositis.harm import REACTIONS
from simtrial.myositis.measures import MEASURES

SUBTYPES = ("DM", "PM", "IMNM", "ASyS", "OM", "IBM", "ICI")
# no document tells of their response in one line and in the other
OF_EITHER_LINE = ("IBM", "ICI")
LINES = ("first_line", "refractory")
Scale = Literal["log", "logit", "identity"]
Status = Literal["fitted", "published elsewhere", "assumed"]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One named number of the course."""

    name: str
    unit: str
    meaning: str
    scale: Scale
    lowest: float
    highest: float

    def allows(self, value: float) -> bool:
        """Return whether a value lies within the parameter's range."""
        return self.lowest <= value <= self.highest


def response_name(subtype: str, line: str) -> str:
    """Return the name of the response probability of a subtype and line.

    Inclusion body myositis has one probability for both lines, as no document treats it first
    line; so has checkpoint inhibitor myositis, of which no document speaks.
    """
    if subtype in OF_EITHER_LINE:
        return f"p_response[{subtype}]"
    return f"p_response[{subtype}, {line}]"


def rescue_name(line: str, background: str) -> str:
    """Return the name of the rescue probability per visit of insufficient response."""
    return f"rescue_per_visit[{line}, {background}]"


def prednisolone_name(line: str) -> str:
    """Return the name of the share of candidates who take prednisolone."""
    return f"prednisolone_share[{line}]"


STEROID = ("steroid_effect", "steroid_d50", "k_steroid")
FLARES = ("flare_per_week", "flare_speed", "flare_size", "k_flare")
PRACTICE = (
    "p_judged_improved",
    "taper_share",
    "taper_share_sd",
    "centre_taper_sd",
    "maintenance_share",
    "maintenance.median",
    "maintenance.log_sd",
    "centre_floor_sd",
)


def drift_name(subtype: str) -> str:
    """Return the name of the yearly decline of a subtype; inclusion body myositis has its own."""
    return "drift_per_year[IBM]" if subtype == "IBM" else "drift_per_year"


def prednisolone_parameters(taper: str, *, raises: bool) -> tuple[str, ...]:
    """Return the parameters that a rule of prednisolone reads.

    ``raises`` : whether rescue or deterioration add to the dose.
    """
    if taper == "stable":
        return STEROID if raises else ()
    return STEROID + FLARES + (PRACTICE if taper == "practice" else ())


def _all() -> list[Parameter]:
    def share(name: str, meaning: str) -> Parameter:
        return Parameter(
            name=name, unit="1", meaning=meaning, scale="logit", lowest=0.0, highest=1.0
        )

    def positive(
        name: str, unit: str, meaning: str, highest: float, lowest: float = 0.0
    ) -> Parameter:
        return Parameter(
            name=name, unit=unit, meaning=meaning, scale="log", lowest=lowest, highest=highest
        )

    out = [
        share(response_name(s, line), f"chance that a patient with {s} responds ({line})")
        for s in SUBTYPES
        for line in LINES
        if s not in OF_EITHER_LINE
    ]
    out += [
        *(
            share(response_name(s, ""), f"chance that a patient with {s} responds (either line)")
            for s in OF_EITHER_LINE
        ),
        share("depth", "share of the way to health that a typical responder goes"),
        positive("depth_sd", "logit", "standard deviation of depth between responders", 5.0),
        positive("k_on", "1/week", "rate at which benefit approaches its target", 1e6),
        positive("x50", "g/kg", "exposure of half the full effect, typical patient", 100.0, 1e-6),
        positive("x50_sd", "log", "standard deviation of log x50 between patients", 5.0),
        positive("h_eff", "day", "half-life of the effect of a course", 1e6, 1e-6),
        positive("hill", "1", "steepness of effect against exposure", 20.0, 1e-6),
    ]
    out += [
        positive(f"loading.{m}", "1", f"how far {m} follows the benefit", 2.0) for m in MEASURES
    ]
    out += [
        positive("sd_change.vas", "cm", "SD of a change without true change, VAS measures", 10.0),
        positive("sd_change.haq", "1", "SD of a change without true change, HAQ", 3.0),
        positive("sd_change.mmt", "share", "SD of a change without true change, MMT", 1.0),
        positive("sd_change.enzyme", "log", "SD of a log ratio without true change, CK", 5.0),
        share("noise_shared", "share of error variance common to the six measures of a visit"),
        share("noise_per_4_weeks", "correlation of errors four weeks apart"),
        share("background_depth", "depth of those who improve without the drug"),
        positive("k_background", "1/week", "rate of improvement without the drug", 1e6),
        share(
            "control.tis20_week16",
            "observed share of controls with TIS >= 20 at week 16 in the reference protocol",
        ),
        share("p_background", "chance to improve without the drug (solved from the control rate)"),
        *(
            share(rescue_name(line, background), "rescue per visit of insufficient response")
            for line in LINES
            for background in ("none", "continued")
        ),
        share("dropout_16_weeks", "share lost within 16 weeks"),
    ]
    for m in MEASURES:
        unit = "log" if m == "enzyme" else "logit"
        out.append(
            Parameter(
                name=f"baseline.{m}.location",
                unit=unit,
                meaning=f"median of {m} before treatment on its free scale",
                scale="identity",
                lowest=-20.0,
                highest=20.0,
            )
        )
        out.append(positive(f"baseline.{m}.scale", unit, f"spread of {m} between patients", 20.0))
    out += [
        share("female_share", "share of women"),
        Parameter(
            name="age.location",
            unit="logit",
            meaning="median age, on the logit scale from 18 to 95 years",
            scale="identity",
            lowest=-20.0,
            highest=20.0,
        ),
        positive("age.scale", "logit", "spread of age between patients", 20.0),
        positive("weight.women", "kg", "median weight of women", 300.0, 1e-6),
        positive("weight.men", "kg", "median weight of men", 300.0, 1e-6),
        positive("weight.log_sd", "log", "standard deviation of log weight", 2.0),
        share(prednisolone_name("first_line"), "share of candidates on prednisolone"),
        share(prednisolone_name("refractory"), "share of candidates on prednisolone"),
        positive("prednisolone.median", "mg/d", "median dose of those who take it", 200.0, 1e-6),
        positive("prednisolone.log_sd", "log", "standard deviation of log dose", 3.0),
        share("screening.other", "chance to fail screening for a reason outside the model"),
    ]
    out += [
        share(
            "lack_of_effect_per_visit",
            "treatment given up for lack of effect, per visit of insufficient response",
        ),
        share("standard.depth", "share of the way to health that standard therapy leads"),
        positive("standard.k", "1/week", "rate of improvement under standard therapy", 1e6),
        positive("supply.per_year", "1/year", "interruptions of supply, all sites together", 4.0),
        positive("supply.weeks", "week", "how long an interruption of supply lasts", 520.0, 0.1),
    ]
    out += _harm(share, positive) + _measuring(share, positive)
    return out + event_parameters(share, positive) + _dynamics(share, positive)


def _dynamics(
    share: Callable[[str, str], Parameter], positive: Callable[..., Parameter]
) -> list[Parameter]:
    """Return the parameters of waning, decline, prednisolone and its taper."""
    return [
        share("p_transient", "chance that a responder's benefit fades although treatment goes on"),
        positive("transient_half_life", "week", "half-life of the benefit that fades", 1e6, 1e-6),
        positive("drift_per_year", "1/year", "decline without treatment, share of the range", 10.0),
        positive("drift_per_year[IBM]", "1/year", "the same, inclusion body myositis", 10.0),
        share("steroid_effect", "benefit of a very much higher dose of prednisolone"),
        positive("steroid_d50", "mg/d", "change of dose of half that benefit", 1e4, 1e-6),
        positive("k_steroid", "1/week", "rate at which a changed dose takes effect", 1e6),
        positive("flare_per_week", "1/week", "flares at a held dose without benefit", 10.0),
        positive("flare_speed", "1", "rise of flares with the share of dose given up", 1e4),
        share("flare_size", "benefit that a flare takes"),
        positive("k_flare", "1/week", "rate at which a flare passes", 1e6),
        share("p_judged_improved", "chance that the physician calls a patient improved at a visit"),
        share("taper_share", "share of the dose given up in four weeks, typical patient"),
        positive("taper_share_sd", "logit", "spread of that share between patients", 5.0),
        positive("centre_taper_sd", "logit", "spread of that share between centres", 5.0),
        share("maintenance_share", "share of patients who keep a maintenance dose"),
        positive("maintenance.median", "mg/d", "median maintenance dose of these", 200.0, 1e-6),
        positive("maintenance.log_sd", "log", "spread of the maintenance dose", 5.0),
        positive("centre_floor_sd", "log", "spread of the maintenance dose of centres", 5.0),
    ]


def _harm(
    share: Callable[[str, str], Parameter], positive: Callable[..., Parameter]
) -> list[Parameter]:
    """Return the parameters of harm; a rate per course is the expected number of events."""
    out = [
        positive(
            "reaction.per_course[ivig]",
            "1/course",
            "infusion reactions after the first course",
            100.0,
        ),
        positive(
            "reaction.per_course[placebo]",
            "1/course",
            "the same, of placebo infusions",
            100.0,
        ),
        positive(
            "reaction.first_course", "1", "times as many reactions at the first course", 100.0
        ),
        positive("reaction.frailty_sd", "log", "spread of the reaction rate between patients", 5.0),
        *(
            positive(f"reaction.mix.{kind}", "1", f"weight of {kind} among reactions", 1e6, 1e-6)
            for kind in REACTIONS
        ),
        share("reaction.serious", "chance that a reaction is serious"),
        positive(
            "thromboembolism.per_course",
            "1/course",
            "thromboembolic events within 14 days, reference patient",
            10.0,
        ),
        share("thromboembolism.first_days", "share of these within the first two days"),
        positive(
            "thromboembolism.per_year",
            "1/year",
            "thromboembolic events without a course, reference patient",
            10.0,
        ),
        positive("thromboembolism.hr_decade", "1", "hazard ratio of ten years of age", 100.0, 0.01),
        positive("thromboembolism.hr_cancer", "1", "hazard ratio of cancer", 1000.0, 0.001),
        positive(
            "thromboembolism.hr_previous", "1", "hazard ratio of an earlier event", 1000.0, 0.001
        ),
        positive(
            "thromboembolism.hr_g_per_kg_day",
            "1",
            "hazard ratio of 1 g/kg a day more",
            1000.0,
            0.001,
        ),
        share("cancer_share", "share of patients with cancer"),
        share(
            "previous_thromboembolism_share", "share of patients with an earlier thromboembolism"
        ),
        positive(
            "serious.per_course[ivig]", "1/course", "other serious events within 28 days", 10.0
        ),
        positive("serious.per_course[placebo]", "1/course", "the same, of placebo infusions", 10.0),
        share("stop.reaction", "chance that a reaction that is not serious stops treatment"),
        share("stop.serious", "chance that a serious event stops treatment"),
    ]
    return out


def _measuring(
    share: Callable[[str, str], Parameter], positive: Callable[..., Parameter]
) -> list[Parameter]:
    """Return the parameters of what is measured beside the six, and of what is not."""
    out = [share("enzyme.correlation", "correlation of any two of the five enzymes (free scale)")]
    for name in OTHERS:
        out += [
            Parameter(
                name=f"enzyme.{name}.raised",
                unit="1",
                meaning=f"share of candidates with {name} above the upper limit of normal",
                scale="logit",
                lowest=0.001,
                highest=0.999,
            ),
            positive(f"enzyme.{name}.scale", "log", f"spread of {name} between patients", 20.0),
        ]
    out += [
        share("missing.visit", "chance that a visit after the baseline is missed"),
        *(
            share(f"missing.item.{m}", f"chance that {m} is missing at an attended visit")
            for m in MEASURES
        ),
        *_shifts(),
        Parameter(
            name="juvenile.age.location",
            unit="logit",
            meaning="median age of juveniles, on the logit scale from 2 to 18 years",
            scale="identity",
            lowest=-20.0,
            highest=20.0,
        ),
        positive("juvenile.age.scale", "logit", "spread of age between juveniles", 20.0),
        positive("juvenile.weight.at_2", "kg", "median weight at 2 years", 100.0, 1e-6),
        positive("juvenile.weight.per_year", "kg/year", "median weight gained a year", 20.0),
        positive("juvenile.weight.log_sd", "log", "standard deviation of log weight", 2.0),
    ]
    return out


def _shifts() -> list[Parameter]:
    """Return by how much patients report themselves better than they are."""
    return [
        Parameter(
            name=name, unit=unit, meaning=meaning, scale="identity", lowest=-most, highest=most
        )
        for name, unit, meaning, most in (
            (
                "reporting_shift.patient",
                "cm",
                "patient global reported better after baseline, open label",
                10.0,
            ),
            ("reporting_shift.haq", "1", "HAQ reported better after baseline, open label", 3.0),
            (
                "unblinding_shift",
                "cm",
                "patient global reported better on the drug after an infusion reaction, blinded",
                10.0,
            ),
        )
    ]


HARM = (
    *("reaction.", "thromboembolism.", "serious.", "stop.", "cancer_share", "previous_"),
    *EVENT_PREFIXES,
)

PARAMETERS: dict[str, Parameter] = {p.name: p for p in _all()}
