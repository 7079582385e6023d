"""Batch normalisation over the whole batch, where several processes share it out.

A layer that saw only its own process's images would make another network of the same
weights with every number of processes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from restore_recog.nn.reduce import summed, world


class GlobalBatchNorm(_BatchNorm):
    """A batch normalisation with the mean and variance of all processes' images.

    For the CPU, where PyTorch's SyncBatchNorm does not run. It is given a layer's own parameters
    and running figures, so that optimisers and files know it as that layer.

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
        mean = summed(wide.mean(axes)) / world()
        centred = wide - mean.view(shape)
        variance = summed(centred.square().mean(axes)) / world()
        self._remember(mean, variance, world() * wide.numel() // wide.shape[1])
        normal = centred * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(features.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running figures; the variance without the bias, as PyTorch keeps it."""
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
    and running figures stay the same objects.

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
