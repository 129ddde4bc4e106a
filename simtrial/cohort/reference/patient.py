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
from simtrial.cohort.reference.allocation import Allocator
from simtrial.cohort.reference.benefit import Benefit
from simtrial.cohort.reference.calendar import At, Rank
from simtrial.cohort.reference.courses import Planned, course_as_needed, courses_of, dose_change
from simtrial.cohort.reference.dose import Dose
from simtrial.cohort.reference.events import Events
from simtrial.cohort.reference.harm import Harm
from simtrial.cohort.reference.infusions import Infusions
from simtrial.cohort.reference.measuring import Eyes
from simtrial.cohort.reference.person import (
    age_of,
    disposition_of,
    is_female,
    subtype_of,
    weight_of,
)
from simtrial.cohort.reference.run_in import RunIn
from simtrial.cohort.risk import DRUG, PLACEBO
from simtrial.cohort.rules import whole_minute
from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Truth
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
        self.infusions = Infusions(
            trial,
            self.key,
            self.event,
            before=self.bring_up_to_date,
            may_begin=lambda: not self.left and self.now() <= self.last,
            given=self.expect_harm,
            takes_effect=lambda dose: self.benefit.course_ends(self.now(), dose),
        )
        self.n_needed, self.n_stable, self.best_tis = 0, 0, 0.0
        self.switched = False
        self.stopped = False
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
        self.randomised_at = self.infusions.randomised_at = int(self.env.now)
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
        self.infusions.replan(courses_of(protocol, self.visit_minutes, self.arm))
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
        self.benefit = run_in.benefit
        self.infusions.last_week = run_in.last_course_week

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
        self.weight = self.infusions.weight = weight_of(trial.protocol, course, early)
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
        self.benefit = Benefit(course, person, 0)
        truth.baseline[key] = self.eyes.baseline
        truth.other_enzymes[key] = self.eyes.others
        truth.responds[key], truth.improves[key] = person.responds, person.improves
        truth.transient[key] = person.is_transient
        self.drift = course.dynamics.drift_per_year[subtype]
        self.dose.form_habits(self.site, truth)
        truth.depth[key], truth.log_x50[key] = person.depth, person.log_x50
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
            self.infusions.leave_out_next,
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

    def expect_harm(self, number: int, planned: Planned, dose: float) -> None:
        """Let a course just begun bring what it brings."""
        self.harm.after_course(number, planned, dose)
        infused = DRUG if planned.is_drug else PLACEBO
        self.events.after_course(number, planned, dose, infused)

    def bring_up_to_date(self) -> None:
        """Let every benefit approach its target from the last instant to this one."""
        self.benefit.bring_up_to_date(self.now(), self.dose.change_mg())

    def net_benefit(self) -> float:
        """Return the benefit of everything together, at this instant."""
        return self.benefit.net(response.decline(self.drift, float(self.now())))

    def flare(self, visit: int) -> bool:
        """Return whether a flare has come since the last visit; it is felt from now on."""
        trial, key, now = self.trial, self.key, self.now()
        flared = self.dose.flares(int(trial.protocol.visit_week[visit]), now, self.net_benefit())
        if flared:
            self.benefit.flare_loss = trial.course.dynamics.flare_size
            trial.seen.flares[key][visit] = True
            if trial.seen.flare_minute[key] < 0:
                trial.seen.flare_minute[key] = now
        return flared

    def write_benefit(self, visit: int) -> None:
        """Write what nobody sees at a visit: the benefits behind the measures."""
        truth, benefit = self.trial.truth, self.benefit
        truth.drug_benefit[self.key][visit] = benefit.drug
        truth.background_benefit[self.key][visit] = benefit.background
        truth.steroid_benefit[self.key][visit] = benefit.steroid
        truth.flare_loss[self.key][visit] = benefit.flare_loss

    def measure(self, visit: int) -> None:
        """Measure and score against the observed baseline."""
        seen, key = self.trial.seen, self.key
        week = int(self.trial.protocol.visit_week[visit])
        benefit = self.net_benefit()
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
                self.infusions.replan(
                    courses_of(protocol, self.visit_minutes, other, shift=week, first_week=week)
                )
        if STANDARD in follows and seen.standard_minute[key] < 0:
            seen.standard_minute[key] = now
            self.benefit.begin_standard_therapy()

    def adapt(self, visit: int, week: int, tis_now: float) -> None:
        """Let how well it goes decide on the courses to come."""
        protocol, seen, key, now = self.trial.protocol, self.trial.seen, self.key, self.now()
        rules, arm = protocol.treatment, self.arm
        self.n_stable = self.n_stable + 1 if tis_now >= rules.stable_tis[arm] else 0
        if 0 < rules.stable_visits[arm] <= self.n_stable and seen.stable_minute[key] < 0:
            seen.stable_minute[key] = now
            self.infusions.planned.clear()
        if seen.stable_minute[key] < 0:
            other = dose_change(protocol, arm, visit, tis_now, self.key[1])
            if other is not None:
                later = courses_of(protocol, self.visit_minutes, other, first_week=week)
                self.infusions.replan(later)
        if tis_now > self.best_tis:
            self.best_tis = tis_now
        is_due = any(planned.start <= now for planned in self.infusions.planned)
        long_ago = (
            self.infusions.last_week is None
            or week - self.infusions.last_week >= rules.needed_apart[arm]
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
            self.infusions.plan(course_as_needed(protocol, arm, week, now))

    def stop(self) -> None:
        """Stop treatment now."""
        self.stopped = True
        self.infusions.planned.clear()
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
        if self.stopped or not self.may_be_given_more():
            return
        self.stopped = True
        self.infusions.planned.clear()
        seen.harm_stop_minute[key] = seen.stop_minute[key] = now
        if protocol.harm_leaves:
            # leaving comes last at its minute: other harm of the same minute is still seen
            self.event(now, Rank.LEAVE).callbacks.append(lambda _: self.leave())

    def may_be_given_more(self) -> bool:
        """Return whether a course is planned, or a rule of the arm may still bring one."""
        now, rules, arm = self.now(), self.trial.protocol.treatment, self.arm
        if now >= self.last:
            return False
        to_come = [visit for visit, minute in enumerate(self.visit_minutes) if minute > now]
        changes = self.trial.seen.stable_minute[self.key] < 0 and any(
            rule_at in to_come and self.key[1] >= first
            for rule_at, first in zip(rules.change_visit[arm], rules.change_from[arm], strict=True)
        )
        switches = not self.switched and rules.switch_to[arm] >= 0
        needed = self.n_needed < rules.needed_most[arm]
        return bool(self.infusions.planned or needed or switches or changes)

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
