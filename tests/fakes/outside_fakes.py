"""Folders of crops as ``restore-recog crops`` writes them, and systems that fill them."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from recognizer_files import script
from torch import nn

from restore_recog import images
from restore_recog.restoring.by_image import in_bytes
from restore_recog.restoring.crop_folder import MASKS, OCCLUDED, RESTORED, CropWriter
from restore_recog.testing import face_batch
from restore_recog.types import FaceBatch, Pixels

System = Callable[[Pixels, Pixels], Pixels]
"""(S, S, 3) crop and (S, S) mask as the files have it -> (any, any, 3)."""


def crops(root: Path, batch: FaceBatch, polarity: int = 1) -> Path:
    """Write a folder of the images of a batch."""
    root.mkdir(parents=True)
    writer = CropWriter(root, batch.images.shape[-1], polarity)
    for number, (image, hole) in enumerate(zip(*in_bytes(batch), strict=True)):
        writer.add(image, hole, "restored", (f"ann/{number}.jpg", "ann"), np.eye(2, 3))
    writer.finish({"command": "restore-recog crops -d phantom"})
    return root


def fill(root: Path, system: System) -> Path:
    """Let a system restore every crop of a folder."""
    for path in sorted((root / OCCLUDED).iterdir()):
        mask = images.read_mask(root / MASKS / path.name, images.read(path).shape[:2])
        images.write(root / RESTORED / path.name, system(images.read(path), mask))
    return root


def telea(image: Pixels, mask: Pixels) -> Pixels:
    """Inpaint what is white, as the restorer of that name does."""
    return cv2.inpaint(image, mask, 3.0, cv2.INPAINT_TELEA)


def inverse(image: Pixels, mask: Pixels) -> Pixels:
    """Invert the colours of what is white, and shift them so that grey changes too."""
    return np.where(mask[:, :, None] > 0, 200 - image // 2, image)


def contract_folder(root: Path, size: int = 64) -> Path:
    """Return a filled folder of all that the contract of restorers asks for."""
    if not root.exists():
        batch = face_batch(3, (size, size))
        masks = (batch.masks, torch.zeros_like(batch.masks), torch.ones_like(batch.masks))
        every = replace(batch, images=batch.images.repeat(3, 1, 1, 1), masks=torch.cat(masks))
        fill(crops(root, every), inverse)
    return root


def copied(root: Path, place: Path) -> Path:
    """Return a copy of a folder."""
    return Path(shutil.copytree(root, place))


class Negative(nn.Module):
    """An inpainter that shows the negative of what it is given, where the mask is high.

    Args:
        low, high: Range of its images; what it gives is in [0, 255] if *bytes*, else in the same.
        bytes: See there.
        turned: Whether its masks are high where the face is not covered.
    """

    def __init__(
        self, low: float = 0.0, high: float = 1.0, bytes: bool = False, turned: bool = False
    ) -> None:
        super().__init__()
        self.low, self.high, self.bytes, self.turned = low, high, bytes, turned

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        hole = 1 - mask if self.turned else mask
        made = image * (1 - hole) + (self.low + self.high - image) * hole
        return 255 * (made - self.low) / (self.high - self.low) if self.bytes else made


class Joined(nn.Module):
    """The same with one input: first the mask, then the image."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Negative()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x[:, 1:], x[:, :1])


def onnx_net(
    net: nn.Module, path: Path, shapes: Sequence[Sequence[int]], names: Sequence[str], free: str
) -> Path:
    """Write a network as ONNX.

    Args:
        net: It.
        path: Where to.
        shapes, names: Of its inputs.
        free: Which dimensions may be any: ``n`` the number of images, ``nhw`` the sides too.
    """
    for package in ("onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    axes = {0: "n"} if free == "n" else {0: "n", 2: "h", 3: "w"} if free == "nhw" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter needs onnx alone, and says it is old
        torch.onnx.export(
            net.eval(),
            tuple(torch.rand(shape) for shape in shapes),
            str(path),
            dynamo=False,
            dynamic_axes={name: axes for name in (*names, "restored")} if axes else None,
            input_names=list(names),
            output_names=["restored"],
        )
    return path


def onnx_inpainter(root: Path, side: int = 64) -> str:
    """Return the argument of a small inpainter in ONNX."""
    shapes = [(1, channels, side, side) for channels in (3, 1)]
    return f"range=[0,1] {onnx_net(Negative(), root / 'net.onnx', shapes, ['image', 'mask'], 'n')}"


def torchscript_inpainter(root: Path, side: int = 64) -> str:
    """Return the argument of a small inpainter in TorchScript."""
    return f"range=[0,1] size={side} {script(Negative(), root / 'net.pt')}"
