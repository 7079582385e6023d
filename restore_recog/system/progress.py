"""Progress on standard error: bars on a terminal, a line a minute in a log file."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any, TextIO
from weakref import WeakSet

from tqdm import tqdm

MINUTE = 60.0
"""Seconds between two lines where standard error is no terminal."""

LINE = (
    "{desc}: {n_fmt} of {total_fmt} ({percentage:.0f} %), {elapsed} so far, {remaining} to go, "
    "{rate_fmt}{postfix}"
)


class Lines(tqdm):  # type: ignore[misc]
    """A bar that prints whole lines, for files and pipes; nothing where all is done in a minute."""

    _instances: WeakSet[Lines] = WeakSet()
    """Its own: tqdm.write() wipes out and draws again all those of tqdm, and lines stay."""

    @staticmethod
    def status_printer(file: TextIO) -> Callable[[str], None]:
        """Return what prints a state: a line, where a bar would be drawn over."""

        def line(text: str) -> None:
            if text:  # an empty one would wipe the bar out
                print(text, file=file, flush=True)

        return line

    def close(self) -> None:
        """End without a trace: tqdm wipes out only what has been shown, and lines stay."""
        self.delay = math.inf
        super().close()


def bar(total: int, label: str, *, shown: bool = True, **options: Any) -> Any:
    """Return tqdm's bar, or :class:`Lines` where standard error is no terminal.

    Args:
        total: Units of work.
        label: What is being done.
        shown: Whether to show anything at all.
        options: Further ones of :class:`tqdm.tqdm`.
    """
    common = {"total": total, "desc": label, "disable": not shown, "file": sys.stderr, **options}
    if sys.stderr.isatty():
        return tqdm(**common)
    rare = {"mininterval": MINUTE, "miniters": 1, "delay": MINUTE, "bar_format": LINE}
    return Lines(**{**common, **rare})


class Bars:
    """One bar per stage, in the order in which the stages report.

    Args:
        shown: Whether to show them.
    """

    def __init__(self, shown: bool = True) -> None:
        self._shown = shown
        self._stage = ""
        self._bar: Any = None

    def __enter__(self) -> Bars:
        """Return itself; the last bar is closed on exit."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the last bar."""
        if self._bar is not None:
            self._bar.close()

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that *done* of *total* units of a stage are finished."""
        if stage != self._stage or done < self._bar.n:
            if self._bar is not None:
                self._bar.close()
            self._stage = stage
            self._bar = bar(total, stage, shown=self._shown, leave=False)
        self._bar.update(done - self._bar.n)
