"""Frozen feature networks for perceptual losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog import weights as weights_file
from restore_recog.api import Recognizer
from restore_recog.errors import RestoreRecogError, TrainingError

RELU3_3 = 16
"""Layers of torchvision's VGG-16 and VGG-19 up to relu3_3."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

LAYERS = "recognizer-layers"
"""Value of the option ``perceptual`` for several layers of the shipped recogniser."""

REDUCTIONS = (4, 8, 16)
"""How often smaller than the image the layers are that :class:`RecognizerLayers` looks at."""

_untrained: ContextVar[bool] = ContextVar("untrained features", default=False)


@contextmanager
def untrained_features() -> Iterator[None]:
    """Let VGG networks that are built in this context keep random weights: for timing only."""
    token = _untrained.set(True)
    try:
        yield
    finally:
        _untrained.reset(token)


class VGGFeatures(nn.Module):
    """VGG up to relu3_3, (N, 3, H, W) in [0, 1] -> (N, 256, H / 4, W / 4); frozen.

    Images are normalised by ImageNet's mean and deviation, as the network was trained.

    Args:
        name: ``vgg16`` or ``vgg19``.
        weights: A torchvision state dict file; without one torchvision's own loader gets them.
        end: Number of layers that are kept.

    Raises:
        TrainingError: The weights are not available.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, weights: Path | None = None, end: int = RELU3_3) -> None:
        super().__init__()
        import torchvision

        try:
            if _untrained.get():
                net = getattr(torchvision.models, name)()
            elif weights is None:
                net = getattr(torchvision.models, name)(weights="IMAGENET1K_V1")
            else:
                state = weights_file.foreign(weights)
                with torch.device("meta"):
                    net = getattr(torchvision.models, name)()
                net.load_state_dict(state, assign=True)
        except Exception as error:  # torchvision, urllib and torch.load each have their own
            raise TrainingError(
                f"The weights of {name} are not available ({type(error).__name__}: {error}); give "
                "a file with perceptual_weights=FILE, or choose perceptual=recognizer or none."
            ) from error
        self.layers = net.features[:end]
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return relu3_3 features, in float32 whatever the training computes in."""
        with torch.autocast(images.device.type, enabled=False):
            return self.layers((images.float() - self.mean) / self.std)  # type: ignore[no-any-return]


class VGGLayers(nn.Module):
    """Several layers of VGG, (N, 3, H, W) in [0, 1] -> a list of feature maps; frozen.

    Args:
        weights: A torchvision state dict file; without one torchvision's own loader gets them.
        ends: Where each feature map is taken: torchvision layers up to and including it.
        normalised: Whether by ImageNet's mean and deviation, as the network was trained; else it
            is fed images in [-1, 1], or with *signed* false in [0, 1].
        side: To which images are resized; 0 for none.
        name: ``vgg16`` or ``vgg19``.

    Raises:
        TrainingError: The weights are not available.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        weights: Path | None = None,
        ends: Sequence[int] = (2, 7, 12, 21, 30),
        *,
        normalised: bool = True,
        signed: bool = True,
        side: int = 0,
        name: str = "vgg19",
    ) -> None:
        super().__init__()
        self.side = side
        whole = VGGFeatures(name, weights, end=max(ends))
        starts = [0, *ends]
        self.parts = nn.ModuleList(
            whole.layers[a:b] for a, b in zip(starts, starts[1:], strict=False)
        )
        centre, spread = (0.5, 0.5) if signed else (0.0, 1.0)
        mean, std = torch.full_like(whole.mean, centre), torch.full_like(whole.std, spread)
        self.register_buffer("mean", whole.mean if normalised else mean)
        self.register_buffer("std", whole.std if normalised else std)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps, by default relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1."""
        if self.side:
            images = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        x, features = (images.float() - self.mean) / self.std, []
        with torch.autocast(images.device.type, enabled=False):
            for part in self.parts:
                x = part(x)
                features.append(x)
        return features


class OneLayer(nn.Module):
    """A network with one feature map, as a list of one.

    Args:
        net: (N, 3, H, W) in [0, 1] -> (N, C, h, w).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the one feature map."""
        return [self.net(images)]


