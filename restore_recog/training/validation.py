"""Validation on people who are held out of the training, and keeping the best weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from restore_recog import weights
from restore_recog.api import Trainable, Validated
from restore_recog.errors import TrainingError, WeightsError
from restore_recog.training.faces import PackedBatch, TrainingFaces
from restore_recog.training.folder import RunFolder
from restore_recog.training.loader import BatchPlan
from restore_recog.training.log import NoLog, TrainingLog
from restore_recog.training.run_state import undisturbed
from restore_recog.training.stepper import Stepper

SHARE = 0.05
"""Of the people, held out unless asked otherwise."""

MOST = 20
"""People with more images are never held out."""

IMAGES = 256
"""Images of a validation at most: the same in every validation of a run."""

PEOPLE = 64
"""People of a validation of a recogniser's batch at most."""


@dataclass(frozen=True)
class Best:
    """The best validation of a run.

    Attributes:
        figures: By name; the first one decides.
        phase: Name of the phase.
        images_seen: In all phases.
    """

    figures: dict[str, float]
    phase: str
    images_seen: int

    @property
    def score(self) -> float:
        """Return the figure that decides; more is better."""
        return next(iter(self.figures.values()))

    @classmethod
    def read(cls, path: Path) -> Best | None:
        """Return what the header of a weights file says of its validation.

        Raises:
            WeightsError: The file is corrupt.
        """
        if not path.is_file():
            return None
        note = weights.note(path)
        try:
            return cls(**json.loads(note)) if note else None
        except (ValueError, TypeError, RecursionError) as error:
            raise WeightsError(
                f"The header of {path} does not say how good its weights are ({error}); remove the "
                "file to have the best weights looked for anew."
            ) from error

    def note(self) -> str:
        """Return the header's text."""
        return json.dumps(asdict(self))


class ValidationSet:
    """The same images of people held out, again and again.

    They are augmented and covered as in training, only once.

    Args:
        trainable: What is validated.
        faces: Of the people held out.
        device: Where the trainable is.

    Raises:
        TrainingError: The trainable is not :class:`restore_recog.api.Validated`.
    """

    def __init__(self, trainable: Trainable, faces: TrainingFaces, device: str) -> None:
        if not isinstance(trainable, Validated):
            raise TrainingError(
                "People are held out for validation, but this model has no validate(); give it "
                "one, or hold nobody out (--validation-share 0)."
            )
        self.faces = faces
        self._trainable = trainable
        self._validate = trainable.validate
        self._device = device
        self._batches: list[PackedBatch] | None = None

    def figures(self) -> dict[str, float]:
        """Return the means of the trainable's figures over the batches.

        Raises:
            TrainingError: It returns none.
        """
        if self._batches is None:
            self._batches = self._made()
        sums: dict[str, float] = {}
        for packed in self._batches:
            with torch.no_grad():
                figures = self._validate(packed.unpack(self._device))
            for name, value in figures.items():
                sums[name] = sums.get(name, 0.0) + float(value)
        if not sums:
            raise TrainingError("The model's validate() returned no figure; it must return one.")
        return {name: value / len(self._batches) for name, value in sums.items()}

    def describe(self) -> Mapping[str, int]:
        """Return what a resumed run must agree on."""
        return {"pictures": len(self.faces), "people": self.faces.people}

    def _made(self) -> list[PackedBatch]:
        plan = self._plan()
        return [
            self.faces.packed_batch(
                number * plan.batch_size,
                plan,
                identities_per_batch=plan.identities_per_batch,
                covered=plan.covered,
            )
            for number in range(plan.stop)
        ]

    def _plan(self) -> BatchPlan:
        covered = self._trainable.covered
        if self._trainable.identities_per_batch:
            people = min(self.faces.several, PEOPLE)
            count = min(self.faces.several // people, IMAGES // (2 * people))
            return BatchPlan("validation", 2 * people, 0, max(1, count), people, covered)
        size = min(len(self.faces), min(phase.batch_size for phase in self._trainable.phases))
        count = min(len(self.faces), IMAGES) // size
        return BatchPlan("validation", size, 0, max(1, count), 0, covered)


def held_out(
    trainable: Trainable, faces: TrainingFaces, share: float
) -> tuple[TrainingFaces, TrainingFaces | None, str]:
    """Return the faces to train on, those to validate on, and a sentence where there are none.

    Args:
        trainable: Validated only if it is :class:`restore_recog.api.Validated`.
        faces: All.
        share: Of the people; 0 for no validation.
    """
    if not share:
        return faces, None, ""
    if not isinstance(trainable, Validated):
        return faces, None, "This model has no validate(), so there will be no best weights."
    kept, held = faces.hold_out(share, MOST)
    pairs = trainable.identities_per_batch
    if held is None or (pairs and held.several < 2):
        fewest = 2 if pairs else 1
        return (
            faces,
            None,
            f"Nobody is held out for validation, so there will be no best weights: {share:g} of "
            f"{faces.people} people is not two people with {fewest} to {MOST} images each; raise "
            "--validation-share, or add people.",
        )
    return kept, held, ""


PREVIEW = 8
"""Faces in a sample image."""


class NotFiniteError(TrainingError):
    """Images or figures are not finite; the trainer adds where in the training."""


class Validator:
    """Shows and validates a model without changing what its training does next.

    Args:
        stepper: Of the model.
        faces: For the sample images.
        validation: The people held out; None for no validation.
        folder: Of the run.

    Attributes:
        best: The best validation so far, as its file says; None before the first.
    """

    def __init__(
        self,
        stepper: Stepper,
        faces: TrainingFaces,
        validation: ValidationSet | None,
        folder: RunFolder,
    ) -> None:
        self.stepper = stepper
        self.faces = faces
        self.validation = validation
        self.folder = folder
        self.best: Best | None = None

    def begin(self) -> None:
        """Read the best validation of a run that goes on.

        Raises:
            WeightsError: Their file is corrupt.
        """
        if self.validation is not None:
            self.best = Best.read(self.folder.best)

    def preview(self, name: str, log: TrainingLog | NoLog) -> None:
        """Write a sample image.

        Raises:
            NotFiniteError: It is not finite.
        """
        trainable = self.stepper.trainable
        columns = min(PREVIEW, len(self.faces))
        plan = BatchPlan("preview", columns, 0, 1, 0, trainable.covered)
        packed = self.faces.packed_batch(0, plan, covered=plan.covered)
        with undisturbed(), self.stepper.shown(), torch.no_grad():
            images = trainable.preview(packed.unpack(self.stepper.device)).float()
        if not bool(images.isfinite().all()):
            raise NotFiniteError("The sample images are not finite")
        log.image(name, images, columns)

    def validate(self, phase: str, images_seen: int, log: TrainingLog | NoLog) -> None:
        """Validate the model on the people held out, and keep its weights if they are the best.

        Args:
            phase: Name of the phase under way.
            images_seen: In all phases.
            log: Shows the figures.

        Raises:
            NotFiniteError: A figure is not finite.
            OutputError: The weights cannot be written.
        """
        assert self.validation is not None
        with undisturbed(), self.stepper.shown():
            figures = self.validation.figures()
        for name, value in figures.items():
            if not math.isfinite(value):
                raise NotFiniteError(f"The validation's '{name}' became {value}")
        log.figures("validation", figures)
        latest = Best(figures, phase, images_seen)
        if self.best is None or latest.score > self.best.score:
            self.folder.write_best(self.stepper.weights(), latest.note())
            self.best = latest
