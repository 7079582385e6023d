"""Inpainting with patches of the rest of the image, found by PatchMatch, as a control.

From coarse to fine, and a few times at each size, every patch that touches the hole looks for the
patch of the uncovered part that is most like it, and every pixel of the hole becomes the mean of
what the patches over it propose.

Sources: C. Barnes, E. Shechtman, A. Finkelstein and D. B. Goldman, PatchMatch, ACM Transactions on
Graphics 28(3), 2009 (the search); Y. Wexler, E. Shechtman and M. Irani, Space-time completion of
video, IEEE TPAMI 29(3), 2007 (sizes, weights and means).
Deviation: all patches take what is better from their neighbours at once, over 4, 2 and 1 pixels, in
place of one after the other in the order of a scan, so that NumPy does it without a loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from restore_recog.api import Restorer
from restore_recog.restoring.by_image import each_filled
from restore_recog.restoring.crop_folder import digest
from restore_recog.types import Pixels

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch

Colours = NDArray[np.float32]
Places = NDArray[np.int64]

SIDE = 7
"""Of a patch, in pixels."""

SMALLEST = 16
"""Side of the coarsest image, at least."""

ROUNDS = (8, 3)
"""How often patches are searched and means taken: at the coarsest size, at the finest."""

JUMPS = (4, 2, 1)
"""Over how many pixels matches spread, once each in a search."""

NEARER = 1.3
"""How much more a patch counts than one whose middle lies a pixel deeper in the hole."""


class PatchMatch(Restorer):
    """Fill the hole with 7 x 7 patches of the uncovered part that fit together.

    Nothing to learn, any image size; random choices are seeded by the image and its mask alone.
    Runs on the CPU whatever the device, and takes about a second for a covered half of 128 x 128
    pixels.
    """

    name: ClassVar[str] = "patchmatch"

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the filled images; outside the masks they are returned bit for bit.

        An image in which no patch is wholly uncovered has nothing to copy and stays as it is.
        """
        return each_filled(batch, filled)


def filled(image: Pixels, hole: Pixels) -> Pixels:
    """Return an (H, W, 3) uint8 image with its hole filled.

    Args:
        image: (H, W, 3) uint8.
        hole: (H, W), 1 = covered.
    """
    sizes = list(_sizes(image.astype(np.float32), hole > 0))
    if not sizes or not hole.any():
        return image
    rng = np.random.default_rng(int(digest(image, hole), 16))
    colours, places = None, None
    for number, size in enumerate(reversed(sizes)):
        share = number / max(1, len(sizes) - 1)
        rounds = round(ROUNDS[0] + share * (ROUNDS[1] - ROUNDS[0]))
        colours, places = size.fill(colours, places, rounds, rng)
    assert colours is not None
    rounded: Pixels = colours.round().clip(0, 255).astype(np.uint8)
    return rounded


def _sizes(image: Colours, hole: NDArray[np.bool_]) -> Iterator[_Size]:
    """Yield an image at its size, half of it, and so on, as long as there is a patch to copy."""
    while min(hole.shape) >= SMALLEST:
        size = _Size.of(image, hole)
        if not len(size.sources):
            return
        yield size
        image, hole = _halved(image, hole)


