"""Second reading of what is measured of one patient, visit after visit."""

import math
from collections.abc import Mapping, Sequence

from tests.independent import draws_second as draw
from tests.independent import measures_second as measures
from tests.independent.draws_second import DrawsSecond
from tests.independent.told_second import PatientSecond, PlanSecond, VisitSecond

WEEK = 10080
NAMES = ("physician", "patient", "extramuscular", "haq", "mmt", "enzyme")


class EyesSecond:
    """The errors of one patient's measures, as series, and what is seen with them."""

    def __init__(
        self,
        patient: PatientSecond,
        plan: PlanSecond,
        world: Mapping[str, float],
        draws: DrawsSecond,
        sds: Sequence[float],
        loadings: Sequence[float],
    ) -> None:
        self.patient, self.plan, self.world, self.draws = patient, plan, world, draws
        self.sds, self.loadings = sds, loadings
        self.margin = math.inf  # distance of the closest rounding or chance from its boundary
        self.chosen_enzyme = 0
        # errors at screening, from which the series go on
        c = patient.candidate
        self.own = [draws.z(draw.SCREENING_NOISE, c, 0, k) for k in range(6)]
        self.common = draws.z(draw.SCREENING_NOISE, c, 0, 6)
        self.own_enzymes = [draws.z(draw.ENZYME_BASELINE, c, 0, 4 + k) for k in range(4)]
        self.noise_minute = -plan.screening_weeks * WEEK

    def move_on(self, week: int, minute: int) -> None:
        """Errors of this visit."""
        c = self.patient.candidate
        r = measures.correlation_over(minute - self.noise_minute, self.world["noise_per_4_weeks"])
        fresh = [self.draws.z(draw.VISIT_NOISE, c, week, k) for k in range(7)]
        self.own = [
            measures.correlated_next(before, z, r)
            for before, z in zip(self.own, fresh[:6], strict=True)
        ]
        self.common = measures.correlated_next(self.common, fresh[6], r)
        self.own_enzymes = [
            measures.correlated_next(before, self.draws.z(draw.ENZYME_NOISE, c, week, k), r)
            for k, before in enumerate(self.own_enzymes)
        ]
        self.noise_minute = minute

    def measure(self, seen: VisitSecond, reaction_minute: int | None) -> None:
        """Observe the six measures and the five enzymes of a visit."""
        shared, world, plan = self.world["noise_shared"], self.world, self.plan
        shifts = self._shifts(seen, reaction_minute)
        values: list[float | None] = []
        for k in range(5):
            true = measures.truth_at(
                k, self.patient.baseline[k], self.loadings[k], seen.f, plan.mmt_maximum
            )
            error = measures.error_of(k, self.sds[k], shared, self.common, self.own[k])
            value, distance = measures.seen_value(
                k, true, error - shifts.get(k, 0.0), plan.mmt_maximum
            )
            self.margin = min(self.margin, distance)
            values.append(value)
        observed = []
        own = (self.own[5], *self.own_enzymes)
        for k, start in enumerate((self.patient.baseline[5], *self.patient.enzymes)):
            true = measures.enzyme_truth_at(start, self.loadings[5], seen.f)
            error = measures.error_of(5, self.sds[5], shared, self.common, own[k])
            observed.append(measures.seen_enzyme(true, error))
        if seen.week == 0:
            self.chosen_enzyme = measures.highest_enzyme(observed)
        values.append(observed[self.chosen_enzyme])
        seen.observed = values
        seen.observed_enzymes = list(observed)
        if seen.week == 0:
            return
        for k, name in enumerate(NAMES):
            chance = world.get(f"missing.item.{name}", 0.0)
            if chance == 0.0:
                continue
            u = self.draws.u(draw.MISSING, self.patient.candidate, seen.week, 1 + k)
            self.margin = min(self.margin, abs(u - chance))
            if u < chance:
                values[k] = None
                if k == measures.ENZYME:
                    seen.observed_enzymes = [None] * len(observed)

    def _shifts(self, seen: VisitSecond, reaction_minute: int | None) -> dict[int, float]:
        """What reports are better by than what is felt."""
        if seen.week == 0:
            return {}
        world = self.world
        if self.plan.open_label:
            return {
                measures.PATIENT: world.get("reporting_shift.patient", 0.0),
                measures.HAQ: world.get("reporting_shift.haq", 0.0),
            }
        if reaction_minute is not None and reaction_minute < seen.minute:
            return {measures.PATIENT: world.get("unblinding_shift", 0.0)}
        return {}
