"""What the networks of one training in several processes share: sums, gradients, statistics.

Every process has the same networks and an equal part of the batch. A loss that is a mean over
the part's images has a gradient whose mean over the processes is that of the whole batch;
whatever else looks at several images at once (counts, embeddings compared with each other)
goes through :func:`summed`, :func:`total` or :func:`gathered`. With one process all of them
return what they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from restore_recog.errors import TrainingError
from restore_recog.system.processes import Processes, exchange

BUCKET = 32 * 2**20
"""Bytes of gradients that are sent together: few messages, and little memory for the copy."""

_MARK = "averaged_over_processes"


def world() -> int:
    """Return how many processes train together; 1 where there is only this one."""
    return Processes.current().world


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
    here = Processes.current()
    if here.world == 1:
        return values
    before = values.new_zeros(here.rank * len(values), *values.shape[1:])
    after = values.new_zeros((here.world - 1 - here.rank) * len(values), *values.shape[1:])
    return summed(torch.cat([before, values, after]))


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace gradients by their means over the processes.

    Args:
        parameters: In the same order on every process, and those that have a gradient the
            same; one without any is left without.

    Raises:
        RestoreRecogError: Another process has stopped.
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
                    "restore_recog.nn.stepping.update or "
                    "restore_recog.nn.distributed.average_gradients."
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


class GlobalBatchNorm(_BatchNorm):
    """A batch normalisation with the mean and variance of all processes' images.

    A layer that saw only its own process's images would make another network of the same
    weights with every number of processes. This one is for the CPU, where PyTorch's SyncBatchNorm
    does not run. It takes over a layer's own parameters and running statistics, so that optimisers
    and files know it as that layer.

    Args:
        like: The layer in whose place it is put; where it ends in dropout and an activation, as
            timm's do, so does this one.
    """

    def __init__(self, like: _BatchNorm) -> None:
        shape = (like.num_features, like.eps, like.momentum, like.affine, like.track_running_stats)
        super().__init__(*shape)
        self.weight, self.bias = like.weight, like.bias
        self.running_mean, self.running_var = like.running_mean, like.running_var
        self.num_batches_tracked = like.num_batches_tracked
        self.training = like.training
        self.drop: nn.Module = getattr(like, "drop", nn.Identity())
        self.act: nn.Module = getattr(like, "act", nn.Identity())

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept what any of the layers does: (N, C) and (N, C, ...)."""

    def forward(self, features: Tensor) -> Tensor:
        """Return the features, normalised."""
        normal = self._shared(features) if self.training else super().forward(features)
        return self.act(self.drop(normal))  # type: ignore[no-any-return]

    def _shared(self, features: Tensor) -> Tensor:
        wide = features.float()
        axes = [0, *range(2, wide.dim())]
        shape = [1, -1, *[1] * (wide.dim() - 2)]
        mean = summed(wide.mean(axes)) / world()  # (C,)
        centred = wide - mean.view(shape)
        variance = summed(centred.square().mean(axes)) / world()  # (C,)
        self._remember(mean, variance, world() * wide.numel() // wide.shape[1])
        normal = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(features.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics; the variance without the bias, as PyTorch keeps it."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = self.momentum
        if share is None:
            share = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * count / max(count - 1, 1), share)


def share_norms(net: nn.Module, device: str) -> None:
    """Let every batch normalisation in a network look at all processes' images.

    On a GPU by PyTorch's SyncBatchNorm, elsewhere by :class:`GlobalBatchNorm`. Names, parameters
    and running statistics stay the same objects.

    Args:
        net: Changed in place, so that it must not be a batch normalisation itself.
        device: Where it is trained.
    """
    if world() == 1:
        return
    if device.startswith("cuda"):
        from timm.layers.norm_act import convert_sync_batchnorm

        # timm's, since PyTorch's own would drop the activation that timm's layers end in.
        convert_sync_batchnorm(net)  # type: ignore[no-untyped-call]
        return
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm):
                setattr(parent, name, GlobalBatchNorm(child))


class _Sum(torch.autograd.Function):
    """The sum over the processes: every process's loss depends on every process's value."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        return total(values)

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> Tensor:
        return total(gradients[0].contiguous())
