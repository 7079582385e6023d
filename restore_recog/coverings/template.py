"""Coverings that a user brings: transparent PNG images with anchor points.

The anchor points say where places of the face lie in the image; the image is warped so
that they come to lie there. They stand in a file of the same name that ends in ``.json``, or
in the PNG itself as a text called ``anchors``; both hold one JSON object.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from restore_recog.coverings.shapes import tent
from restore_recog.coverings.sheet import EXTENT, LEFT, TOP, Bytes, Canvas, Floats, Sheet, finish
from restore_recog.errors import DataError
from restore_recog.image_search import ImageSearch
from restore_recog.system.text import parse_json, read_text

ANCHORS: dict[str, tuple[float, float]] = {
    "nose_bridge": (0.0, 0.25),
    "left_cheek": (-1.05, 0.85),
    "right_cheek": (1.05, 0.85),
    "chin": (0.0, 1.97),
    "left_jaw": (-0.78, 1.5),
    "right_jaw": (0.78, 1.5),
}
"""Where each anchor point lies on the face, in eye distances from between the eyes; left and
right are the image's. The first four are needed."""

NEEDED = tuple(ANCHORS)[:4]


@lru_cache(maxsize=16)
def files(location: str) -> tuple[Path, ...]:
    """Return the templates of a PNG file or of a folder, sorted; each has been looked at.

    Raises:
        DataError: There is none, or one of them cannot be used.
    """
    path = Path(location).expanduser()
    paths = [path]
    if os.path.isdir(path):
        paths = [file for file in ImageSearch().files(path) if file.suffix == ".png"]
    if not location or not os.path.exists(path):
        raise DataError(f"There is no covering template '{location}'; name a PNG file or a folder.")
    if not paths:
        raise DataError(f"The folder '{location}' holds no covering template (*.png).")
    for file in paths:
        _read(file)
    return tuple(paths)


@lru_cache(maxsize=64)
def _read(path: Path) -> tuple[Bytes, Floats]:
    """Return the (H, W, 4) image and the (3, 3) matrix from its pixels to the face frame."""
    try:
        with Image.open(path) as image:
            text = image.info.get("anchors")
            transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            is_png = image.format == "PNG"
            pixels = np.array(image.convert("RGBA"))
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise DataError(
            f"The covering template '{path}' is not an image that can be read."
        ) from error
    opacity = pixels[..., 3]
    if not is_png or not transparent or opacity.min() > 127 or opacity.max() < 128:
        raise DataError(
            f"The covering template '{path}' is not a transparent PNG: what is around the covering "
            "must be transparent, and the covering must not be."
        )
    side = path.with_suffix(".json")
    anchors = _anchors(path, read_text(side) if os.path.isfile(side) else text, pixels.shape)
    target = np.array([ANCHORS[name] for name in anchors], dtype=np.float64)
    matrix, _ = cv2.findHomography(np.array(list(anchors.values())), target)
    if matrix is None or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise DataError(f"The anchor points of the covering template '{path}' lie on one line.")
    return pixels, np.asarray(matrix, dtype=np.float64)


def _anchors(path: Path, text: Any, shape: tuple[int, ...]) -> dict[str, tuple[float, float]]:
    """Return name -> (column, row) of the anchor points in a JSON text."""
    if not text:
        raise DataError(
            f"The covering template '{path}' has no anchor points; write {path.stem}.json beside "
            f'it with {{"{NEEDED[0]}": [column, row], ...}} for {", ".join(NEEDED)}.'
        )
    try:
        given = parse_json(text, "it")
        anchors = {name: (float(x), float(y)) for name, (x, y) in given.items() if name in ANCHORS}
    except (DataError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            f"The anchor points of the covering template '{path}' are not JSON of the form "
            f'{{"{NEEDED[0]}": [column, row], ...}}.'
        ) from error
    missing = [name for name in NEEDED if name not in anchors]
    if missing:
        raise DataError(
            f"The covering template '{path}' lacks the anchor point {', '.join(missing)}."
        )
    for name, (column, row) in anchors.items():
        if not (0 <= column <= shape[1] - 1 and 0 <= row <= shape[0] - 1):
            raise DataError(
                f"The anchor point {name} of the covering template '{path}' lies outside the "
                f"image of {shape[1]} x {shape[0]} pixels."
            )
    return anchors


@lru_cache(maxsize=64)
def sheet(path: Path, size: int) -> Sheet:
    """Return a template as a sheet of a size in pixels."""
    pixels, matrix = _read(path)
    canvas, scale = Canvas(size), size / EXTENT
    shrink = _shrink(pixels.shape, matrix, scale)
    premultiplied = pixels.astype(np.float32) / 255
    premultiplied[..., :3] *= premultiplied[..., 3:]
    if shrink > 1:  # the mean over the pixels that fall into one: no stair-steps
        side = tuple(max(2, round(n / shrink)) for n in pixels.shape[1::-1])
        premultiplied = cv2.resize(premultiplied, side, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    ratio = np.array(pixels.shape[1::-1]) / premultiplied.shape[1::-1]
    grow = np.array(
        [[ratio[0], 0, ratio[0] / 2 - 0.5], [0, ratio[1], ratio[1] / 2 - 0.5], [0, 0, 1]]
    )
    place = np.array([[scale, 0, -LEFT * scale - 0.5], [0, scale, -TOP * scale - 0.5], [0, 0, 1]])
    laid = cv2.warpPerspective(premultiplied, place @ matrix @ grow, (size, size))
    opacity = np.ascontiguousarray(laid[..., 3], dtype=np.float32)
    colours = laid[..., :3] / np.maximum(opacity, 1 / 255)[..., None]
    flat = finish(canvas, {"alpha": opacity, "height": 0.5 * tent(canvas, 0.3)}, "template")
    shown = np.clip(np.round(colours * 255), 0, 255).astype(np.uint8)
    return Sheet(flat.paint, flat.form, "template", shown)


def _shrink(shape: tuple[int, ...], matrix: Floats, scale: float) -> float:
    """Return how many pixels of the template fall into one of the sheet, along one axis."""
    middle = np.array([shape[1] / 2, shape[0] / 2])
    points = np.array([middle, middle + [1, 0], middle + [0, 1]])[None]
    centre, right, below = cv2.perspectiveTransform(points, matrix)[0]
    area = abs(float(np.linalg.det(np.array([right - centre, below - centre]))))
    return 1 / max(float(np.sqrt(area)) * scale, 1e-6)


def tinted(image: Bytes, main: Floats) -> Bytes:
    """Return an image in shades of one colour, as bright as that colour on the whole."""
    grey = image.astype(np.float32).mean(axis=-1, keepdims=True)
    level = grey / max(float(grey[grey > 0].mean()) if (grey > 0).any() else 1.0, 1.0)
    return np.clip(np.round(level * main * 255), 0, 255).astype(np.uint8)
