"""What is timed: restorers with untrained networks, and images to restore.

Speed does not depend on what the weights say, so those of a fresh training are taken: any
restorer that can be trained can be measured, shipped weights or not.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.measure import BenchError
from restore_recog import registry
from restore_recog import weights as weights_file
from restore_recog.api import Recognizer, Restorer, Trainable
from restore_recog.errors import NotTrainableError
from restore_recog.nn.perceptual import untrained_features
from restore_recog.types import FaceBatch

UNTRAINED = (
    "Networks have the random weights of an untrained preset, on which speed does not depend: "
    "kernels redrawn at a scale that keeps signals alive, biases zero."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """One restorer as it is measured.

    Attributes:
        spec: Registered name or dotted path.
        preset: None where the restorer has nothing to train.
        size: Side of its images.
        weights: The untrained weights file; None likewise.
    """

    spec: str
    preset: str | None
    size: int
    weights: str | None


def fresh(
    plugin: type[Restorer] | type[Recognizer], call: tuple[Any, ...], options: Mapping[str, Any]
) -> Trainable:
    """Return an untrained trainable; feature networks of its losses are untrained as well.

    Raises:
        RestoreRecogError: It has nothing to train, or an option does not fit.
    """
    try:
        inspect.signature(plugin.trainable).bind(*call, **options)
    except TypeError as error:
        raise BenchError(f"The training of '{plugin.name}' does not take this: {error}.") from error
    with untrained_features():
        return plugin.trainable(*call, **options)


def subject(
    spec: str, preset: str, size: int | None, options: Mapping[str, Any], folder: Path
) -> Subject:
    """Return a restorer with untrained weights in a file of *folder*.

    Args:
        size: Side of the images; None for the preset's own.
        options: Of its trainable, besides ``size``.

    Raises:
        RestoreRecogError: No such restorer or preset, or its networks cannot take the size.
    """
    plugin = registry.restorers.load(spec)
    asked = dict(options) if size is None else {**options, "size": size}
    try:
        trainable = fresh(plugin, (preset,), asked)
    except NotTrainableError:
        shape = plugin.image_size if size is None else (size, size)
        return Subject(spec, None, shape[0], None)
    config, tensors = trainable.weights()
    file = folder / f"{len(list(folder.iterdir()))}.safetensors"
    weights_file.save(file, plugin.name, config, _awake(tensors), half=False)
    return Subject(spec, preset, trainable.image_size, str(file))


def _awake(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with fresh kernels and no biases.

    As networks begin, some layers are zero and biases drown what goes through deep ones: ways of
    restoring that differ would yield the same images.
    """
    source = torch.Generator().manual_seed(0)
    fresh_tensors = dict(tensors)
    for name, tensor in tensors.items():
        if tensor.ndim == 4 and tensor.is_floating_point():
            scale = sqrt(2 / tensor[0].numel())
            fresh_tensors[name] = scale * torch.randn(tensor.shape, generator=source)
        elif tensor.ndim == 1 and name.endswith("bias"):
            fresh_tensors[name] = torch.zeros_like(tensor)
    return fresh_tensors


def images(count: int, size: int, device: str = "cpu") -> FaceBatch:
    """Return random images, coarse and fine, covered where a mask is worn, a third of each."""
    source = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 8, 8, generator=source)
    fine = torch.rand(count, 3, size, size, generator=source) - 0.5
    clean = (F.interpolate(coarse, (size, size), mode="bicubic") + 0.4 * fine).clamp(0, 1)
    masks = torch.zeros(count, 1, size, size)
    masks[..., size // 2 : size * 15 // 16, size // 8 : size * 7 // 8] = 1
    occluded = torch.where(masks > 0.5, torch.full_like(clean, 0.8), clean)
    return FaceBatch(occluded, masks, clean=clean).to(device)
