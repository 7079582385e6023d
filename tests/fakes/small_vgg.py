"""VGG with a few channels: the layers of torchvision's, and a file of its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.vgg import make_layers

WIDTHS = (3, "M", 4, "M", 5, "M", 6, "M", 7, "M")
"""Of the five stages."""

COUNTS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each stage."""


class SmallVGG(nn.Module):
    """Has torchvision's ``features`` of a VGG, but narrow."""

    def __init__(self, name: str = "vgg19") -> None:
        super().__init__()
        counts = iter(COUNTS[name])
        plan = [[w] if w == "M" else [w] * next(counts) for w in WIDTHS]
        self.features = make_layers([w for stage in plan for w in stage])  # type: ignore[arg-type]


def stored(folder: Path, patch: pytest.MonkeyPatch, name: str = "vgg19") -> Path:
    """Let torchvision make narrow networks; write the random weights of one, return the file."""
    patch.setattr(f"torchvision.models.{name}", lambda: SmallVGG(name))
    torch.manual_seed(0)
    torch.save(SmallVGG(name).state_dict(), folder / "vgg.pth")
    return folder / "vgg.pth"
