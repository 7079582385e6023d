"""Out of memory: finding the batch size that would have fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from restore_recog.types import FaceBatch

CPU_WORDS = ("can't allocate memory", "not enough memory")
"""PyTorch's words where the CPU's memory is full; it raises a plain RuntimeError there."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the device's memory is full."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CPU_WORDS)


def largest_that_fits(step: Callable[[FaceBatch], object], batch: FaceBatch) -> int | None:
    """Return the largest half, quarter, ... of a batch that a step gets through.

    The step changes the model in memory: to be called only where the run ends anyway and nothing
    is saved any more.

    Args:
        step: Forward, backward and update, as in the training.
        batch: That was too large.

    Returns:
        Images a step, or None where none fits, or a part of the batch fails in another way.
    """
    size = len(batch.images) // 2
    while size:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        try:
            step(first(batch, size))
            return size
        except Exception as error:  # e.g. batch norm of one image: no answer, but no new error
            if not is_out_of_memory(error):
                return None
        size //= 2
    return None


def first(batch: FaceBatch, count: int) -> FaceBatch:
    """Return the first images of a batch."""

    def cut(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor[:count]

    return replace(
        batch,
        images=batch.images[:count],
        masks=batch.masks[:count],
        landmarks=cut(batch.landmarks),
        clean=cut(batch.clean),
        attributes={name: values[:count] for name, values in batch.attributes.items()},
    )


def shared(device: str, asked: int, phase: str) -> str:
    """Return the sentence for the user of several processes, none of which tries on alone."""
    return (
        f"The {device} has too little memory for its {asked} images of every batch in phase "
        f"'{phase}'; the last checkpoint is unharmed. Go on with --resume and more processes, or "
        "begin again in another --output with a smaller batch_size."
    )


def advice(device: str, asked: int, phase: str, fits: int | None) -> str:
    """Return the sentence for the user."""
    sentence = (
        f"The {device} has too little memory for a batch of {asked} in phase '{phase}'; "
        "the last checkpoint is unharmed. "
    )
    if fits is None:
        return sentence + "No smaller batch ran either; free memory or set a smaller model or size."
    return sentence + (
        f"A batch of {fits} ran: begin again in another --output with --set batch_size={fits}."
    )
