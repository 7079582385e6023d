"""Which mask detector serves which restorer, and the masks they find."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.images import to_tensor
from restore_recog.nn.masks import grow
from restore_recog.segmenters.contract import masks_of
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.types import Pixels


def widened(found: Pixels, pixels: int) -> Pixels:
    """Return a mask grown by so many pixels in all eight directions; shrunk where negative.

    What lies beyond the image's border counts as covered when a mask shrinks.
    """
    tensor = torch.from_numpy(found)[None, None].float()
    changed = grow(tensor, pixels) if pixels >= 0 else 1 - grow(1 - tensor, -pixels)
    return changed[0, 0].numpy().astype(np.uint8)


class BlockMasks:
    """The masks of one block of probes. A detector runs when its masks are first asked for."""

    def __init__(
        self,
        faces: Sequence[ProbeFace],
        detectors: Mapping[str, ChosenSegmenter | None],
        ledger: Ledger,
        *,
        true: int | None = None,
    ) -> None:
        """Remember the block.

        Args:
            faces: No more than one batch.
            detectors: Restorer name -> its detector, as :func:`choose` returns them.
            ledger: Takes failures and costs.
            true: By how many pixels the true masks are widened that the restorers are given;
                None where they are given what the detectors find.
        """
        self._faces, self._detectors, self._ledger, self._true = faces, detectors, ledger, true
        self._done: dict[tuple[int, bool], tuple[Mapping[str, Pixels], Mapping[str, str]]] = {}

    def for_restorer(self, restorer: str, face: ProbeFace, *, clean: bool = False) -> Pixels | None:
        """Return the mask of one probe for a restorer, or None, with a failure in the ledger.

        A restorer without a detector gets an empty mask.

        Args:
            restorer: Its name in this run.
            face: One of the block.
            clean: Whether to look at the clean twin.
        """
        image = face.clean if clean else face.crop.pixels
        if self._true is not None and not clean:
            mask, why = face.crop.mask, "The data has no true mask of this image."
            found = mask if mask is None or not self._true else widened(mask, self._true)
        elif (detector := self._detectors[restorer]) is not None:
            masks, reasons = self._detected(detector, clean)
            found = masks.get(face.sample.image_id)
            why = f"{detector.name}: {reasons.get(face.sample.image_id)}"
        else:
            found, why = None if image is None else np.zeros(image.shape[:2], np.uint8), ""
        if found is None:
            self._ledger.fail("segment", face.sample, why + (" (clean twin)" if clean else ""))
        return found

    def to_fill(self, face: ProbeFace) -> Pixels | None:
        """Return the mask to be filled: the true one where it is known, else the first found."""
        finders = [name for name, detector in self._detectors.items() if detector is not None]
        if face.crop.mask is not None or not finders:
            return face.crop.mask
        return self.for_restorer(finders[0], face)

    def _detected(
        self, detector: ChosenSegmenter, clean: bool
    ) -> tuple[Mapping[str, Pixels], Mapping[str, str]]:
        """Run a detector on the whole block, the first time that it is asked for."""
        key = (id(detector.segmenter), clean)
        if key not in self._done:
            seen = {f.sample.image_id: f.clean if clean else f.crop.pixels for f in self._faces}
            images = {image_id: p for image_id, p in seen.items() if p is not None}
            with self._ledger.timed("segment", len(images), detector.device):
                self._done[key] = segment(detector, images)
        return self._done[key]


def segment(
    detector: ChosenSegmenter, crops: Mapping[str, Pixels]
) -> tuple[dict[str, Pixels], dict[str, str]]:
    """Return (image_id -> mask, image_id -> reason of failure) of one batch.

    Raises:
        PluginError: The answer has the wrong shape or other values than 0 and 1.
    """
    ids = list(crops)
    if not ids:
        return {}, {}
    images = to_tensor([crops[image_id] for image_id in ids]).to(detector.device)
    try:
        with torch.inference_mode():
            found = masks_of(detector.segmenter, images).cpu()
    except PluginError:
        raise
    except RestoreRecogError as error:
        if len(ids) == 1:
            return {}, {ids[0]: str(error)}
        masks: dict[str, Pixels] = {}
        reasons: dict[str, str] = {}
        for image_id in ids:
            one_mask, one_reason = segment(detector, {image_id: crops[image_id]})
            masks |= one_mask
            reasons |= one_reason
        return masks, reasons
    rows = found[:, 0].numpy().astype(np.uint8)
    return dict(zip(ids, rows, strict=True)), {}


def pack(found: NDArray[np.uint8]) -> bytes:
    """Return a square mask of zeros and ones as bytes; a blob takes some hundred."""
    return zlib.compress(np.packbits(found).tobytes(), 1)


def unpack(packed: bytes, side: int) -> NDArray[np.uint8]:
    """Return the (side, side) mask that :func:`pack` was given."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(packed), np.uint8), count=side * side)
    return bits.reshape(side, side)
