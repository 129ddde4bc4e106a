"""A design and a scenario made ready to run: rows of parameters, background solved, arrivals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort.arrivals import SMALLEST_SHARE, Arrivals, arrivals_of
from simtrial.cohort.compiled import engine as compiled
from simtrial.cohort.course import CourseTable, course_table
from simtrial.cohort.protocol import Protocol, protocol_of
from simtrial.core.errors import DesignError
from simtrial.core.located import nearest, shown
from simtrial.myositis.event_parameters import BY_SUBTYPE, cancer_name, death_name
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.myositis.parameters import (
    PARAMETERS,
    prednisolone_name,
    prednisolone_parameters,
    rescue_name,
    response_name,
)
from simtrial.operating.background import (
    CONTROL_RATE,
    SOLVED,
    moves_control,
    reference_protocol,
    solve_background,
    tabulate,
)
from simtrial.trial.design import Design
from simtrial.trial.posterior import Origin, Posterior
from simtrial.trial.scenario import (
    ACCRUAL_RATE,
    Replacement,
    Scenario,
    check_replacements,
    full_name,
    new_value,
)

_PILOT_SEED = 20_260_202
_PILOT_PATIENTS = 5_000


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything a replicate needs, and what a reader wants to know of it.

    Attributes
    ----------
    row_ess : effective number of independent rows (the sampler's draws are correlated).
    clipped : rows whose control rate cannot be reached by any background (held at 0 or 1).
    noise_floor : observed response of patients without any true change, at the point.
    control_rate : the stated rate at the point; None where the scenario sets p_background.
    """

    design: Design
    scenario: Scenario
    protocol: Protocol
    table: CourseTable
    arrivals: Arrivals
    rows: int
    row_ess: float
    clipped: int
    noise_floor: float
    noise_floor_error: float
    control_rate: float | None
    eligible_share: float
    eligible_share_error: float
    origins: dict[str, Origin]
    values: dict[str, float]


def needed_parameters(design: Design) -> list[str]:
    """Return the names of the parameters that a design's course reads."""
    people = design.population
    steroid = set(prednisolone_parameters("practice", raises=True))
    steroid -= set(
        prednisolone_parameters(
            design.prednisolone.taper, raises=design.intercurrent.raises_prednisolone
        )
    )
    by_design = ("p_response", "rescue_per_visit", "prednisolone_share", SOLVED, CONTROL_RATE)
    by_rule = ("lack_of_effect", "standard.")
    other_ages = ("age.", "weight.") if people.age_group == "juvenile" else ("juvenile.",)
    other_blinding = "unblinding_shift" if design.is_open_label else "reporting_shift."
    unread = (*by_design, *BY_SUBTYPE, *by_rule, *other_ages, other_blinding)
    names = [n for n in PARAMETERS if not n.startswith(unread) and n not in steroid]
    if design.gives_drug:
        names += [response_name(s, line) for line in people.lines for s in people.subtypes]
    if design.intercurrent.rescue is not None:
        names += [rescue_name(line, people.background) for line in people.lines]
    if design.intercurrent.lack_of_effect is not None:
        names.append("lack_of_effect_per_visit")
    if design.intercurrent.has("standard_therapy"):
        names += ["standard.depth", "standard.k"]
    names += [prednisolone_name(line) for line in people.lines]
    names += sorted({name(s) for name in (cancer_name, death_name) for s in people.subtypes})
    return list(dict.fromkeys(names))  # some subtypes have one value for both lines


def _replaced(
    draws: NDArray[np.float64], name: str, new: Replacement, place: str
) -> NDArray[np.float64]:
    parameter = PARAMETERS[name]
    rows = draws.shape[0]
    changed = draws * (new.times or 0.0)
    outside = (changed < parameter.lowest) | (changed > parameter.highest)
    if outside.any():
        raise DesignError(
            f"{place} is {{times: {new.times:g}}}; that takes {int(outside.sum())} of {rows} draws "
            f"outside {parameter.lowest:g} to {parameter.highest:g}; multiply by less, or write a "
            f"value; for example {{value: {np.median(draws):.3g}}}."
        )
    return changed


