"""One patient in the engine to read: his visits, courses and mishaps as events on the calendar.

A patient's benefit is brought up to date whenever one of his own instants comes: every 7 days, each
visit, the first and the last day of each course given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol as Shape

import numpy as np
import simpy
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.allocation import factor_level
from simtrial.cohort.course import Course
from simtrial.cohort.draws import DrawPlan
from simtrial.cohort.protocol import LEAVE, STANDARD, STOP, SWITCH, Protocol
from simtrial.cohort.reference_allocation import Allocator
from simtrial.cohort.reference_calendar import At, Rank
from simtrial.cohort.reference_courses import Planned, course_as_needed, courses_of, dose_change
from simtrial.cohort.reference_dose import Dose
from simtrial.cohort.reference_events import Events
from simtrial.cohort.reference_harm import Harm
from simtrial.cohort.reference_measuring import Eyes
from simtrial.cohort.reference_person import (
    age_of,
    disposition_of,
    is_female,
    subtype_of,
    weight_of,
)
from simtrial.cohort.reference_run_in import RunIn
from simtrial.cohort.risk import DRUG, PLACEBO
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
from simtrial.core.arithmetic import plog
from simtrial.core.units import MINUTES_PER_WEEK
from simtrial.myositis import harm, measures, response, tis

ENDS = (STOP, LEAVE, STANDARD)  # what ends the treatment of the trial

Happening = Generator[simpy.Event, None, None]


class Trial(Shape):
    """What a patient needs of the trial that he is in."""

    env: simpy.Environment
    protocol: Protocol
    course: Course
    plan: DrawPlan
    seed: int
    replicate: int
    row: int
    seen: Snapshot
    truth: Truth
    n_randomised: int
    allocator: Allocator

    def is_interrupted(self, minute: int) -> bool:
        """Return whether there is nothing to infuse at a minute of the calendar."""


class Patient:
    """One eligible candidate, from randomisation to the last visit."""

    def __init__(
        self,
        trial: Trial,
        place: int,
        candidate: int,
        site: int,
        early: NDArray[np.float64],
        eyes: Eyes,
        dose_mg: float,
        is_second: bool,
        run_in: RunIn | None,
    ) -> None:
        self.run_in = run_in  # what he has behind him
        self.trial, self.env = trial, trial.env
        self.is_second = is_second  # of the other line than the design's first
        self.candidate, self.site = candidate, site
        self.early, self.eyes = early, eyes
        self.key = (trial.row, place)  # where this patient stands in the tables
        self.address = (trial.seed, trial.replicate, candidate)  # of the random numbers
        self.dose = Dose(
            trial.protocol.taper,
            trial.course.dynamics,
            trial.seen,
            self.key,
            self.address,
            dose_mg,
        )
        self.draws = np.empty(trial.plan.enrolled_room)
        self.drug_benefit, self.background_benefit = 0.0, 0.0
        self.steroid_benefit, self.flare_loss = 0.0, 0.0
        self.known_until = 0  # minutes since randomisation up to which the benefits are known
        # logarithm of the exposure, and the minute from which it fades
        self.exposure, self.exposed_at = response.NO_EFFECT, 0
        self.first_end: int | None = None  # last day of the first course
        self.planned: list[Planned] = []  # courses still to come
        self.running: Planned | None = None  # the course begun and not yet finished
        self.last_course_week: int | None = None
        self.n_needed, self.n_stable, self.best_tis = 0, 0, 0.0
        self.switched = False
        self.stopped = False
        self.leaves_out_next = False  # an event has the next course left out
        self.left = False
        self.was_worse = False

    def now(self) -> int:
        """Return whole minutes since randomisation."""
        return int(self.env.now) - self.randomised_at

    def event(self, minute: int, rank: Rank) -> At:
        """Return an event at a minute since randomisation."""
        return At(self.env, self.randomised_at + minute, rank, self.candidate)

    def uniform(self, position: int) -> float:
        """Return one of the uniforms of the enrolled fill."""
        return float(self.draws[self.trial.plan.n_normals + position])

    def move_errors_on(self, visit: int, minutes: float) -> None:
        """Let the errors of measurement go on to a visit, so long after the one before."""
        first = self.trial.plan.enzyme_noise_at
        self.eyes.move_on(
            response.correlation_over(self.trial.course.noise_per_4_weeks, minutes),
            self.draws[at.VISIT_NOISE_AT + at.NOISE_SLOTS * visit :][:7],
            self.draws[first + at.ENZYME_SLOTS * visit :][:4],
        )

    def randomise(self) -> None:
        """Measure the baseline, allocate, and start the calendar of this patient."""
        trial, key = self.trial, self.key
        seen, truth, protocol = trial.seen, trial.truth, trial.protocol
        self.randomised_at = int(self.env.now)
        trial.n_randomised += 1
        at.fill_enrolled(self.draws, trial.plan, trial.seed, trial.replicate, self.candidate)
        self.describe()
        seen.tis[key][0] = 0.0
        if self.run_in is None:
            self.move_errors_on(0, float(protocol.screening_minutes))
            seen.measures[key][0], seen.enzymes[key][0] = self.eyes.see_baseline()
            self.origin = seen.measures[key][0]
        else:
            self.go_on_from(self.run_in)
        seen.enzyme[key] = self.eyes.chosen
        seen.visit_minute[key][0] = 0
        self.best_tis = float(seen.tis[key][0])
        self.write_benefit(0)
        levels = self.levels()
        self.arm = trial.allocator.arm(levels, self.randomised_at, self.candidate)
        seen.stratum[key], seen.arm[key] = trial.allocator.stratum(levels), self.arm
        dropout = int(truth.dropout_minute[key])
        self.visit_minutes = [
            int(at.visit_minute(*self.address, week, scheduled, protocol.measuring.window_minutes))
            if week > 0
            else 0
            for week, scheduled in zip(protocol.visit_week, protocol.visit_minute, strict=True)
        ]
        last = self.last = self.visit_minutes[-1]
        self.env.process(self.weeks(last))
        self.env.process(self.visits())
        self.replan(courses_of(protocol, self.visit_minutes, self.arm))
        self.harm.begin()
        seen.followed_minute[key] = last
        self.open_interval(0)
        if dropout < last:
            self.event(dropout, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def go_on_from(self, run_in: RunIn) -> None:
        """Take over what the run-in leaves, and the baseline that was measured at its end."""
        seen, key = self.trial.seen, self.key
        is_origin = self.trial.protocol.run_in.is_origin
        seen.run_in[key], seen.run_in_courses[key] = run_in.seen_at_start, run_in.courses_given
        seen.run_in_grams[key] = run_in.grams
        seen.missed_courses[key] = run_in.courses_missed
        seen.measures[key][0], seen.enzymes[key][0] = run_in.baseline, run_in.enzymes
        if is_origin:
            seen.tis[key][0] = run_in.score
        self.origin = run_in.seen_at_start if is_origin else run_in.baseline
        self.drug_benefit = run_in.drug_benefit
        self.background_benefit = run_in.background_benefit
        self.exposure, self.exposed_at = run_in.exposure, run_in.exposed_at
        self.first_end, self.last_course_week = run_in.first_end, run_in.last_course_week

    def levels(self) -> list[int]:
        """Return this patient's level in each factor of the allocation."""
        seen, key = self.trial.seen, self.key
        return [
            factor_level(
                factor,
                measures.severity(seen.measures[key][0, measures.PHYSICIAN]),
                int(seen.subtype[key]),
                int(self.is_second),
                bool(seen.female[key]),
                self.dose.mg,
                self.site,
                float(seen.age[key]),
            )
            for factor in self.trial.protocol.allocation.factors
        ]

    def describe(self) -> None:
        """Write who the patient is, and what nobody can see."""
        trial, key, early, draws = self.trial, self.key, self.early, self.draws
        seen, truth, course = trial.seen, trial.truth, trial.course
        subtype = subtype_of(course, early)
        seen.line[key] = course.people.line[int(self.is_second)]
        self.weight = weight_of(trial.protocol, course, early)
        seen.candidate[key], seen.site[key] = self.candidate, self.site
        seen.randomised_minute[key] = self.randomised_at
        seen.subtype[key], seen.weight[key] = subtype, self.weight
        seen.female[key] = is_female(course, early)
        seen.age[key] = age_of(trial.protocol, course, early)
        person = disposition_of(
            course,
            early,
            draws,
            trial.plan.n_normals,
            self.address,
            is_second=self.is_second,
        )
        self.responds, self.improves = person.responds, person.improves
        self.depth, self.log_x50 = person.depth, person.log_x50
        self.background_goal = course.background_depth
        self.background_rate = course.k_background
        truth.baseline[key] = self.eyes.baseline
        truth.other_enzymes[key] = self.eyes.others
        truth.responds[key], truth.improves[key] = self.responds, self.improves
        truth.transient[key] = person.is_transient
        self.drift = course.dynamics.drift_per_year[subtype]
        self.dose.form_habits(self.site, truth)
        truth.depth[key], truth.log_x50[key] = self.depth, self.log_x50
        truth.frailty[key] = harm.reaction_frailty(course.risk.frailty_sd, draws[at.FRAILTY_AT])
        uniforms = draws[trial.plan.n_normals + at.CANCER_AT :][:4]
        self.harm = Harm(
            trial.protocol,
            course.risk,
            seen,
            key,
            self.address,
            truth.frailty[key],
            uniforms,
            self.book_harm,
            self.stop_for_harm,
        )
        self.events = Events(
            course.events,
            seen,
            key,
            (trial.seed, trial.replicate, self.candidate),
            self.uniform(at.MIGRAINE_AT),
            self.uniform(at.GROUP_O_AT),
            self.book_harm,
            self.stop_for_harm,
            self.leave_out_next,
            self.die,
        )
        truth.dropout_minute[key] = whole_minute(
            response.dropout_minutes(self.uniform(at.DROPOUT_AT), course.dropout_per_minute)
        )

    def weeks(self, last: int) -> Happening:
        """Every seven days, bring the benefits up to date."""
        for minute in range(MINUTES_PER_WEEK, last + 1, MINUTES_PER_WEEK):
            yield self.event(minute, Rank.WEEK)
            if self.left:
                return
            self.bring_up_to_date()

    def visits(self) -> Happening:
        """Come to each visit after the baseline: be measured, then the rules are applied."""
        n_visits = len(self.visit_minutes)
        for visit in range(1, n_visits):
            yield self.event(self.visit_minutes[visit], Rank.MEASURE)
            if self.left:
                return
            self.bring_up_to_date()
            is_last = visit == n_visits - 1
            comes = self.is_held(visit) and not self.eyes.misses(
                self.address, int(self.trial.protocol.visit_week[visit])
            )
            flared = comes and self.flare(visit)
            self.write_benefit(visit)
            self.move_errors_on(
                visit, float(self.visit_minutes[visit] - self.visit_minutes[visit - 1])
            )
            if comes:
                self.measure(visit)
                self.decide(visit, flared=flared, is_last=is_last)
            if not self.left and not is_last:
                self.open_interval(visit)

    def is_held(self, visit: int) -> bool:
        """Return whether the protocol, as amended so far, has a visit for this patient."""
        place_in_order = self.key[1]
        return bool(place_in_order >= self.trial.protocol.measuring.held_from[visit])

    def open_interval(self, visit: int) -> None:
        """Let the time from a visit to the next bring what it brings, on the dose as it is now."""
        opens, closes = self.visit_minutes[visit], self.visit_minutes[visit + 1]
        week = int(self.trial.protocol.visit_week[visit])
        self.events.between_visits(visit, week, opens, closes, self.dose.mg)

    def replan(self, courses: list[Planned]) -> None:
        """Put other courses on the calendar in place of all those still to come."""
        self.planned.clear()
        for planned in courses:
            self.plan(planned)

    def plan(self, planned: Planned) -> None:
        """Put a course on the calendar; it is given unless the plan has changed until then."""
        self.planned.append(planned)
        booked = self.event(planned.start, Rank.INFUSE)
        # the very course that is booked here, not one like it that was planned later
        booked.callbacks.append(
            lambda _: self.begin(planned) if any(p is planned for p in self.planned) else None
        )

    def begin(self, planned: Planned) -> None:
        """Begin a planned course, if there is anything to infuse."""
        if self.left or self.now() > self.last:
            return
        self.planned = [p for p in self.planned if p is not planned]
        self.bring_up_to_date()
        if self.trial.is_interrupted(int(self.env.now)):
            self.trial.seen.missed_courses[self.key] += 1
            return
        if self.leaves_out_next:
            self.leaves_out_next = False
            self.trial.seen.missed_courses[self.key] += 1
            return
        if self.running is not None:
            self.finish(self.running)  # a course still running is cut short by the next
        self.infuse(planned)

    def infuse(self, planned: Planned) -> None:
        """Give one course."""
        protocol, key, seen = self.trial.protocol, self.key, self.trial.seen
        dose = response.given_dose(
            planned.dose_g_per_kg, self.weight, planned.days, protocol.cap_g_per_day
        )
        number = int(seen.courses[key])
        seen.course_minute[key][number] = self.now()
        seen.course_days[key][number] = planned.days
        seen.course_dose[key][number] = dose
        seen.course_drug[key][number] = planned.is_drug
        seen.courses[key] += 1
        if planned.is_drug:
            seen.grams[key] += dose * self.weight
        self.running, self.running_log_dose = planned, plog(dose)
        self.last_course_week = planned.week
        if planned.end == planned.start:
            self.finish(planned)
        else:
            ended = self.event(planned.end, Rank.INFUSE)
            ended.callbacks.append(lambda _: self.finish(planned))
        self.harm.after_course(number, planned, dose)
        self.events.after_course(number, planned, dose, DRUG if planned.is_drug else PLACEBO)

    def finish(self, planned: Planned) -> None:
        """Reach the last day of a course, from which its effect counts."""
        now = self.now()
        if self.left or self.running is not planned or now > self.last:
            return
        self.bring_up_to_date()
        self.running = None
        if planned.is_drug:
            self.exposure = response.joined_exposure(
                self.exposure,
                float(now - self.exposed_at),
                self.running_log_dose,
                self.trial.course.half_life_minutes,
                self.trial.course.dynamics.courses_add,
            )
            self.exposed_at = now
            if self.first_end is None:
                self.first_end = now

    def bring_up_to_date(self) -> None:
        """Let every benefit approach its target from the last instant to this one."""
        course, now = self.trial.course, self.now()
        dynamics = course.dynamics
        minutes = float(now - self.known_until)
        if minutes == 0.0:
            return
        if self.responds and self.exposure > response.NO_EFFECT:
            middle = self.known_until + 0.5 * minutes
            log_x = response.log_effect(
                self.exposure, middle - self.exposed_at, course.half_life_minutes
            )
            goal = response.target_benefit(self.depth, self.log_x50, course.hill, log_x)
            if self.trial.truth.transient[self.key] and self.first_end is not None:
                goal *= response.fading(
                    middle - self.first_end, dynamics.transient_half_life_minutes
                )
            self.drug_benefit = response.relax(self.drug_benefit, goal, course.k_on, minutes)
        if self.improves:
            self.background_benefit = response.relax(
                self.background_benefit, self.background_goal, self.background_rate, minutes
            )
        goal = response.steroid_target(
            dynamics.steroid_effect, dynamics.steroid_d50, self.dose.change_mg()
        )
        self.steroid_benefit = response.relax(
            self.steroid_benefit, goal, dynamics.k_steroid, minutes
        )
        self.flare_loss = response.relax(self.flare_loss, 0.0, dynamics.k_flare, minutes)
        self.known_until = now

    def benefit(self) -> float:
        """Return the benefit of everything together, at this instant."""
        return response.net_benefit(
            self.drug_benefit,
            self.background_benefit,
            self.steroid_benefit,
            response.decline(self.drift, float(self.now())),
            self.flare_loss,
        )

    def flare(self, visit: int) -> bool:
        """Return whether a flare has come since the last visit; it is felt from now on."""
        trial, key, now = self.trial, self.key, self.now()
        flared = self.dose.flares(int(trial.protocol.visit_week[visit]), now, self.benefit())
        if flared:
            self.flare_loss = trial.course.dynamics.flare_size
            trial.seen.flares[key][visit] = True
            if trial.seen.flare_minute[key] < 0:
                trial.seen.flare_minute[key] = now
        return flared

    def write_benefit(self, visit: int) -> None:
        """Write what nobody sees at a visit: the benefits behind the measures."""
        truth = self.trial.truth
        truth.drug_benefit[self.key][visit] = self.drug_benefit
        truth.background_benefit[self.key][visit] = self.background_benefit
        truth.steroid_benefit[self.key][visit] = self.steroid_benefit
        truth.flare_loss[self.key][visit] = self.flare_loss

    def measure(self, visit: int) -> None:
        """Measure and score against the observed baseline."""
        seen, key = self.trial.seen, self.key
        week = int(self.trial.protocol.visit_week[visit])
        benefit = self.benefit()
        observed, five = self.eyes.see(benefit)
        # a reaction to the drug lets a patient guess what he receives
        guessed = bool((seen.course_drug[key] & (seen.reaction_minute[key] >= 0)).any())
        self.eyes.report(observed, benefit, guessed=guessed)
        self.eyes.lose_items(observed, five, self.address, week)
        seen.visit_minute[key][visit] = self.now()
        seen.measures[key][visit], seen.enzymes[key][visit] = observed, five
        seen.tis[key][visit] = self.eyes.score(self.origin, observed)

    def decide(self, visit: int, *, flared: bool, is_last: bool) -> None:
        """Apply the rules of the protocol to what was just observed, then set prednisolone."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        scheduled = protocol.visit_minute[visit]  # what "from a week on" refers to
        course, tis_now = self.trial.course, float(self.trial.seen.tis[self.key][visit])
        mine = course.people if self.is_second else course
        rows = seen.measures[key]
        is_worse = bool(tis.has_worsened(self.origin, rows[visit]))
        confirmed = is_worse and self.was_worse and scheduled >= protocol.deterioration_from
        self.was_worse = is_worse
        follows: list[int] = []
        deteriorated = confirmed and seen.deterioration_minute[key] < 0
        if deteriorated:
            seen.deterioration_minute[key] = now
            follows.append(protocol.deterioration_then)
        rescued = (
            not is_last
            and scheduled >= protocol.rescue_from
            and tis_now < protocol.rescue_below
            and seen.rescue_minute[key] < 0
            and LEAVE not in follows
            and self.uniform(at.RESCUE_AT + at.RESCUE_SLOTS * visit) < mine.rescue_per_visit
        )
        if rescued:
            seen.rescue_minute[key] = now
            follows.append(protocol.rescue_then)
        week, trial = int(protocol.visit_week[visit]), self.trial
        if (
            not is_last
            and scheduled >= protocol.lack_from
            and tis_now < protocol.lack_below
            and seen.lack_of_effect_minute[key] < 0
            and not (self.stopped or any(then in ENDS for then in follows))
            and at.gives_up(trial.seed, trial.replicate, self.candidate, week)
            < course.lack_per_visit
        ):
            seen.lack_of_effect_minute[key] = now
            follows.append(protocol.lack_then)
        self.carry_out(follows, week)
        if LEAVE in follows and not is_last:
            self.leave()
        elif not self.stopped:
            self.adapt(visit, week, tis_now)
        self.dose.prescribe(
            visit,
            week,
            now,
            is_worse=is_worse,
            flared=flared,
            deteriorated=deteriorated,
            rescued=bool(rescued),
        )

    def carry_out(self, follows: list[int], week: int) -> None:
        """Do what the protocol says follows the events of this visit."""
        seen, key, now = self.trial.seen, self.key, self.now()
        if any(then in ENDS for then in follows):
            self.stop()
        if SWITCH in follows and not self.stopped:
            protocol = self.trial.protocol
            other = int(protocol.treatment.switch_to[self.arm])
            if self.switched or other < 0:
                self.stop()
            else:
                self.switched, self.arm = True, other
                seen.switch_minute[key] = now
                self.replan(
                    courses_of(protocol, self.visit_minutes, other, shift=week, first_week=week)
                )
        if STANDARD in follows and seen.standard_minute[key] < 0:
            course = self.trial.course
            seen.standard_minute[key] = now
            reached_without = self.background_goal if self.improves else 0.0
            self.background_goal = max(course.standard_depth, reached_without)
            self.background_rate, self.improves = course.k_standard, True

    def adapt(self, visit: int, week: int, tis_now: float) -> None:
        """Let how well it goes decide on the courses to come."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        rules, arm = protocol.treatment, self.arm
        self.n_stable = self.n_stable + 1 if tis_now >= rules.stable_tis[arm] else 0
        if 0 < rules.stable_visits[arm] <= self.n_stable and seen.stable_minute[key] < 0:
            seen.stable_minute[key] = now
            self.planned.clear()
        if seen.stable_minute[key] < 0:
            other = dose_change(protocol, arm, visit, tis_now, self.key[1])
            if other is not None:
                self.replan(courses_of(protocol, self.visit_minutes, other, first_week=week))
        if tis_now > self.best_tis:
            self.best_tis = tis_now
        is_due = any(planned.start <= now for planned in self.planned)
        long_ago = (
            self.last_course_week is None or week - self.last_course_week >= rules.needed_apart[arm]
        )
        needs = (
            tis_now < rules.needed_below[arm] or self.best_tis - tis_now >= rules.needed_fall[arm]
        )
        if (
            self.n_needed < rules.needed_most[arm]
            and protocol.visit_minute[visit] >= rules.needed_from[arm]
            and not is_due
            and long_ago
            and needs
        ):
            self.n_needed += 1
            self.plan(course_as_needed(protocol, arm, week, now))

    def stop(self) -> None:
        """Stop treatment now."""
        self.stopped = True
        self.planned.clear()
        if self.trial.seen.stop_minute[self.key] < 0:
            self.trial.seen.stop_minute[self.key] = self.now()

    def book_harm(self, minute: int, happens: Callable[[], None]) -> None:
        """Let something happen at a minute, unless the patient has left or the study is over."""
        if minute <= self.last:
            booked = self.event(minute, Rank.HARM)
            booked.callbacks.append(lambda _: None if self.left else happens())

    def stop_for_harm(self) -> None:
        """Stop treatment for an adverse event, if there is any left to stop."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        ahead = self.planned or self.n_needed < protocol.treatment.needed_most[self.arm]
        if self.stopped or not ahead:
            return
        self.stopped = True
        self.planned.clear()
        seen.harm_stop_minute[key] = seen.stop_minute[key] = now
        if protocol.harm_leaves:
            # leaving comes last at its minute: other harm of the same minute is still seen
            self.event(now, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def leave_out_next(self) -> None:
        """Have the next course left out; a second event before it changes nothing."""
        self.leaves_out_next = True

    def die(self) -> None:
        """Die now; the study ends for the patient after other harm of this minute."""
        now = self.now()
        self.trial.seen.death_minute[self.key] = now
        if now < self.last:
            self.event(now, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def leave(self) -> None:
        """Leave the study: nothing is seen or given any more."""
        if not self.left:
            self.left = True
            seen = self.trial.seen
            seen.left_minute[self.key] = seen.followed_minute[self.key] = self.now()
