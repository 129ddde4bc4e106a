"""A simulated patient of a random trial in the words of the second reader."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simtrial.cohort.events import FATAL, INTERRUPT, STOP
from simtrial.cohort.truth import Cohort
from simtrial.myositis.measures import MMT_MAXIMUM
from simtrial.trial.design import Design
from simtrial.trial.treatment import Course
from tests.agreement.random_designs import RandomTrial
from tests.independent.course_second import TellerSecond
from tests.independent.draws_second import COURSE_HARM, RISK, VISIT_TIMING, DrawsSecond
from tests.independent.measures_second import visit_shift
from tests.independent.taper_second import TaperRule
from tests.independent.told_second import (
    EventRule,
    HarmSecond,
    PatientSecond,
    PlanSecond,
    RetoldSecond,
)
from tests.independent.treatment_second import ArmSecond, AsNeeded, CourseSecond, DoseRule

WEEK = 10_080
# slots of RISK and COURSE_HARM that decide what follows an event
FOLLOWS_WITHOUT_COURSE = 3
FOLLOWS_REACTION, FOLLOWS_THROMBOEMBOLISM, FOLLOWS_SERIOUS = 6, 7, 8


@dataclass(frozen=True, kw_only=True)
class Retelling:
    """Random trial and cohort, ready to have every patient told again."""

    trial: RandomTrial
    cohort: Cohort

    @cached_property
    def plan(self) -> PlanSecond:
        """The design in the second reader's words."""
        return plan_of(self.trial)

    def values(self, r: int) -> dict[str, float]:
        """Return the parameters of a replicate."""
        row = (self.trial.first + r) % self.trial.p_background.shape[0]
        out = {name: float(v[row]) for name, v in self.trial.draws.items()}
        return out | {"p_background": float(self.trial.p_background[row])}

    def retell(self, r: int, p: int) -> RetoldSecond:
        """Tell one patient's course again."""
        design, seen, truth = self.trial.design, self.cohort.seen, self.cohort.truth
        world = self.values(r)
        subtypes = tuple(design.population.subtypes)
        subtype = subtypes[seen.subtype[r, p]]
        line = ("first_line", "refractory")[seen.line[r, p]]
        one_rate = subtype in ("IBM", "ICI")
        name = f"p_response[{subtype}]" if one_rate else f"p_response[{subtype}, {line}]"
        rescue = world.get(f"rescue_per_visit[{line}, {design.population.background}]", 0.0)
        most = self.plan.mmt_maximum
        sds = [world[f"sd_change.{k}"] / math.sqrt(2) for k in _KINDS]
        sds[4] *= most
        draws = DrawsSecond(self.trial.seed, self.trial.first + int(r))
        latent = [float(x) for x in truth.baseline[r, p]]
        latent[4] *= most
        latent[5] = math.exp(latent[5])
        entry = seen.prednisolone[r, p, 0]
        patient = PatientSecond(
            candidate=int(seen.candidate[r, p]),
            site=int(seen.site[r, p]),
            number=p + 1,
            randomised_minute=int(seen.randomised_minute[r, p]),
            arm=int(seen.arm[r, p]),
            weight_kg=float(seen.weight[r, p]),
            prednisolone_mg=float(entry),
            baseline=tuple(latent),
            enzymes=tuple(float(x) for x in np.exp(truth.other_enzymes[r, p])),
            harm=tuple(self._harm(r, p, world, draws)),
        )
        return TellerSecond(
            patient=patient,
            plan=self.plan,
            world=world,
            draws=draws,
            sds=sds,
            loadings=[world[f"loading.{m}"] for m in _MEASURES],
            p_response=world[name],
            rescue_chance=rescue,
            drift=world["drift_per_year[IBM]" if subtype == "IBM" else "drift_per_year"],
        ).run()

    def _harm(
        self, r: int, p: int, world: dict[str, float], draws: DrawsSecond
    ) -> list[HarmSecond]:
        """Return the events of harm that were seen, with what they do by the second numbers."""
        seen, candidate = self.cohort.seen, int(self.cohort.seen.candidate[r, p])
        leaves = self.trial.design.intercurrent.harm.then == "leave_study"
        out = []
        for j in range(seen.course_minute.shape[2]):
            if seen.course_minute[r, p, j] < 0:
                continue
            week = self._week(int(seen.course_minute[r, p, j]), candidate, draws)

            def stops(slot: int, chance: float, week: int = week) -> bool:
                return draws.u(COURSE_HARM, candidate, week, slot) < chance

            serious = bool(seen.reaction_serious[r, p, j])
            for minute, slot, chance, reaction in (
                (
                    seen.reaction_minute,
                    FOLLOWS_REACTION,
                    world["stop.serious" if serious else "stop.reaction"],
                    bool(seen.course_drug[r, p, j]),
                ),
                (
                    seen.thromboembolism_minute,
                    FOLLOWS_THROMBOEMBOLISM,
                    world["stop.serious"],
                    False,
                ),
                (seen.serious_minute, FOLLOWS_SERIOUS, world["stop.serious"], False),
            ):
                if minute[r, p, j] >= 0:
                    out.append(
                        HarmSecond(
                            minute=int(minute[r, p, j]),
                            reaction=reaction,
                            stops=stops(slot, chance),
                            leaves=leaves,
                        )
                    )
        alone = int(seen.thromboembolism_minute[r, p, -1])
        if alone >= 0:
            u = draws.u(RISK, candidate, 0, FOLLOWS_WITHOUT_COURSE)
            out.append(HarmSecond(minute=alone, stops=u < world["stop.serious"], leaves=leaves))
        for minute, bits in zip(
            seen.events_minute[r, p].tolist(), seen.events_detail[r, p].tolist(), strict=True
        ):
            if minute >= 0:
                out.append(
                    HarmSecond(
                        minute=minute,
                        stops=bool(bits & STOP),
                        leaves=leaves,
                        leaves_out_next=bool(bits & INTERRUPT),
                        fatal=bool(bits & FATAL),
                    )
                )
        return out

    def _week(self, minute: int, candidate: int, draws: DrawsSecond) -> int:
        """Return the scheduled week of a course from the minute at which it began."""
        half = round(self.plan.window_days * 1440)
        for week in self.plan.visit_weeks[1:]:
            at = week * WEEK
            if half:
                at = visit_shift(at, half, draws.u(VISIT_TIMING, candidate, week))
            if at == minute:
                return week
        return minute // WEEK


