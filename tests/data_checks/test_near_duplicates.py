"""Images that were saved again in another size or encoding are found; others are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restore_recog import images
from restore_recog.data_checks.lists import validate
from restore_recog.data_checks.near_duplicates import CLOSE, alike, thumbnail
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.phantom import Phantom
from restore_recog.types import FaceImage


def faces() -> list[NDArray[np.uint8]]:
    """Return eight images of four made-up people."""
    data = Phantom("4x2")
    samples = [sample for sample in data.samples() if sample.attributes["split"] == "test"]
    images = data.read(samples)
    assert all(isinstance(image, FaceImage) for image in images)
    return [image.pixels for image in images if isinstance(image, FaceImage)]


def saved_again(pixels: NDArray[np.uint8], quality: int, size: int) -> NDArray[np.uint8]:
    """Return an image scaled, and encoded and decoded as JPEG."""
    scaled = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
    _, data = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def test_a_image_saved_again_is_found_and_different_ones_are_not() -> None:
    originals = faces()
    assert alike([thumbnail(pixels) for pixels in originals]) == []
    again = [saved_again(originals[2], 60, 128), saved_again(originals[5], 85, 90)]
    pairs = alike([thumbnail(pixels) for pixels in [*originals, *again]])
    assert pairs == [(2, 8), (5, 9)]


def test_every_near_pair_is_found_as_by_comparing_all() -> None:
    rng = np.random.default_rng(3)
    base = rng.integers(30, 220, (12, 16, 16))
    noise = rng.normal(0, 1, (60, 16, 16)) * rng.uniform(0.5, 3, (60, 1, 1))
    thumbnails = (base[np.arange(60) % 12] + noise).round().astype(np.uint8)
    rows = thumbnails.astype(float).reshape(60, -1)
    rms = np.sqrt(((rows[:, None] - rows) ** 2).mean(axis=2))
    wanted = [(i, j) for i in range(60) for j in range(i + 1, 60) if rms[i, j] <= CLOSE]
    assert 10 < len(wanted) < 140 and alike(list(thumbnails)) == wanted


def test_plain_images_are_like_nothing() -> None:
    plain = np.full((16, 16), 90, np.uint8)
    assert alike([plain, plain + 1]) == [] and alike([]) == [] and alike([plain]) == []


def test_validate_warns_of_one_image_under_two_people(tmp_path: Path) -> None:
    originals = faces()
    for number, pixels in enumerate(originals):
        images.write(tmp_path / f"person{number // 2}/{number}.png", pixels)
    again = cv2.resize(originals[0], (100, 100), interpolation=cv2.INTER_AREA)
    images.write(tmp_path / "person3/again.png", np.asarray(again, np.uint8))
    results = validate([Folder(str(tmp_path))])
    (near,) = [finding for finding in results.findings if finding.check.startswith("near")]
    assert near.check == "near-two-people" and near.severity == "warning"
    (issue,) = near.issues
    assert {"person0/0.png", "person3/again.png"} == {issue.where, issue.detail.split()[-1]}
