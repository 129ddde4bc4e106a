"""Group sequential designs: the bounds of z at each look, and the ways to find them.

Efficacy bounds reject; futility bounds stop without. Futility is not binding unless said: the
type I error then holds even if a trial goes on against it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simtrial.core.errors import DomainError
from simtrial.stats.sequential import solving
from simtrial.stats.sequential.probabilities import Wall
from simtrial.stats.sequential.spending import Spending


@dataclass(frozen=True, kw_only=True)
class GroupSequential:
    """A group sequential test of a normal statistic.

    Attributes
    ----------
    information : (K,) fraction of the full information at each look, increasing to 1.
    alpha : type I error, of both sides together when ``sided`` is 2.
    sided : 1 rejects for large z; 2 for large absolute z.
    efficacy : (K,) reject when z (absolute z if two-sided) is at or above; inf where no stop.
    futility : (K-1,) or (K,) stop without rejection when z (absolute z if two-sided) is below;
        -inf where no stop; None where there is no futility at all. A K-th value changes nothing:
        at the last look what is not rejected is not rejected.
    binding : whether the type I error relies on futility stops being followed.
    kind : how the bounds were found, in words.
    """

    information: tuple[float, ...]
    alpha: float
    sided: int
    efficacy: tuple[float, ...]
    futility: tuple[float, ...] | None = None
    binding: bool = False
    kind: str = "given"

    def __post_init__(self) -> None:
        looks = check_information(self.information)
        check_error("alpha", self.alpha, self.sided)
        _check_efficacy(self.efficacy, looks, self.sided)
        _check_futility(self.futility, looks)
        for k, (u, v) in enumerate(zip(self.efficacy, self.futility or (), strict=False)):
            if v > u:
                raise DomainError(
                    f"at look {k + 1} futility is {v:g} and efficacy {u:g}; futility must not be "
                    "above efficacy."
                )
        if self.binding and self.futility is None:
            raise DomainError("binding is True without futility bounds; give them, or leave it.")

    @property
    def looks(self) -> int:
        """How many looks there are, the final analysis included."""
        return len(self.information)

    @property
    def interim_futility(self) -> tuple[float, ...]:
        """(K-1,) futility bounds before the last look, -inf where there is none."""
        return _interim(self.futility, self.looks)

    @property
    def stage_levels(self) -> tuple[float, ...]:
        """(K,) one-sided significance level of each look by itself: 1 - Phi(efficacy)."""
        return tuple(0.5 * math.erfc(u / math.sqrt(2.0)) for u in self.efficacy)


def equal_information(looks: int) -> tuple[float, ...]:
    """Return ``looks`` equally spaced fractions, the last of which is 1."""
    if looks < 1:
        raise DomainError(f"looks is {looks}; a trial has at least one, its final analysis.")
    return tuple((k + 1) / looks for k in range(looks))


def from_spending(
    *,
    information: Sequence[float],
    spending: Spending,
    alpha: float = 0.025,
    sided: int = 1,
    beta: float | None = None,
    beta_spending: Spending | None = None,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return the design that spends its errors by functions of the information.

    Parameters
    ----------
    information : (K,) fractions at the looks, increasing to 1.
    spending : how ``alpha`` is spent.
    beta, beta_spending : the type II error (1 - power), and how futility bounds spend it at the
        drift at which the design has that power. With a two-sided test the futility region is a
        wedge -v < z < v, and power counts a rejection on either side. Both, or neither.
    futility : (K-1,) given futility bounds instead.
    binding : whether efficacy bounds may rely on futility.

    Raises
    ------
    DomainError : when an error is outside its range, both kinds of futility are given, or no
        bounds spend the errors as asked.
    """
    looks = check_information(information)
    check_error("alpha", alpha, sided)
    information = tuple(float(t) for t in information)
    spent = spending.cumulative(information, alpha, sided)
    if (beta is None) != (beta_spending is None):
        raise DomainError(
            f"beta is {beta} and beta_spending {beta_spending}; give both, such as beta=0.1 and "
            "beta_spending=Spending(family='obrien_fleming'), or neither."
        )
    kind = f"alpha spending, {_in_words(spending)}"
    if beta is None or beta_spending is None:
        efficacy = solving.spent_efficacy(
            information=information,
            spent=spent,
            sided=sided,
            futility=_relied_on(futility, binding, looks),
        )
        return _designed(information, alpha, sided, efficacy, futility, binding, kind)
    if futility is not None:
        raise DomainError("futility and beta_spending are both given; leave one of them out.")
    if not 0.0 < beta < 1.0 - alpha:
        raise DomainError(
            f"beta is {beta}; it is above 0 and below 1 - alpha = {1.0 - alpha:g}, such as 0.1."
        )
    efficacy, solved, _ = solving.spent_futility(
        information=information,
        alpha_spent=spent,
        beta_spent=beta_spending.cumulative(information, beta, 1),
        sided=sided,
        binding=binding,
    )
    kind = f"{kind}; beta spending, {_in_words(beta_spending)}"
    return _designed(information, alpha, sided, efficacy, solved, binding, kind)


