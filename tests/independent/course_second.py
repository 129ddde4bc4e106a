"""Second reading of a whole patient's course, from randomisation to the last visit.

Written from docs/model.md without sight of the engines.  Harm is told in harm_second: here its
events are given, with what they bring about.  Names of parameters are those of the model; a plan
says what the design says.
"""

import math
from collections.abc import Mapping, Sequence

from tests.independent import draws_second as draw
from tests.independent import dynamics_second as dynamics
from tests.independent import measures_second as measures
from tests.independent import taper_second as taper
from tests.independent import treatment_second as treatment
from tests.independent.draws_second import DrawsSecond
from tests.independent.eyes_second import EyesSecond
from tests.independent.told_second import (
    EventRule,
    PatientSecond,
    PlanSecond,
    RetoldSecond,
    VisitSecond,
)

WEEK = 10080
DAY = 1440
ENDS_TREATMENT = ("stop_treatment", "leave_study", "standard_therapy")


class TellerSecond:
    """Tells the course of one patient."""

    def __init__(
        self,
        *,
        patient: PatientSecond,
        plan: PlanSecond,
        world: Mapping[str, float],
        draws: DrawsSecond,
        sds: Sequence[float],
        loadings: Sequence[float],
        p_response: float,
        rescue_chance: float,
        drift: float,
    ) -> None:
        self.patient, self.plan, self.world, self.draws = patient, plan, world, draws
        self.drift = drift
        self.eyes = EyesSecond(patient, plan, world, draws, sds, loadings)
        self.rescue_chance = rescue_chance
        self.margin = math.inf  # distance of the closest decision from its boundary
        c = patient.candidate
        self.told = RetoldSecond(
            responder=self.near(draws.u(draw.RESPONSE, c, 0, 0), p_response) and plan.drug_works,
            background=self.near(draws.u(draw.RESPONSE, c, 0, 1), world["p_background"]),
            transient=self.near(draws.u(draw.COURSE_CLASS, c), world.get("p_transient", 0.0)),
            visits=[],
            given=[],
        )
        self.told.transient = self.told.transient and self.told.responder
        self.depth = dynamics.own_depth(
            world["depth"], world["depth_sd"], draws.z(draw.RESPONSE_SIZE, c, 0, 0)
        )
        self.half_dose = dynamics.own_half_dose(
            world["x50"], world["x50_sd"], draws.z(draw.RESPONSE_SIZE, c, 0, 1)
        )
        self.benefits = dynamics.BenefitsSecond()
        self.state = treatment.TreatmentSecond(
            arm=patient.arm,
            planned=treatment.starting_plan(plan.arms, patient.arm, plan.extension),
        )
        self.dose = taper.DoseSecond(
            entry=patient.prednisolone_mg,
            now=patient.prednisolone_mg,
            before=patient.prednisolone_mg,
        )
        half_window = round(plan.window_days * DAY)
        self.visit_minutes = [
            0
            if week == 0
            else measures.visit_shift(week * WEEK, half_window, draws.u(draw.VISIT_TIMING, c, week))
            if half_window
            else week * WEEK
            for week in plan.visit_weeks
        ]
        self.taken_mg = 0.0
        self.attended_minute = 0
        self.worse_before = False
        self.reaction_minute: int | None = None
        self.harm = sorted(patient.harm, key=lambda event: event.minute)
        self.own_share, self.own_floor = self.person_of_taper()
        self.told.depth, self.told.half_dose = self.depth, self.half_dose
        if plan.taper.kind == "practice":
            self.told.floor_mg = self.own_floor
        p = world["dropout_16_weeks"]
        self.dropout_minute = (
            round(-math.log(draws.u(draw.LEAVING, c)) / (-math.log(1.0 - p) / 16.0) * WEEK)
            if p > 0.0
            else None
        )
        self.spells = treatment.supply_gaps(
            (draws.u(draw.SUPPLY, 0, k) for k in range(treatment.MOST_INTERRUPTIONS)),
            world.get("supply.per_year", 0.0),
            world.get("supply.weeks", 0.0),
        )

    def near(self, u: float, limit: float) -> bool:
        """Whether u lies below a limit; the distance is remembered."""
        self.margin = min(self.margin, abs(u - limit))
        return u < limit

    # -- time ---------------------------------------------------------------------------------

    def run(self) -> RetoldSecond:
        """Go from instant to instant until the last visit or until the patient has left."""
        end = self.visit_minutes[-1]
        now = 0
        self.at_instant(0)
        self.harm_at(0)
        while not self.has_left(now) and now < end:
            following = self.next_instant(now)
            between = [e.minute for e in self.harm if now < e.minute < following]
            if between:
                # Harm is no instant of the grid: benefits wait, the plan may change.
                if self.dropout_minute is not None and self.dropout_minute < between[0]:
                    self.told.left_minute = self.dropout_minute
                    break
                self.harm_at(between[0])
                if self.told.left_minute is not None:
                    break
                continue
            if self.dropout_minute is not None and self.dropout_minute < following:
                self.told.left_minute = self.dropout_minute
                break
            self.step_to(following)
            now = following
            self.at_instant(now)
            if self.told.left_minute is None:
                self.harm_at(now)
        self.finish()
        return self.told

    def has_left(self, now: int) -> bool:
        """Whether the patient has left by now, dropping out included."""
        if self.told.left_minute is not None:
            return True
        if self.dropout_minute is not None and self.dropout_minute <= now < self.visit_minutes[-1]:
            self.told.left_minute = self.dropout_minute
            return True
        return False

    def course_minute(self, course: treatment.CourseSecond) -> int:
        """When a planned course begins."""
        if course.week in self.plan.visit_weeks:
            return self.visit_minutes[self.plan.visit_weeks.index(course.week)]
        return course.week * WEEK

    def next_instant(self, now: int) -> int:
        """Next weekly instant, visit, first or last day of a course."""
        instants = [now // WEEK * WEEK + WEEK]
        instants += [minute for minute in self.visit_minutes if minute > now]
        instants += [self.course_minute(course) for course in self.state.planned]
        if self.state.running is not None:
            instants.append(self.state.running.last_minute)
        return min(minute for minute in instants if minute > now)

    def step_to(self, minute: int) -> None:
        """Let every benefit move from the last instant to this one."""
        now, world = self.benefits, self.world
        length = minute - now.minute
        middle = (minute + now.minute) / 2.0
        goal = 0.0
        if self.told.responder and self.state.effects:
            x = dynamics.exposure_at(
                middle, self.state.effects, world["h_eff"] / 7.0, self.plan.summed_exposure
            )
            goal = dynamics.drug_goal(x, self.depth, world["hill"], self.half_dose)
            if self.told.transient:
                goal *= dynamics.transient_share(
                    middle, self.state.effects[0][0], world["transient_half_life"]
                )
        now.g = dynamics.approach(now.g, goal, world["k_on"], length)
        if self.told.standard_minute is not None:
            own = world["background_depth"] if self.told.background else 0.0
            best = max(world["standard.depth"], own)
            now.b = dynamics.approach(now.b, best, world["standard.k"], length)
        elif self.told.background:
            now.b = dynamics.approach(
                now.b, world["background_depth"], world["k_background"], length
            )
        if self.dose.now != self.dose.entry or now.s != 0.0:
            aim = dynamics.steroid_goal(
                self.dose.now - self.dose.entry, world["steroid_effect"], world["steroid_d50"]
            )
            now.s = dynamics.approach(now.s, aim, world["k_steroid"], length)
        if now.w != 0.0:
            now.w = dynamics.approach(now.w, 0.0, world["k_flare"], length)
        now.minute = minute

    def benefit(self) -> float:
        """All benefits together at this minute."""
        now = self.benefits
        lost = dynamics.decline(now.minute, self.drift)
        return dynamics.combined(now.g, now.b, now.s, lost, now.w)

    # -- instants -----------------------------------------------------------------------------

    def at_instant(self, minute: int) -> None:
        """Measure and decide, then infuse."""
        if minute in self.visit_minutes:
            self.visit(self.visit_minutes.index(minute))
        if self.state.running is not None and self.state.running.last_minute == minute:
            treatment.finish_course(self.state, minute)
        if self.told.left_minute is not None:
            return
        while self.state.planned and self.course_minute(self.state.planned[0]) <= minute:
            course = self.state.planned.pop(0)
            calendar = self.patient.randomised_minute + minute
            treatment.begin_course(
                self.state,
                course,
                minute=minute,
                weight_kg=self.patient.weight_kg,
                interrupted=any(start <= calendar < end for start, end in self.spells),
            )

    def harm_at(self, minute: int) -> None:
        """Let the harm of this minute have its consequences."""
        fatal = False
        while self.harm and self.harm[0].minute == minute:
            event = self.harm.pop(0)
            if event.reaction and self.reaction_minute is None:
                self.reaction_minute = minute
            if event.leaves_out_next:
                self.state.leave_out_next = True
            if event.stops and self.something_to_stop(minute):
                self.state.stop(minute)
                if event.leaves:
                    self.told.left_minute = minute
            fatal = fatal or event.fatal
        if fatal and minute != self.visit_minutes[-1]:
            self.told.left_minute = minute

    def something_to_stop(self, minute: int) -> bool:
        """Whether harm of this minute can stop treatment: a course may still come, by some way."""
        state = self.state
        if not state.treated or minute >= self.visit_minutes[-1]:
            return False
        arm = self.plan.arms[state.arm]  # whose treatment he is given now
        needed = arm.as_needed is not None and state.needed_count < arm.as_needed.at_most
        may_switch = state.switch_minute is None and arm.switch_to is not None
        return bool(state.planned) or needed or may_switch or self.change_ahead(minute)

    def change_ahead(self, minute: int) -> bool:
        """Whether a visit after this minute looks at a change of dose for this patient."""
        if self.state.stable_minute is not None:
            return False
        ahead = {
            week
            for week, held in zip(self.plan.visit_weeks, self.visit_minutes, strict=True)
            if held > minute
        }
        return any(
            rule.week in ahead and self.patient.number >= rule.from_patient
            for rule in self.plan.arms[self.state.arm].dose_rules
        )

    def visit(self, i: int) -> None:
        """A visit: what is measured, and what is decided."""
        week, minute = self.plan.visit_weeks[i], self.visit_minutes[i]
        c, draws, world = self.patient.candidate, self.draws, self.world
        self.eyes.move_on(week, minute)
        missing_visit = world.get("missing.visit", 0.0)
        attended = week == 0 or not (
            missing_visit > 0.0 and self.near(draws.u(draw.MISSING, c, week, 0), missing_visit)
        )
        now = self.benefits
        seen = VisitSecond(
            week=week,
            minute=minute,
            attended=attended,
            benefits=(now.g, now.b, now.s, now.w),
            f=self.benefit(),
            dose_mg=self.dose.now,
        )
        self.told.visits.append(seen)
        if not attended:
            return
        if week > 0:
            seen.flare = self.flares(week, minute)
            seen.benefits = (now.g, now.b, now.s, now.w)
            seen.f = self.benefit()
        self.eyes.measure(seen, self.reaction_minute)
        if week == 0:
            return
        self.taken_mg += self.dose.now * (minute - self.attended_minute) / DAY
        seen.taken_mg = self.taken_mg
        first = self.told.visits[0]
        baseline = [value for value in first.observed if value is not None]
        one = measures.score(
            baseline,
            seen.observed,
            mmt_maximum=self.plan.mmt_maximum,
            enzyme_range=measures.ENZYME_DIVISOR[self.eyes.chosen_enzyme],
            missing_is_zero=self.plan.missing_is_zero,
        )
        self.margin = min(self.margin, one.margin_percent)
        seen.tis = one.value
        seen.worse = measures.is_worse(baseline, seen.observed)
        added, at_most, rescued = self.decide(seen)
        if self.state.treated and self.told.left_minute is None:
            treatment.apply_rules(
                self.state,
                self.plan.arms,
                self.plan.extension,
                extension_week=self.plan.extension_week,
                week=week,
                minute=minute,
                tis=seen.tis,
                number=self.patient.number,
            )
        self.set_dose(seen, added, at_most, rescued)
        self.attended_minute = minute
        self.worse_before = seen.worse

    def flares(self, week: int, minute: int) -> bool:
        """Whether a flare has come since the last attended visit; it is felt at once."""
        if self.plan.taper.kind == "stable":
            return False
        hazard = dynamics.flare_hazard(
            per_week=self.world["flare_per_week"],
            minutes=minute - self.attended_minute,
            speed=self.world["flare_speed"],
            pace=self.dose.pace(week),
            benefit=self.benefit(),
        )
        wait = -math.log(self.draws.u(draw.TAPER, self.patient.candidate, week, 0))
        if not self.near(wait, hazard):
            return False
        self.benefits.w = self.world["flare_size"]
        return True

    def decide(self, seen: VisitSecond) -> tuple[float, float, bool]:
        """Deterioration, rescue, lack of effect; mg added, their limit, and whether rescued now."""
        plan, told, draws = self.plan, self.told, self.draws
        week, minute, c = seen.week, seen.minute, self.patient.candidate
        last = week == plan.visit_weeks[-1]
        happened: list[EventRule] = []
        rescued = False
        rule = plan.deterioration
        confirmed = seen.worse and self.worse_before
        if rule and told.deterioration_minute is None and week >= rule.from_week and confirmed:
            told.deterioration_minute = minute
            happened.append(rule)

        def insufficient(rule: EventRule | None) -> bool:
            if rule is None or last or seen.tis is None:
                return False
            return seen.tis < rule.tis_below and week >= rule.from_week

        leaves = any(one.then == "leave_study" for one in happened)
        rule, u = plan.rescue, draws.u(draw.RESCUE, c, week)
        meets = told.rescue_minute is None and not leaves and insufficient(rule)
        if rule and meets and self.near(u, self.rescue_chance):
            told.rescue_minute = minute
            rescued = True
            happened.append(rule)
        ended = any(one.then in ENDS_TREATMENT for one in happened)
        rule, u = plan.lack_of_effect, draws.u(draw.LACK_OF_EFFECT, c, week)
        still_treated = self.state.treated and not ended
        meets = told.lack_minute is None and still_treated and insufficient(rule)
        if rule and meets and self.near(u, self.world["lack_of_effect_per_visit"]):
            told.lack_minute = minute
            happened.append(rule)
        self.follow(happened, week, minute)
        mg = sum(one.prednisolone_mg for one in happened)
        limits = [one.at_most_mg for one in happened if one.prednisolone_mg > 0.0]
        return mg, max(limits, default=100.0), rescued

    def follow(self, happened: Sequence[EventRule], week: int, minute: int) -> None:
        """What follows of the events of this visit."""
        told = self.told
        if any(one.then in ENDS_TREATMENT for one in happened):
            self.state.stop(minute)
        elif any(one.then == "switch" for one in happened) and self.state.treated:
            treatment.switch_arm(
                self.state,
                self.plan.arms,
                self.plan.extension,
                self.plan.extension_week,
                self.plan.visit_weeks[-1],
                week,
                minute,
            )
        if told.standard_minute is None and any(one.then == "standard_therapy" for one in happened):
            told.standard_minute = minute
        if any(one.then == "leave_study" for one in happened) and minute < self.visit_minutes[-1]:
            told.left_minute = minute

    def set_dose(self, seen: VisitSecond, added: float, at_most: float, rescued: bool) -> None:
        """Prescribe prednisolone."""
        c = self.patient.candidate
        practice = self.plan.taper.kind == "practice"
        p_improved = self.world.get("p_judged_improved", 0.0)
        judged = self.draws.u(draw.TAPER, c, seen.week, 1)
        if practice:
            self.near(judged, p_improved)
        mg = taper.next_dose(
            self.plan.taper,
            self.dose,
            taper.VisitOfTaper(
                week=seen.week,
                minutes_since_attended=seen.minute - self.attended_minute,
                tis=seen.tis,
                worse=seen.worse,
                flare=seen.flare,
                rescued=rescued,
                added_mg=added,
                added_at_most_mg=at_most,
                judged_u=judged,
                p_judged_improved=p_improved,
                share_per_4_weeks=self.own_share,
                own_floor=self.own_floor,
            ),
        )
        self.dose.set_to(mg, seen.week)
        seen.dose_mg = mg

    def person_of_taper(self) -> tuple[float, float]:
        """The patient's share given up in 4 weeks and floor, in practice."""
        if self.plan.taper.kind != "practice":
            return 0.0, 0.0
        c, site = self.patient.candidate, self.patient.site
        world, draws = self.world, self.draws
        share = dynamics.expit(
            dynamics.logit(world["taper_share"])
            + world["taper_share_sd"] * draws.z(draw.TAPER_PERSON, c, 0, 0)
            + world["centre_taper_sd"] * draws.z(draw.CENTRE, site, 0, 0)
        )
        keeps = self.near(draws.u(draw.TAPER_PERSON, c, 0, 2), world["maintenance_share"])
        if self.patient.prednisolone_mg == 0.0 or not keeps:
            return share, 0.0
        log_floor = (
            math.log(world["maintenance.median"])
            + world["maintenance.log_sd"] * draws.z(draw.TAPER_PERSON, c, 0, 1)
            + world["centre_floor_sd"] * draws.z(draw.CENTRE, site, 0, 1)
        )
        return share, taper.to_half_mg(math.exp(log_floor))

    def finish(self) -> None:
        """Hand over what the treatment came to."""
        told, state = self.told, self.state
        told.given = state.given
        told.stop_minute = state.stop_minute
        told.switch_minute = state.switch_minute
        told.stable_minute = state.stable_minute
        told.changed_minute = state.changed_minute
        told.missed_courses = state.missed
        told.left_out = state.left_out
        told.needed_count = state.needed_count
        told.chosen_enzyme = self.eyes.chosen_enzyme
        told.least_margin = min(self.margin, self.eyes.margin)
