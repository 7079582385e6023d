"""The hourglass network and what it makes of landmarks: sizes, heat-maps and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from restore_recog import registry
from restore_recog.landmarkers.hourglass.heatmaps import in_cells, in_pixels, read
from restore_recog.landmarkers.hourglass.networks import (
    STRIDE,
    CoordConv,
    HourglassNet,
    coordinates,
)
from restore_recog.landmarkers.hourglass.presets import PRESETS
from restore_recog.landmarkers.hourglass.targets import CURVES, blobs, boundary, targets
from restore_recog.landmarks import OF_68, of_68, unknown

SMALL = {"stacks": 2, "features": 16, "depth": 2}


def points(size: int = 128) -> torch.Tensor:
    """Return the (1, 98, 2) landmarks of a rendered face in an image of this size."""
    data = registry.datasets.create("phantom:1x1")
    (image,) = data.read(data.samples()[:1])
    scale = size / image.pixels.shape[0]
    return torch.from_numpy((image.landmarks + 0.5) * scale - 0.5).float()[None]


@pytest.mark.parametrize(("stacks", "count"), [(4, 24_153_036), (2, 12_273_414), (1, 6_333_603)])
def test_the_published_sizes(stacks: int, count: int) -> None:
    net = HourglassNet(PRESETS["paper"] | {"stacks": stacks})
    assert sum(one.numel() for one in net.parameters()) == count


def test_the_compact_one_takes_under_3_mb_in_half_precision() -> None:
    tensors = HourglassNet(PRESETS["compact"]).state_dict().values()
    assert sum(2 * one.numel() for one in tensors) < 3e6


def test_every_stack_answers_with_99_maps_of_a_quarter_of_the_size() -> None:
    maps = HourglassNet(SMALL)(torch.rand(2, 3, 64, 64))
    assert [tuple(one.shape) for one in maps] == [(2, 99, 16, 16)] * 2


def test_coordinates_run_down_across_and_outwards() -> None:
    where = coordinates(torch.zeros(2, 7, 5, 9))
    assert where.shape == (2, 3, 5, 9)
    assert where[0, 0, :, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert where[0, 1, 0].tolist() == [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    assert float(where[0, 2, 2, 4]) == 0 and float(where[0, 2, 0, 0]) == 1


def test_coordinates_of_the_boundary_are_seen_only_on_it() -> None:
    """A convolution that adds up its last two channels: down and across where the line is."""
    layer = CoordConv(1, 1, bounded=True)
    with torch.no_grad():
        layer.conv.weight.zero_()
        layer.conv.weight[0, 4:] = 1
        layer.conv.bias.zero_()
    line = torch.zeros(1, 1, 5, 5)
    line[..., 4, 3], line[..., 0, 0] = 7.0, 0.04
    seen = layer(torch.rand(1, 1, 5, 5), line)[0, 0].detach()
    assert float(seen[4, 3]) == pytest.approx(1 + 0.5)
    assert int((seen != 0).sum()) == 1


def test_a_stack_sees_the_boundary_of_the_one_before() -> None:
    torch.manual_seed(0)
    net = HourglassNet(SMALL).eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        net.stacks[0].from_maps.weight[:, -1] = 0  # so that nothing else hands it on
        net.stacks[0].maps.bias[-1] = -10
        none = net(images)
        net.stacks[0].maps.bias[-1] = 10
        everywhere = net(images)
    assert torch.equal(none[0][:, :-1], everywhere[0][:, :-1])
    assert not torch.allclose(none[1], everywhere[1])


def test_cells_and_pixels() -> None:
    pixels = torch.tensor([-0.5, 1.5, 3.4, 5.5])
    assert torch.allclose(in_cells(pixels, 4), torch.tensor([-0.5, 0, 0.475, 1]))
    assert torch.allclose(in_pixels(in_cells(pixels, 4), 4), pixels)


@pytest.mark.parametrize(("exact", "most"), [(False, 2.0), (True, 0.02)])
def test_what_is_drawn_is_read_back(exact: bool, most: float) -> None:
    """Between the cells where blobs lie there; else to half a cell."""
    true = points()
    maps, known = targets(true, 32, STRIDE, exact=exact)
    assert maps.shape == (1, 99, 32, 32) and bool(known.all())
    read_back = read(maps, STRIDE, exact=exact, least=0.2)
    assert float((read_back - true).abs().max()) <= most


def test_the_quarter_step_goes_to_the_higher_neighbour() -> None:
    maps = torch.zeros(1, 98, 8, 8)
    maps[:, :, 3, 4], maps[:, :, 3, 5], maps[:, :, 2, 4] = 1, 0.5, 0.3
    assert read(maps, 1, exact=False, least=0)[0, 0].tolist() == [4.25, 2.75]
    maps = torch.zeros(1, 98, 8, 8)
    maps[:, :, 0, 4], maps[:, :, 1, 4] = 1, 0.5  # at the border there is no step
    assert read(maps, 4, exact=False, least=0)[0, 0].tolist() == [4 * 4 + 1.5, 1.5]


def test_blobs_are_gaussians_in_a_window_of_seven() -> None:
    cells = torch.tensor([[[10.3, 20.0], [31.6, 5.0], [torch.nan, 3.0]]])
    maps, known = blobs(cells, 32, exact=False)
    assert known.tolist() == [[True, False, False]]
    blob = maps[0, 0]
    assert float(blob[20, 10]) == 1 and float(blob[20, 13]) == pytest.approx(
        np.exp(-9 / (2 * 1.75**2))
    )
    assert int((blob > 0).sum()) == 49 and float(blob[20, 14]) == 0
    assert not maps[0, 2].any()


def test_the_lines_run_through_the_points() -> None:
    true = points(256)
    maps, drawn = boundary(in_cells(true, STRIDE), 64)
    assert maps.shape == (1, 1, 64, 64) and drawn.tolist() == [[True]]
    on_lines = sorted({n for curve in CURVES for n in curve})
    cells = in_cells(true, STRIDE).add(0.5).floor().long()[0, on_lines]
    assert maps[0, 0, cells[:, 1], cells[:, 0]].tolist() == [1.0] * len(on_lines)
    assert float(maps.max()) == 1 and float(maps.mean()) < 0.4
    # Beside a line of the face it falls like a Gaussian and ends within three cells.
    heights = [0.0, *(float(np.exp(-d / 2)) for d in (8, 5, 4, 2, 1, 0))]
    assert maps.unique().tolist() == pytest.approx(heights, abs=1e-6)


def test_68_points_draw_all_lines_and_five_draw_none() -> None:
    true = points()[0].numpy()
    both = torch.from_numpy(np.stack([of_68(true[OF_68]), unknown(), true]))
    maps, known = targets(both, 32, STRIDE, exact=True)
    assert known[:, -1].tolist() == [True, False, True]
    assert known[:2, :98].sum(1).tolist() == [68, 0]
    assert bool(maps.isfinite().all()) and not maps[1, :98].any()
    # Every other point of the outline draws nearly the same line.
    assert float((maps[0, -1] - maps[2, -1]).abs().mean()) < 0.02


def test_no_face_where_the_maps_stay_low() -> None:
    maps = torch.cat([0.1 * targets(points(), 32, STRIDE, exact=True)[0]] * 2)
    maps[1, 40:98] *= 10  # a covered face: half of its points are sure
    seen = read(maps, STRIDE, exact=True, least=0.2)
    assert bool(seen[0].isnan().all()) and bool(seen[1].isfinite().all())
