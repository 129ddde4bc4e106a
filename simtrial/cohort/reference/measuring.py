"""How a patient is seen in the engine to read: errors over time, enzymes, what is missing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from simtrial.cohort import draws as at
from simtrial.cohort.course import Course
from simtrial.cohort.protocol import Protocol
from simtrial.myositis import enzymes, measures, tis


class Eyes:
    """What looks at one patient, from screening on."""

    def __init__(
        self,
        protocol: Protocol,
        course: Course,
        baseline: NDArray[np.float64],
        early: NDArray[np.float64],
    ) -> None:
        self.protocol, self.course, self.baseline = protocol, course, baseline
        self.early = early
        self.deviates = early[at.SCREENING_NOISE_AT :][:7].copy()
        self.other_deviates = early[at.ENZYME_SCREENING_AT :][:4].copy()
        self.others = np.empty(4)  # latent enzymes beside creatine kinase
        more = course.measuring
        enzymes.draw_others(
            self.others,
            more.location,
            more.scale,
            more.root,
            measures.copula_normal(measures.ENZYME, course.root, early[at.BASELINE_AT :][:6]),
            early[at.ENZYME_BASELINE_AT :][:4],
        )
        self.chosen = -1  # the most abnormal enzyme at baseline, or at the start of the run-in

    def screen(self) -> NDArray[np.float64]:
        """Return the six measures (6,) at screening; the enzyme is the highest of five."""
        observed, five = self.look(0.0)
        observed[measures.ENZYME] = five.max()
        return observed

    def move_on(
        self, correlation: float, noise: NDArray[np.float64], enzyme_noise: NDArray[np.float64]
    ) -> None:
        """Let the errors go on to the next visit."""
        measures.advance_deviates(self.deviates, noise, correlation)
        enzymes.advance_others(self.other_deviates, enzyme_noise, correlation)

    def choose(self, five: NDArray[np.float64]) -> None:
        """Choose the highest of five observed enzymes to be the patient's own from now on."""
        self.chosen = int(np.argmax(five))

    def see_baseline(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the six measures and five enzymes at baseline, and choose the enzyme."""
        self.choose(self.look(0.0)[1])
        return self.see(0.0)

    def see(self, benefit: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the six measures, with the chosen enzyme among them, and the five enzymes."""
        observed, five = self.look(benefit)
        observed[measures.ENZYME] = five[self.chosen]
        return observed, five

    def report(self, observed: NDArray[np.float64], benefit: float, *, guessed: bool) -> None:
        """Let patient global and HAQ be reported better by who knows what he receives.

        ``guessed`` : he is on the drug and has had an infusion reaction.
        """
        more, course = self.course.measuring, self.course
        patient = more.unblinded_shift if guessed else 0.0
        # one of the two is 0: a study is open or blinded
        for k, shift in (
            (measures.PATIENT, patient or more.patient_shift),
            (measures.HAQ, more.haq_shift),
        ):
            if shift != 0.0:
                observed[k] = measures.observe_shifted(
                    k,
                    self.baseline[k],
                    benefit,
                    course.loading[k],
                    course.sd[k],
                    course.noise_shared,
                    self.deviates[measures.N_MEASURES],
                    self.deviates[k],
                    self.protocol.mmt_maximum,
                    shift,
                )

    def look(self, benefit: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the six measures, with creatine kinase, and the five enzymes."""
        observed, five = np.empty(6), np.empty(5)
        course = self.course
        enzymes.observe_visit(
            observed,
            five,
            self.baseline,
            self.others,
            benefit,
            course.loading,
            course.sd,
            course.noise_shared,
            self.deviates,
            self.other_deviates,
            self.protocol.mmt_maximum,
        )
        return observed, five

    def misses(self, address: tuple[int, int, int], week: int) -> bool:
        """Return whether the visit of a week is missed."""
        return bool(at.is_missing(*address, week, 0, self.course.measuring.missing_visit))

    def lose_items(
        self,
        observed: NDArray[np.float64],
        five: NDArray[np.float64],
        address: tuple[int, int, int],
        week: int,
    ) -> None:
        """Take out what is missing at an attended visit; the enzymes are one item."""
        for k, chance in enumerate(self.course.measuring.missing_item):
            if at.is_missing(*address, week, 1 + k, chance):
                observed[k] = math.nan
                if k == measures.ENZYME:
                    five[:] = math.nan

    def score(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
        """Return the improvement score of a visit."""
        protocol = self.protocol
        return float(
            tis.score_as_measured(
                before,
                now,
                protocol.mmt_maximum,
                enzymes.enzyme_range(self.chosen),
                protocol.measuring.missing_is_zero,
            )
        )
