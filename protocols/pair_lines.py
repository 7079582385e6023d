"""Lines of a list of pairs, as several published lists have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from restore_recog import names
from restore_recog.errors import DataError
from restore_recog.system import text


@dataclass(frozen=True, slots=True)
class ListedPair:
    """One line of a list.

    Attributes:
        first, second: Places of the images without their endings, ``Name/Name_0001``; an
            image fits if its image_id ends so.
        fold: From 1, or 0 where the list has none.
        line: In the file, from 1.
    """

    first: str
    second: str
    genuine: bool
    fold: int
    line: int


def lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, text) of the lines of a list; empty ones are passed over.

    Raises:
        DataError: It cannot be read, or is not text in UTF-8.
    """
    for number, line in text.lines(file):
        if line.strip():
            yield number, names.spelt(line.strip())


def numbered(file: Path, line: int, person: str, number: str) -> str:
    """Return ``Name/Name_0001`` of a name and an image's number from 1.

    Raises:
        DataError: It is not a number from 1 on.
    """
    count = text.whole(number)
    if not count:
        raise DataError(
            f"{file}, line {line}: '{names.brief(number)}' is not an image number;"
            " they count from 1."
        )
    return f"{person}/{person}_{count:04d}"


def by_number(file: Path, line: int, words: Sequence[str], fold: int) -> ListedPair:
    """Return the pair of a line ``name i j`` (same person) or ``name i name j``.

    Raises:
        DataError: The line has another form or compares an image with itself.
    """
    if len(words) == 3:
        people, numbers = (words[0], words[0]), words[1:]
    elif len(words) == 4:
        people, numbers = (words[0], words[2]), (words[1], words[3])
    else:
        raise DataError(
            f"{file}, line {line}: {len(words)} words; a pair is 'name i j' or 'name i name j'."
        )
    both = [numbered(file, line, *pair) for pair in zip(people, numbers, strict=True)]
    return checked(file, ListedPair(both[0], both[1], people[0] == people[1], fold, line))


def checked(file: Path, pair: ListedPair) -> ListedPair:
    """Return the pair.

    Raises:
        DataError: It compares an image with itself.
    """
    if pair.first == pair.second:
        raise DataError(f"{file}, line {pair.line}: {pair.first} is compared with itself.")
    return pair
