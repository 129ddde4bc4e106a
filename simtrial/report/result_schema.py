"""What a result of ``size`` or ``power`` must hold to be shown; what it holds besides is free."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simtrial.myositis.parameters import Status

Shares = dict[str, float | None]
Ends = Annotated[list[float], Field(min_length=2, max_length=2)]


class Part(BaseModel):
    """A part of a result; what a newer version adds to it does not matter."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)


class MetricPart(Part):
    """An estimate with its error; of an exact number 0 replicates."""

    estimate: float
    mcse: float | None
    replicates: int
    interval95: Ends | None


class ReplacedPart(Part):
    """A parameter that a scenario replaces."""

    parameter: str
    value: float | None
    times: float | None
    status: Status
    source: str


class LookPart(Part):
    """What happens at one look, timed by one of n, events and week."""

    n: int | None = None
    events: int | None = None
    week: float | None = None
    z: float | None = None
    reached: MetricPart
    success: MetricPart
    futility: MetricPart
    success_by: MetricPart
    futility_by: MetricPart
    mean_week: MetricPart | None = None
    mean_events: MetricPart | None = None


class RowPart(Part):
    """What every row says."""

    scenario: str
    n: int
    metrics: dict[str, MetricPart]
    failed: int


class PatientRow(RowPart):
    """A row of simulated patients."""

    rates: Shares
    rates_mcse: Shares
    observed_rates: Shares
    observed_rates_mcse: Shares
    control_rate_stated: float | None
    p_background: float
    replaced: list[ReplacedPart]
    exposure: Literal["max", "sum"] = "max"
    control_rows_clipped: int
    posterior_rows: int
    harm: dict[str, dict[str, MetricPart | None]] | None = None
    looks: Annotated[list[LookPart], Field(min_length=2)] | None = None


class OutcomeRow(RowPart):
    """A row of outcomes alone: its truth as given, exact or simulated."""

    kind: Literal["outcomes", "hazards_per_day"]
    exact: bool
    source: str
    given: dict[str, Any]
    looks: Annotated[list[LookPart], Field(min_length=1)]


class ResponseRow(OutcomeRow):
    """A row of chances of response."""

    rates: dict[str, float]
    truth: dict[str, str]
    strata: dict[str, float] | None
    type1_maximum_at: dict[str, float] | None = None
    error_bound: float | None = None


class HazardPart(Part):
    """A hazard from a day on."""

    from_day: float
    rate: float


class EventRow(OutcomeRow):
    """A row of times to an event."""

    hazards_per_day: dict[str, list[HazardPart]]
    dropout_per_day: dict[str, float] | None
    unfinished: MetricPart


class PatientRows(Part):
    """Rows by their place, as they are checked: an error names the place."""

    scenarios: dict[int, PatientRow]


class ResponseRows(Part):
    """See ``PatientRows``."""

    scenarios: dict[int, ResponseRow]


class EventRows(Part):
    """See ``PatientRows``."""

    scenarios: dict[int, EventRow]


class FloorPart(Part):
    """The noise floor."""

    estimate: float
    mcse: float
    what: str


class InputPart(Part):
    """An input with its status and source."""

    parameter: str
    value: float | None
    status: Status
    source: str


class HowFitted(Part):
    """How the posterior was fitted."""

    quick: bool
    own: list[str]
    without: list[str]
    not_fitted: list[str]


class DigestsPart(Part):
    """The digests of what a result was computed from."""

    scenarios: Annotated[list[str], Field(min_length=1)]


class ResultPart(Part):
    """What every result holds."""

    simtrial: str
    design: str
    title: str
    protocol: dict[str, Any]
    arms: list[str]
    digest: str
    digests: DigestsPart
    posterior: str
    posterior_fit: HowFitted | None = None  # older results have none
    seed: int
    endpoint: str
    assumptions: Annotated[list[InputPart], Field(min_length=1)]
    trials: int | None
    scenarios: Annotated[list[dict[str, Any]], Field(min_length=1)]
    interrupted: bool
    rerun: str


class PatientsPart(Part):
    """What a result with simulated patients holds besides."""

    noise_floor: FloorPart
    eligible_share: float
    eligible_share_mcse: float


class TargetPart(Part):
    """What a size must reach."""

    metric: Literal["power", "assurance"]
    value: float


class PointPart(Part):
    """A size with its chances of success."""

    n: int
    power: MetricPart | None = None
    assurance: MetricPart | None = None


class AtAnswer(Part):
    """What else is known at the size found."""

    n: int
    duration_weeks: MetricPart | None
    screened: MetricPart


class SizePart(Part):
    """What a result of ``size`` holds besides."""

    trials: int
    target: TargetPart
    n: int | None
    n_interval: Annotated[list[int], Field(min_length=2, max_length=2)] | None
    n_below: int | None
    at_n: AtAnswer | None
    curve: Annotated[list[PointPart], Field(min_length=1)]
    answer: str
    protocol_sentence: str


class PowerResult(ResultPart):
    """A result of ``power`` of outcomes alone."""


class PowerOfPatients(ResultPart, PatientsPart):
    """A result of ``power`` with patients."""


class SizeResult(SizePart, ResultPart):
    """A result of ``size`` of outcomes alone."""


class SizeOfPatients(SizePart, PatientsPart, ResultPart):
    """A result of ``size`` with patients."""
