"""Ctrl-C in training: finish the step, save, then stop."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Any


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: the checkpoint is saved; the message says how to continue."""


class StopSignal:
    """Remembers the first Ctrl-C or SIGTERM; a second one stops at once.

    Signals reach only the main thread; elsewhere nothing is changed.

    Attributes:
        received: Whether to stop after the current step.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received = False
        self._kept: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            self._kept = {number: signal.signal(number, self._note) for number in self.NUMBERS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._kept.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True
        # print() must not be entered again from a handler.
        os.write(2, b"\nStopping after this step; once more stops at once without saving.\n")
