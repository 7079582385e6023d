"""The images of every arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Restorer
from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.images import to_tensor, to_uint8
from restore_recog.types import FaceBatch

if TYPE_CHECKING:
    from restore_recog.evaluation.run.masks import BlockMasks
from restore_recog.evaluation.arms import RESTORING, ArmSpec
from restore_recog.restoring.restoration import run_restorer
from restore_recog.types import Pixels

GREY = 128
"""What the upper-half arm puts below the nose tip."""


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """The images of one arm for one batch of probes.

    Attributes:
        images: (S, S, 3) uint8 each.
        fallbacks: Whether the restorer failed and the image is as it came.
    """

    images: list[Pixels]
    fallbacks: list[bool]


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
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

    def paint(self, spec: ArmSpec, faces: Sequence[ProbeFace]) -> Painted:
        """Return the images of an arm.

        Raises:
            PluginError: A restorer's answer has the wrong shape.
        """
        if spec.arm in RESTORING:
            return self._restored(spec, faces)
        images = [self._image(spec.arm, face) for face in faces]
        return Painted(images, [False] * len(faces))

    def masks(self, spec: ArmSpec, face: ProbeFace) -> Pixels | None:
        """Return the mask that an arm works with on a probe, or None where it has none."""
        if spec.arm == "fill":
            return self.block.fill(face)
        if spec.arm not in RESTORING:
            return None
        assert spec.restorer is not None
        if spec.arm == "restored-oracle-mask":
            return face.crop.mask
        if "masks" not in self.restorers[spec.restorer].needs:
            return np.zeros(face.crop.pixels.shape[:2], np.uint8)
        return self.block.found(spec.restorer, face, clean=spec.arm == "restored-clean")

    def _image(self, arm: str, face: ProbeFace) -> Pixels:
        if arm == "clean":
            assert face.clean is not None
            return face.clean
        if arm == "upper-half":
            return upper_half(face.crop.pixels)
        if arm == "fill":
            found = self.block.fill(face)
            if found is not None:
                return np.where(found[:, :, None] > 0, self.mean_face, face.crop.pixels)
        return face.crop.pixels

    def _restored(self, spec: ArmSpec, faces: Sequence[ProbeFace]) -> Painted:
        assert spec.restorer is not None
        on_clean = spec.arm == "restored-clean"
        inputs = [face.clean if on_clean else face.crop.pixels for face in faces]
        images = [image for image in inputs if image is not None]
        fallbacks = [True] * len(faces)
        masks = [self.masks(spec, face) for face in faces]
        known = [i for i, mask in enumerate(masks) if mask is not None]
        if not known:
            return Painted(images, fallbacks)
        batch = FaceBatch(
            to_tensor([images[i] for i in known]),
            mask_tensor([mask for mask in masks if mask is not None]),
            _landmarks([faces[i] for i in known]),
        )
        for i, result in zip(
            known, self._attempt(spec.restorer, batch, [faces[i] for i in known]), strict=True
        ):
            if result is not None:
                images[i], fallbacks[i] = result, False
        return Painted(images, fallbacks)

    def _attempt(
        self, name: str, batch: FaceBatch, faces: Sequence[ProbeFace]
    ) -> list[Pixels | None]:
        """Restore a batch; where it fails, one by one, with None for the failed ones."""
        try:
            restorer = self.restorers[name]
            with (
                self.ledger.timed(self._stage(name), len(faces), restorer.device),
                torch.inference_mode(),
            ):
                restored = run_restorer(restorer, batch).cpu()
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
        return [image if good else None for image, good in zip(images, sound, strict=True)]

    def _stage(self, name: str) -> str:
        """Return what a restorer's work is called in the table of costs."""
        return "restore" if len(self.restorers) == 1 else f"restore:{name}"


def upper_half(image: Pixels) -> Pixels:
    """Return the crop with everything below the nose tip made grey."""
    result: Pixels = image.copy()
    result[round(float(TEMPLATE[2, 1]) * image.shape[0]) :] = GREY
    return result


def mask_tensor(masks: Sequence[Pixels]) -> Tensor:
    """Return (N, 1, S, S) float32 of (S, S) uint8 masks."""
    return torch.from_numpy(np.stack(masks)).unsqueeze(1).float()


def _landmarks(faces: Sequence[ProbeFace]) -> Tensor | None:
    points = [face.crop.landmarks for face in faces]
    if len({p.shape for p in points}) != 1:
        return None
    return torch.from_numpy(np.stack(points))


def _one(batch: FaceBatch, index: int) -> FaceBatch:
    keep = slice(index, index + 1)
    landmarks = None if batch.landmarks is None else batch.landmarks[keep]
    return FaceBatch(batch.images[keep], batch.masks[keep], landmarks)