def _rows(
    design: Design, scenario: Scenario, posterior: Posterior, *, point: bool
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Replacement]]:
    """Return name -> (D,) values of all needed parameters, and the replacements by full name."""
    new: dict[str, Replacement] = {}
    written: dict[str, str] = {}  # full name -> as the scenario writes it
    for short, replacement in scenario.replacements().items():
        name = full_name(short, design.population.line)
        if short == ACCRUAL_RATE:
            continue
        if name in new:
            raise DesignError(
                f"{scenario.where('set', short)} is {shown(replacement.model_dump())}; "
                f"{written[name]} names the same parameter; keep one of the two."
            )
        new[name], written[name] = replacement, short
    read = {*needed_parameters(design), SOLVED, CONTROL_RATE}
    for name, short in written.items():
        if name not in read:
            subtypes = ", ".join(design.population.subtypes)
            near = nearest(name, sorted(read))
            raise DesignError(
                f"{scenario.where('set', short)} is {shown(new[name].value or new[name].times)}; "
                f"{short} is not read by this design ({design.population.line_words()}, "
                f"{subtypes}); take it out of the scenario; the nearest it reads is "
                f"'{near}'; for example "
                f'"{near}": {new_value(near or name)}.'
            )
    if SOLVED in new and CONTROL_RATE in new:
        raise DesignError(
            f"{scenario.where('set', SOLVED)} is given and so is {CONTROL_RATE}; one follows from "
            f"the other, so set one of them; for example {CONTROL_RATE}: 0.3."
        )
    if SOLVED in new and new[SOLVED].value is None:
        raise DesignError(
            f"{scenario.where('set', SOLVED)} is {{times: {new[SOLVED].times:g}}}; it is solved, "
            f"not drawn, so there is nothing to multiply; for example {SOLVED}: 0.1."
        )
    rows = 1 if point else posterior.n_draws
    held: Mapping[str, NDArray[np.float64]] = (
        {name: np.array([value]) for name, value in posterior.point.items()}
        if point
        else posterior.draws
    )
    out = {}
    for name in (*needed_parameters(design), CONTROL_RATE):
        if name in new and new[name].value is not None:
            out[name] = np.full(rows, new[name].value)
            continue
        posterior.require(name)
        out[name] = held[name]
        if name in new:
            place = scenario.where("set", written[name])
            out[name] = _replaced(held[name], name, new[name], place)
    return out, new


def check(design: Design, scenario: Scenario, posterior: Posterior) -> None:
    """Refuse what :func:`prepare` would refuse of a scenario, without simulating.

    Raises
    ------
    DesignError, PosteriorError
    """
    check_replacements(scenario)
    _rows(design, scenario, posterior, point=True)
    if scenario.source == "posterior":
        _rows(design, scenario, posterior, point=False)


def prepare(
    design: Design,
    scenario: Scenario,
    posterior: Posterior,
    *,
    workers: int = 1,
    start: Callable[[str, int], Callable[[int], None]] | None = None,
) -> Prepared:
    """Return a design ready to run under a scenario.

    Parameters
    ----------
    start : told of a title and a total when replaced parameters make the control arm of every row
        count anew (some minutes); it returns what is told of each step.

    Raises
    ------
    DesignError, PosteriorError : when the scenario sets what it may not, the posterior lacks a
        parameter of the design, or next to nobody is eligible.
    """
    check_replacements(scenario)
    is_point = scenario.source != "posterior"
    point_draws, new = _rows(design, scenario, posterior, point=True)
    draws = point_draws if is_point else _rows(design, scenario, posterior, point=False)[0]
    rows = draws["depth"].shape[0]
    point_background = _background(point_draws, new, posterior, True, workers, None)
    p_point = _solved(point_draws, new, point_background)
    if is_point:
        background, solved = point_background, p_point
    else:
        background = _background(draws, new, posterior, False, workers, start)
        solved = _solved(draws, new, background)
    table = course_table(
        design,
        draws,
        posterior.correlation,
        solved[0],
        drug_works=scenario.has_drug_effect,
        drug_harms=scenario.has_drug_harm,
        courses_add=scenario.exposure == "sum",
    )
    protocol = protocol_of(design)
    # a run-in lets in by response, so the drug works in the pilot as in the scenario
    pilot = course_table(
        design,
        point_draws,
        posterior.correlation,
        p_point[0],
        drug_works=scenario.has_drug_effect,
        courses_add=scenario.exposure == "sum",
    )
    eligible, screened = _eligible_share(protocol, pilot)
    if eligible < SMALLEST_SHARE:
        raise DesignError(_nobody_eligible(design, eligible, screened))
    return Prepared(
        design=design,
        scenario=scenario,
        protocol=protocol,
        table=table,
        arrivals=arrivals_of(
            design.accrual,
            _accrual_rate(design, scenario),
            eligible,
            design.sample_size.n,
            tuple(design.population.subtypes),
        ),
        rows=rows,
        row_ess=_row_ess(posterior, rows, draws),
        clipped=int(solved[1].sum()),
        noise_floor=float(point_background["r0"][0]),
        noise_floor_error=float(point_background["r0_error"][0]),
        control_rate=None if SOLVED in new else float(point_draws[CONTROL_RATE][0]),
        eligible_share=eligible,
        eligible_share_error=math.sqrt(eligible * eligible * (1.0 - eligible) / _PILOT_PATIENTS),
        origins=_origins(design, posterior, new),
        values={name: float(values[0]) for name, values in point_draws.items()},
    )


