"""What is looked at on the way: sample pictures, and validation with the best weights kept."""

from __future__ import annotations

import math

import torch

from restore_recog.errors import TrainingError
from restore_recog.training.data import TrainingFaces
from restore_recog.training.distributed import NoLog
from restore_recog.training.driver import Driver
from restore_recog.training.feed import Leg
from restore_recog.training.folder import RunFolder
from restore_recog.training.log import TrainingLog
from restore_recog.training.state import undisturbed
from restore_recog.training.validation import Best, Validator

PREVIEW = 8
"""Faces in a sample picture."""


class NotFiniteError(TrainingError):
    """Pictures or figures are not finite; whoever knows where the training stands says so."""


class Judge:
    """Looks at a model without changing what its training does next.

    Args:
        driver: Of the model.
        faces: For the sample pictures.
        validator: Knows the people held out; None for no validation.
        folder: Of the run.

    Attributes:
        best: The best validation so far, as its file says; None before the first.
    """

    def __init__(
        self,
        driver: Driver,
        faces: TrainingFaces,
        validator: Validator | None,
        folder: RunFolder,
    ) -> None:
        self.driver = driver
        self.faces = faces
        self.validator = validator
        self.folder = folder
        self.best: Best | None = None

    def begin(self) -> None:
        """Find the best weights of a run that goes on.

        Raises:
            WeightsError: Their file is corrupt.
        """
        if self.validator is not None:
            self.best = Best.read(self.folder.best)

    def preview(self, name: str, log: TrainingLog | NoLog) -> None:
        """Write a sample picture.

        Raises:
            NotFiniteError: It is not finite.
        """
        trainable = self.driver.trainable
        columns = min(PREVIEW, len(self.faces))
        leg = Leg("preview", columns, 0, 1, 0, trainable.covered)
        packed = self.faces.packed_batch(0, leg, covered=leg.covered)
        with undisturbed(), self.driver.shown(), torch.no_grad():
            pictures = trainable.preview(packed.unpack(self.driver.device)).float()
        if not bool(pictures.isfinite().all()):
            raise NotFiniteError("The sample pictures are not finite")
        log.picture(name, pictures, columns)

    def validate(self, phase: str, images_seen: int, log: TrainingLog | NoLog) -> None:
        """Judge the model on the people held out, and keep its weights if they are the best.

        Args:
            phase: Name of the phase under way.
            images_seen: In all phases.
            log: Shows the figures.

        Raises:
            NotFiniteError: A figure is not finite.
            OutputError: The weights cannot be written.
        """
        assert self.validator is not None
        with undisturbed(), self.driver.shown():
            figures = self.validator.figures()
        for name, value in figures.items():
            if not math.isfinite(value):
                raise NotFiniteError(f"The validation's '{name}' became {value}")
        log.figures("validation", figures)
        found = Best(figures, phase, images_seen)
        if self.best is None or found.score > self.best.score:
            self.folder.write_best(self.driver.weights(), found.note())
            self.best = found
