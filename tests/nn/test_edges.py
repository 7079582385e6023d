"""Canny's edges beside holes: what is hidden leaves no trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.nn.edges import canny, greyed


def picture(side: int = 64) -> Tensor:
    """Return one grey image of smooth shapes, (1, 1, side, side)."""
    coarse = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    return F.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)


def middle(side: int = 64) -> Tensor:
    hole = torch.zeros(1, 1, side, side)
    hole[:, :, side // 3 : -side // 4, side // 4 : -side // 3] = 1
    return hole


def test_a_step_is_an_edge_one_pixel_wide() -> None:
    image = torch.zeros(2, 1, 32, 32)
    image[0, :, :, 16:] = 1
    edges = canny(image, 2.0)
    assert set(edges.unique().tolist()) == {0.0, 1.0} and edges.dtype == torch.float32
    assert not edges[1].any()
    rows = edges[0, 0, 1:-1].sum(1)
    assert torch.equal(rows, torch.ones(30))
    assert edges[0, 0, 1:-1, 15:17].sum() == 30  # at the step
    assert not edges[0, 0, 0].any() and not edges[0, 0, :, 0].any()  # never along the image's rim


def test_too_slight_a_step_is_none() -> None:
    image = torch.full((1, 1, 32, 32), 0.5)
    image[:, :, :, 16:] += 0.05
    assert not canny(image, 1.0).any()


def test_the_covering_makes_no_edge_and_hides_none() -> None:
    grey, hole = picture(), middle()
    covered = [canny(torch.where(hole > 0, cloth, grey), 1.0, hole) for cloth in (0.0, 1.0)]
    assert torch.equal(*covered)
    assert not covered[0][hole > 0].any()
    rim = F.max_pool2d(hole, 3, 1, 1) - hole
    assert not covered[0][rim > 0].any()
    flat = torch.where(hole > 0, 1.0, 0.3)
    assert canny(flat, 1.0).any() and not canny(flat, 1.0, hole).any()
    # Farther from the hole than the smoothing reaches, edges are those of the bare image.
    far = F.max_pool2d(hole, 21, 1, 10) == 0
    bare = canny(grey, 1.0)
    assert bare[far].any() and torch.equal(covered[0][far], bare[far])


def wide(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return cv2.dilate(edges.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


@pytest.mark.parametrize("sigma", [1.0, 2.0])
@pytest.mark.parametrize("covered", [False, True])
def test_edges_are_those_of_the_published_works(sigma: float, covered: bool) -> None:
    feature = pytest.importorskip("skimage.feature")
    grey, hole = picture(128), middle(128)
    ours = canny(grey, sigma, hole if covered else None)[0, 0].numpy() > 0
    mask = hole[0, 0].numpy() == 0 if covered else None
    theirs = feature.canny(grey[0, 0].double().numpy(), sigma=sigma, mask=mask)
    assert ours.sum() > 100
    for some, others in ((ours, theirs), (theirs, ours)):
        assert (some & wide(others)).sum() > 0.93 * some.sum()  # to the pixel's neighbour


def test_grey_weighs_the_colours() -> None:
    colours = torch.eye(3).view(3, 3, 1, 1)
    assert greyed(colours).flatten().tolist() == pytest.approx([0.2125, 0.7154, 0.0721])
