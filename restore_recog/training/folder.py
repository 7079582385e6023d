"""The folder of a training run: whether it may be used, and the weights in it."""

from __future__ import annotations

from pathlib import Path

from restore_recog import weights
from restore_recog.api import Trainable
from restore_recog.errors import CheckpointError, OutputError
from restore_recog.training import checkpoint


class RunFolder:
    """Where one run lies.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def weights(self) -> Path:
        """Return where the newest weights are written."""
        return self.path / "weights.safetensors"

    @property
    def last(self) -> Path:
        """Return where the newest checkpoint is written."""
        return self.path / checkpoint.LAST

    def open(self, resume: bool) -> Path | None:
        """Make the folder where needed, and return the checkpoint to go on from, if any.

        Raises:
            OutputError: It holds a training and *resume* is False.
            CheckpointError: There is nothing to resume from.
        """
        found = checkpoint.latest(self.path)
        if found and not resume:
            raise OutputError(
                f"{self.path} holds a training already; use --resume to go on with it "
                "or choose another --output."
            )
        if resume and not found:
            raise CheckpointError(
                f"There is no checkpoint in {self.path} to resume from; start without --resume."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        return found

    def write_weights(self, trainable: Trainable, kept: str | None = None) -> None:
        """Write the weights: the newest, or under a name of their own that nothing replaces."""
        target = self.weights
        if kept is not None:
            target = self.path / "kept" / f"{kept}.safetensors"
            target.parent.mkdir(exist_ok=True)
        model = str(trainable.describe()["model"])
        weights.save(target, model, *trainable.weights())
