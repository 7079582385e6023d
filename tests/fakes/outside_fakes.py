"""Folders of crops as ``restore-recog crops`` writes them, and systems that fill them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

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
