"""What an evaluation gives its restorers, made without restoring anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from restore_recog.api import Restorer
from restore_recog.evaluation.arms.choice import ArmSpec
from restore_recog.evaluation.run.arm_images import ImageMaker
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.masks import BlockMasks
from restore_recog.evaluation.run.planned import Planned
from restore_recog.restoring.by_image import in_bytes
from restore_recog.restoring.restoration import fitted
from restore_recog.types import FaceBatch, Pixels


class Outside(Restorer):
    """Stands in a plan for a system that is not run: it reads images and masks of its size.

    Args:
        size: Side of its images in pixels.
    """

    name: ClassVar[str] = "outside"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.image_size = (size, size)

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return a copy of the images."""
        return batch.images.clone()


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """One image that a restorer is given.

    Attributes:
        face: The probe.
        arm: The arm; with ``+SEGMENTER`` behind it where there are several.
        image: (S, S, 3) uint8 RGB.
        hole: (S, S) uint8, its mask: 1 = covered.
        matrix: (2, 3) from pixels of the photograph to those of the image.
    """

    face: ProbeFace
    arm: str
    image: Pixels
    hole: Pixels
    matrix: np.ndarray


def given(planned: Planned) -> Iterator[Given]:
    """Yield all that the restorers of an evaluation are given, block by block.

    Failures go to its ledger.

    Raises:
        DataError: An arm that was asked for cannot be measured, or no probe has a usable face.
    """
    ledger, ids, step = planned.ledger, planned.passing, planned.request.batch_size
    usable: set[str] = set()
    for start in range(0, len(ids), step):
        faces = list(planned.studio.probes(ids[start : start + step]).values())
        usable |= {face.sample.image_id for face in faces}
        planned.choice.check_faces(faces)
        masks = BlockMasks(faces, planned.segmenters, ledger, true=planned.margins)
        unused = np.zeros((planned.size, planned.size, 3), np.uint8)  # no restorer fills with it
        maker = ImageMaker(planned.restorers, masks, unused, ledger)
        for spec in planned.choice.specs():
            if spec.restorer is not None and not spec.arm.fuses:
                yield from _of_arm(planned, spec, faces, maker)
        ledger.report("crops", min(start + step, len(ids)), len(ids))
    ledger.check_any("probes", dict.fromkeys(usable), ids)


def _of_arm(
    planned: Planned, spec: ArmSpec, faces: list[ProbeFace], maker: ImageMaker
) -> Iterator[Given]:
    """Yield what a block of probes gives the restorer of one arm."""
    assert spec.restorer is not None
    known, batch = maker.given(spec, faces)
    if batch is None:
        return
    side = planned.restorers[spec.restorer].image_size[0]
    ratio = side / planned.size
    arm = spec.arm.name + spec.restorer.removeprefix(Outside.name)
    for face, image, hole in zip(known, *in_bytes(fitted(batch, (side, side))), strict=True):
        matrix = ratio * face.crop.matrix
        matrix[:, 2] += (ratio - 1) / 2  # the centre of a pixel, not its corner, is a whole number
        yield Given(face, arm, image, hole, matrix)
