"""Errors a user can act on: where, what was given, the rule, and what to write instead."""

from __future__ import annotations


class SimtrialError(Exception):
    """Base of every error that simtrial raises on purpose."""


class DesignError(SimtrialError, ValueError):
    """A design or scenario that cannot be run as written."""


class EvidenceError(SimtrialError, ValueError):
    """A ledger of facts that contradicts its own rules."""


class PosteriorError(SimtrialError, ValueError):
    """A posterior file that is missing, damaged, stale, or does not hold what a design needs."""


class ResultError(SimtrialError, ValueError):
    """A result file that is damaged, of another command, or of another version's format."""


class FitError(SimtrialError, RuntimeError):
    """A fit whose diagnostics forbid its use."""


class DomainError(SimtrialError, ValueError):
    """An argument of a function outside the values it is defined for."""


class StoreError(SimtrialError, ValueError):
    """A folder of results that cannot be used, contradicts itself, or holds another result."""


class ArgumentError(DomainError):
    """An argument of a function that a script calls, or of an option that becomes one.

    Attributes
    ----------
    name, value : the argument, and what was given.
    rule : what it must be.
    example : a correct value, as one would write it.
    """

    def __init__(self, name: str, value: object, rule: str, example: str) -> None:
        super().__init__(name, value, rule, example)
        self.name, self.value, self.rule, self.example = name, value, rule, example

    def __str__(self) -> str:
        """Return the message in the words of a script."""
        return (
            f"{self.name} is {self.value!r}; {self.rule}; for example {self.name}={self.example}."
        )
