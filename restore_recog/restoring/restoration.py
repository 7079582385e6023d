"""The one way to run a restorer and a segmenter; a transform and a recogniser around them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.alignment import nearest_valid, repeated
from restore_recog.api import Recognizer, Restorer, Segmenter, answers
from restore_recog.images import to_tensor, to_uint8
from restore_recog.labels import KINDS
from restore_recog.photographs import own_crop, photographed, recut
from restore_recog.segmenters.names import OWN, choose, own_segmenter
from restore_recog.types import FaceBatch, FaceCrop, FaceImage


def run_restorer(restorer: Restorer, batch: FaceBatch) -> Tensor:
    """Return the (N, 3, H, W) float32 restored crops of a batch, at the size they came in.

    The batch is resized to what the restorer wants and the result back; pixels that it leaves
    alone come back bit for bit even then. Gradients flow unless the caller turns them off.

    Beyond a photograph, where a crop repeats its border, what is restored at the border is
    repeated. The masks should go on there too: covering is no covering there, but a restorer that
    sees its colour takes it for something visible.

    Args:
        restorer: Its device is where the result lies.
        batch: Crops of any size, on any device.

    Raises:
        PluginError: The answer breaks the contract (:func:`restore_recog.api.answers.restored`).
    """
    small = fitted(batch, restorer.image_size)
    restored = answers.restored(restorer, small.to(restorer.device))
    restored = unfitted(restored.float(), batch, small)
    return restored if batch.valid is None else _repeating(restored, batch.masks, batch.valid)


def run_labels(restorer: Restorer, batch: FaceBatch) -> list[dict[str, int]]:
    """Return the labels that a restorer goes by, of each image: kind -> code, -1 for none.

    Only one that can be told a label (``needs``) is asked.

    Args:
        restorer: Any.
        batch: As for :func:`run_restorer`.

    Raises:
        PluginError: The answer is none.
    """
    if not set(KINDS) & restorer.needs:
        return [{} for _ in batch.images]
    small = fitted(batch, restorer.image_size).to(restorer.device)
    known = {kind: codes.tolist() for kind, codes in answers.labels(restorer, small).items()}
    return [{kind: codes[i] for kind, codes in known.items()} for i in range(len(batch.images))]


def valid_tensor(crops: Sequence[FaceCrop]) -> Tensor | None:
    """Return (N, 1, S, S) float32 of the crops' ``valid``; None where no pixel lies beyond."""
    if all(crop.valid is None for crop in crops):
        return None
    maps = [np.ones_like(c.pixels[:, :, 0]) if c.valid is None else c.valid for c in crops]
    return torch.from_numpy(np.stack(maps)).unsqueeze(1).float()


def known_masks(crops: Sequence[FaceCrop]) -> Tensor | None:
    """Return (N, 1, S, S) float32 of the crops' own masks; None unless all of them have one.

    They go on beyond the photographs, as :func:`run_restorer` wants them.
    """
    known = [repeated(crop.mask, crop.valid) for crop in crops if crop.mask is not None]
    if len(known) < len(crops):
        return None
    return torch.from_numpy(np.stack(known)).unsqueeze(1).float()


