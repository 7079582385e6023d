"""Which mask detector serves which restorer, and the maps they find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from restore_recog import registry
from restore_recog.api import Restorer, Segmenter
from restore_recog.arms import Maps, Pixels, segment
from restore_recog.errors import DataError, PluginError
from restore_recog.faces import Ledger, ProbeFace

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


def find_maps(
    detectors: Mapping[str, Detector | None],
    faces: Sequence[ProbeFace],
    pictures: Mapping[str, Pixels],
    batch_size: int,
    ledger: Ledger,
) -> dict[str, Maps]:
    """Return restorer name -> maps of the pictures; every detector runs once.

    A restorer without a detector gets empty maps.
    """
    empty = {image_id: np.zeros(p.shape[:2], np.uint8) for image_id, p in pictures.items()}
    samples = {face.sample.image_id: face.sample for face in faces}
    done: dict[int, Maps] = {}
    found: dict[str, Maps] = {}
    for name, detector in detectors.items():
        if detector is None:
            found[name] = empty
            continue
        key = id(detector.segmenter)
        if key not in done:
            with ledger.timed("segment", len(pictures)):
                done[key], reasons = segment(
                    detector.segmenter, pictures, detector.device, batch_size
                )
            for image_id, reason in reasons.items():
                ledger.fail("segment", samples[image_id], f"{detector.name}: {reason}")
        found[name] = done[key]
    return found


def true_maps(faces: Sequence[ProbeFace], ledger: Ledger) -> Maps:
    """Return the true maps; a probe without one is recorded as a failure.

    Raises:
        DataError: No probe has a true map.
    """
    maps = {face.sample.image_id: face.crop.mask for face in faces if face.crop.mask is not None}
    if not maps:
        raise DataError(
            "--segmenter true needs data with mask maps, and none of these probes has one; "
            "use --segmenter own."
        )
    for face in faces:
        if face.crop.mask is None:
            ledger.fail("segment", face.sample, "The data has no true map of this picture.")
    return maps
