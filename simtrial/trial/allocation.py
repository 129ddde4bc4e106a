"""How patients are assigned to arms, and by which factors they are stratified."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simtrial.core.config import FieldFault, Spec
from simtrial.core.located import flow, shown

Integers = Annotated[tuple[int, ...], Field(strict=False)]
Factor = Literal["severity", "subtype", "line", "sex", "prednisolone", "site", "age_65"]
Method = Literal["permuted_blocks", "complete", "minimisation"]
MOST_STRATA = 10_000  # each keeps an open block of its own


class AnyAllocation(Spec):
    """What every allocation says: the ratio, the method, its blocks and its strata."""

    ratio: dict[str, int] = Field(examples=["{placebo: 1, ivig: 1}"])
    method: str = Field(examples=["permuted_blocks"])
    block_sizes: Integers = Field(default=(), examples=["[4]"])
    strata: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), examples=["[severity]"]
    )

    def _check_blocks(self) -> None:
        total = sum(self.ratio.values())
        if not self.block_sizes:
            raise FieldFault(
                "block_sizes",
                "it needs at least one size",
                example=f"block_sizes: [{2 * total}]",
            )
        for size in self.block_sizes:
            if size > 1_000:
                raise FieldFault(
                    "block_sizes",
                    "a block holds at most 1000 patients",
                    example=f"block_sizes: [{2 * total}]",
                )
            if size < total or size % total:
                raise FieldFault(
                    "block_sizes",
                    f"a block of {size} cannot hold the ratio "
                    f"{':'.join(str(v) for v in self.ratio.values())}; "
                    f"write multiples of {total}, such as [{2 * total}]",
                    example=f"block_sizes: [{2 * total}]",
                )


class Allocation(AnyAllocation):
    """How patients are assigned to arms by a ratio.

    ``permuted_blocks``: in blocks that hold the ratio, within each combined stratum.
    ``complete``: each patient alone. ``minimisation``: Pocock and Simon's, which keeps the
    margins of the factors in ``strata`` balanced; the arm that does so best is given with
    probability ``favoured``, the imbalance of a factor being the ``imbalance`` of its arms' sizes.
    """

    method: Method = Field(examples=["permuted_blocks"])
    strata: Annotated[tuple[Factor, ...], Field(strict=False)] = Field(
        default=(), examples=["[severity]"]
    )
    favoured: float | None = Field(default=None, gt=0.0, le=1.0, examples=["0.8"])
    imbalance: Literal["range", "variance"] | None = Field(default=None, examples=["range"])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_ratio(self.ratio)
        if len(set(self.strata)) < len(self.strata):
            raise FieldFault(
                "strata",
                "each factor stands there once",
                example=f"strata: {flow(list(dict.fromkeys(self.strata)))}",
            )
        if self.method == "permuted_blocks":
            self._check_blocks()
        elif self.block_sizes:
            raise FieldFault(
                "block_sizes",
                f"{self.method} has no blocks; leave it out, or write method: permuted_blocks",
                example=self._such(block_sizes=self.block_sizes),
            )
        self._check_minimisation()
        return self

    def _such(self, method: Method = "permuted_blocks", **parts: object) -> str:
        """Return an allocation with this ratio, in permuted blocks unless said."""
        return "allocation: " + flow(
            {"ratio": self.ratio, "method": method}
            | {name: list(v) if isinstance(v, tuple) else v for name, v in parts.items()}
        )

    def _check_minimisation(self) -> None:
        minimises = self.method == "minimisation"
        for name, value in (("favoured", self.favoured), ("imbalance", self.imbalance)):
            if value is not None and not minimises:
                raise FieldFault(
                    name,
                    f"{self.method} has none; it belongs to minimisation, so leave it out",
                    example=self._such(
                        self.method,
                        **({"block_sizes": self.block_sizes} if self.block_sizes else {}),
                        **({"strata": self.strata} if self.strata else {}),
                    ),
                )
        if not minimises:
            return
        if not self.strata:
            raise FieldFault(
                "strata",
                "minimisation balances the factors named there; name at least one",
                example="strata: [severity]",
            )
        least = min(self.ratio.values()) / sum(self.ratio.values())
        if len(self.ratio) > 1 and self.coin < least:
            raise FieldFault(
                "favoured",
                f"below {least:.3g}, the share that the ratio gives the smallest arm anyway, the "
                "better arm would be avoided",
                example="favoured: 0.8",
            )

    @property
    def coin(self) -> float:
        """The probability with which minimisation gives the best arm, where all parts are alike."""
        return 0.8 if self.favoured is None else self.favoured

    @property
    def by_variance(self) -> bool:
        """Whether the imbalance of a factor is a variance, and not a range."""
        return self.imbalance == "variance"


def check_ratio(ratio: dict[str, int]) -> None:
    """Refuse parts of a ratio that are no whole numbers from 1 to 100."""
    if not ratio or min(ratio.values()) < 1:
        whole = {name: max(1, part) for name, part in ratio.items()}
        raise FieldFault(
            "ratio",
            "every part of it must be a whole number of at least 1",
            example=f"ratio: {shown(whole)}" if whole else None,
        )
    if max(ratio.values()) > 100:
        raise FieldFault(
            "ratio",
            "no part of it may exceed 100",
            example=f"ratio: {shown(dict.fromkeys(ratio, 1))}",
        )
