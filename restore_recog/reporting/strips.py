"""Before-and-after strips with their titles burnt in, so that no image loses its label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from restore_recog.evaluation.arms import ARMS
from restore_recog.evaluation.arms.arm import Arm
from restore_recog.evaluation.results import Example

GUESS = "a guess, not evidence"
"""Stands under the title of every tile that a restorer generated."""

_LEAST = 6  # smallest size of the letters, in pixels


def labelled(example: Example, scale: int = 1) -> NDArray[np.uint8]:
    """Return the strip under a row of titles, (S + row, tiles * S, 3) uint8.

    A scale above 1 enlarges the strip first, so that the letters stay sharp.
    """
    strip = example.strip
    if scale > 1:
        size = (scale * strip.shape[1], scale * strip.shape[0])
        strip = np.asarray(Image.fromarray(strip).resize(size, Image.Resampling.BICUBIC))
    side = strip.shape[0]
    row = Image.new("RGB", (strip.shape[1], title_height(side)), "white")
    draw = ImageDraw.Draw(row)
    for number, title in enumerate(example.titles):
        _write(draw, number * side, side, _lines(title))
    return np.concatenate([np.asarray(row, dtype=np.uint8), strip])


def bare(image: NDArray[np.uint8], titles: Sequence[str]) -> NDArray[np.uint8]:
    """Return a labelled strip without its titles, however high their row is.

    Raises:
        ValueError: The image has no place for so many square tiles.
    """
    height, width = image.shape[:2]
    side = width // max(1, len(titles))
    if side * len(titles) != width or height < side:
        raise ValueError(f"a strip of {len(titles)} tiles cannot be {width} x {height} pixels")
    return image[height - side :]


def title_height(side: int) -> int:
    """Return the height of the row of titles over tiles of a side, in pixels."""
    return max(20, round(0.28 * side))


def _lines(title: str) -> list[str]:
    return [title, GUESS] if restored(title) else [title]


def restored(title: str) -> bool:
    """Return whether a tile of that title shows what a restorer generated."""
    arm = _arm(title)
    return arm is not None and arm.restores


def _arm(title: str) -> Arm | None:
    """Return the arm that a tile shows; None for masks and differences."""
    return ARMS.get(title.partition(":")[0])


def _write(draw: ImageDraw.ImageDraw, left: int, side: int, lines: Sequence[str]) -> None:
    """Write lines over one tile, each as large as it fits."""
    pitch = title_height(side) // 2
    for number, line in enumerate(lines):
        size = max(_LEAST, round(0.72 * pitch))
        while size > _LEAST and _font(size).getlength(line) > side - 4:
            size -= 1
        draw.text((left + 2, number * pitch), line, fill="black", font=_font(size))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


AMPLIFICATION = 4
"""By how much the absolute difference to the ground truth is multiplied; clipped at white."""

TRUTH = "clean"
CAPTION = (
    f"|difference| x {AMPLIFICATION}: the absolute difference to the unoccluded image in each "
    f"colour, multiplied by {AMPLIFICATION} and clipped at white; black is no difference."
)


def sheet(examples: Sequence[Example]) -> NDArray[np.uint8] | None:
    """Return one image with a row per example, or None where no ground truth is known.

    A row shows the occluded image, each restored one, the ground truth, then the absolute
    difference of the occluded and of each restored one to the ground truth.
    """
    rows = [row for row in map(_row, examples) if row is not None]
    if not rows or len({row.titles for row in rows}) != 1:
        return None
    first, *others = rows
    strips = [labelled(first), *(row.strip for row in others)]
    return np.concatenate(strips)


def _row(example: Example) -> Example | None:
    tiles = dict(zip(example.titles, np.split(example.strip, len(example.titles), 1), strict=True))
    if TRUTH not in tiles:
        return None
    arms = {title: _arm(title) for title in tiles}
    compared = [title for title, arm in arms.items() if arm and (arm.answers or not arm.base)]
    shown = [*compared, TRUTH]
    images = [tiles[title] for title in shown]
    images += [_difference(tiles[title], tiles[TRUTH]) for title in compared]
    titles = [*shown, *(f"|{title} - {TRUTH}| x {AMPLIFICATION}" for title in compared)]
    return replace(example, titles=tuple(titles), strip=np.concatenate(images, axis=1))


def _difference(image: NDArray[np.uint8], truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    gap = np.abs(image.astype(np.int16) - truth.astype(np.int16))
    clipped: NDArray[np.uint8] = np.minimum(AMPLIFICATION * gap, 255).astype(np.uint8)
    return clipped
