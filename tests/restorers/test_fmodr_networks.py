"""Shapes and parameter counts of FMODR's networks at the paper's widths."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from restore_recog.nn.gated import GatedConv, RefineNet
from restore_recog.nn.masks import grow
from restore_recog.restorers.fmodr.attention import AdaptiveContextAttention
from restore_recog.restorers.fmodr.model import FMODRNets
from restore_recog.restorers.fmodr.networks import (
    CoarseNet,
    Detector,
    GlobalMaskedDiscriminator,
)
from restore_recog.restorers.fmodr.presets import PRESETS, read_options


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def conv(a: int, b: int, k: int = 3) -> int:
    """Return the parameters of a convolution with bias."""
    return k * k * a * b + b


def shapes(net: nn.Module, parts: dict[str, nn.Module], *inputs: Tensor) -> dict[str, tuple]:
    """Return what each part puts out in one forward pass."""
    seen: dict[str, tuple] = {}
    for name, part in parts.items():
        part.register_forward_hook(lambda _m, _i, out, n=name: seen.update({n: tuple(out.shape)}))
    net(*inputs)
    return seen


def test_detector_shapes_and_size() -> None:
    with torch.device("meta"):
        net, x = Detector(), torch.empty(2, 3, 256, 256)
    seen = shapes(net, {"stem": net.stem, "middle": net.middle, "first_up": net.up[0]}, x)
    assert seen == {
        "stem": (2, 32, 256, 256),
        "middle": (2, 128, 64, 64),
        "first_up": (2, 64, 128, 128),
    }
    assert net(x).shape == (2, 1, 256, 256)
    # Convolutions before a batch norm have no bias but its two numbers a channel instead.
    widths = [(3, 32, 5), (32, 64, 3), (64, 128, 3), (128, 128, 3), (128, 64, 3), (64, 32, 3)]
    assert parameters(net) == sum(conv(*w) + w[1] for w in widths) + conv(32, 1)


def test_coarse_shapes_and_size() -> None:
    with torch.device("meta"):
        net = CoarseNet()
        x, m = torch.empty(1, 3, 256, 256), torch.empty(1, 1, 256, 256)
    seen = shapes(net, {str(i): level for i, level in enumerate(net.down)}, x, m)
    assert list(seen.values()) == [
        (1, 128, 128, 128),
        (1, 256, 64, 64),
        (1, 512, 32, 32),
        (1, 512, 16, 16),
    ]
    assert net(x, m).shape == (1, 3, 256, 256)
    down = [(64, 128), (128, 256), (256, 512), (512, 512)]
    expected = conv(3, 64) + conv(64, 64) + conv(64, 3)
    for a, b in down:
        expected += conv(a, b) + 2 * conv(b, b)  # encoder
        expected += conv(b, a) + conv(2 * a, a) + conv(a, a)  # decoder
    assert parameters(net) == expected


def test_refine_shapes_and_size() -> None:
    net = RefineNet(attention=AdaptiveContextAttention(96))
    x, m = torch.rand(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    conv_branch = shapes(net, {str(i): p for i, p in enumerate(net.conv_branch)}, x, m)
    assert list(conv_branch.values()) == [
        (1, 24, 64, 64),
        (1, 24, 32, 32),
        (1, 48, 32, 32),
        (1, 48, 16, 16),
        *[(1, 96, 16, 16)] * 6,
    ]
    rest = {
        **{f"before{i}": p for i, p in enumerate(net.attention_before)},
        "join": net.join,
        "half": net.at_half,
        "full": net.at_full,
    }
    assert list(shapes(net, rest, x, m).values()) == [
        (1, 24, 64, 64),
        (1, 24, 32, 32),
        (1, 48, 32, 32),
        *[(1, 96, 16, 16)] * 3,
        (1, 96, 16, 16),
        (1, 48, 32, 32),
        (1, 12, 64, 64),
    ]
    assert net(x, m).shape == (1, 3, 64, 64)
    # A gated convolution has twice the maps; 18 are the attention's two 3 x 3 kernels.
    branch = [(3, 24, 5), (24, 24), (24, 48), (48, 48), (48, 96), *[(96, 96)] * 5]
    attention = [(3, 24, 5), (24, 24), (24, 48), (48, 96), *[(96, 96)] * 4]
    joined = [(192, 96), (96, 96), (96, 48), (48, 48), (48, 24), (24, 12)]
    expected = sum(2 * conv(*layer) for layer in branch + attention + joined)
    assert parameters(net) == expected + conv(12, 3) + 18


def test_refine_has_the_real_width_of_its_forerunner() -> None:
    """DeepFill v2 has 4.05 M parameters in two such stages; four times that is the mistake."""
    with torch.device("meta"):
        assert parameters(FMODRNets(PRESETS["paper"]).refine) < 3_000_000


def test_standard_is_the_whole_model_under_40_megabytes_in_half_precision() -> None:
    options = read_options("standard", {})
    with torch.device("meta"):
        nets = FMODRNets(options)
    counts = {name: parameters(net) for name, net in nets.named_children()}
    assert counts == {"detector": 1_102_209, "coarse": 14_774_947, "refine": 2_426_145}
    assert 2 * sum(value.numel() for value in nets.state_dict().values()) < 40e6
    same = ("attention", "gm_disc", "hole", "covered", "clip", "identity", "margin", "residual")
    assert all(options[name] == PRESETS["compact"][name] for name in same)
    assert (options["size"], options["batch_size"]) == (256, 32)
    assert options["dilate"] > PRESETS["compact"]["dilate"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"norm": "batch"}, 51_618_817),
        ({"norm": "none"}, 51_618_817 - 7_936),
        ({"norm": "none", "heads": "two"}, 51_618_817 - 7_936 + 1),
        ({"norm": "none", "share": True}, (51_618_817 - 7_936 - 2_049) // 2 + 2_049),
    ],
)
def test_discriminator_size(options: dict, expected: int) -> None:
    with torch.device("meta"):
        net = GlobalMaskedDiscriminator(**options)
    assert parameters(net) == expected


def test_discriminator_shapes_with_spectral_norm() -> None:
    net = GlobalMaskedDiscriminator((4, 4, 8, 8, 8, 8), hidden=16, size=64)
    sides = shapes(net, {str(i): m for i, m in enumerate(net.whole.convs)}, *critic_inputs(64))
    assert [s[2] for s in sides.values()][::2] == [32, 16, 8, 4, 2, 1]
    assert net(*critic_inputs(64)).shape == (2, 1)
    two = GlobalMaskedDiscriminator((4, 4, 8, 8, 8, 8), hidden=16, size=64, heads="two")
    assert two(*critic_inputs(64)).shape == (2, 2)


def critic_inputs(side: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    masks = torch.zeros(2, 1, side, side)
    masks[:, :, side // 2 :] = 1
    return torch.rand(2, 3, side, side, generator=generator), masks


def test_region_branch_sees_the_hole_alone() -> None:
    net = GlobalMaskedDiscriminator((4, 4, 8), hidden=8, size=32, heads="two").eval()
    images, masks = critic_inputs(32)
    changed = images.clone()
    changed[:, :, :16] = 0
    assert torch.equal(net(images, masks)[:, 1], net(changed, masks)[:, 1])
    assert not torch.equal(net(images, masks)[:, 0], net(changed, masks)[:, 0])


def test_shared_branches_are_one() -> None:
    net = GlobalMaskedDiscriminator((4, 4, 8), hidden=8, size=32, share=True)
    assert net.whole is net.region


def test_gated_convolution_by_hand() -> None:
    layer = GatedConv(1, 1, kernel=1)
    layer.conv.weight.data = torch.tensor([2.0, 0.0]).view(2, 1, 1, 1)
    layer.conv.bias.data = torch.tensor([0.0, 0.0])
    x = torch.tensor([1.0, -1.0]).view(1, 1, 1, 2)
    expected = torch.tensor([2.0 * 0.5, (torch.e**-2 - 1) * 0.5]).view(1, 1, 1, 2)
    torch.testing.assert_close(layer(x), expected)


def test_residual_refinement_starts_near_its_input_and_changes_the_hole_alone() -> None:
    torch.manual_seed(0)
    net = RefineNet((16, 32, 48), inputs=5, residual=True)
    images, masks = critic_inputs(32)
    change = net(images, masks) - images
    assert 0.001 < float(change.detach().abs().max()) < 0.2
    assert not change[masks.expand_as(change) == 0].any()


def test_every_layer_of_a_residual_refinement_learns_from_the_first_step() -> None:
    """A head of zeros would keep all gradients from what lies before it."""
    torch.manual_seed(0)
    net = RefineNet((16, 32, 48), attention=AdaptiveContextAttention(48), inputs=5, residual=True)
    images, masks = critic_inputs(32)
    ((net(images, masks) - torch.rand_like(images)).abs() * masks).mean().backward()
    sizes = [float(weight.grad.norm()) for weight in net.parameters() if weight.grad is not None]
    assert len(sizes) == len(list(net.parameters())) and min(sizes) > 1e-7


def test_networks_do_not_look_into_the_hole() -> None:
    options = PRESETS["compact"] | {
        "coarse_widths": (4, 4, 8),
        "refine_widths": (4, 4, 8),
        "detector_widths": (4, 4),
    }
    torch.manual_seed(0)
    nets = FMODRNets(options).eval()
    images, masks = critic_inputs(32)
    for result, other in zip(nets(images, masks), nets(images + masks, masks), strict=True):
        assert torch.equal(result * masks, other * masks)


def test_grow_by_hand() -> None:
    mask = torch.zeros(1, 1, 5, 5)
    mask[..., 2, 2] = 1
    assert grow(mask, 1).sum() == 9
    assert grow(mask, 1)[0, 0, 1:4, 1:4].all()
    assert grow(mask, 0) is mask
