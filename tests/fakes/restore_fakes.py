"""What the tests of ``restore-recog restore`` share: drawn images, masks and the call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from restore_recog.cli import main


def run(*args: object):
    return CliRunner().invoke(main, ["restore", *map(str, args), "--device", "cpu"])


def pattern(height: int = 90, width: int = 90) -> np.ndarray:
    """Return an image in which every pixel differs from its neighbours."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y * 2 % 256, x * 2 % 256, (x * 7 + y * 13) % 256], axis=2).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def box_mask(height: int = 90, width: int = 90) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2 : height * 3 // 4, width // 3 : width * 2 // 3] = 255
    return mask


TELEA = ("--restorer", "telea", "--aligned")