class Restoration(nn.Module):
    """Restore aligned face crops, as a torchvision-style transform.

    Works inside ``torchvision.transforms.v2.Compose`` and as a layer. Images are resized to what
    the restorer wants and back; what no mask marks is returned bit for bit.

    Args:
        restorer: Any restorer; its networks become parts of this module.
        segmenter: Finds the covering where no mask is given; None takes the restorer's own or,
            where it reads masks and has none, borrows one as an evaluation does
            (:func:`restore_recog.segmenters.names.choose`).
    """

    def __init__(self, restorer: Restorer, segmenter: Segmenter | None = None) -> None:
        super().__init__()
        self.restorer = restorer
        self.segmenter = segmenter or own_segmenter(restorer)
        for name, part in vars(restorer).items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)

    def forward(
        self,
        images: Tensor,
        masks: Tensor | None = None,
        landmarks: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Return the restored images, of the shape that came.

        Args:
            images: (N, 3, H, W) or (3, H, W) float in [0, 1], aligned crops.
            masks: (N, 1, H, W) or (1, H, W), 1 = occluded; None has them found.
            landmarks: (N, L, 2) float pixels, for restorers that need them.
            valid: Shaped like masks, 0 = beyond the photograph, where a crop repeats its border
                (:func:`restore_recog.alignment.within`); None where no pixel lies there.

        Raises:
            PluginError: The restorer or the segmenter breaks its contract.
        """
        single = images.dim() == 3
        if single:
            images = images[None]  # (1, 3, H, W)
            masks = None if masks is None else masks[None]  # (1, 1, H, W)
            valid = None if valid is None else valid[None]  # (1, 1, H, W)
        if masks is None:
            masks = self._masks(images)
        restored = run_restorer(self.restorer, FaceBatch(images, masks, landmarks, valid=valid))
        return restored[0] if single else restored

    def _masks(self, images: Tensor) -> Tensor:
        """Return (N, 1, H, W) masks; a segmenter is borrowed when it is first needed."""
        restorer = self.restorer
        if self.segmenter is None and "masks" in restorer.needs:
            chosen = choose(OWN, {restorer.name: restorer}, restorer.device)[restorer.name]
            self.segmenter = None if chosen is None else chosen.segmenter
        if self.segmenter is None:
            return images.new_zeros(images.shape[0], 1, *images.shape[-2:])
        return answers.segmented(self.segmenter, images)


class RestoredRecognizer(nn.Module):
    """Any restorer in front of any recogniser: crops in, templates out.

    Args:
        restorer: Restores the crops first.
        recognizer: Compares what comes out. One with an alignment of its own must be given crops
            that are aligned its way, or photographs (:meth:`of_photographs`).
        segmenter: As for :class:`Restoration`.
    """

    def __init__(
        self, restorer: Restorer, recognizer: Recognizer, segmenter: Segmenter | None = None
    ) -> None:
        super().__init__()
        self.restoration = Restoration(restorer, segmenter)
        self.recognizer = recognizer
        for name, part in vars(recognizer).items():
            if isinstance(part, nn.Module):
                self.add_module(f"recognizer_{name}", part)

    def forward(
        self, images: Tensor, masks: Tensor | None = None, landmarks: Tensor | None = None
    ) -> Tensor:
        """Return (N, D) unit-length templates of (N, 3, H, W) crops in [0, 1]."""
        restored = self.restoration(images, masks, landmarks)
        return answers.embedded(self.recognizer, resize(restored, self.recognizer.image_size))

    def of_photographs(self, images: Sequence[FaceImage]) -> Tensor:
        """Return (N, D) unit-length templates of the faces in photographs, fed as in an evaluation.

        The restorer gets its crops; what it changes is put back into the photographs, from which
        a recogniser with an alignment of its own gets crops of its kind.

        Args:
            images: With landmarks, which a :class:`~restore_recog.face_detection.FaceFinder`
                finds. Their masks are used where all of them have one.

        Raises:
            ImageError: One has no landmarks or cannot be aligned.
            PluginError: The restorer or the segmenter breaks its contract.
        """
        recognizer = self.recognizer
        crops = [photographed(one, max(self.restoration.restorer.image_size)) for one in images]
        seen = to_tensor([crop.pixels for crop in crops])
        restored = self.restoration(seen, known_masks(crops), valid=valid_tensor(crops))
        shown = list(to_uint8(restored))
        if recognizer.template is not None and not own_crop(recognizer.template):
            template, size = recognizer.template, recognizer.image_size
            shown = [recut(c, x, template, size) for c, x in zip(crops, shown, strict=True)]
        wanted = resize(to_tensor(shown), recognizer.image_size)
        return answers.embedded(recognizer, wanted.to(recognizer.device))


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, C, H, W) images of another size, smoothed before they shrink."""
    if tuple(images.shape[-2:]) == tuple(size):
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def fitted(batch: FaceBatch, size: tuple[int, int]) -> FaceBatch:
    """Return a batch at another size (H, W); every pixel that a mask touches is occluded."""
    return FaceBatch(
        resize(batch.images, size),
        (resize(batch.masks, size) > 0).float(),
        _rescaled(batch.landmarks, tuple(batch.images.shape[-2:]), size),
        attributes=batch.attributes,
        landmarks98=_rescaled(batch.landmarks98, tuple(batch.images.shape[-2:]), size),
    )


def unfitted(restored: Tensor, batch: FaceBatch, small: FaceBatch) -> Tensor:
    """Return restored images at the size of *batch*; what was left alone comes back as it was.

    Args:
        restored: (N, 3, h, w) what a restorer made of *small*.
        batch: As it came.
        small: :func:`fitted` of it.

    Returns:
        (N, 3, H, W). Where a restorer changed nothing outside the mask, exactly the pixels of
        the mask as given are replaced; else those that its changes touch.
    """
    if restored.shape[-2:] == batch.images.shape[-2:]:
        return restored
    size = (int(batch.images.shape[-2]), int(batch.images.shape[-1]))
    images, given = batch.images.to(restored.device), small.images.to(restored.device)
    changed = (restored != given).any(1, keepdim=True).float()
    inside = (changed <= small.masks.to(changed.device)).flatten(1).all(1)[:, None, None, None]
    mask = batch.masks.to(changed.device) > 0.5
    region = torch.where(inside, mask, resize(changed, size) > 0)
    return torch.where(region, resize(restored, size), images)


def _repeating(restored: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
    """Return (N, 3, H, W) restored crops that repeat what was restored at a photograph's edge."""
    numbers = [nearest_valid(one[0].cpu().numpy() > 0) for one in valid]
    nearest = torch.from_numpy(np.stack(numbers)).unsqueeze(1)  # (N, 1, H W)
    masks = masks.to(restored.device)
    covered = torch.maximum(masks, _taken(masks, nearest)) > 0.5
    beyond = valid.to(restored.device) < 0.5
    return torch.where(covered & beyond, _taken(restored, nearest), restored)


def _taken(images: Tensor, places: Tensor) -> Tensor:
    """Return (N, C, H, W) images whose pixels are taken from places, (N, 1, H W) numbers."""
    count, channels = images.shape[:2]
    places = places.to(images.device).expand(count, channels, -1)  # (N, C, H W)
    return images.flatten(2).gather(2, places).view_as(images)


def _rescaled(
    landmarks: Tensor | None, size: tuple[int, ...], wanted: tuple[int, int]
) -> Tensor | None:
    if landmarks is None or size == tuple(wanted):
        return landmarks
    ratio = landmarks.new_tensor([wanted[1] / size[1], wanted[0] / size[0]])
    return (landmarks + 0.5) * ratio - 0.5
