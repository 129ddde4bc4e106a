"""Small results of `size` and `power`, computed once a process, for tests that read results."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from simtrial.planning.power import power
from simtrial.planning.size import size
from simtrial.report.result_file import digest_of
from simtrial.trial.design import load_design
from simtrial.trial.posterior import Posterior, load_posterior

TRIALS = 60
Document = dict[str, Any]


@cache
def shipped() -> Posterior:
    return load_posterior()


@cache
def _size() -> Document:
    return size(
        load_design("dm_ivig_16w"), posterior=shipped(), trials=TRIALS, name="dm_ivig_16w"
    ).document


@cache
def _power() -> Document:
    return power(
        load_design("dm_ivig_16w"), posterior=shipped(), trials=TRIALS, name="dm_ivig_16w", n=24
    ).document


def size_result() -> Document:
    return copy.deepcopy(_size())


def power_result() -> Document:
    return copy.deepcopy(_power())


def signed(document: Document) -> Document:
    """Return a document whose digest fits its parts, after a test has changed them."""
    return document | {"digest": digest_of(document)}


def without_answer() -> Document:
    """Return a size document whose target is out of reach."""
    document = size_result()
    last = document["curve"][-1]["power"]
    return document | {
        "n": None,
        "n_interval": None,
        "n_below": None,
        "at_n": None,
        "limit": last,
        "answer": "Power 0.8 is not reached: the arms differ too little.",
        "protocol_sentence": "",
    }
