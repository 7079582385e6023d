"""The attention layers against a loop that follows the paper's equations word by word."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from restore_recog.nn.contextual_attention import ContextAttention
from restore_recog.restorers.fmodr.attention import AdaptiveContextAttention


def features(n: int, c: int, side: int, seed: int = 0) -> Tensor:
    """Return non-negative features, as the ReLU before the layer makes them."""
    return torch.rand(n, c, side, side, generator=torch.Generator().manual_seed(seed))


def box(side: int, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Return (1, 1, side, side) with a rectangle of ones."""
    mask = torch.zeros(1, 1, side, side)
    mask[:, :, top:bottom, left:right] = 1
    return mask


def naive_adaptive(f: Tensor, mask: Tensor, horizontal: Tensor, vertical: Tensor) -> Tensor:
    """Return SCA at rate 1 of one sample (C, H, W) by explicit loops."""
    c, h, w = f.shape
    places = [(y, x) for y in range(h) for x in range(w)]

    def cut(y: int, x: int) -> Tensor:
        patch = torch.zeros(c, 3, 3)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if 0 <= y + dy < h and 0 <= x + dx < w:
                    patch[:, dy + 1, dx + 1] = f[:, y + dy, x + dx]
        return patch

    def unoccluded(y: int, x: int) -> bool:
        around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        return all(mask[a, b] == 0 for a, b in around if 0 <= a < h and 0 <= b < w)

    patches = {place: cut(*place) for place in places}
    valid = [place for place in places if unoccluded(*place)]
    scores = torch.zeros(h, w, h, w)
    for place in places:
        if valid:
            cosine = [
                float(
                    (patches[place] * patches[q]).sum() / patches[place].norm() / patches[q].norm()
                )
                for q in valid
            ]
            best = max(range(len(valid)), key=cosine.__getitem__)
            scores[place + valid[best]] = cosine[best]
    scores = naive_convolution(naive_convolution(scores, horizontal, 1), vertical, 0)
    total, count = torch.zeros_like(f), torch.zeros(h, w)
    for y, x in places:
        mixed = sum((scores[(y, x, *q)] * patches[q] for q in valid), torch.zeros(c, 3, 3))
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if 0 <= y + dy < h and 0 <= x + dx < w:
                    total[:, y + dy, x + dx] += mixed[:, dy + 1, dx + 1]
                    count[y + dy, x + dx] += 1
    return total / count


