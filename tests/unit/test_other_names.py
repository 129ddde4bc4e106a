"""A value in other words than a field's choices: the one that is meant, or none."""

from __future__ import annotations

from typing import get_args

import pytest

from simtrial.core.other_names import meant_choice
from simtrial.evidence.sources import Line
from simtrial.evidence.values import Subtype


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("dermatomyositis", "DM"),
        ("Dermatomyositis", "DM"),
        ("dermatomyosits", "DM"),
        ("polymyositis", "PM"),
        ("immune-mediated necrotizing myopathy", "IMNM"),
        ("antisynthetase syndrome", "ASyS"),
        ("asys", "ASyS"),
        ("overlap myositis", "OM"),
        ("inclusion body myositis", "IBM"),
        ("dm", "DM"),
        ("sarcoidosis", None),
        (None, None),
        (True, None),
    ],
)
def test_a_subtype_in_full_is_its_code_and_another_word_is_none(
    given: object, meant: str | None
) -> None:
    assert meant_choice(given, get_args(Subtype)) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        *(("second", "refractory"), ("second-line", "refractory"), (2, "refractory")),
        *(("first", "first_line"), ("treatment naive", "first_line"), ("frist_line", "first_line")),
        ("maintenance", None),
    ],
)
def test_a_line_in_other_words_is_that_line(given: object, meant: str | None) -> None:
    assert meant_choice(given, get_args(Line)) == meant


def test_a_name_in_full_means_nothing_where_its_code_is_no_choice() -> None:
    assert meant_choice("polymyositis", ["DM", "IBM"]) is None
