"""Whether the recogniser of a run taught one of its restorers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from restore_recog import weights
from restore_recog.api import Recognizer, Restorer


def labels(recognizer: Recognizer, restorers: Mapping[str, Restorer]) -> tuple[str, ...]:
    """Return a sentence for each restorer that was trained towards the recogniser."""
    _, shown = _names(recognizer)
    return tuple(
        f"{shown} taught '{name}' and flatters it" for name in pupils(recognizer, restorers)
    )


def pupils(recognizer: Recognizer, restorers: Mapping[str, Restorer]) -> list[str]:
    """Return the names of the restorers that were trained towards the recogniser."""
    known, _ = _names(recognizer)
    return [name for name, one in restorers.items() if known & set(_told(one.taught_by))]


def _told(names: Iterable[str]) -> Iterable[str]:
    """Yield teachers as :func:`_names` has them: a file by its hash, wherever it lay."""
    for name in names:
        kind, _, argument = name.partition(":")
        yield f"{kind}:{argument.rpartition(' ')[2]}" if argument else kind


def _names(recognizer: Recognizer) -> tuple[set[str], str]:
    """Return by which names a recogniser may have taught, and how to show it."""
    kind, file = recognizer.name, recognizer.weights
    if file is None or file.parent == weights.SHIPPED:
        name = f"{kind}:{recognizer.argument}" if recognizer.argument else kind
        return {name}, f"'{name}'"
    if not file.is_file():
        return set(), ""
    return {f"{kind}:{weights.teacher_mark(file)}"}, f"'{kind}:{file.name}'"
