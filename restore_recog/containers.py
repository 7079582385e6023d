"""What an image file holds besides its pixels as they are read, and a new file that keeps it.

Kept are transparency, the colour profile, EXIF data with the camera's orientation (without the
thumbnail, which shows the old image) and the resolution. What the new file does not keep is said.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from restore_recog import images
from restore_recog.types import Pixels

EXACT = (".png", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".pgm")
"""Endings of files in which every pixel is kept as it is; WebP is written without loss."""

_TRANSPARENT = (".png", ".webp", ".tif", ".tiff")
_ORIENTATION = 0x0112
_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright image comes to lie as the camera's mark says that it was stored."""
_DAMAGED = (ValueError, TypeError, KeyError, ArithmeticError, struct.error)
"""What Pillow raises where it cannot write what it has read beside the pixels."""
_FURTHER = {
    "xmp": "XMP data are",
    "photoshop": "IPTC data are",
    "comment": "comment is",
    "gamma": "gamma is",
}
"""What is not kept: Pillow's name of it, and ours."""
_GREY = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True, slots=True, eq=False)
class Container:
    """What an image file holds besides the (H, W, 3) pixels that :func:`images.read` returns.

    Attributes:
        format: Pillow's name of it.
        grey: Whether the file holds shades of grey.
        colours: (H, W, 4) uint8 RGBA, upright, of an image with transparent parts, else None.
        exif: All that the camera tells, its orientation among it.
        lost: What no file that is written here keeps.
        facts: Colour profile and resolution, as Pillow writes them.
    """

    format: str
    grey: bool
    colours: NDArray[np.uint8] | None
    exif: Image.Exif
    lost: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def read(path: Path) -> Container:
    """Return what a file holds besides its pixels.

    Raises:
        ImageError: It cannot be read.
    """
    with images.opened(path) as image:
        lost = tuple(_lost(image))
        exif, form, mode = image.getexif(), str(image.format), image.mode
        facts = {key: image.info[key] for key in ("icc_profile", "dpi") if image.info.get(key)}
        if mode not in ("RGB", "RGBA", "P", "PA", *_GREY):
            facts.pop("icc_profile", None)  # it is of another kind of colours
        colours = None
        if image.has_transparency_data:
            colours = np.asarray(ImageOps.exif_transpose(image.convert("RGBA")))
        return Container(form, mode in _GREY, colours, exif, lost, facts)


def rewrite(
    container: Container,
    target: Path,
    before: Pixels,
    after: Pixels,
    *,
    overwrite: bool = True,
) -> list[str]:
    """Write changed pixels into a file that keeps what came with them; return what it loses.

    Where *after* is *before*, a file of one of the formats :data:`EXACT` holds what the first
    file held.

    Args:
        container: Of the file from which *before* was read.
        target: The new file; its ending decides the format.
        before, after: (H, W, 3) uint8 RGB as :func:`images.read` returns it.
        overwrite: Whether a file of this name may be replaced.

    Raises:
        OutputError: It cannot be written.
    """
    ending = target.suffix.lower()
    said = list(container.lost)
    pixels: NDArray[np.uint8] = after
    if container.colours is not None and ending in _TRANSPARENT:
        changed = (before != after).any(axis=2, keepdims=True)  # (H, W, 1)
        colours = container.colours
        pixels = np.dstack([np.where(changed, after, colours[:, :, :3]), colours[:, :, 3:]])
    elif container.colours is not None:
        said.append("its transparency is lost")
    facts = dict(container.facts)
    if container.grey and (pixels[:, :, :1] == pixels[:, :, :3]).all():
        pixels = pixels[:, :, 0] if pixels.shape[2] == 3 else pixels[:, :, [0, 3]]
    elif container.grey and facts.pop("icc_profile", None):
        said.append("its colour profile, which is one of greys, is lost")
    image = stored = Image.fromarray(pixels)
    same = Image.registered_extensions().get(ending) == container.format
    turn = _BACK.get(container.exif.get(_ORIENTATION, 1)) if same else None
    if turn is not None:
        stored = image.transpose(turn)
    try:
        exif = _exif(container, same)
        images.save(target, stored, overwrite=overwrite, exif=exif, **facts)
    except _DAMAGED:
        images.save(target, image, overwrite=overwrite)
        said.append("its profile, EXIF data and resolution, which are damaged, are lost")
    if ending not in EXACT:
        said.append(_changed(target, before, after))
    return said


def _lost(image: Image.Image) -> Iterator[str]:
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        yield f"of its {frames} frames or pages the first is kept"
    if images.bits(image) > 8:
        yield "its 16 bits a channel become 8"
    if image.mode not in ("RGB", "RGBA", "P", "PA", *_GREY):
        yield f"its {image.mode} colours become RGB"
        if image.info.get("icc_profile"):
            yield "its colour profile is lost"
    for key, what in _FURTHER.items():
        if image.info.get(key):
            yield f"its {what} lost"


def _exif(container: Container, same: bool) -> Image.Exif:
    """Return the EXIF data for the new file.

    Args:
        container: Of the old file.
        same: Whether the new file has its format, and so its orientation; else it is upright.
    """
    if container.format == "TIFF":  # its EXIF data are the file's own directory
        kept = Image.Exif()
        if same and _ORIENTATION in container.exif:
            kept[_ORIENTATION] = container.exif[_ORIENTATION]
        return kept
    if not same and _ORIENTATION in container.exif:
        container.exif[_ORIENTATION] = 1
    return container.exif


def _changed(target: Path, before: Pixels, after: Pixels) -> str:
    """Return how a format that keeps no pixel exactly has changed those that were to stay."""
    outside = (before == after).all(axis=2)
    off = np.abs(images.read(target).astype(int) - before)[outside]  # (N, 3)
    share = (off > 0).any(axis=1).mean() if len(off) else 0.0
    return (
        f"its format changes {share:.0%} of the pixels that were to stay, by {off.max(initial=0)}"
        " levels at most"
    )
