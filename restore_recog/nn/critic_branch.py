"""Discriminators that look at a whole face and at a part of it: a branch, and where the part is.

Source: Iizuka et al., "Globally and Locally Consistent Image Completion", SIGGRAPH 2017, section
3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from restore_recog.errors import TrainingError


def same(layer: nn.Module) -> nn.Module:
    """Return the layer as it is."""
    return layer


class CriticBranch(nn.Module):
    """One branch of a discriminator, (N, 3, S, S) -> (N, hidden).

    5 x 5 convolutions with stride 2, each followed by ReLU, or a leaky one, and batch
    normalisation where asked for; then one fully connected layer.

    Args:
        widths: Of the convolutions.
        hidden: Of the fully connected layer.
        size: S.
        norm: ``spectral``, ``batch`` or ``none``.
        slope: Of the rectified units below 0.
    """

    def __init__(
        self, widths: Sequence[int], hidden: int, size: int, norm: str, slope: float = 0.2
    ) -> None:
        super().__init__()
        self.slope = slope
        wrap = spectral_norm if norm == "spectral" else same
        layers: list[nn.Module] = []
        for a, b in zip((3, *widths[:-1]), widths, strict=True):
            layers += [wrap(nn.Conv2d(a, b, 5, 2, 2)), nn.LeakyReLU(slope)]
            layers += [nn.BatchNorm2d(b)] if norm == "batch" else []
        side = -(-size // 2 ** len(widths))  # odd sides are rounded up
        self.convs = nn.Sequential(*layers)
        self.compress = wrap(nn.Linear(widths[-1] * side * side, hidden))

    def forward(self, images: Tensor) -> Tensor:
        """Return the compressed features, rectified."""
        features = self.convs(images).flatten(1)  # (N, C s s), s = S / 2 ** len(widths)
        return F.leaky_relu(self.compress(features), self.slope)


def around(images: Tensor, holes: Tensor, side: int) -> Tensor:
    """Return (N, C, side, side): of each image what lies around the middle of its own hole.

    The crop is moved where it would leave the image. Without a hole it is the image's middle.

    Args:
        images: (N, C, H, W).
        holes: (N, 1, H, W) in {0, 1}.
        side: At most H and W.
    """
    tops = _starts(holes.amax((1, 3)), side)
    lefts = _starts(holes.amax((1, 2)), side)
    return torch.stack(
        [
            image[:, top : top + side, left : left + side]
            for image, top, left in zip(images, tops, lefts, strict=True)
        ]
    )


def _starts(covered: Tensor, side: int) -> list[int]:
    """Return where *side* places begin whose middle is that of the covered ones.

    Args:
        covered: (N, L) in {0, 1}.
        side: At most L.
    """
    length = covered.shape[1]
    first = covered.argmax(1)
    last = length - 1 - covered.flip(1).argmax(1)  # without a hole first and last of all
    start = torch.div(first + last + 1 - side, 2, rounding_mode="floor")
    starts: list[int] = start.clamp(0, length - side).tolist()
    return starts


def check_view(model: str, side: int, size: int, levels: int) -> None:
    """Refuse a local view that is larger than the image, or too small to be halved so often.

    Args:
        model: Whose option ``local`` it is.
        side, size: Of the view and of the image, in pixels.
        levels: How often a discriminator halves it.

    Raises:
        TrainingError: It does not fit.
    """
    if side > size:
        raise TrainingError(
            f"{model}'s option 'local' cannot be {side}: images have {size} pixels."
        )
    if side < 2**levels:
        raise TrainingError(
            f"{model}'s option 'local' cannot be {side}: {levels} levels of 'local_widths' halve "
            f"it; choose {2**levels} or more."
        )
