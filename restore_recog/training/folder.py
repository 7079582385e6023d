"""The folder of a training run: whether it may be used, and the weights in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.errors import CheckpointError, OutputError
from restore_recog.system.text import write_csv
from restore_recog.training import checkpoint
from restore_recog.types import Failure

Weights = tuple[str, Mapping[str, Any], Mapping[str, Tensor]]
"""(plug-in's name, configuration, tensors)."""


class RunFolder:
    """Where one run lies.

    Attributes:
        path: The folder.
        training: What the weights are trained on, for the header of their files.
    """

    def __init__(self, path: Path, training: Mapping[str, Any] | None = None) -> None:
        self.path = path
        self.training = training

    @property
    def weights(self) -> Path:
        """Return where the newest weights are written."""
        return self.path / "weights.safetensors"

    @property
    def best(self) -> Path:
        """Return where the weights with the best validation are written."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """Return where the newest checkpoint is written."""
        return self.path / checkpoint.LAST

    def open(self, resume: bool) -> Path | None:
        """Make the folder where needed, and return the checkpoint to continue from, if any.

        Raises:
            OutputError: It holds a training and *resume* is False.
            CheckpointError: There is nothing to resume from.
        """
        latest = checkpoint.latest(self.path)
        if latest and not resume:
            raise OutputError(
                f"{self.path} holds a training already; use --resume to continue it "
                "or choose another --output."
            )
        if resume and not latest:
            raise CheckpointError(
                f"There is no checkpoint in {self.path} to resume from; start without --resume."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        return latest

    def write_weights(self, weights: Weights, kept: str | None = None) -> None:
        """Write the weights: the newest, or under a name of their own that nothing replaces."""
        target = self.weights
        if kept is not None:
            target = self.path / "kept" / f"{kept}.safetensors"
            target.parent.mkdir(exist_ok=True)
        weights_file.save(target, *weights, training=self.training)

    def write_best(self, weights: Weights, note: str) -> None:
        """Write the weights of the best validation, with its figures, as one file."""
        weights_file.save(self.best, *weights, note=note, training=self.training)


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """Write the images that could not be used, one row each under a header."""
    write_csv(path, [field.name for field in fields(Failure)], map(astuple, failures))