def naive_convolution(scores: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Return sum_ab kernel[a,b] S[.. + a, .. + b] along y (0) or x (1) of both positions."""
    result = torch.zeros_like(scores)
    size = scores.shape
    for a in (-1, 0, 1):
        for b in (-1, 0, 1):
            for i in range(size[axis]):
                for j in range(size[2 + axis]):
                    if 0 <= i + a < size[axis] and 0 <= j + b < size[2 + axis]:
                        target = [slice(None)] * 4
                        source = [slice(None)] * 4
                        target[axis], target[2 + axis] = i, j  # type: ignore[call-overload]
                        source[axis], source[2 + axis] = i + a, j + b  # type: ignore[call-overload]
                        result[tuple(target)] += kernel[a + 1, b + 1] * scores[tuple(source)]
    return result


@pytest.mark.parametrize("form", ["index", "dense"])
def test_adaptive_equals_the_naive_loop(form: str) -> None:
    f = features(2, 3, 6)
    masks = torch.cat([box(6, 3, 5, 1, 4), box(6, 0, 2, 3, 6)])
    layer = AdaptiveContextAttention(3, form=form)
    kernels = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(1))
    layer.kernels.data.copy_(kernels)
    expected = [naive_adaptive(f[i], masks[i, 0], kernels[0], kernels[1]) for i in range(2)]
    torch.testing.assert_close(layer(f, masks), torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rate", [1, 2])
def test_a_graph_of_fixed_shapes_gives_the_same(rate: int) -> None:
    """Samples with little, much, everything and nothing occluded in one batch."""
    masks = torch.cat(
        [box(16, 6, 9, 2, 5), box(16, 0, 13, 1, 16), box(16, 0, 16, 0, 16), box(16, 0, 0, 0, 0)]
    )
    layer = AdaptiveContextAttention(4, rate=rate)
    quick = layer(features(4, 4, 16), masks)
    with patch.object(torch.compiler, "is_compiling", lambda: True):
        whole = layer(features(4, 4, 16), masks)
    torch.testing.assert_close(quick, whole, rtol=1e-5, atol=1e-6)


def test_only_occluded_positions_are_compared_and_only_with_valid_ones() -> None:
    masks = torch.cat([box(16, 6, 9, 2, 5), box(16, 8, 13, 1, 12)])
    with FlopCounterMode(display=False) as counter:
        AdaptiveContextAttention(4)(features(2, 4, 16), masks)
    most_occluded, most_valid = 7 * 13, 16 * 16 - 5 * 5  # a mask widened by one pixel
    products = counter.get_flop_counts()["Global"][torch.ops.aten.bmm]
    assert products == 2 * 2 * most_occluded * most_valid * 9 * 4


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("prop", ["score", "eye", "none"])
@pytest.mark.parametrize("norm", ["none", "sum"])
def test_both_forms_agree_in_values_and_gradients(rate: int, prop: str, norm: str) -> None:
    masks = torch.cat([box(16, 6, 12, 2, 11), box(16, 0, 5, 8, 16)])
    results = []
    for form in ("index", "dense"):
        f = features(2, 4, 16).requires_grad_()
        layer = AdaptiveContextAttention(4, rate=rate, prop=prop, norm=norm, form=form)
        output = layer(f, masks)
        output.square().sum().backward()
        results.append([output, f.grad, *(p.grad for p in layer.parameters())])
    assert len(results[0]) == (3 if prop == "score" else 2)
    for index, dense in zip(*results, strict=True):
        torch.testing.assert_close(index, dense, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rate", [1, 2])
@pytest.mark.parametrize("prop", ["score", "eye"])
def test_without_occlusion_it_starts_as_the_identity(rate: int, prop: str) -> None:
    f = features(2, 4, 16)
    output = AdaptiveContextAttention(4, rate=rate, prop=prop)(f, torch.zeros(2, 1, 16, 16))
    inner = slice(2 * rate, -2 * rate)
    torch.testing.assert_close(
        output[..., inner, inner], f[..., inner, inner], rtol=1e-5, atol=1e-5
    )


def test_row_sums_make_the_border_an_identity_too() -> None:
    f = features(1, 4, 12)
    output = AdaptiveContextAttention(4, norm="sum")(f, torch.zeros(1, 1, 12, 12))
    torch.testing.assert_close(output, f, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "sum", "softmax"])
@pytest.mark.parametrize("form", ["index", "dense"])
def test_with_nothing_valid_it_is_zero_and_gradients_are_finite(form: str, norm: str) -> None:
    f = features(2, 4, 8).requires_grad_()
    masks = torch.cat([torch.ones(1, 1, 8, 8), box(8, 3, 5, 3, 5)])
    layer = AdaptiveContextAttention(4, norm=norm, form=form)
    output = layer(f, masks)
    output.square().sum().backward()
    assert (output[0] == 0).all()
    assert output[1].abs().sum() > 0
    assert f.grad.isfinite().all()
    assert layer.kernels.grad.isfinite().all()


def test_zero_features_have_finite_gradients() -> None:
    f = torch.zeros(1, 4, 8, 8, requires_grad=True)
    AdaptiveContextAttention(4)(f, box(8, 4, 8, 0, 8)).sum().backward()
    assert f.grad.isfinite().all()


@pytest.mark.parametrize("layer", [AdaptiveContextAttention(4), ContextAttention(rate=1)])
def test_every_sample_has_its_own_mask(layer: torch.nn.Module) -> None:
    f = features(1, 4, 12).expand(3, -1, -1, -1)
    masks = torch.cat([box(12, 6, 12, 0, 12), box(12, 0, 4, 0, 6), box(12, 4, 8, 4, 8)])
    order = [2, 0, 1]
    together = layer(f, masks)
    torch.testing.assert_close(layer(f, masks[order]), together[order])
    assert not torch.allclose(together[0], together[1])


def test_occluded_features_are_not_borrowed() -> None:
    """Changing a hole's features may move the choice but never their values into the output."""
    f = features(1, 4, 12)
    masks = box(12, 5, 9, 3, 9)
    f = f * (1 - masks) + 1000 * masks
    output = AdaptiveContextAttention(4, prop="none")(f, masks)
    assert output.max() <= 1.01


def test_a_thin_mask_survives_the_way_to_feature_resolution() -> None:
    f = features(1, 4, 8)
    line = torch.zeros(1, 1, 32, 32)
    line[:, :, 13] = 1
    row = torch.zeros(1, 1, 8, 8)
    row[:, :, 3] = 1
    layer = AdaptiveContextAttention(4)
    torch.testing.assert_close(layer(f, line), layer(f, row))


@pytest.mark.parametrize("layer", [AdaptiveContextAttention(5, rate=2), ContextAttention(rate=2)])
def test_rate_two_keeps_the_shape(layer: torch.nn.Module) -> None:
    assert layer(features(2, 5, 16), torch.zeros(2, 1, 64, 64)).shape == (2, 5, 16, 16)


def test_folding_equals_a_transposed_convolution_with_the_patches_as_kernels() -> None:
    f = features(1, 3, 6)
    layer = AdaptiveContextAttention(3, prop="none")
    masks = box(6, 2, 4, 2, 4)
    unit = F.normalize(F.unfold(f, 3, padding=1)[0].T, dim=1)
    valid = F.max_pool2d(masks, 3, 1, 1).flatten() < 0.5
    cosine = (unit @ unit.T).masked_fill(~valid, -1)
    score, best = cosine.max(1)
    planes = torch.zeros(36, 36).scatter(1, best[:, None], score[:, None]).T.view(1, 36, 6, 6)
    kernels = F.unfold(f, 3, padding=1)[0].T.view(36, 3, 3, 3)
    count = F.conv_transpose2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, 3, 3), padding=1)
    expected = F.conv_transpose2d(planes, kernels, padding=1) / count
    torch.testing.assert_close(layer(f, masks), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("prop", ["spatial", "feature"])
def test_other_readings_run_and_learn(prop: str) -> None:
    f = features(2, 4, 8).requires_grad_()
    layer = AdaptiveContextAttention(4, prop=prop)
    layer(f, box(8, 4, 8, 0, 8).expand(2, -1, -1, -1)).square().mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in layer.parameters())


