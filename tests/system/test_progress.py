"""Long work says something, on a terminal and in a log file."""

from __future__ import annotations

import io
import sys

import pytest
from tqdm import tqdm

from restore_recog.system import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that a test sets: seconds in its only place."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def test_a_log_file_gets_a_line_a_minute(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with progress.Bars() as bars:
        for done in range(1, 101):
            clock[0] += 2.5  # 250 s in all
            bars.update("restoring", done, 100)
            tqdm.write("a sentence", file=io.StringIO())
        bars.update("drawing", 1, 1)  # done at once: nothing to say
    lines = file.getvalue().split("\n")
    assert lines.pop() == "" and len(lines) == 4
    assert lines[0].startswith("restoring: 25 of 100 (25 %), 01:00 so far, 03:00 to go, ")
    assert all(line.startswith("restoring: ") and "\r" not in line for line in lines)


def test_nothing_is_said_where_nothing_is_wanted(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    with progress.Bars(shown=False) as bars:
        clock[0] += 1000
        bars.update("restoring", 1, 2)
    assert file.getvalue() == ""


def test_a_terminal_gets_a_bar_that_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    with progress.Bars() as bars:
        bars.update("restoring", 1, 2)
    assert "\rrestoring" in file.getvalue() and "\n" not in file.getvalue()