class RecognizerFeatures(nn.Module):
    """Mid-stage features of the project's shipped face recogniser; frozen.

    Features are divided by the root mean square of all channels at once, so that a loss
    weight does not depend on the recogniser's scale.

    Raises:
        TrainingError: No recogniser weights are shipped.
    """

    def __init__(self, device: str = "cpu") -> None:
        super().__init__()
        self.recognizer = _recognizer(device)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, C, h, w) features of images in [0, 1], resized where need be."""
        images = _fitted(images, self.recognizer.image_size)
        with torch.autocast(images.device.type, enabled=False):
            features = self.recognizer.feature_maps(images.float())  # type: ignore[attr-defined]
        return features / features.detach().square().mean().sqrt().clamp_min(1e-6)


class RecognizerLayers(nn.Module):
    """Early, mid-stage and late features of the project's shipped face recogniser; frozen.

    Each layer has a scale of its own, which :func:`relative_loss` divides by.

    Raises:
        TrainingError: No recogniser weights are shipped.
    """

    def __init__(self, device: str = "cpu") -> None:
        super().__init__()
        self.recognizer = _recognizer(device)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return (N, C, h, w) float32 features of images in [0, 1], a map for each layer."""
        images = _fitted(images, self.recognizer.image_size)
        with torch.autocast(images.device.type, enabled=False):
            return self.recognizer.feature_layers(images.float(), REDUCTIONS)  # type: ignore[attr-defined,no-any-return]


def _recognizer(device: str) -> Recognizer:
    from restore_recog.registry import DEFAULT_RECOGNIZER, recognizers

    try:
        return recognizers.create(DEFAULT_RECOGNIZER, device=device)
    except RestoreRecogError as error:
        raise TrainingError(
            f"The recogniser's features are not available ({error}); choose perceptual=none, "
            "or perceptual=vgg16 where its weights are available."
        ) from error


def _fitted(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", antialias=True)


def feature_net(name: str, weights: Path | None = None, device: str = "cpu") -> nn.Module | None:
    """Return the feature network of that name, or None for ``none``.

    Args:
        name: ``vgg16``, ``vgg19``, ``recognizer``, ``recognizer-layers`` or ``none``.
        weights: For VGG, a local file.
        device: Where it runs.

    Raises:
        TrainingError: The weights are not available.
    """
    if name == "none":
        return None
    if name == "recognizer":
        return RecognizerFeatures(device)
    if name == LAYERS:
        return RecognizerLayers(device)
    return VGGFeatures(name, weights).to(device)


def layer_net(
    name: str, weights: Path | None = None, device: str = "cpu", **vgg: Any
) -> nn.Module | None:
    """Return the network of that name that gives a list of feature maps, or None for ``none``.

    Args:
        name: As for :func:`feature_net`.
        weights: For VGG, a local file.
        device: Where it runs.
        vgg: Further arguments of :class:`VGGLayers`.

    Raises:
        TrainingError: The weights are not available.
    """
    if name == "none":
        return None
    if name == "recognizer":
        return OneLayer(RecognizerFeatures(device))
    if name == LAYERS:
        return RecognizerLayers(device)
    return VGGLayers(weights, name=name, **vgg).to(device)


def perceptual_loss(net: nn.Module, images: Tensor, clean: Tensor) -> Tensor:
    """Return (N,) mean squared differences of features; no gradient through *clean*.

    Args:
        net: Of :func:`feature_net`; of several layers it is :func:`relative_loss`.
        images, clean: (N, 3, H, W) in [0, 1].
    """
    with torch.no_grad():
        target = net(clean)
    made = net(images)
    if isinstance(target, Tensor):
        return _mean_square(made - target)
    return relative_loss(made, target)


def relative_loss(made: Sequence[Tensor], clean: Sequence[Tensor]) -> Tensor:
    """Return (N,) the mean over layers of mean squared differences of features.

    Each layer's is divided by the mean square of the clean image's features there, so that none
    outweighs the others.

    Args:
        made, clean: (N, C, h, w) of each layer; no gradient flows through *clean*.
    """
    ratios = [
        _mean_square(a - b.detach()) / _mean_square(b.detach()).clamp_min(1e-12)
        for a, b in zip(made, clean, strict=True)
    ]
    return torch.stack(ratios).mean(0)


def _mean_square(features: Tensor) -> Tensor:
    """Return (N,) of (N, C, h, w) features."""
    return features.square().flatten(1).mean(1)
