"""The pictures of a cohort: their names, who draws them, and of one trial or of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simtrial.cohort.snapshot import Snapshot
from simtrial.cohort.truth import Cohort
from simtrial.core.errors import DesignError
from simtrial.report.accrual import accrual
from simtrial.report.flow_figure import flow
from simtrial.report.prednisolone import prednisolone
from simtrial.report.quartiles import quartiles
from simtrial.report.swimmer import swimmer
from simtrial.report.trajectories import trajectories
from simtrial.report.waterfall import waterfall
from simtrial.trial.design import Design


class Picture(NamedTuple):
    """One kind of picture.

    ``draw`` : of (cohort, design, replicate), a matplotlib figure. ``shows`` : in a phrase.
    ``pools`` : whether it may show all trials together (``replicate`` None). ``of_all`` : whether
    a folder of several trials holds it so, too.
    """

    draw: Callable[..., Any]
    title: str
    shows: str
    pools: bool = False
    of_all: bool = False

    @property
    def reads_cut(self) -> bool:
        """Whether it differs for a trial looked at on the way: what shows single patients does."""
        return not self.pools


PICTURES: Mapping[str, Picture] = {
    "flow": Picture(
        flow,
        "Flow of patients",
        "who was screened, treated, followed and analysed, with every reason",
    ),
    "accrual": Picture(
        accrual, "Accrual", "screened and randomised over calendar weeks, and sites open"
    ),
    "swimmer": Picture(
        swimmer, "Course of each patient", "a bar a patient with visits, infusions and events"
    ),
    "trajectories": Picture(
        trajectories,
        "Means over the visits",
        "means of each measure, by arm and visit, with 95 % intervals",
        True,
        True,
    ),
    "quartiles": Picture(
        quartiles,
        "How patients differ",
        "medians, quartiles and range of each measure, by arm and visit",
        True,
    ),
    "waterfall": Picture(
        waterfall, "TIS of each patient", "each patient's TIS at the endpoint's week, sorted"
    ),
    "prednisolone": Picture(
        prednisolone,
        "Dose of prednisolone",
        "each patient's dose by arm, and shares at a low dose",
        True,
    ),
}


def draw(
    kind: str,
    cohort: Cohort | Snapshot,
    design: Design,
    replicate: int | None,
    *,
    cut_minute: int | None = None,
) -> Any:
    """Return a picture as a matplotlib figure.

    Parameters
    ----------
    kind : one of ``PICTURES``.
    replicate : which trial; None is all of them together, or the first where it cannot show that.
    cut_minute : of the calendar, up to which ``cohort`` was looked at; None for whole trials.

    Raises
    ------
    DesignError : for another kind, or a trial that ``cohort`` does not hold.
    """
    picture = PICTURES.get(kind)
    if picture is None:
        raise DesignError(f"plot '{kind}' is not known; choose from {', '.join(PICTURES)}.")
    if picture.reads_cut:
        return picture.draw(cohort, design, replicate or 0, cut_minute=cut_minute)
    return picture.draw(cohort, design, replicate)


class Drawn(NamedTuple):
    """A picture of a folder; ``replicate`` None: of all trials."""

    kind: str
    replicate: int | None

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        of = "all_trials" if self.replicate is None else f"trial_{self.replicate}"
        return f"{self.kind}_{of}"

    @property
    def title(self) -> str:
        """A heading."""
        of = "all trials" if self.replicate is None else f"trial {self.replicate}"
        return f"{PICTURES[self.kind].title}, {of}"

    @property
    def words(self) -> str:
        """What it shows, in a phrase."""
        return PICTURES[self.kind].shows


def pictures_of(trials: int, show: int) -> list[Drawn]:
    """Return the pictures of a folder of ``trials``, of which trial ``show`` is drawn."""
    out = [Drawn(kind, show) for kind in PICTURES]
    if trials > 1:
        out += [Drawn(kind, None) for kind, picture in PICTURES.items() if picture.of_all]
    return out
