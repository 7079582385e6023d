"""The data that crosses borders between modules. Data only, no behaviour.

Conventions that hold everywhere:

* images as files and arrays: uint8 RGB, ``(H, W, 3)``;
* images as tensors: float32 RGB in [0, 1], ``(N, 3, H, W)``;
* masks: 1 = occluded; arrays uint8 ``(H, W)``, tensors float32 ``(N, 1, H, W)``;
* landmarks: float32 pixels ``(L, 2)``, x then y, origin at the top left corner of
  the top left pixel's centre; L = 5 (image-left eye, image-right eye, nose tip,
  image-left and image-right mouth corner) or 98 (WFLW order, NaN for points not known);
* occluded (input), clean (truth), restored (output).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.uint8]
"""(H, W, 3) pixels of an image, or (H, W) of a mask."""

Landmarks = NDArray[np.float32]
"""(98, 2) pixels, x then y, in WFLW order; NaN for points that are not known."""

Templates = NDArray[np.float64]
"""(N, D) of unit length, or (D,); NaN where there is none."""

Vector = NDArray[np.float64]
"""Numbers, one for each of something; arrays of them too."""

Mask = NDArray[np.bool_]
"""Which of something count."""


@dataclass(frozen=True, slots=True)
class FaceSample:
    """One image and what is known about it; no pixels.

    Attributes:
        image_id: Unique in its data set and the same on every machine.
        subject: Whose face it is; unique in the data set.
        path: The file, or None where the data set renders its images.
        condition: ``"clean"``, or what occludes the face (``"mask"``, ``"scarf"``, ...).
        clean_id: image_id of the pixel-aligned clean counterpart, where there is one.
        attributes: Free labels as text (``gender``, ``expression``, ``split``, ...).
            ``split`` is ``"train"`` or ``"test"`` where the data set fixes it.
    """

    image_id: str
    subject: str
    path: Path | None = None
    condition: str = "clean"
    clean_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class FaceImage:
    """One decoded image, as found: any size, not aligned.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        landmarks: (5, 2) or (98, 2) float32 pixels, or None where unknown.
        mask: (H, W) uint8, 1 = occluded, or None where unknown.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32] | None = None
    mask: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """The part of a photograph around a face, from which crops are cut.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        matrix: (2, 3) float64, maps its pixels to those of the aligned crop.
        aligned: Whether it came as an aligned crop, which is taken as it is.
    """

    pixels: NDArray[np.uint8]
    matrix: NDArray[np.float64]
    aligned: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrop:
    """One aligned square face crop.

    Attributes:
        pixels: (S, S, 3) uint8 RGB.
        landmarks: (L, 2) float32 in the crop's pixels.
        mask: (S, S) uint8, 1 = occluded, or None where unknown.
        matrix: (2, 3) float64, maps image pixels to crop pixels.
        photo: What it was cut from, where crops of other kinds are to be cut from that too.
        valid: (S, S) uint8, 1 = shows the image, 0 = lies beyond it, where its border is repeated;
            None where no pixel lies beyond.
    """

    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    mask: NDArray[np.uint8] | None
    matrix: NDArray[np.float64]
    photo: Photo | None = None
    valid: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FaceBatch:
    """Aligned crops as tensors, on one device.

    Attributes:
        images: (N, 3, H, W) float32 in [0, 1]; occluded where ``masks`` is 1.
        masks: (N, 1, H, W) float32 in {0, 1}.
        landmarks: (N, L, 2) float32 pixels, or None.
        clean: Like images, the truth without covering; only where it exists.
        attributes: Labels as (N,) int64 tensors: ``subject``, and in training ``expression`` and
            ``gender`` as in :mod:`restore_recog.labels`, -1 where unknown.
        valid: (N, 1, H, W) float32, 0 = lies beyond the photograph; None where no pixel does.
        landmarks98: (N, 98, 2) float32 pixels, NaN for points that are not known (all of a face
            that has five points only); None where nobody asked.
    """

    images: Tensor
    masks: Tensor
    landmarks: Tensor | None = None
    clean: Tensor | None = None
    attributes: Mapping[str, Tensor] = field(default_factory=dict)
    valid: Tensor | None = None
    landmarks98: Tensor | None = None

    def to(self, device: object) -> FaceBatch:
        """Return the same batch on another device."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device, non_blocking=True)  # type: ignore[call-overload,no-any-return]

        images, masks = move(self.images), move(self.masks)
        assert images is not None and masks is not None
        return FaceBatch(
            images,
            masks,
            move(self.landmarks),
            move(self.clean),
            {name: value.to(device) for name, value in self.attributes.items()},  # type: ignore[call-overload]
            move(self.valid),
            move(self.landmarks98),
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One verification comparison."""

    reference_id: str
    probe_id: str
    genuine: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that could not be processed, and where it fell out.

    Attributes:
        stage: ``read``, ``detect``, ``align``, ``cover``, ``segment``, ``restore`` or ``embed``.
        image_id, subject: Of the sample that failed.
        reason: One sentence.
    """

    stage: str
    image_id: str
    subject: str
    reason: str
