"""Weeks of rules of treatment and of the extension: they must fit the visits, and one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simtrial.core.config import FieldFault
from simtrial.core.located import flow, shown
from simtrial.trial.treatment import Arm, Course, DoseChange, Extension

_Path = tuple[str | int, ...]


def check_rules(
    arms: Mapping[str, Arm],
    courses: Mapping[str, Sequence[Course]],
    extension: Extension | None,
    visits: Sequence[int],
) -> None:
    """Refuse rules that no visit would apply, and courses that would never be given.

    Raises
    ------
    FieldFault
    """
    if extension is not None:
        latest = max((course.week for own in courses.values() for course in own), default=-1)
        _check_extension(extension, latest, visits[-1])
    for name, arm in arms.items():
        for i, change in enumerate(arm.dose_change):
            path = ("arms", name, "dose_change", i)
            _check_change(path, change, visits)
            if extension is not None:
                _check_before_extension(path, change, extension, visits)
        if arm.as_needed is not None and arm.as_needed.from_week > visits[-1]:
            raise FieldFault(
                ("arms", name, "as_needed", "from_week"),
                f"the last visit is in week {visits[-1]}",
                example=f"from_week: {visits[1]}",
            )


def _check_change(path: _Path, change: DoseChange, visits: Sequence[int]) -> None:
    if change.at_week not in visits:
        raise FieldFault(
            (*path, "at_week"),
            f"that week is no visit; visits_weeks are {flow(list(visits))}",
            example=f"at_week: {visits[1]}",
        )
    if change.courses and change.courses[-1].week > visits[-1]:
        raise FieldFault(
            (*path, "courses"),
            f"the last visit is in week {visits[-1]}",
            example="courses: []",
        )


def _check_before_extension(
    path: _Path, change: DoseChange, extension: Extension, visits: Sequence[int]
) -> None:
    first = extension.from_week
    if change.at_week >= first:
        earlier = [week for week in visits[1:] if week < first]
        raise FieldFault(
            (*path, "at_week"),
            f"from week {first} on the extension gives its courses, whatever was changed; decide "
            "before it",
            example=f"at_week: {earlier[-1]}" if earlier else None,
        )
    late = [course.week for course in change.courses if course.week >= first]
    if late:
        kept = [c.model_dump(exclude_defaults=True) for c in change.courses if c.week < first]
        raise FieldFault(
            (*path, "courses"),
            f"the course in week {late[0]} would give way to the extension, which begins in week "
            f"{first}",
            example=f"courses: {shown(kept)}",
        )


def _check_extension(extension: Extension, latest: int, last: int) -> None:
    first, end = extension.from_week, extension.course_list()[-1].week
    if first <= latest:
        raise FieldFault(
            "extension.from_week",
            f"an arm has a course in week {latest}; the extension begins after the last one",
            example=f"from_week: {latest + 4}",
        )
    if first > last:
        raise FieldFault(
            "extension.from_week",
            f"the last visit is in week {last}",
            example=f"from_week: {min(latest + 4, last)}",
        )
    if end > last:
        raise FieldFault(
            "extension.infusions",
            f"there would be an infusion in week {end}, after the last visit (week {last})",
            example=f"infusions: {max(1, (last - first) // extension.every_weeks + 1)}",
        )
