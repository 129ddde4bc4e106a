"""What the audit of a ledger says: one finding, with its proof in numbers and what is used."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from simtrial.evidence.records import Fact
from simtrial.evidence.wording import in_words

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding about one fact.

    Attributes
    ----------
    fact, label : the fact it is about.
    rule : name of the rule that found it.
    severity : ``error`` when figures that are used contradict one another, so that the ledger is
        to be mended; ``warning`` when a printed figure contradicts the ones that are used, or
        agrees with them under another definition only; ``note`` when nothing contradicts.
    proof : the figures and the arithmetic.
    used : what the ledger goes on with.
    related : other facts that the proof rests on.
    """

    fact: str
    label: str
    rule: str
    severity: Severity
    proof: str
    used: str
    related: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the finding for JSON."""
        return {**asdict(self), "related": list(self.related)}


def finding(
    rule: str,
    fact: Fact,
    severity: Severity,
    proof: str,
    *,
    used: str | None = None,
    related: tuple[str, ...] = (),
) -> Finding:
    """Return a finding; what is used is the fact's values, unless said otherwise."""
    return Finding(
        fact=fact.id,
        label=fact.label,
        rule=rule,
        severity=severity,
        proof=proof,
        used=used or used_of(fact),
        related=related,
    )


def used_of(fact: Fact, words: str | None = None) -> str:
    """Return a fact's values in words; of one that nothing reads, that they are a reading only.

    ``words`` say the values otherwise, or more of them.
    """
    words = words or in_words(fact.values, fact.unit)
    return words if fact.read_by else f"not used, {fact.role}; reading {words}"
