"""Which mask detector serves which restorer, and the maps they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from restore_recog import registry
from restore_recog.api import Restorer, Segmenter
from restore_recog.arms import Maps, Pixels
from restore_recog.errors import PluginError, RestoreRecogError
from restore_recog.faces import ProbeFace
from restore_recog.images import to_tensor
from restore_recog.ledger import Ledger

OWN, TRUE = "own", "true"
DEFAULT_DETECTOR = "fmodr"
"""Name of the restorer whose detector serves where none of the run has one."""


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A segmenter, the device it computes on, and what to call it."""

    segmenter: Segmenter
    device: str
    name: str


def choose(
    choice: str | Segmenter, restorers: Mapping[str, Restorer], device: str
) -> dict[str, Detector | None]:
    """Return the detector of every restorer; None where it works without (or on true maps).

    Args:
        choice: ``own``, ``true``, the name of a restorer with a detector, or a segmenter.
        restorers: By their names in this run.
        device: For a detector that none of the restorers brings.

    Raises:
        PluginError: The restorer named has no detector, or there is none at all.
    """
    if choice == TRUE:
        return dict.fromkeys(restorers)
    if isinstance(choice, Segmenter):
        return dict.fromkeys(restorers, Detector(choice, device, choice.name))
    if choice != OWN:
        return dict.fromkeys(restorers, _named(choice, restorers, device))
    found: dict[str, Detector | None] = {}
    for name, restorer in restorers.items():
        own = restorer.segmenter()
        found[name] = None if own is None else Detector(own, restorer.device, name)
    needy = [n for n, r in restorers.items() if found[n] is None and "masks" in r.needs]
    if needy:
        lent = next((detector for detector in found.values() if detector is not None), None)
        lent = lent or _named(DEFAULT_DETECTOR, {}, device)
        found |= dict.fromkeys(needy, lent)
    return found


def _named(name: str, restorers: Mapping[str, Restorer], device: str) -> Detector:
    restorer = restorers.get(name) or registry.restorers.create(name, device=device)
    segmenter = restorer.segmenter()
    if segmenter is None:
        raise PluginError(
            f"The restorer '{name}' has no mask detector; give --segmenter the name of one that "
            "has, or 'true' for data with true maps."
        )
    return Detector(segmenter, restorer.device, name)


class BlockMaps:
    """The maps of one block of probes. A detector runs when its maps are first asked for."""

    def __init__(
        self,
        faces: Sequence[ProbeFace],
        detectors: Mapping[str, Detector | None],
        ledger: Ledger,
        *,
        true: bool = False,
    ) -> None:
        """Remember the block.

        Args:
            faces: No more than one batch.
            detectors: Restorer name -> its detector, as :func:`choose` returns them.
            ledger: Takes failures and costs.
            true: Whether the restorers are given the true maps.
        """
        self._faces, self._detectors, self._ledger, self._true = faces, detectors, ledger, true
        self._done: dict[tuple[int, bool], Maps] = {}

    def found(self, restorer: str, *, clean: bool = False) -> Maps:
        """Return the maps for a restorer; a probe that has none is a failure in the ledger.

        A restorer without a detector gets empty maps.

        Args:
            restorer: Its name in this run.
            clean: Whether to look at the clean twins.
        """
        if self._true and not clean:
            return self._once((0, False), self._true_maps)
        pictures = {
            face.sample.image_id: face.clean if clean else face.crop.pixels for face in self._faces
        }
        known = {image_id: p for image_id, p in pictures.items() if p is not None}
        detector = self._detectors[restorer]
        if detector is None:
            return {image_id: np.zeros(p.shape[:2], np.uint8) for image_id, p in known.items()}
        return self._once((id(detector.segmenter), clean), lambda: self._detect(detector, known))

    def fill(self) -> Maps:
        """Return the maps to be filled: the true one where it is known, else the first found."""
        true = {f.sample.image_id: f.crop.mask for f in self._faces if f.crop.mask is not None}
        finders = [name for name, detector in self._detectors.items() if detector is not None]
        if len(true) == len(self._faces) or not finders:
            return true
        return {**self.found(finders[0]), **true}

    def _once(self, key: tuple[int, bool], make: Callable[[], Maps]) -> Maps:
        if key not in self._done:
            self._done[key] = make()
        return self._done[key]

    def _detect(self, detector: Detector, pictures: Mapping[str, Pixels]) -> Maps:
        with self._ledger.timed("segment", len(pictures), detector.device):
            maps, reasons = segment(detector, pictures)
        samples = {face.sample.image_id: face.sample for face in self._faces}
        for image_id, reason in reasons.items():
            self._ledger.fail("segment", samples[image_id], f"{detector.name}: {reason}")
        return maps

    def _true_maps(self) -> Maps:
        for face in self._faces:
            if face.crop.mask is None:
                self._ledger.fail("segment", face.sample, "The data has no true map of it.")
        return {f.sample.image_id: f.crop.mask for f in self._faces if f.crop.mask is not None}


def segment(
    detector: Detector, pictures: Mapping[str, Pixels]
) -> tuple[dict[str, Pixels], dict[str, str]]:
    """Return (image_id -> map, image_id -> reason of failure) of one batch.

    Raises:
        PluginError: The answer has the wrong shape.
    """
    ids = list(pictures)
    if not ids:
        return {}, {}
    images = to_tensor([pictures[image_id] for image_id in ids]).to(detector.device)
    try:
        with torch.inference_mode():
            found = detector.segmenter.segment(images).cpu()
    except PluginError:
        raise
    except RestoreRecogError as error:
        if len(ids) == 1:
            return {}, {ids[0]: str(error)}
        maps: dict[str, Pixels] = {}
        reasons: dict[str, str] = {}
        for image_id in ids:
            one_map, one_reason = segment(detector, {image_id: pictures[image_id]})
            maps |= one_map
            reasons |= one_reason
        return maps, reasons
    if found.shape != (len(ids), 1, *images.shape[-2:]):
        raise PluginError(
            f"The detector '{detector.segmenter.name}' returned shape {tuple(found.shape)} for "
            f"{len(ids)} pictures of {tuple(images.shape[-2:])}; mend the plug-in."
        )
    rows = (found[:, 0].numpy() > 0.5).astype(np.uint8)
    return dict(zip(ids, rows, strict=True)), {}
