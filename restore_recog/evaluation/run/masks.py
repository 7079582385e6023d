"""The masks that the restorers of a block of probes are given."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from restore_recog.alignment import repeated
from restore_recog.api.answers import segmented
from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.evaluation.run.faces import ProbeFace
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.images import to_tensor
from restore_recog.nn.masks import grow
from restore_recog.segmenters.names import ChosenSegmenter
from restore_recog.types import Pixels


def widened(mask: Pixels, pixels: int) -> Pixels:
    """Return a mask grown by so many pixels in all eight directions; shrunk where negative.

    What lies beyond the image's border counts as covered when a mask shrinks.
    """
    tensor = torch.from_numpy(mask)[None, None].float()  # (1, 1, S, S)
    changed = grow(tensor, pixels) if pixels >= 0 else 1 - grow(1 - tensor, -pixels)
    return changed[0, 0].numpy().astype(np.uint8)


class BlockMasks:
    """The masks of one block of probes. A segmenter runs when first asked for masks."""

    def __init__(
        self,
        faces: Sequence[ProbeFace],
        segmenters: Mapping[str, ChosenSegmenter | None],
        ledger: Ledger,
        *,
        true: Mapping[str, int | None],
    ) -> None:
        """Remember the block.

        Args:
            faces: No more than one batch.
            segmenters: Restorer name -> its segmenter, as
                :func:`~restore_recog.segmenters.names.choose` returns them.
            ledger: Takes failures and costs.
            true: Restorer name -> by how many pixels the true masks are widened that it is given;
                None where it is given what its segmenter finds.
        """
        self._faces, self._segmenters, self._ledger, self._true = faces, segmenters, ledger, true
        self._done: dict[tuple[int, bool], tuple[Mapping[str, Pixels], Mapping[str, str]]] = {}

    def for_restorer(self, restorer: str, face: ProbeFace, *, clean: bool = False) -> Pixels | None:
        """Return the mask of one probe for a restorer, or None, with a failure in the ledger.

        A restorer without a segmenter gets an empty mask. Masks go on beyond
        the photograph, where they count for nothing: :func:`restore_recog.alignment.on_image`.

        Args:
            restorer: Its name in this run.
            face: One of the block.
            clean: Whether to look at the clean counterpart.
        """
        image = face.clean if clean else face.crop.pixels
        wider = self._true[restorer]
        if wider is not None and not clean:
            mask, why = face.crop.mask, "The data has no true mask of this image."
            if mask is not None:
                mask = widened(mask, wider) if wider else mask
                mask = repeated(mask, face.crop.valid)
        elif (segmenter := self._segmenters[restorer]) is not None:
            masks, reasons = self._segmented(segmenter, clean)
            mask = masks.get(face.sample.image_id)
            why = f"{segmenter.name}: {reasons.get(face.sample.image_id)}"
        else:
            mask, why = None if image is None else np.zeros(image.shape[:2], np.uint8), ""
        if mask is None:
            where = " (clean counterpart)" if clean else ""
            self._ledger.fail("segment", face.sample, why + where)
        return mask

    def to_fill(self, face: ProbeFace) -> Pixels | None:
        """Return the mask to be filled: the true one where it is known, else the first found."""
        served = [name for name, segmenter in self._segmenters.items() if segmenter is not None]
        if face.crop.mask is not None:
            return repeated(face.crop.mask, face.crop.valid)
        if not served:
            return None
        return self.for_restorer(served[0], face)

    def _segmented(
        self, segmenter: ChosenSegmenter, clean: bool
    ) -> tuple[Mapping[str, Pixels], Mapping[str, str]]:
        """Run a segmenter on the whole block, the first time that it is asked for."""
        key = (id(segmenter.segmenter), clean)
        if key not in self._done:
            seen = {f.sample.image_id: f.clean if clean else f.crop.pixels for f in self._faces}
            images = {image_id: p for image_id, p in seen.items() if p is not None}
            with self._ledger.timed("segment", len(images), segmenter.device):
                self._done[key] = segment(segmenter, images)
        return self._done[key]


def segment(
    segmenter: ChosenSegmenter, crops: Mapping[str, Pixels]
) -> tuple[dict[str, Pixels], dict[str, str]]:
    """Return (image_id -> mask, image_id -> reason of failure) of one batch.

    Raises:
        PluginError: The answer has the wrong shape or other values than 0 and 1.
    """
    ids = list(crops)
    if not ids:
        return {}, {}
    images = to_tensor([crops[image_id] for image_id in ids]).to(segmenter.device)
    try:
        with torch.inference_mode():
            answer = segmented(segmenter.segmenter, images).cpu()  # (N, 1, S, S)
    except PluginError:
        raise
    except RestoreRecogError as error:
        if len(ids) == 1:
            return {}, {ids[0]: str(error)}
        masks: dict[str, Pixels] = {}
        reasons: dict[str, str] = {}
        for image_id in ids:
            one_mask, one_reason = segment(segmenter, {image_id: crops[image_id]})
            masks |= one_mask
            reasons |= one_reason
        return masks, reasons
    rows = answer[:, 0].numpy().astype(np.uint8)  # (N, S, S)
    return dict(zip(ids, rows, strict=True)), {}


def pack(mask: NDArray[np.uint8]) -> bytes:
    """Return a square mask of zeros and ones as bytes, some hundred of them for one blob."""
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def unpack(packed: bytes, side: int) -> NDArray[np.uint8]:
    """Return the (side, side) mask that :func:`pack` was given."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(packed), np.uint8), count=side * side)
    return bits.reshape(side, side)
