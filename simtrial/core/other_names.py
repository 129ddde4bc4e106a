"""A value written in other words than its choices: which of them was meant, if any."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_LIKELY = 0.6  # how much a value must look like a choice to be it
_SURE = 0.85  # how much it must look like a name in full
_SHORT = 6  # letters of a name too short for a slip in it to be told from another word
# what people write in full, or in their own words -> the name that the fields use
_NAMES = {
    name: choice
    for choice, names in {
        "DM": ("dermatomyositis", "adult_dermatomyositis", "classic_dermatomyositis"),
        "PM": ("polymyositis",),
        "IMNM": (
            *("necrotizing_myopathy", "necrotising_myopathy", "necrotizing_myositis"),
            *("immune_mediated_necrotizing_myopathy", "immune_mediated_necrotising_myopathy"),
            *("necrotizing", "necrotising", "necrotizing_autoimmune_myopathy", "nam"),
        ),
        "ASyS": (
            *("antisynthetase_syndrome", "anti_synthetase_syndrome", "antisynthetase"),
            *("anti_synthetase", "ass", "assd"),
        ),
        "OM": ("overlap_myositis", "overlap", "overlap_syndrome"),
        "IBM": ("inclusion_body_myositis", "inclusion_body", "sporadic_inclusion_body_myositis"),
        "ICI": (
            *("checkpoint_inhibitor_myositis", "immune_checkpoint_inhibitor_myositis"),
            *("ici_myositis", "checkpoint_inhibitor"),
        ),
        "first_line": (
            *("first", "firstline", "1st_line", "1st", "1", "naive", "treatment_naive"),
            *("untreated", "new_onset", "frontline", "initial"),
        ),
        "refractory": (
            *("second_line", "second", "secondline", "2nd_line", "2nd", "2", "third_line", "3"),
            *("later_line", "later", "relapsed", "relapsing", "resistant", "previously_treated"),
        ),
    }.items()
    for name in names
}


def meant_choice(value: object, choices: Iterable[str]) -> str | None:
    """Return the choice that a value means: by its name in full, its case, or a slip; or None.

    A value that looks like none of them has no nearest: a wrong guess is worse than a list.
    """
    known = list(choices)
    if not isinstance(value, str | int) or isinstance(value, bool) or not known:
        return None
    given = _plain(str(value))
    by_name = {_plain(choice): choice for choice in reversed(known)}
    if given in by_name:
        return by_name[given]
    if _NAMES.get(given) in known:
        return _NAMES[given]
    near = difflib.get_close_matches(given, by_name, n=1, cutoff=_LIKELY)
    if near:
        return by_name[near[0]]
    full = {name for name, choice in _NAMES.items() if choice in known and len(name) > _SHORT}
    slip = difflib.get_close_matches(given, sorted(full), n=1, cutoff=_SURE)
    return _NAMES[slip[0]] if slip else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
