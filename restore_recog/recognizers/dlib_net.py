"""dlib's face recognition network in PyTorch: the same weights, the same descriptors.

Source: Davis King's ResNet of 29 convolutions, a narrower ResNet-34 (He et al., "Deep Residual
Learning", 2016), trained with a metric loss on 3 million faces; 99.38 % on LFW.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.errors import WeightsError
from restore_recog.recognizers.dlib_file import Layer, Network, read

HALF = ("con", "affine", "relu", "con", "affine")
"""The layers of a residual block before its two branches meet."""


class Residual(nn.Module):
    """Two convolutions beside the image itself, or beside its 2 x 2 means where they halve it.

    Where the branches differ in size the smaller one is filled up with zeros, at the right, at
    the bottom and in the channels.
    """

    def __init__(self, first: nn.Conv2d, second: nn.Conv2d) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.halves = first.stride == (2, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, D, h, w) features of (N, C, H, W)."""
        made = self.second(F.relu(self.first(features)))  # (N, D, h', w')
        if self.halves:
            features = F.avg_pool2d(features, 2)  # (N, C, h, w)
        shape = [max(one, other) for one, other in zip(made.shape, features.shape, strict=True)]
        return F.relu(_filled(made, shape) + _filled(features, shape))


def _filled(features: Tensor, shape: Sequence[int]) -> Tensor:
    """Return features with zeros added up to a shape."""
    missing = [want - have for want, have in zip(shape, features.shape, strict=True)]
    if not any(missing):
        return features
    return F.pad(features, (0, missing[3], 0, missing[2], 0, missing[1]))


class DlibNet(nn.Module):
    """(N, 3, 150, 150) images in [0, 1] -> (N, 128) descriptors, as dlib gives them.

    They are not of unit length. Gradients flow to the images.

    Args:
        network: As :func:`restore_recog.recognizers.dlib_file.read` gives it.
    """

    mean: Tensor

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.size = network.size
        self.register_buffer("mean", torch.tensor(network.mean, dtype=torch.float32)[:, None, None])
        layers = list(network.layers)
        kinds = [layer.kind for layer in layers]
        if kinds[:4] != ["con", "affine", "relu", "max_pool"] or kinds[-2:] != ["avg_pool", "fc"]:
            raise ValueError("its layers stand in another order")
        self.stem = _convolution(layers[0], layers[1], 3)
        self.pool = nn.MaxPool2d((layers[3].numbers[0], layers[3].numbers[1]), layers[3].numbers[2])
        self.blocks = nn.Sequential(*_blocks(layers[4:-2], self.stem.out_channels))
        outputs, inputs = layers[-1].numbers
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.linear.weight.data = _tensor(layers[-1]).view(inputs, outputs).T.contiguous()

    def forward(self, images: Tensor) -> Tensor:
        """Return the descriptors."""
        wanted = ((images * 255 - self.mean) / 256).contiguous(memory_format=torch.channels_last)
        features = self.blocks(self.pool(F.relu(self.stem(wanted))))
        return self.linear(features.mean((2, 3)))  # type: ignore[no-any-return]


def load(path: Path) -> DlibNet:
    """Return the network of a file, frozen and in eval mode.

    Raises:
        WeightsError: The file is missing or damaged, or holds another network.
    """
    try:
        net = DlibNet(read(path))
    except (ValueError, RuntimeError, IndexError) as error:
        raise WeightsError(
            f"{path} holds another network of dlib's than its face recogniser: {error}."
        ) from error
    return net.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _blocks(layers: Sequence[Layer], channels: int) -> list[Residual]:
    blocks: list[Residual] = []
    place = 0
    while place < len(layers):
        part = layers[place : place + len(HALF)]
        rest = [layer.kind for layer in layers[place + len(HALF) :]]
        length = 3 if rest[:1] == ["avg_pool"] else 2  # the means, the sum, the rectifier
        if tuple(x.kind for x in part) != HALF or rest[length - 2 : length] != ["add_prev", "relu"]:
            raise ValueError(f"layer {place + 5} begins no residual block")
        first = _convolution(part[0], part[1], channels)
        block = Residual(first, _convolution(part[3], part[4], first.out_channels))
        if block.halves != (length == 3):
            raise ValueError(f"the branches of the block at layer {place + 5} differ in scale")
        blocks.append(block)
        channels = first.out_channels
        place += len(HALF) + length
    return blocks


def _convolution(layer: Layer, affine: Layer, channels: int) -> nn.Conv2d:
    """Return a convolution and the factors and shifts behind it as one convolution."""
    filters, height, width, *steps = layer.numbers
    net = nn.Conv2d(channels, filters, (height, width), (steps[0], steps[1]), (steps[2], steps[3]))
    values, scale = _tensor(layer), _tensor(affine)
    weight, bias = values[: net.weight.numel()], values[net.weight.numel() :]
    factor, shift = scale[:filters], scale[filters:]
    net.weight.data = weight.view_as(net.weight) * factor[:, None, None, None]
    net.bias.data = bias * factor + shift  # type: ignore[union-attr]
    return net


def _tensor(layer: Layer) -> Tensor:
    if layer.values is None:
        raise ValueError(f"a layer '{layer.kind}' has no parameters")
    return torch.from_numpy(layer.values.astype("float32"))
