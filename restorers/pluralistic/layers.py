"""The residual blocks of Pluralistic: spectrally normalised, activated before they convolve."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

SLOPE = 0.1
"""Of the leaky ReLUs."""

UPSAMPLING = ("deconv", "bilinear")


def spectral(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """Return a convolution drawn orthogonal, its bias 0, spectrally normalised."""
    nn.init.orthogonal_(layer.weight, 0.02)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return spectral_norm(layer)


def conv(inputs: int, outputs: int, side: int = 3, **how: Any) -> nn.Module:
    """Return a :func:`spectral` convolution that keeps the size, unless *how* says else."""
    return spectral(nn.Conv2d(inputs, outputs, side, **{"padding": side // 2, **how}))


class Block(nn.Module):
    """A residual block, (N, inputs, H, W) -> (N, outputs, H, W), or half as large.

    Args:
        inputs, outputs, hidden: Channels.
        halves: Whether the sum is averaged over 2 x 2 places.
        first: Whether it is fed an image, which is not activated before the first convolution.
    """

    def __init__(
        self, inputs: int, outputs: int, hidden: int, *, halves: bool = False, first: bool = False
    ) -> None:
        super().__init__()
        layers = [conv(inputs, hidden), nn.LeakyReLU(SLOPE), conv(hidden, outputs)]
        self.main = nn.Sequential(*([] if first else [nn.LeakyReLU(SLOPE)]), *layers)
        self.across = conv(inputs, outputs, 1)
        self.pool: nn.Module = nn.AvgPool2d(2) if halves else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """Return the features."""
        # Averaging first is the same for a convolution 1 x 1, and cheaper.
        return self.pool(self.main(features)) + self.across(self.pool(features))  # type: ignore[no-any-return]


class DoublingBlock(nn.Module):
    """A residual block of the decoder, (N, inputs, H, W) -> (N, outputs, 2 H, 2 W).

    Deviation: ``bilinear`` doubles the sides by interpolation and convolves 3 x 3, without the
    chequered patterns of the original's transposed convolutions of stride 2 (``deconv``).

    Args:
        inputs, outputs: Channels.
        upsampling: One of :data:`UPSAMPLING`.
    """

    def __init__(self, inputs: int, outputs: int, upsampling: str) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.InstanceNorm2d(inputs, affine=True),
            nn.LeakyReLU(SLOPE),
            conv(inputs, outputs),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.LeakyReLU(SLOPE),
        )
        self.across: nn.Module
        if upsampling == "deconv":
            how: dict[str, Any] = {"stride": 2, "padding": 1, "output_padding": 1}
            self.main.append(spectral(nn.ConvTranspose2d(outputs, outputs, 3, **how)))
            self.across = spectral(nn.ConvTranspose2d(inputs, outputs, 3, **how))
        else:
            double = nn.Upsample(scale_factor=2, mode="bilinear")
            self.main.extend([double, conv(outputs, outputs)])
            self.across = nn.Sequential(conv(inputs, outputs), double)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features."""
        return self.main(features) + self.across(features)  # type: ignore[no-any-return]


def image_of(inputs: int) -> nn.Sequential:
    """Return layers from features to an image in [-1, 1] of the same size."""
    padded = conv(inputs, 3, padding=1, padding_mode="reflect")
    return nn.Sequential(nn.LeakyReLU(SLOPE), padded, nn.Tanh())


def widths(base: int, widest: int, layers: int) -> list[int]:
    """Return the channels after each of the encoder's layers: b, 2b, 4b, 4b, ..."""
    return [base * min(2**layer, widest) for layer in range(layers)]