_KINDS = ("vas", "vas", "vas", "haq", "mmt", "enzyme")
_MEASURES = ("physician", "patient", "extramuscular", "haq", "mmt", "enzyme")


def plan_of(trial: RandomTrial) -> PlanSecond:
    """Return a design in the second reader's words."""
    design = trial.design
    rules, extension = design.intercurrent, design.extension
    switches = design.switches() if rules.has("switch") else {}
    worse, rescue, lack = rules.deterioration, rules.rescue, rules.lack_of_effect
    most = design.prednisolone.at_most_mg
    return PlanSecond(
        visit_weeks=design.visits_weeks,
        arms=tuple(_arm(design, name, switches) for name in design.arm_names),
        taper=_taper(design),
        screening_weeks=design.screening_weeks,
        window_days=design.visit_window_days,
        extension=_courses(extension.course_list(), placebo=False) if extension else (),
        extension_week=extension.from_week if extension else math.inf,
        deterioration=worse
        and EventRule(
            from_week=worse.from_week,
            then=worse.then,
            prednisolone_mg=worse.prednisolone_mg,
            at_most_mg=most,
        ),
        rescue=rescue
        and EventRule(
            from_week=rescue.allowed_from_week,
            then=rescue.then,
            tis_below=rescue.insufficient_tis_below,
            prednisolone_mg=rescue.prednisolone_mg,
            at_most_mg=most,
        ),
        lack_of_effect=lack
        and EventRule(from_week=lack.from_week, then=lack.then, tis_below=lack.tis_below),
        mmt_maximum=float(MMT_MAXIMUM[design.population.mmt]),
        missing_is_zero=design.tis_missing == "zero",
        open_label=design.is_open_label,
        summed_exposure=trial.courses_add,
        drug_works=trial.drug_works,
    )


def _courses(courses: tuple[Course, ...], *, placebo: bool) -> tuple[CourseSecond, ...]:
    return tuple(
        CourseSecond(
            week=c.week, g_per_kg=c.dose_g_per_kg, days=c.days, drug=not (placebo or c.placebo)
        )
        for c in courses
    )


def _arm(design: Design, name: str, switches: dict[str, str]) -> ArmSecond:
    rules = design.rules_of(name)
    placebo = design.arms[name].infusions_like is not None
    stable, needed = rules.stop_when_stable, rules.as_needed
    target = switches.get(name)
    return ArmSecond(
        courses=_courses(rules.course_list(), placebo=placebo),
        stable_tis=stable.tis_at_least if stable else None,
        stable_visits=stable.visits if stable else 0,
        dose_rules=tuple(
            DoseRule(
                week=change.at_week,
                from_patient=change.from_patient,
                below=change.if_tis_below,
                at_least=change.if_tis_at_least,
                courses=_courses(change.courses, placebo=placebo),
            )
            for change in rules.dose_change
        ),
        as_needed=needed
        and AsNeeded(
            from_week=needed.from_week,
            at_most=needed.at_most,
            weeks_apart=needed.weeks_apart,
            if_tis_below=needed.if_tis_below,
            if_tis_falls_by=needed.if_tis_falls_by,
            g_per_kg=needed.dose_g_per_kg,
            days=needed.days,
            drug=not placebo,
        ),
        switch_to=design.arm_names.index(target) if target is not None else None,
    )


def _taper(design: Design) -> TaperRule:
    rule = design.prednisolone
    steps = rule.steps_mg
    return TaperRule(
        kind=rule.taper,
        from_week=rule.from_week,
        every_weeks=rule.weeks_between,
        target_mg=rule.target_mg or 0.0,
        target_week=rule.target_week or 0,
        hold_on_flare=rule.hold_on_flare,
        improved_tis=rule.improved_tis,
        steps_mg=(steps.above_20, steps.above_10, steps.to_10),
        share=rule.share or 0.0,
        floor_mg=rule.floor_mg,
        back_up_mg=rule.back_up_mg,
        at_most_mg=rule.at_most_mg,
    )
