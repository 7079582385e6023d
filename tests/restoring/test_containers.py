"""What a rewritten image file keeps: every pixel outside, transparency, profile, orientation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from restore_recog import containers, images

SIDE = 24


def picture() -> np.ndarray:
    """Return an image without symmetry, all of whose pixels differ."""
    y, x = np.mgrid[:SIDE, : SIDE + 6]
    return np.stack([y * 9, x * 8, (x * 7 + y * 13) % 256], axis=2).astype(np.uint8)


def rewritten(source: Path, target: Path | None = None) -> tuple[Path, list[str]]:
    """Change a square of an image file; return the new file and what was said."""
    target = target or source.parent / "out" / source.name
    before = images.read(source)
    after = before.copy()
    after[4:12, 3:9] = 255 - after[4:12, 3:9]
    return target, containers.rewrite(containers.read(source), target, before, after)


def outside(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape[:2], bool)
    mask[4:12, 3:9] = False
    return mask


@pytest.mark.parametrize("ending", containers.EXACT)
def test_every_pixel_outside_stays_in_the_same_format(tmp_path: Path, ending: str) -> None:
    source = tmp_path / f"a{ending}"
    images.write(source, picture() if ending != ".pgm" else picture()[:, :, 0])
    target, said = rewritten(source)
    old, new = images.read(source), images.read(target)
    assert said == []
    assert np.array_equal(new[outside(old.shape)], old[outside(old.shape)])
    assert (new != old).any(axis=2).sum() == 48
    with Image.open(source) as one, Image.open(target) as other:
        assert one.format == other.format and one.mode == other.mode


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif"])
def test_transparency_and_the_colours_under_it_stay(tmp_path: Path, ending: str) -> None:
    alpha = np.full((SIDE, SIDE + 6, 1), 255, np.uint8)
    alpha[:, -5:], alpha[10:] = 0, 77
    source = tmp_path / f"a{ending}"
    images.save(source, Image.fromarray(np.dstack([picture(), alpha])))
    target, said = rewritten(source)
    old, new = (np.asarray(Image.open(path)) for path in (source, target))
    assert said == [] and new.shape[2] == 4
    assert np.array_equal(new[:, :, 3], old[:, :, 3])
    assert np.array_equal(new[outside(old.shape)], old[outside(old.shape)])


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif", ".jpg"])
def test_profile_and_orientation_stay(tmp_path: Path, ending: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        source = tmp_path / f"{orientation}{ending}"
        images.save(source, Image.fromarray(picture()), exif=exif, icc_profile=profile)
        target, _ = rewritten(source)
        with Image.open(source) as one, Image.open(target) as other:
            assert other.getexif()[0x0112] == orientation
            assert other.info["icc_profile"] == profile
            assert one.size == other.size
            if ending != ".jpg":
                upright = [np.asarray(ImageOps.exif_transpose(image)) for image in (one, other)]
                mask = outside(upright[0].shape)
                assert np.array_equal(upright[0][mask], upright[1][mask])


def test_another_format_is_upright_and_keeps_what_the_camera_tells(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"
    source = tmp_path / "a.jpg"
    images.save(source, Image.fromarray(picture()), exif=exif)
    target, _ = rewritten(source, tmp_path / "a.png")
    with Image.open(target) as image:
        assert image.getexif()[0x0112] == 1 and image.getexif()[0x010F] == "a maker"
    old, new = images.read(source), images.read(target)
    assert np.array_equal(new[outside(old.shape)], old[outside(old.shape)])


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(picture()[:, :, 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "cmyk.jpg", icc_profile=b"x" * 99)
    frames[0].save(tmp_path / "pages.tif", save_all=True, append_images=frames[1:])
    for name, words in (
        ("a.gif", ["of its 2 frames or pages the first is kept"]),
        ("pages.tif", ["of its 2 frames or pages the first is kept"]),
        ("deep.png", ["its 16 bits a channel become 8"]),
        ("cmyk.jpg", ["its CMYK colours become RGB", "its colour profile is lost"]),
    ):
        target = tmp_path / "out" / Path(name).with_suffix(".png").name
        assert rewritten(tmp_path / name, target)[1] == words


def test_a_lossy_format_that_was_asked_for_says_what_it_changes(tmp_path: Path) -> None:
    images.write(tmp_path / "a.jpg", picture())
    _, (said,) = rewritten(tmp_path / "a.jpg")
    assert said.startswith("its format changes ") and said.endswith(" levels at most")


def test_damaged_data_beside_the_pixels_do_not_lose_the_image(tmp_path: Path) -> None:
    images.write(tmp_path / "a.png", picture())
    container = containers.read(tmp_path / "a.png")
    container.facts["dpi"] = (float("inf"), 1)
    before = images.read(tmp_path / "a.png")
    said = containers.rewrite(container, tmp_path / "b.png", before, 255 - before)
    assert "which are damaged, are lost" in said[0]
    assert np.array_equal(images.read(tmp_path / "b.png"), 255 - before)
