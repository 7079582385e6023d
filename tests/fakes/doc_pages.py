"""The code on the pages of the documentation: what stands there, and how it is run."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT).as_posix() for page in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
)

_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*) -->\n+)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
_STEP = re.compile(r"(?:[^\n]*<<'END'\n.*?^END\n)|(?:(?:[^\n]*\\\n)*[^\n]*\n)", re.M | re.S)
_PROGRAM = re.compile(r"^(?:\.venv/bin/)?restore-recog$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: Where its text begins, counted from 1.
        language: Behind the fence; "" for output and trees of folders.
        text: Between the fences.
        left: Why the tests do not run it: ``<!-- not run: REASON -->`` above it; else "".
    """

    line: int
    language: str
    text: str
    left: str


def read(page: str) -> str:
    """Return a page's Markdown."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[Block]:
    """Return the page's blocks in these languages, or all, in order."""
    text = read(page)
    return [
        Block(
            text[: fence.start("text")].count("\n") + 1,
            fence["language"],
            fence["text"],
            (fence["mark"] or "").partition("not run: ")[2],
        )
        for fence in _FENCE.finditer(text)
        if not languages or fence["language"] in languages
    ]


def steps(block: Block) -> list[str]:
    """Return the commands of a shell block, each whole: continued lines and ``<<'END'`` too."""
    return [step for step in _STEP.findall(block.text) if step[0] not in "#\n"]


def heredoc(step: str) -> str:
    """Return what a command reads from between ``<<'END'`` and ``END``."""
    return step.split("\n", 1)[1].removesuffix("END\n")


def words(step: str) -> list[str]:
    """Return the words of a command, without what it is fed."""
    command = step.split("<<'END'")[0].replace("\\\n", " ")
    return shlex.split(command, comments=True)


def commands(line: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (``restore-recog`` or ``gpu``, arguments) of each of our commands in a line."""
    while line:
        end = line.index("&&") if "&&" in line else len(line)
        one, line = line[:end], line[end + 1 :]
        for place, word in enumerate(one):
            before = one[place - 1] if place else ""
            if _PROGRAM.match(word) and (not place or "=" in before):
                yield "restore-recog", one[place + 1 :]
            elif before == "-m" and word in ("restore_recog", "gpu"):
                yield word.replace("_", "-"), one[place + 1 :]


@contextmanager
def examples_on_the_path(folder: Path) -> Iterator[None]:
    """Let the example packages, and what a page writes into *folder*, be imported."""
    before, known = list(sys.path), set(sys.modules)
    sys.path[:0] = [str(folder), *(str(path) for path in (ROOT / "examples").iterdir())]
    try:
        yield
    finally:
        sys.path[:] = before
        for name in set(sys.modules) - known:
            if name.startswith(("restore_recog_", "my_")):
                del sys.modules[name]
