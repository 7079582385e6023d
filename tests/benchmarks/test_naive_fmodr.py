"""The attention written as a loop gives what the attention without one gives."""

from __future__ import annotations

import pytest
import torch

from benchmarks.naive_fmodr import NaiveAttention, NaiveFMODR
from restore_recog import weights as weights_file
from restore_recog.errors import WeightsError
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.fmodr.attention import AdaptiveContextAttention
from restore_recog.restorers.fmodr.model import FMODRNets
from restore_recog.restorers.fmodr.presets import read_options
from restore_recog.types import FaceBatch


def masks(count: int, size: int) -> torch.Tensor:
    """Return a hole in the middle, one in the corner, and one that leaves nothing."""
    holes = torch.zeros(count, 1, size, size)
    holes[0, :, size // 4 : size // 2, size // 4 : size // 2] = 1
    if count > 1:
        holes[1, :, size // 2 :, size // 2 :] = 1
    if count > 2:
        holes[2] = 1
    return holes


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("prop", ["score", "eye", "none"])
def test_the_loop_gives_the_same_features(rate, prop):
    torch.manual_seed(0)
    layer = AdaptiveContextAttention(5, rate=rate, prop=prop)
    if layer.kernels is not None:
        layer.kernels.data = torch.rand_like(layer.kernels)
    features = torch.randn(3, 5, 12, 10).relu()
    holes = masks(3, 20)
    with torch.no_grad():
        ours, theirs = layer(features, holes), NaiveAttention(layer)(features, holes)
    assert ours[:2].abs().max() > 0.1 and not ours[2].any()
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


def weights(folder, **options):
    torch.manual_seed(1)
    read = read_options("tiny", options)
    nets = FMODRNets(read)
    for layer in nets.refine.modules():  # so strong that the gates let the features through
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, a=-0.5)
            layer.weight.data *= 2
            torch.nn.init.zeros_(layer.bias)
    file = folder / "weights.safetensors"
    weights_file.save(file, "fmodr", read, nets.state_dict(), half=False)
    return file


def test_the_restorer_gives_the_same_images(tmp_path):
    file = weights(tmp_path)
    batch = FaceBatch(torch.rand(2, 3, 32, 32), masks(2, 32))
    ours, theirs = (kind(weights=file).restore(batch) for kind in (FMODR, NaiveFMODR))
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-5)
    loop = NaiveFMODR(weights=file).nets.refine
    assert isinstance(loop.attention, NaiveAttention)
    loop.attention = None
    loop.instead = torch.nn.Identity()
    without = NaiveFMODR(weights=file)
    without.nets.refine = loop
    assert (without.restore(batch) - ours).abs().max() > 1e-4  # else the test would see nothing


@pytest.mark.parametrize(
    "options", [{"attention": "ca"}, {"attention": "none"}, {"prop": "feature"}, {"norm": "sum"}]
)
def test_another_attention_is_refused(tmp_path, options):
    with pytest.raises(WeightsError, match="another attention"):
        NaiveFMODR(weights=weights(tmp_path, **options))