def wang_tsiatis(
    *,
    information: Sequence[float],
    delta: float,
    alpha: float = 0.025,
    sided: int = 1,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return bounds c t**(delta - 1/2): Pocock's at delta 1/2, O'Brien and Fleming's at 0.

    ``information`` need not be equally spaced; t is its fraction, as the score process asks.

    References
    ----------
    Wang SK, Tsiatis AA. Approximately optimal one-parameter boundaries for group sequential
    trials. Biometrics 1987;43:193-199.
    """
    if not -10.0 <= delta <= 10.0:
        raise DomainError(f"delta is {delta}; give a number such as 0 (O'Brien-Fleming) or 0.25.")
    return _shaped(information, delta, alpha, sided, futility, binding, f"Wang-Tsiatis, {delta:g}")


def pocock(
    *,
    information: Sequence[float],
    alpha: float = 0.025,
    sided: int = 1,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return the design with one bound for all looks.

    References
    ----------
    Pocock SJ. Group sequential methods in the design and analysis of clinical trials.
    Biometrika 1977;64:191-199.
    """
    return _shaped(information, 0.5, alpha, sided, futility, binding, "Pocock")


def obrien_fleming(
    *,
    information: Sequence[float],
    alpha: float = 0.025,
    sided: int = 1,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return the design whose bound is constant on the score scale: c / sqrt(t).

    References
    ----------
    O'Brien PC, Fleming TR. A multiple testing procedure for clinical trials.
    Biometrics 1979;35:549-556.
    """
    return _shaped(information, 0.0, alpha, sided, futility, binding, "O'Brien-Fleming")


def haybittle_peto(
    *,
    information: Sequence[float],
    early: float = 3.0,
    alpha: float = 0.025,
    sided: int = 1,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return z = ``early`` before the last look, and there what is left of ``alpha``.

    References
    ----------
    Haybittle JL. Repeated assessment of results in clinical trials of cancer treatment.
    Br J Radiol 1971;44:793-797.
    Peto R et al. Design and analysis of randomized clinical trials requiring prolonged observation
    of each patient. Br J Cancer 1976;34:585-612.
    """
    looks = check_information(information)
    check_error("alpha", alpha, sided)
    if not 0.0 < early < math.inf:
        raise DomainError(f"early is {early}; give a bound of z above 0, such as 3.0.")
    relied = _relied_on(futility, binding, looks)
    final = solving.last_efficacy(
        information=information, early=early, alpha=alpha, sided=sided, futility=relied
    )
    efficacy = (*(early,) * (looks - 1), final)
    kind = f"Haybittle-Peto, {early:g}"
    return _designed(information, alpha, sided, efficacy, futility, binding, kind)


def from_bounds(
    *,
    information: Sequence[float],
    efficacy: Sequence[float],
    sided: int = 1,
    futility: Sequence[float] | None = None,
    binding: bool = False,
) -> GroupSequential:
    """Return the design with these bounds; its ``alpha`` is the type I error they have.

    Binding futility counts in that error; other futility does not.
    """
    looks = check_information(information)
    _check_sided(sided)
    _check_efficacy(efficacy, looks, sided)
    relied = _relied_on(futility, binding, looks)
    alpha = sided * solving.crossing(information, efficacy, sided, relied)
    return _designed(information, alpha, sided, efficacy, futility, binding, "given")


def walls(design: GroupSequential, *, futility: bool = True) -> tuple[Wall, ...]:
    """Return (K,) where the trial stops at each look.

    ``futility=False`` is a trial that goes on against its futility bounds.
    """
    followed = design.interim_futility if futility else _interim(None, design.looks)
    return solving.walls(design.efficacy, followed, design.sided)


def check_information(information: Sequence[float]) -> int:
    """Return the number of looks, or say what is wrong with them."""
    grows = all(a < b for a, b in pairwise((0.0, *information)))
    if not grows or not information or not math.isclose(information[-1], 1.0, abs_tol=1e-12):
        raise DomainError(
            f"information is {tuple(information)}; it holds fractions above 0 that grow to 1 at "
            "the last look; for example (0.5, 1.0)."
        )
    return len(information)


def check_error(name: str, error: float, sided: int) -> None:
    """Refuse an error that is no probability, or sides that are not 1 or 2."""
    _check_sided(sided)
    if not 0.0 < error < 1.0:
        raise DomainError(f"{name} is {error}; it is above 0 and below 1, such as 0.025.")


def _check_sided(sided: int) -> None:
    if sided not in (1, 2):
        raise DomainError(f"sided is {sided}; give 1 or 2, such as sided=1.")


def _check_efficacy(efficacy: Sequence[float], looks: int, sided: int) -> None:
    if len(efficacy) != looks:
        raise DomainError(
            f"efficacy has {len(efficacy)} bounds for {looks} looks; give one a look, inf where "
            "the trial cannot stop."
        )
    least = 0.0 if sided == 2 else -math.inf
    if not all(u > least for u in efficacy) or math.isinf(efficacy[-1]):
        raise DomainError(
            f"efficacy is {tuple(efficacy)}; bounds are numbers"
            + (" above 0 (two-sided)" if sided == 2 else "")
            + ", inf where the trial cannot stop, and finite at the last look; "
            "for example (2.797, 1.977)."
        )


def _check_futility(futility: Sequence[float] | None, looks: int) -> None:
    if futility is None:
        return
    if len(futility) not in (looks - 1, looks):
        raise DomainError(
            f"futility has {len(futility)} bounds for {looks} looks; give one for each of the "
            f"{looks - 1} looks before the last, -inf where the trial cannot stop."
        )
    if not all(v < math.inf for v in futility):
        raise DomainError(
            f"futility is {tuple(futility)}; bounds are numbers, or -inf where the trial cannot "
            "stop; for example (-math.inf, 0.0)."
        )


def _interim(futility: Sequence[float] | None, looks: int) -> tuple[float, ...]:
    return (-math.inf,) * (looks - 1) if futility is None else tuple(futility)[: looks - 1]


def _relied_on(futility: Sequence[float] | None, binding: bool, looks: int) -> tuple[float, ...]:
    _check_futility(futility, looks)
    return _interim(futility if binding else None, looks)


def _shaped(
    information: Sequence[float],
    delta: float,
    alpha: float,
    sided: int,
    futility: Sequence[float] | None,
    binding: bool,
    kind: str,
) -> GroupSequential:
    looks = check_information(information)
    check_error("alpha", alpha, sided)
    efficacy = solving.shaped_efficacy(
        information=information,
        shape=[t ** (delta - 0.5) for t in information],
        alpha=alpha,
        sided=sided,
        futility=_relied_on(futility, binding, looks),
    )
    return _designed(information, alpha, sided, efficacy, futility, binding, kind)


def _designed(
    information: Sequence[float],
    alpha: float,
    sided: int,
    efficacy: Sequence[float],
    futility: Sequence[float] | None,
    binding: bool,
    kind: str,
) -> GroupSequential:
    return GroupSequential(
        information=tuple(float(t) for t in np.asarray(information)),
        alpha=float(alpha),
        sided=sided,
        efficacy=tuple(float(u) for u in efficacy),
        futility=None if futility is None else tuple(float(v) for v in futility),
        binding=binding,
        kind=kind,
    )


def _in_words(spending: Spending) -> str:
    parameter = "" if spending.parameter is None else f" {spending.parameter:g}"
    return f"{spending.family}{parameter}"
