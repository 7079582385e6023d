"""What plug-ins answer, checked in one place: every command runs them through here.

An answer of another kind, shape, type or range than the contract says, or an input that was
changed in place, is a :class:`PluginError` at the first batch. Nothing is clamped or scaled to
make it fit: a restorer that returns [-1, 1] would be judged by images that it never made. What
rounding does to a pixel or to a length is let pass (:data:`PIXEL`, :data:`LENGTH`).

Numbers that are not finite are not refused here: a single image may fail, and is counted as a
failure by whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.api.models import Classifier, Compare, Recognizer, Restorer, Segmenter
from restore_recog.errors import PluginError
from restore_recog.labels import EXPRESSIONS
from restore_recog.types import FaceBatch, Templates

PIXEL = 1e-3
"""A restored pixel may lie so far outside [0, 1]: a quarter of a grey level of 255."""

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
    given = {"images": batch.images, "masks": batch.masks}
    with _run(who, given if batch.landmarks is None else given | {"landmarks": batch.landmarks}):
        images = restorer.restore(batch)
    _check_shape(who, images, tuple(batch.images.shape))
    _check_type(who, images)
    if not torch.compiler.is_compiling():
        _check_range(who, images.detach())
    return images


def predicted(restorer: Restorer, batch: FaceBatch) -> Tensor | None:
    """Return the (N,) codes of the expressions that a restorer goes by, or None where by none.

    Args, Raises: As :func:`restored`.
    """
    who = f"The restorer '{restorer.name}'"
    with _run(who, {"images": batch.images, "masks": batch.masks}):
        codes = restorer.expressions(batch)
    if codes is None:
        return None
    _check_shape(who, codes, (len(batch.images),))
    if codes.dtype != torch.int64 or not bool(((codes >= -1) & (codes < len(EXPRESSIONS))).all()):
        raise PluginError(
            f"{who} goes by expressions that are no codes of restore_recog.labels.EXPRESSIONS; "
            f"they are whole numbers from -1 (none) to {len(EXPRESSIONS) - 1}."
        )
    return codes


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
    with _run(who, {"images": images}):
        masks = segmenter.segment(images)
    _check_shape(who, masks, (len(images), 1, *images.shape[-2:]))
    if masks.is_complex():
        _check_type(who, masks)
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
    with _run(who, {"images": images}):
        templates = recognizer.embed(images)
    _check_rows(who, templates, len(images))
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
    with _run(who, {"images": images}):
        templates = recognizer.unnormalised(images)
    if templates is not None:
        _check_rows(who, templates, len(images))
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
    with _run(who, {"images": images}):
        chances = classifier.classify(images)
    _check_shape(who, chances, (len(images), len(classifier.classes)))
    _check_type(who, chances)
    wrong = (chances.sum(1) - 1).abs() > LENGTH
    if bool((wrong | (chances < -PIXEL).any(1)).any()):
        raise PluginError(
            f"{who} returned a row that is no set of probabilities; end classify() with softmax."
        )
    return chances


def enrolled(recognizer: Recognizer, gallery: Templates, subjects: NDArray[np.str_]) -> Compare:
    """Return how a recogniser compares with a gallery; see :meth:`Recognizer.enrol`.

    Raises:
        PluginError: The recogniser breaks its contract.
    """
    who = f"The recogniser '{recognizer.name}'"
    with _run(who, {"gallery": gallery, "subjects": subjects}):
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
    with _run(who, {"references": references, "probes": probes}):
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


@contextmanager
def _run(who: str, given: Mapping[str, Tensor | NDArray[np.generic]]) -> Iterator[None]:
    """Let a plug-in work on what it is given; it may neither end the program nor change that."""
    watched = not torch.compiler.is_compiling()
    before = {key: _copy(value) for key, value in given.items()} if watched else {}
    try:
        yield
    except SystemExit as error:
        raise PluginError(
            f"{who} called sys.exit({error.code!r}) while it was at work; it should raise an "
            "exception instead."
        ) from error
    for key, value in before.items():
        if not _equal(value, given[key]):
            raise PluginError(
                f"{who} changed the {key} that it was given; let it work on a copy (clone()), "
                "since others are given the same."
            )


def _copy(value: Tensor | NDArray[np.generic]) -> Tensor | NDArray[np.generic]:
    return value.detach().clone() if isinstance(value, Tensor) else value.copy()


def _equal(one: Tensor | NDArray[np.generic], other: Tensor | NDArray[np.generic]) -> bool:
    """Return whether both are the same; NaN is what it was."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(((one == other) | (one != one)).all())
    return np.array_equal(one, other)


def _check_shape(who: str, answer: object, shape: tuple[int, ...]) -> None:
    if not isinstance(answer, Tensor):
        raise PluginError(
            f"{who} returned a {type(answer).__name__}, expected a tensor of shape {shape}; fix "
            "the plug-in."
        )
    if tuple(answer.shape) != shape:
        raise PluginError(
            f"{who} returned shape {tuple(answer.shape)} for {shape[0]} images, expected a tensor "
            f"of shape {shape}; fix the plug-in."
        )


def _check_rows(who: str, answer: object, count: int) -> None:
    if not isinstance(answer, Tensor):
        raise PluginError(
            f"{who} returned a {type(answer).__name__} for {count} images, expected a tensor of "
            f"shape ({count}, D); fix the plug-in."
        )
    if answer.ndim != 2 or len(answer) != count or answer.shape[1] < 1:
        raise PluginError(
            f"{who} returned shape {tuple(answer.shape)} for {count} images, expected "
            f"({count}, D); fix the plug-in."
        )
    _check_type(who, answer)


def _check_type(who: str, answer: Tensor) -> None:
    """Refuse anything but float32; half precision passes under autocast."""
    mixed = answer.is_floating_point() and torch.is_autocast_enabled(answer.device.type)
    if answer.dtype != torch.float32 and not mixed:
        kind = str(answer.dtype).removeprefix("torch.")
        raise PluginError(
            f"{who} returned {kind} numbers, expected float32; convert them with .float(), and "
            "mind their range."
        )


def _check_range(who: str, images: Tensor) -> None:
    known = images[images.isfinite()]
    if not known.numel():
        return
    low, high = float(known.min()), float(known.max())
    if low < -PIXEL or high > 1 + PIXEL:
        raise PluginError(
            f"{who} returned pixels from {low:.3g} to {high:.3g}, but images lie in [0, 1]; let it "
            "map what its network gives to that range (tanh: x / 2 + 0.5; bytes: x / 255)."
        )
