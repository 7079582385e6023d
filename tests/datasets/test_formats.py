"""Every format of image that a layout names is read with its colours right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restore_recog import images
from restore_recog.datasets.folder import Folder
from restore_recog.types import FaceImage


def colours() -> np.ndarray:
    """Return (24, 32, 3): four bands, red, green, blue and grey."""
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[:, :8, 0] = pixels[:, 8:16, 1] = pixels[:, 16:24, 2] = 200
    pixels[:, 24:] = 90
    return pixels


@pytest.mark.parametrize("ending", [".ppm", ".PPM", ".bmp", ".BMP", ".tif", ".tiff", ".png"])
def test_lossless_formats_keep_every_value(tmp_path: Path, ending: str) -> None:
    Image.fromarray(colours()).save(tmp_path / f"a{ending}")
    assert np.array_equal(images.read(tmp_path / f"a{ending}"), colours())


def test_jpeg_keeps_the_colours(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.JPG", quality=95, subsampling=0)
    difference = images.read(tmp_path / "a.JPG").astype(int) - colours()
    assert np.abs(difference[:, [4, 12, 20, 28]]).max() < 12


@pytest.mark.parametrize(("name", "header"), [("a.pgm", b"P5\n"), ("b.ppm", b"P6\n")])
def test_netpbm_as_other_programs_write_it(tmp_path: Path, name: str, header: bytes) -> None:
    depth = 1 if header == b"P5\n" else 3
    values = np.arange(20 * 18 * depth, dtype=np.uint32) % 251
    text = b"# by hand\n18 20\n255\n"
    (tmp_path / name).write_bytes(header + text + values.astype(np.uint8).tobytes())
    expected = np.broadcast_to(values.reshape(20, 18, depth), (20, 18, 3))
    assert np.array_equal(images.read(tmp_path / name), expected)


def test_a_bitmap_stored_from_the_top_and_one_from_the_bottom(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "bottom.bmp")
    data = bytearray((tmp_path / "bottom.bmp").read_bytes())
    start = int.from_bytes(data[10:14], "little")
    rows = np.frombuffer(bytes(data[start:]), np.uint8).reshape(24, -1)[::-1]
    data[22:26] = (-24).to_bytes(4, "little", signed=True)
    (tmp_path / "top.bmp").write_bytes(bytes(data[:start]) + rows.tobytes())
    assert np.array_equal(images.read(tmp_path / "top.bmp"), images.read(tmp_path / "bottom.bmp"))


def test_a_folder_finds_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    for ending in (".bmp", ".jpg", ".pgm", ".png", ".ppm", ".tif"):
        grey = ending == ".pgm"
        image = Image.fromarray(colours())
        (image.convert("L") if grey else image).save(tmp_path / "ann" / f"x{ending}")
    dataset = Folder(str(tmp_path))
    assert len(dataset.samples()) == 6
    assert all(isinstance(image, FaceImage) for image in dataset.read(dataset.samples()))
