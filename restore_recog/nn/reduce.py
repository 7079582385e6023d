"""What the networks of one training in several processes exchange: sums and gradients.

Every process has the same networks and an equal part of the batch. A loss that is a mean over
the part's images has a gradient whose mean over the processes is that of the whole batch;
whatever else looks at several images at once (counts, embeddings compared with each other)
goes through :func:`summed`, :func:`total` or :func:`gathered`. With one process all of them
return what they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from restore_recog.errors import TrainingError

BUCKET = 32 * 2**20
"""Bytes of gradients that are sent together: few messages, and little memory for the copy."""

_MARK = "averaged_over_processes"


def world() -> int:
    """Return how many processes train together; 1 where there is only this one."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if world() > 1 else 0


@contextmanager
def exchange() -> Iterator[None]:
    """Turn the failure of an exchange into a sentence; PyTorch's own words are its cause.

    Raises:
        TrainingError: Another process has gone.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise TrainingError(
            "Another process of this training has stopped, and this one with it; the reason is "
            "in that one's message."
        ) from error


def total(values: Tensor) -> Tensor:
    """Return the sum over the processes, without a gradient."""
    values = values.detach().clone()
    if world() > 1:
        with exchange():
            dist.all_reduce(values)
    return values


def summed(values: Tensor) -> Tensor:
    """Return the sum over the processes; its gradient is that of all processes' losses."""
    if world() == 1:
        return values
    result: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return result


def gathered(values: Tensor) -> Tensor:
    """Return the rows of all processes, by rank, with their gradients.

    A loss computed from them is the same on every process, and the mean over the processes of
    its gradients is its gradient.

    Args:
        values: (n, ...), as many on every process.

    Returns:
        (n times the number of processes, ...).
    """
    if world() == 1:
        return values
    before = values.new_zeros(rank() * len(values), *values.shape[1:])
    after = values.new_zeros((world() - 1 - rank()) * len(values), *values.shape[1:])
    return summed(torch.cat([before, values, after]))


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace gradients by their means over the processes.

    Args:
        parameters: In the same order on every process, and those that have a gradient the
            same; one without any is left without.

    Raises:
        TrainingError: Another process has gone.
    """
    if world() == 1:
        return
    gradients = [one.grad for one in parameters if one.grad is not None]
    for bucket in _buckets(gradients):
        flat = torch.cat([gradient.reshape(-1) for gradient in bucket])
        with exchange():
            dist.all_reduce(flat)
        flat /= world()
        pieces = torch.split(flat, [gradient.numel() for gradient in bucket])
        for gradient, piece in zip(bucket, pieces, strict=True):
            gradient.copy_(piece.view(gradient.shape))
            setattr(gradient, _MARK, True)


def guard(optimizer: torch.optim.Optimizer) -> None:
    """Let an optimiser refuse gradients that :func:`average_gradients` has not seen."""
    optimizer.register_step_pre_hook(_check)


def _check(optimizer: torch.optim.Optimizer, _arguments: Any, _named: Any) -> None:
    for group in optimizer.param_groups:
        for one in group["params"]:
            if one.grad is not None and not one.grad.__dict__.pop(_MARK, False):
                raise TrainingError(
                    "This model cannot be trained by several processes: it steps without "
                    "averaging its gradients over them. Train it with one, or let its step call "
                    "restore_recog.nn.stepping.update or restore_recog.nn.reduce.average_gradients."
                )


def _buckets(gradients: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Yield gradients of one kind and place, up to a size, in the order given."""
    bucket: list[Tensor] = []
    size = 0
    for gradient in gradients:
        fits = not bucket or (
            (gradient.dtype, gradient.device) == (bucket[0].dtype, bucket[0].device)
            and size + gradient.nbytes <= BUCKET
        )
        if not fits:
            yield bucket
            bucket, size = [], 0
        bucket.append(gradient)
        size += gradient.nbytes
    if bucket:
        yield bucket


class _Sum(torch.autograd.Function):
    """The sum over the processes: every process's loss depends on every process's value."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        return total(values)

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        return total(gradients[0].contiguous())