def _background(
    draws: Mapping[str, NDArray[np.float64]],
    new: Mapping[str, Replacement],
    posterior: Posterior,
    point: bool,
    workers: int,
    start: Callable[[str, int], Callable[[int], None]] | None,
) -> dict[str, NDArray[np.float64]]:
    """Return r0 and r1 of the rows: as stored, or counted anew when a replacement moves them."""
    if not any(moves_control(name) for name in new):
        part = slice(-1, None) if point else slice(0, -1)
        return {name: values[part] for name, values in posterior.background.items()}
    rows = draws["depth"].shape[0]
    every = {  # the reference protocol may read what this design does not
        **{n: posterior.require(n)[:rows] for n in needed_parameters(reference_protocol())},
        **draws,
    }
    first = posterior.n_draws if point else 0
    step = None if start is None else start("control arm of each row", rows)
    return tabulate(
        every,
        posterior.correlation,
        workers=workers,
        first_replicate=first,
        tick=None if step is None else lambda: step(1),
    )


def _solved(
    draws: Mapping[str, NDArray[np.float64]],
    new: Mapping[str, Replacement],
    background: Mapping[str, NDArray[np.float64]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rate = draws[CONTROL_RATE]
    if SOLVED in new:
        return np.full(rate.shape, new[SOLVED].value), np.zeros(rate.shape, np.bool_)
    return solve_background(rate, background["r0"], background["r1"])


def _row_ess(posterior: Posterior, rows: int, read: Mapping[str, object]) -> float:
    """Return the least effective sample size among the sampled parameters that are read."""
    held = posterior.provenance.get("ess", {})
    return min([float(rows), *(float(held[name][0]) for name in read if name in held)])


def _accrual_rate(design: Design, scenario: Scenario) -> float:
    rate = design.accrual.patients_per_site_month
    new = scenario.replacements().get(ACCRUAL_RATE)
    if new is None:
        return rate
    return new.value if new.value is not None else rate * (new.times or 0.0)


def _eligible_share(protocol: Protocol, table: CourseTable) -> tuple[float, int]:
    """Return the share of candidates who may enter, of how many that a pilot simulated."""
    arrivals = Arrivals(opening=np.zeros(1), per_minute=1.0, most_candidates=20 * _PILOT_PATIENTS)
    seen = compiled.run(
        protocol, table, arrivals, seed=_PILOT_SEED, first=0, last=1, n=_PILOT_PATIENTS
    ).seen
    entered = int((seen.arm[0] >= 0).sum())
    return entered / int(seen.screened[0]), int(seen.screened[0])


def _nobody_eligible(design: Design, share: float, screened: int) -> str:
    people = design.population
    rules = people.eligibility
    most = MMT_MAXIMUM[people.mmt]
    run_in = design.run_in
    also = "" if run_in is None else " (those whom the run-in keeps out are among the others)"
    return (
        f"{design.where('population', 'eligibility')} is "
        f"{shown(rules.model_dump(exclude_defaults=True))}; it lets {100 * share:.2g} % of "
        f"{screened:,} simulated candidates in{also}, and a trial needs at least "
        f"{100 * SMALLEST_SHARE:g} %. Ease mmt_below (points of {people.mmt}, up to {most}), "
        "other_abnormal_measures, prednisolone_at_most_mg or another of its rules; for example "
        f"eligibility: {{mmt_below: {round(142 / 150 * most)}}}."
    )


def _origins(
    design: Design, posterior: Posterior, new: Mapping[str, Replacement]
) -> dict[str, Origin]:
    """Return where each parameter that the design reads comes from, for this design."""
    out = {}
    for name in (*needed_parameters(design), CONTROL_RATE):
        if name in new:
            out[name] = Origin(status=new[name].status, source=new[name].source)
            continue
        origin = posterior.origins[name]
        from_first_line = name.startswith(("baseline.", "age.", "female_share"))
        if "refractory" in design.population.lines and from_first_line:
            origin = Origin(status="assumed", source=f"taken over from first line: {origin.source}")
        out[name] = origin
    if SOLVED in new:
        del out[CONTROL_RATE]
        out[SOLVED] = Origin(status=new[SOLVED].status, source=new[SOLVED].source)
    return out
