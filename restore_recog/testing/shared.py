"""What the contracts of all kinds of plug-in share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from restore_recog.api import (
    Classifier,
    Dataset,
    EvaluationProtocol,
    Landmarker,
    Recognizer,
    Restorer,
    Segmenter,
)

Plugin = Restorer | Segmenter | Recognizer | Classifier | Landmarker | Dataset | EvaluationProtocol

NAME = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")


class Contract(ABC):
    """What the contracts share."""

    @abstractmethod
    def create(self) -> Plugin:
        """Return the object under test, small and on the CPU."""

    def test_name_is_lower_case(self) -> None:
        """The name is what users type and stands in file names: letters, digits, _ and -."""
        assert NAME.fullmatch(self.create().name)

    def test_has_a_summary(self) -> None:
        """``restore-recog list --long`` shows the docstring's first line."""
        assert (type(self.create()).__doc__ or "").strip()
