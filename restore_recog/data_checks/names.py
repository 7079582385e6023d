"""People and files that are told apart by little: perhaps one person, or one file, twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from restore_recog.data_checks.contents import Entry, Finding, Issue, told
from restore_recog.names import folded

_NUMBERED = re.compile(r" \(\d+\)$")
"""What tells files apart whose names differ in their Unicode form only."""
_REST = "in case, Unicode form, blanks, _ or - only: look whether they are one."


def name_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Yield people, also across data sets, and images of one, whose names are nearly the same."""
    people = dict.fromkeys((entry.data, entry.sample.subject) for entry in entries)
    spread = len({data for data, _ in people}) > 1
    for data, issues in _alike(people, spread):
        words = "group of people's names differs", "groups of people's names differ", _REST
        yield from told("warning", "alike-people", data, issues, words)
    images = ((entry.data, entry.sample.image_id) for entry in entries)
    for data, issues in _alike(images, within=True):
        words = "group of images' names differs", "groups of images' names differ", _REST
        yield from told("warning", "alike-images", data, issues, words)


def _alike(
    names: Iterable[tuple[str, str]], spread: bool = False, *, within: bool = False
) -> Iterator[tuple[str, list[Issue]]]:
    """Yield (data sets, issues) of the names that are nearly the same.

    Args:
        names: (data set, name).
        spread: Whether an issue names the data sets.
        within: Whether only names in one data set are compared.
    """
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for data, name in names:
        key = data if within else "", folded(_NUMBERED.sub("", name))
        groups.setdefault(key, []).append((data, name))
    issues: dict[str, list[Issue]] = {}
    for members in groups.values():
        if len({name for _, name in members}) > 1:
            shown = [f"{data}/{name}" if spread else name for data, name in members]
            where = " and ".join(dict.fromkeys(data for data, _ in members))
            issues.setdefault(where, []).append(Issue(shown[0], f"like {', '.join(shown[1:])}"))
    yield from issues.items()
