"""The images of every arm, as the recogniser sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restore_recog.api import Restorer
from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.masks import BlockMasks
from restore_recog.images import to_tensor, to_uint8
from restore_recog.restoring.restoration import run_labels, run_restorer, valid_tensor
from restore_recog.types import FaceBatch, Landmarks, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class ArmImages:
    """The images of one arm for one batch of probes.

    Attributes:
        images: (S, S, 3) uint8 each.
        fallbacks: Whether the restorer failed and the image is as it came.
        masks: (S, S) uint8 each, what the arm worked with; None where it had none.
        went_by: The labels that the restorer went by: kind -> code, -1 for none.
    """

    images: list[Pixels]
    fallbacks: list[bool]
    masks: list[Pixels | None]
    went_by: list[Mapping[str, int]]


@dataclass(frozen=True, slots=True, eq=False)
class ImageMaker:
    """Makes the images of any arm, for one block of probes.

    Attributes:
        restorers: By the name they have in this run.
        block: The masks of these probes.
        mean_face: (S, S, 3) uint8.
        ledger: Takes failures and costs.
    """

    restorers: Mapping[str, Restorer]
    block: BlockMasks
    mean_face: Pixels
    ledger: Ledger

    def make(self, spec: ArmSpec, faces: Sequence[ProbeFace]) -> ArmImages:
        """Return the images of an arm.

        Raises:
            PluginError: A restorer's answer has the wrong shape.
        """
        images, masks = self._inputs(spec, faces)
        if spec.restorer is not None:
            return self._restored(spec, faces, images, masks)
        return ArmImages(images, [False] * len(faces), masks, [{}] * len(faces))

    def given(
        self, spec: ArmSpec, faces: Sequence[ProbeFace]
    ) -> tuple[Sequence[ProbeFace], FaceBatch | None]:
        """Return what a restorer is given in an arm, and of which faces; nothing is restored.

        Faces without a mask are left out, with a failure in the ledger; None where all are.
        """
        images, masks = self._inputs(spec, faces)
        known, batch = _batch(spec, faces, images, masks)
        return [faces[i] for i in known], batch

    def _inputs(
        self, spec: ArmSpec, faces: Sequence[ProbeFace]
    ) -> tuple[list[Pixels], list[Pixels | None]]:
        """Return the images that an arm makes, or a restorer is given, and the masks."""
        masks = [self._mask(spec, face) for face in faces]
        images = [
            spec.arm.image(face, mask, self.mean_face)
            for face, mask in zip(faces, masks, strict=True)
        ]
        return images, masks

    def reads_masks(self, spec: ArmSpec) -> bool:
        """Return whether the arm has a restorer, and one that reads masks."""
        return spec.restorer is not None and "masks" in self.restorers[spec.restorer].needs

    def _mask(self, spec: ArmSpec, face: ProbeFace) -> Pixels | None:
        if spec.restorer is not None and not self.reads_masks(spec):
            return np.zeros(face.crop.pixels.shape[:2], np.uint8)
        return spec.arm.mask(face, self.block, spec.restorer)

    def _restored(
        self,
        spec: ArmSpec,
        faces: Sequence[ProbeFace],
        images: list[Pixels],
        masks: Sequence[Pixels | None],
    ) -> ArmImages:
        """Return the restored images, which stay as they came without a mask or at a failure."""
        assert spec.restorer is not None
        fallbacks = [True] * len(faces)
        went_by: list[Mapping[str, int]] = [{}] * len(faces)
        known, batch = _batch(spec, faces, images, masks)
        if batch is None:
            return ArmImages(images, fallbacks, list(masks), went_by)
        made = self._attempt(spec.restorer, batch, [faces[i] for i in known])
        for i, result in zip(known, made, strict=True):
            if result is not None:
                images[i], went_by[i] = result
                fallbacks[i] = False
        return ArmImages(images, fallbacks, list(masks), went_by)

    def _attempt(
        self, name: str, batch: FaceBatch, faces: Sequence[ProbeFace]
    ) -> list[tuple[Pixels, Mapping[str, int]] | None]:
        """Restore a batch, with what it went by; where it fails, one by one, with None."""
        try:
            restorer = self.restorers[name]
            with (
                self.ledger.timed(self._stage(name), len(faces), restorer.device),
                torch.inference_mode(),
            ):
                restored = run_restorer(restorer, batch).cpu()
                went_by = run_labels(restorer, batch)
        except PluginError:
            raise
        except RestoreRecogError as error:
            if len(faces) == 1:
                self.ledger.fail("restore", faces[0].sample, f"{name}: {error}")
                return [None]
            return [
                self._attempt(name, _one(batch, i), faces[i : i + 1])[0] for i in range(len(faces))
            ]
        sound = restored.isfinite().flatten(1).all(1).tolist()
        images = to_uint8(restored.nan_to_num(0.0, 0.0, 0.0))
        for face, good in zip(faces, sound, strict=True):
            if not good:
                self.ledger.fail("restore", face.sample, f"{name}: pixels that are no numbers.")
        pairs = zip(images, went_by, strict=True)
        return [pair if good else None for pair, good in zip(pairs, sound, strict=True)]

    def _stage(self, name: str) -> str:
        """Return what a restorer's work is called in the table of costs."""
        return "restore" if len(self.restorers) == 1 else f"restore:{name}"


def _batch(
    spec: ArmSpec,
    faces: Sequence[ProbeFace],
    images: Sequence[Pixels],
    masks: Sequence[Pixels | None],
) -> tuple[list[int], FaceBatch | None]:
    """Return which faces have a mask, and the batch of them; None where none has."""
    known = [i for i, mask in enumerate(masks) if mask is not None]
    if not known:
        return known, None
    batch = FaceBatch(
        to_tensor([images[i] for i in known]),
        mask_tensor([mask for mask in masks if mask is not None]),
        _landmarks([faces[i] for i in known]),
        attributes=_labels([spec.arm.labels(faces[i]) for i in known]),
        valid=valid_tensor([faces[i].crop for i in known]),
        landmarks98=_told([spec.arm.landmarks(faces[i]) for i in known]),
    )
    return known, batch


def mask_tensor(masks: Sequence[Pixels]) -> Tensor:
    """Return (N, 1, S, S) float32 of (S, S) uint8 masks."""
    return torch.from_numpy(np.stack(masks)).unsqueeze(1).float()


def _landmarks(faces: Sequence[ProbeFace]) -> Tensor | None:
    points = [face.crop.landmarks for face in faces]
    if len({p.shape for p in points}) != 1:
        return None
    return torch.from_numpy(np.stack(points))


def _told(points: Sequence[Landmarks | None]) -> Tensor | None:
    """Return (N, 98, 2) of the true landmarks that a restorer is told; None in most arms."""
    known = [one for one in points if one is not None]
    return torch.from_numpy(np.stack(known)) if len(known) == len(points) else None


def _labels(told: Sequence[Mapping[str, int]]) -> dict[str, Tensor]:
    """Return label -> (N,) int64 codes of what a restorer is told of each face."""
    return {name: torch.tensor([one[name] for one in told]) for name in told[0]}


def _one(batch: FaceBatch, index: int) -> FaceBatch:
    keep = slice(index, index + 1)
    five, valid, points = (
        None if tensor is None else tensor[keep]
        for tensor in (batch.landmarks, batch.valid, batch.landmarks98)
    )
    labels = {name: codes[keep] for name, codes in batch.attributes.items()}
    return FaceBatch(batch.images[keep], batch.masks[keep], five, None, labels, valid, points)
