"""Reading and writing image files: every mode, every kind of damage."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from restore_recog import images
from restore_recog.errors import ImageError, OutputError


@pytest.fixture
def ramp() -> np.ndarray:
    """Return a (24, 32, 3) image without symmetry."""
    y, x = np.mgrid[:24, :32]
    return np.stack([x * 8, y * 10, (x + y) * 4], axis=2).astype(np.uint8)


def test_png_comes_back_exactly(tmp_path: Path, ramp: np.ndarray) -> None:
    images.write(tmp_path / "new" / "a.png", ramp)
    assert np.array_equal(images.read(tmp_path / "new" / "a.png"), ramp)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]


def test_grey_palette_and_one_bit_become_rgb(tmp_path: Path, ramp: np.ndarray) -> None:
    grey = Image.fromarray(ramp[:, :, 0])
    grey.save(tmp_path / "grey.png")
    assert np.array_equal(images.read(tmp_path / "grey.png"), np.repeat(ramp[:, :, :1], 3, axis=2))
    grey.convert("1").save(tmp_path / "bit.png")
    assert set(np.unique(images.read(tmp_path / "bit.png"))) == {0, 255}
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.save(tmp_path / "palette.png")
    assert (images.read(tmp_path / "palette.png") == (200, 100, 50)).all()


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:, :10] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = images.read(tmp_path / "a.png")
    assert (read[:, :10] == (10, 20, 30)).all() and (read[:, 10:] == 255).all()


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    red, green, blue = images.read(tmp_path / "red.jpg")[10, 10].astype(int)
    assert red > 240 and green < 15 and blue < 15


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    values = (np.arange(400).reshape(20, 20) * 164).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    read = images.read(tmp_path / "a.png")
    assert np.array_equal(read[:, :, 0], np.round(values / 257).astype(np.uint8))


def test_camera_orientation_is_applied(tmp_path: Path, ramp: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    Image.fromarray(ramp).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(images.read(tmp_path / "a.png"), np.rot90(ramp, k=-1))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "it is empty"), (b"these are words", "cannot"), (b"\x89PNG\r\n\x1a\n123", "cannot")],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=reason) as error:
        images.read(tmp_path / "a.png")
    assert "a.png" in str(error.value)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    images.write(tmp_path / name, noise)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImageError, match="cannot be read"):
        images.read(tmp_path / name)


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path, tmp_path / ("a" * 300), tmp_path / "a\0.png"):
        with pytest.raises(ImageError, match="no image file"):
            images.read(path)


def test_float_images_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((20, 20), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ImageError, match="floating-point"):
        images.read(tmp_path / "a.tif")


@pytest.mark.parametrize("shape", [(1, 1), (15, 400)])
def test_too_small_is_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    Image.new("RGB", shape[::-1]).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match="too small"):
        images.read(tmp_path / "a.png")


def test_huge_is_refused_unread(tmp_path: Path) -> None:
    """A header of 30,000 x 30,000 pixels without any data behind it."""
    (tmp_path / "a.ppm").write_bytes(b"P6\n30000 30000\n255\n")
    with pytest.raises(ImageError, match="too large"):
        images.read(tmp_path / "a.ppm")


def test_mask_is_thresholded_at_127_and_resized_to_the_nearest(tmp_path: Path) -> None:
    Image.fromarray(np.array([[127, 128], [0, 255]], np.uint8)).save(tmp_path / "m.png")
    mask = images.read_mask(tmp_path / "m.png", (4, 6))
    expected = np.kron(np.array([[0, 1], [0, 1]]), np.ones((2, 3)))
    assert mask.dtype == np.uint8 and np.array_equal(mask, expected)


def test_mask_of_zeros_and_ones_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(ImageError, match="no value above 127"):
        images.read_mask(tmp_path / "m.png", (8, 8))


@pytest.mark.parametrize("value", [1, 100, 255, 30_000])
def test_a_faint_mask_of_sixteen_bits_is_refused_by_its_own_values(
    tmp_path: Path, value: int
) -> None:
    grey = (np.eye(20) * value).astype(np.uint16)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    for name, mask in (("grey.png", grey), ("colour.png", colour), ("colour.tif", colour)):
        cv2.imwrite(str(tmp_path / name), mask)
        with pytest.raises(ImageError, match=f"its highest is {value}"):
            images.read_mask(tmp_path / name, (20, 20))
        cv2.imwrite(str(tmp_path / name), mask // value * 65535)
        assert np.array_equal(images.read_mask(tmp_path / name, (20, 20)), np.eye(20))


def test_transparent_parts_of_a_mask_are_free(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 255, 255, 0)).save(tmp_path / "m.png")
    assert images.read_mask(tmp_path / "m.png", (8, 8)).sum() == 0


def test_unknown_ending_is_refused(tmp_path: Path, ramp: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"'\.xyz'.*\.png"):
        images.write(tmp_path / "a.xyz", ramp)


def test_write_over_a_folder_or_file_fails_clearly(tmp_path: Path, ramp: np.ndarray) -> None:
    (tmp_path / "a.png").mkdir()
    (tmp_path / "b").write_text("not a folder")
    for path in (tmp_path / "a.png", tmp_path / "b" / "c.png"):
        with pytest.raises(OutputError, match="cannot be written|is a folder"):
            images.write(path, ramp)


def test_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """The limit on file sizes stands in for a full disk."""
    old = np.zeros((20, 20, 3), np.uint8)
    images.write(tmp_path / "a.bmp", old)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written|is a folder"):
            images.write(tmp_path / "a.bmp", np.zeros((300, 300, 3), np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert np.array_equal(images.read(tmp_path / "a.bmp"), old)
    assert [path.name for path in tmp_path.iterdir()] == ["a.bmp"]


def test_tensor_and_back_is_exact() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    tensor = images.to_tensor([values, 255 - values])
    assert tensor.shape == (2, 3, 16, 16) and tensor.dtype == torch.float32
    assert tensor.min() == 0 and tensor.max() == 1
    assert np.array_equal(images.to_uint8(tensor), np.stack([values, 255 - values]))


def test_to_uint8_rounds_and_clamps_and_refuses_nan() -> None:
    tensor = torch.tensor([-0.5, 0.4 / 255, 0.6 / 255, 1.5]).reshape(1, 1, 2, 2).repeat(1, 3, 1, 1)
    assert images.to_uint8(tensor)[0, :, :, 0].ravel().tolist() == [0, 0, 1, 255]
    with pytest.raises(ValueError, match="finite"):
        images.to_uint8(torch.full((1, 3, 2, 2), float("nan")))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_decoding_costs_ten_bytes_a_pixel(tmp_path: Path) -> None:
    """A small file may hold a very large image, and a copy more would be felt."""
    file, side = tmp_path / "a.png", 3000
    Image.new("RGB", (side, side), (90, 91, 92)).save(file)
    code = (
        "import sys; from restore_recog import images\n"
        "peak = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "before = peak(); images.read(sys.argv[1]); print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert 3 <= int(done.stdout) * 1024 / side**2 < 11
