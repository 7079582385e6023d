"""Progress bars on standard error."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm


class Bars:
    """One bar per stage, in the order in which the stages report.

    Args:
        shown: Whether to draw them; None draws them where standard error is a terminal.
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._disable = None if shown is None else not shown
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
            self._bar = tqdm(total=total, desc=stage, disable=self._disable, leave=False)
        self._bar.update(done - self._bar.n)
