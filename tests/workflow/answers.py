"""What a call prints and ends with, and what every refusal has in common."""

from __future__ import annotations

from typing import Any, NamedTuple

JARGON = ("input should", "Input should", "Traceback", "pydantic", "validation error", "unable to")


class Answer(NamedTuple):
    """What a call prints, and the code it ends with."""

    code: Any
    out: str
    err: str


def refused(answer: Answer) -> str:
    """Return the message of a call that was refused as a call must be."""
    assert answer.code == 2, answer
    assert answer.out == ""
    assert answer.err.endswith("\n")
    for word in JARGON:
        assert word not in answer.err
    return answer.err
