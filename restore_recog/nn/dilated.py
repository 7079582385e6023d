"""The layers of generators whose body is a row of dilated residual blocks.

Convolutions are drawn from N(0, 0.02) and followed by instance normalisation without parameters.
Source: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV
2016, as Nazeri et al., "EdgeConnect", 2019, dilate it and Yang et al., "Generative Landmark Guided
Face Inpainting" (LaFIn), PRCV 2020, take it over.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

UPSAMPLING = ("deconv", "bilinear")


def drawn(layer: nn.Conv2d | nn.ConvTranspose2d, *, spectral: bool = False) -> nn.Module:
    """Return a convolution with weights from N(0, 0.02) and a bias of 0; perhaps normalised."""
    nn.init.normal_(layer.weight, 0.0, 0.02)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return spectral_norm(layer) if spectral else layer


def conv(inputs: int, outputs: int, side: int, *, spectral: bool = False, **how: Any) -> nn.Module:
    """Return a :func:`drawn` convolution; *how* are further arguments of ``Conv2d``."""
    return drawn(nn.Conv2d(inputs, outputs, side, **how), spectral=spectral)


def normalised(*layers: nn.Module, width: int) -> nn.Sequential:
    """Return layers, instance normalisation of *width* channels and ReLU."""
    return nn.Sequential(*layers, nn.InstanceNorm2d(width), nn.ReLU())


def enlarging(
    inputs: int, outputs: int, upsampling: str, *, spectral: bool = False
) -> nn.Sequential:
    """Return layers that double the sides.

    Deviation: ``bilinear`` convolves and then doubles, without the chequered patterns of stride-2
    transposed convolutions, which the originals have (``deconv``).

    Args:
        inputs, outputs: Channels.
        upsampling: One of :data:`UPSAMPLING`.
        spectral: Whether the convolution is spectrally normalised.
    """
    if upsampling == "deconv":
        layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        return normalised(drawn(layer, spectral=spectral), width=outputs)
    return normalised(
        conv(inputs, outputs, 3, spectral=spectral, padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        width=outputs,
    )


class DilatedBlock(nn.Module):
    """A residual block whose first convolution is dilated by 2; nothing follows the addition.

    Args:
        channels: C.
        spectral: Whether the convolutions are spectrally normalised; then they have no bias.
    """

    def __init__(self, channels: int, *, spectral: bool = False) -> None:
        super().__init__()
        how: dict[str, Any] = {"spectral": spectral, "bias": not spectral}
        self.branch = nn.Sequential(
            *normalised(
                nn.ReflectionPad2d(2),
                conv(channels, channels, 3, dilation=2, **how),
                width=channels,
            ),
            nn.ReflectionPad2d(1),
            conv(channels, channels, 3, **how),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return (N, C, H, W) of the same."""
        return features + self.branch(features)  # type: ignore[no-any-return]
