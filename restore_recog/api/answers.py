"""What plug-ins answer, checked in one place: every command runs them through here.

An answer of another kind, shape, type or range than the contract says, or an input that was
changed in place, is a :class:`PluginError` at the first batch. Nothing is clamped or scaled to
make it fit: a restorer that returns [-1, 1] would be judged by images that it never made. What
rounding does to a pixel or to a length is let pass (:data:`~restore_recog.api.checks.PIXEL`,
:data:`LENGTH`).

Numbers that are not finite are not refused here: a single image may fail, and is counted as a
failure by whoever asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.api.checks import (
    PIXEL,
    check_range,
    check_rows,
    check_shape,
    check_type,
    watched,
)
from restore_recog.api.models import (
    Classifier,
    Compare,
    Landmarker,
    Recognizer,
    Restorer,
    Segmenter,
)
from restore_recog.errors import PluginError
from restore_recog.labels import KINDS
from restore_recog.landmarks import COUNT
from restore_recog.types import FaceBatch, Templates

LENGTH = 1e-2
"""The length of a template may differ so much from 1: half precision."""

SCORE = 2.0**-10
"""A score may lie so far outside [-1, 1]: half precision."""


def restored(restorer: Restorer, batch: FaceBatch) -> Tensor:
    """Run a restorer and return its (N, 3, H, W) images in [0, 1], perhaps not finite.

    Args:
        restorer: On the device of the batch.
        batch: Of its ``image_size``.

    Raises:
        PluginError: The restorer breaks its contract.
    """
    who = f"The restorer '{restorer.name}'"
    given = {name: getattr(batch, name) for name in ("images", "masks", "landmarks", "landmarks98")}
    with watched(who, {name: value for name, value in given.items() if value is not None}):
        images = restorer.restore(batch)
    check_shape(who, images, tuple(batch.images.shape))
    check_type(who, images)
    if not torch.compiler.is_compiling():
        check_range(who, images.detach())
    return images


def labels(restorer: Restorer, batch: FaceBatch) -> Mapping[str, Tensor]:
    """Return the labels that a restorer goes by: kind -> (N,) int64 codes, -1 for none.

    Args, Raises: As :func:`restored`.
    """
    who = f"The restorer '{restorer.name}'"
    with watched(who, {"images": batch.images, "masks": batch.masks}):
        known = restorer.labels(batch)
    if not isinstance(known, Mapping) or not set(known) <= set(KINDS):
        raise PluginError(
            f"{who} returned from labels() what is no mapping from {' or '.join(KINDS)} to codes; "
            "fix the plug-in."
        )
    for kind, codes in known.items():
        check_shape(who, codes, (len(batch.images),))
        most = len(KINDS[kind]) - 1
        if codes.dtype != torch.int64 or not bool(((codes >= -1) & (codes <= most)).all()):
            raise PluginError(
                f"{who} goes by labels that are no codes of restore_recog.labels.KINDS['{kind}']; "
                f"they are whole numbers from -1 (none) to {most}."
            )
    return known


def segmented(segmenter: Segmenter, images: Tensor) -> Tensor:
    """Run a segmenter and return its (N, 1, H, W) float32 masks in {0, 1}.

    Masks of another real type (bool, bytes) are converted: there is but one way to read them.

    Args:
        segmenter: On the device of the images.
        images: (N, 3, H, W) float32 RGB in [0, 1].

    Raises:
        PluginError: The segmenter breaks its contract.
    """
    who = f"The segmenter '{segmenter.name}'"
    with watched(who, {"images": images}):
        masks = segmenter.segment(images)
    check_shape(who, masks, (len(images), 1, *images.shape[-2:]))
    if masks.is_complex():
        check_type(who, masks)
    wrong = masks[(masks != 0) & (masks != 1)]
    if wrong.numel():
        raise PluginError(
            f"{who} returned the value {wrong[0].item():.3g} where a mask holds 0 (free) and "
            "1 (occluded) only; let it apply its threshold."
        )
    return masks.float()


def embedded(recognizer: Recognizer, images: Tensor) -> Tensor:
    """Run a recogniser and return its (N, D) templates of length 1; rows of failures are as given.

    A row of zeros, or with numbers that are not finite, is a face that could not be embedded.

    Args:
        recognizer: On the device of the images.
        images: (N, 3, H, W) float32 RGB in [0, 1], of its ``image_size``.

    Raises:
        PluginError: The recogniser breaks its contract.
    """
    who = f"The recogniser '{recognizer.name}'"
    with watched(who, {"images": images}):
        templates = recognizer.embed(images)
    check_rows(who, templates, len(images))
    lengths = templates.detach().float().norm(dim=1)
    wrong = lengths[lengths.isfinite() & (lengths > 0) & ((lengths - 1).abs() > LENGTH)]
    if wrong.numel():
        raise PluginError(
            f"{who} returned a template of length {float(wrong[0]):.3g}, but templates have length "
            "1; end embed() with torch.nn.functional.normalize."
        )
    return templates


def unnormalised(recognizer: Recognizer, images: Tensor) -> Tensor | None:
    """Return a recogniser's (N, D) templates of any length, or None where it has none.

    Args, Raises: As :func:`embedded`.
    """
    who = f"The recogniser '{recognizer.name}'"
    with watched(who, {"images": images}):
        templates = recognizer.unnormalised(images)
    if templates is not None:
        check_rows(who, templates, len(images))
    return templates


def classified(classifier: Classifier, images: Tensor) -> Tensor:
    """Run a classifier and return its (N, C) probabilities.

    Args:
        classifier: On the device of the images.
        images: (N, 3, H, W) float32 RGB in [0, 1], of its ``image_size``.

    Raises:
        PluginError: The classifier breaks its contract.
    """
    who = f"The classifier '{classifier.name}'"
    with watched(who, {"images": images}):
        chances = classifier.classify(images)
    check_shape(who, chances, (images.shape[0], len(classifier.classes)))
    check_type(who, chances)
    if torch.compiler.is_compiling():
        return chances
    wrong = (chances.sum(1) - 1).abs() > LENGTH
    if bool((wrong | (chances < -PIXEL).any(1)).any()):
        raise PluginError(
            f"{who} returned a row that is no set of probabilities; end classify() with softmax."
        )
    return chances


def located(landmarker: Landmarker, images: Tensor) -> Tensor:
    """Run a landmarker and return its (N, 98, 2) float32 points, all NaN where it found none.

    Args:
        landmarker: On the device of the images.
        images: (N, 3, H, W) float32 RGB in [0, 1], of its ``image_size``.

    Raises:
        PluginError: The landmarker breaks its contract.
    """
    who = f"The landmarker '{landmarker.name}'"
    with watched(who, {"images": images}):
        points = landmarker.find(images)
    check_shape(who, points, (images.shape[0], COUNT, 2))
    check_type(who, points)
    if torch.compiler.is_compiling():
        return points.float()
    known = points.isfinite().flatten(1)
    if bool((known.any(1) & ~known.all(1)).any()):
        raise PluginError(
            f"{who} returned a face of whose {COUNT} points some are not finite numbers; let it "
            "guess where those are, or return NaN for all of that face."
        )
    return points.float()


def enrolled(recognizer: Recognizer, gallery: Templates, subjects: NDArray[np.str_]) -> Compare:
    """Return how a recogniser compares with a gallery; see :meth:`Recognizer.enrol`.

    Raises:
        PluginError: The recogniser breaks its contract.
    """
    who = f"The recogniser '{recognizer.name}'"
    with watched(who, {"gallery": gallery, "subjects": subjects}):
        compare = recognizer.enrol(gallery, subjects)
    if not callable(compare):
        raise PluginError(
            f"{who} returned a {type(compare).__name__} from enrol(), expected a function of "
            "references and probes; fix the plug-in."
        )
    return compare


def compared(name: str, compare: Compare, references: Templates, probes: Templates) -> Templates:
    """Return the (R, P) scores of a recogniser's own comparison, in [-1, 1].

    Args:
        name: Of the recogniser.
        compare: Of :func:`enrolled`.
        references, probes: (R, D) and (P, D).

    Raises:
        PluginError: The comparison breaks its contract.
    """
    who, shape = f"The recogniser '{name}'", (len(references), len(probes))
    with watched(who, {"references": references, "probes": probes}):
        scores = compare(references, probes)
    if not isinstance(scores, np.ndarray) or scores.dtype.kind != "f":
        kind = getattr(scores, "dtype", type(scores).__name__)
        raise PluginError(
            f"{who} compared templates and returned {kind}, expected a NumPy array of floats; "
            "fix the plug-in."
        )
    if scores.shape != shape:
        raise PluginError(
            f"{who} compared {shape[0]} references with {shape[1]} probes and returned shape "
            f"{scores.shape}, expected {shape}; fix the plug-in."
        )
    # NaN fails both.
    if scores.size and not (scores.max() <= 1 + SCORE and scores.min() >= -1 - SCORE):
        raise PluginError(
            f"{who} returned a score that is not a number in [-1, 1]; let its comparison map what "
            "it measures to that range, e.g. a distance d to 1 / (1 + d)."
        )
    return scores.astype(np.float64, copy=False)
