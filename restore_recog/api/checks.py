"""What an answer of any plug-in is checked for; :mod:`restore_recog.api.answers` asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.errors import PluginError

PIXEL = 1e-3
"""A restored pixel may lie so far outside [0, 1]: a quarter of a grey level of 255."""


@contextmanager
def watched(who: str, given: Mapping[str, Tensor | NDArray[np.generic]]) -> Iterator[None]:
    """Let a plug-in work on what it is given; it may neither end the program nor change that."""
    looking = not torch.compiler.is_compiling()
    before = {key: _copy(value) for key, value in given.items()} if looking else {}
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


def check_shape(who: str, answer: object, shape: tuple[int, ...]) -> None:
    """Refuse anything but a tensor of this shape, whose first entry counts the images."""
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


def check_rows(who: str, answer: object, count: int) -> None:
    """Refuse anything but a tensor of one row an image."""
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
    check_type(who, answer)


def check_type(who: str, answer: Tensor) -> None:
    """Refuse anything but float32; half precision passes under autocast."""
    mixed = answer.is_floating_point() and torch.is_autocast_enabled(answer.device.type)
    if answer.dtype != torch.float32 and not mixed:
        kind = str(answer.dtype).removeprefix("torch.")
        raise PluginError(
            f"{who} returned {kind} numbers, expected float32; convert them with .float(), and "
            "mind their range."
        )


def check_range(who: str, images: Tensor) -> None:
    """Refuse pixels outside [0, 1], but for what rounding does."""
    known = images[images.isfinite()]
    if not known.numel():
        return
    low, high = float(known.min()), float(known.max())
    if low < -PIXEL or high > 1 + PIXEL:
        raise PluginError(
            f"{who} returned pixels from {low:.3g} to {high:.3g}, but images lie in [0, 1]; let it "
            "map what its network gives to that range (tanh: x / 2 + 0.5; bytes: x / 255)."
        )