def test_plain_attention_equals_its_equation() -> None:
    f, masks = features(1, 3, 6), box(6, 3, 6, 0, 4)
    unit = F.normalize(F.unfold(f, 3, padding=1)[0].T, dim=1)
    cosine = (unit @ unit.T).view(6, 6, 6, 6)
    scores = naive_convolution(naive_convolution(cosine, torch.eye(3), 1), torch.eye(3), 0)
    valid = (F.max_pool2d(masks, 3, 1, 1).flatten() < 0.5).float()
    weights = (scores.view(36, 36) * valid * 10).softmax(1) * valid
    patches = F.unfold(f, 3, padding=1)[0].T
    count = F.fold(torch.ones(1, 9, 36), (6, 6), 3, padding=1)
    expected = F.fold((weights @ patches).T[None], (6, 6), 3, padding=1) / count
    torch.testing.assert_close(ContextAttention(rate=1)(f, masks), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("form", "mib"), [("index", 45), ("dense", 233)])
def test_memory_is_what_the_docstring_counts(form: str, mib: int) -> None:
    f = features(1, 96, 64).requires_grad_()
    stores: dict[int, tuple[int, Tensor]] = {}

    def pack(tensor: Tensor) -> Tensor:
        store = tensor.untyped_storage()
        stores[store.data_ptr()] = (store.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        AdaptiveContextAttention(96, form=form)(f, box(64, 32, 64, 0, 64))
    measured = sum(size for size, _ in stores.values()) / 2**20
    assert measured == pytest.approx(mib, rel=0.05)
    assert f"{mib} MiB" in AdaptiveContextAttention.__doc__


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="rate=3"):
        AdaptiveContextAttention(4, rate=3)