def _halved(image: Colours, hole: NDArray[np.bool_]) -> tuple[Colours, NDArray[np.bool_]]:
    """Return image and hole at half their size; a pixel of which a part is covered is covered."""
    height, width = (side // 2 for side in hole.shape)
    blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
    parts = hole[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return blocks.mean((1, 3)), np.asarray(parts.any((1, 3)))  # (H / 2, W / 2, 3), (H / 2, W / 2)


@dataclass(frozen=True, slots=True)
class _Size:
    """The image at one size. A place is the number of a patch among the (H - 6) x (W - 6).

    Attributes:
        image: (H, W, 3), with its covering.
        hole: (H, W).
        shape: (H - 6, W - 6).
        usable: (H - 6) (W - 6), whether a patch is wholly uncovered.
        sources: Places of the patches that are.
        targets: Places of those that touch the hole.
        nearness: Of each target, by how deep its middle lies in the hole.
    """

    image: Colours
    hole: NDArray[np.bool_]
    shape: tuple[int, int]
    usable: NDArray[np.bool_]
    sources: Places
    targets: Places
    nearness: Colours

    @classmethod
    def of(cls, image: Colours, hole: NDArray[np.bool_]) -> _Size:
        """Return the image at its size."""
        touched = sliding_window_view(hole, (SIDE, SIDE)).any((2, 3))  # (H - 6, W - 6)
        depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
        middle = SIDE // 2
        inside = depth[middle:-middle, middle:-middle].ravel()
        (targets,), (sources,) = np.nonzero(touched.ravel()), np.nonzero(~touched.ravel())
        nearness = (NEARER ** -inside[targets]).astype(np.float32)
        return cls(image, hole, touched.shape, ~touched.ravel(), sources, targets, nearness)

    def fill(
        self,
        coarse: Colours | None,
        found: Places | None,
        rounds: int,
        rng: np.random.Generator,
    ) -> tuple[Colours, Places]:
        """Return the filled image, and for every patch where its match is.

        Args:
            coarse: The filled image at half the size, or None at the coarsest.
            found: What this returned there.
            rounds: How often to search and take means.
            rng: Draws the random candidates.

        Returns:
            (H, W, 3) and (H - 6, W - 6).
        """
        colours = self._begun(coarse)
        known = self._patches(self.image, np.arange(self.usable.size))  # (P, 147)
        matches = self._drawn(len(self.targets), rng) if found is None else self._taken(found, rng)
        for _ in range(rounds):
            wanted = self._patches(colours, self.targets)  # (T, 147)
            costs = _costs(wanted, known[matches])
            for jump in JUMPS:
                for candidates in self._candidates(matches, jump, rng):
                    _improve(matches, costs, candidates, wanted, known)
            colours = self._means(matches, costs)
        every = np.arange(self.usable.size)
        every[self.targets] = matches
        return colours, every.reshape(self.shape)

    def _begun(self, coarse: Colours | None) -> Colours:
        """Return (H, W, 3) colours to begin with: of the coarser size, or a smooth surface."""
        height, width = self.hole.shape
        if coarse is None:
            pixels = self.image.round().astype(np.uint8)
            smooth = cv2.inpaint(pixels, self.hole.astype(np.uint8), 3.0, cv2.INPAINT_NS)
        else:
            smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.where(self.hole[:, :, None], smooth, self.image).astype(np.float32)

    def _patches(self, image: Colours, places: Places) -> Colours:
        """Return (N, 147) the patches at places."""
        windows = sliding_window_view(image, (SIDE, SIDE), (0, 1))  # (H - 6, W - 6, 3, 7, 7)
        return windows[np.unravel_index(places, self.shape)].reshape(len(places), -1)

    def _drawn(self, count: int, rng: np.random.Generator) -> Places:
        """Return places of patches that may be copied, at random."""
        return self.sources[rng.integers(len(self.sources), size=count)]

    def _taken(self, found: Places, rng: np.random.Generator) -> Places:
        """Return the matches of the targets, by those at half the size; random where there is none.

        Args:
            found: (h, w) as :meth:`fill` returned it there.
            rng: For the rest.
        """
        half = SIDE // 2
        middle = np.stack(np.unravel_index(self.targets, self.shape)) + half  # (2, T), y and x
        most = np.array(found.shape)[:, None] - 1
        parents = np.clip(middle // 2 - half, 0, most)
        coarse = np.stack(np.unravel_index(found[tuple(parents)], found.shape))
        matches = self._placed((coarse + half) * 2 + middle % 2 - half)
        lost = matches < 0
        matches[lost] = self._drawn(int(lost.sum()), rng)
        return matches

    def _placed(self, corners: Places) -> Places:
        """Return the places of (2, N) upper left corners; -1 where there is nothing to copy."""
        height, width = self.shape
        y, x = corners
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        places = np.where(inside, y * width + x, 0)
        return np.where(inside & self.usable[places], places, -1)

    def _candidates(self, matches: Places, jump: int, rng: np.random.Generator) -> Iterator[Places]:
        """Yield (T,) other matches to try; -1 for none. *matches* changes in between."""
        corners = np.stack(np.unravel_index(self.targets, self.shape))  # (2, T)
        for step in ((-jump, 0), (jump, 0), (0, -jump), (0, jump)):
            shift = np.array(step)[:, None]
            theirs = np.full(self.usable.size, -1)
            theirs[self.targets] = matches
            y, x = corners + shift
            inside = (y >= 0) & (y < self.shape[0]) & (x >= 0) & (x < self.shape[1])
            beside = np.where(inside, theirs[np.where(inside, y * self.shape[1] + x, 0)], -1)
            spread = np.stack(np.unravel_index(np.maximum(beside, 0), self.shape)) - shift
            yield np.where(beside < 0, -1, self._placed(spread))
        reach = max(self.shape) // 2
        while reach:
            away = rng.integers(-reach, reach + 1, size=corners.shape)
            yield self._placed(np.stack(np.unravel_index(matches, self.shape)) + away)
            reach //= 2

    def _means(self, matches: Places, costs: Colours) -> Colours:
        """Return the (H, W, 3) image whose hole is the mean of all that its patches propose."""
        spread = np.percentile(costs, 75) + 1.0
        weights = (self.nearness * np.exp(-costs / (2 * spread)))[:, None].astype(np.float32)
        sums, total = np.zeros_like(self.image), np.full((*self.hole.shape, 1), 1e-20, np.float32)
        y, x = np.unravel_index(self.targets, self.shape)
        v, u = np.unravel_index(matches, self.shape)
        for down, right in np.ndindex(SIDE, SIDE):  # no two patches have one pixel in common here
            sums[y + down, x + right] += weights * self.image[v + down, u + right]
            total[y + down, x + right] += weights
        return np.where(self.hole[:, :, None], sums / total, self.image)


def _costs(wanted: Colours, offered: Colours) -> Colours:
    """Return (N,) sums of squared differences of (N, 147) patches."""
    gap = wanted - offered
    return np.einsum("ij,ij->i", gap, gap)


def _improve(
    matches: Places, costs: Colours, candidates: Places, wanted: Colours, known: Colours
) -> None:
    """Take every candidate that is more alike, in place."""
    (tried,) = np.nonzero((candidates >= 0) & (candidates != matches))
    offered = _costs(wanted[tried], known[candidates[tried]])
    better = offered < costs[tried]
    matches[tried[better]] = candidates[tried[better]]
    costs[tried[better]] = offered[better]
