"""VGG-19 with a few channels: the layers of torchvision's, and a file of its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.vgg import make_layers

WIDTHS = (3, "M", 4, "M", 5, "M", 6, "M", 7, "M")
"""Of the five stages, which have 2, 2, 4, 4 and 4 convolutions."""


class SmallVGG(nn.Module):
    """Has torchvision's ``features`` of VGG-19, but narrow."""

    def __init__(self) -> None:
        super().__init__()
        counts = iter((2, 2, 4, 4, 4))
        plan = [[w] if w == "M" else [w] * next(counts) for w in WIDTHS]
        self.features = make_layers([w for stage in plan for w in stage])  # type: ignore[arg-type]


def stored(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Let torchvision make narrow networks; write the random weights of one, return the file."""
    patch.setattr("torchvision.models.vgg19", SmallVGG)
    torch.manual_seed(0)
    torch.save(SmallVGG().state_dict(), folder / "vgg.pth")
    return folder / "vgg.pth"
