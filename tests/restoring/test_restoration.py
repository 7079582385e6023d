"""The restorer as a transform, and in front of a recogniser."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.api import Recognizer, Restorer, Segmenter
from restore_recog.errors import PluginError
from restore_recog.restoring.image_files import segmenter_for
from restore_recog.restoring.restoration import Restoration, RestoredRecognizer
from restore_recog.segmenters.names import DEFAULT_SEGMENTER, OWN, choose
from restore_recog.types import FaceBatch


class Painter(Restorer):
    """Paint the marked pixels in one learnable colour."""

    name = "painter"
    image_size = (32, 32)

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Conv2d(3, 3, 1)
        nn.init.zeros_(self.net.weight)
        nn.init.constant_(self.net.bias, 0.25)

    def restore(self, batch: FaceBatch) -> Tensor:
        return torch.where(batch.masks > 0.5, self.net(batch.images), batch.images)


class LowerHalf(Segmenter):
    name = "lower"

    def segment(self, images: Tensor) -> Tensor:
        masks = torch.zeros_like(images[:, :1])
        masks[:, :, images.shape[2] // 2 :] = 1
        return masks


class Mean(Recognizer):
    """The mean colour as a template."""

    name = "mean"
    image_size = (16, 16)

    def __init__(self) -> None:
        super().__init__()

    def embed(self, images: Tensor) -> Tensor:
        assert images.shape[-2:] == (16, 16)
        return F.normalize(images.mean((2, 3)))


def crops(side: int = 32) -> Tensor:
    return torch.rand(3, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_only_marked_pixels_change_at_any_size() -> None:
    images, masks = crops(48), torch.zeros(3, 1, 48, 48)
    masks[:, :, 20:40, 8:40] = 1
    restored = Restoration(Painter())(images, masks)
    inside = masks.expand(-1, 3, -1, -1) > 0
    assert torch.equal(restored[~inside], images[~inside])
    torch.testing.assert_close(restored[inside], torch.full_like(restored[inside], 0.25))


def test_one_image_goes_through_as_one_image() -> None:
    images = crops()
    transform = Restoration(Painter(), LowerHalf())
    torch.testing.assert_close(transform(images)[1], transform(images[1]))


def test_the_mask_is_found_where_none_is_given() -> None:
    images = crops()
    restored = Restoration(Painter(), LowerHalf())(images)
    assert torch.equal(restored[:, :, :16], images[:, :, :16])
    assert bool((restored[:, :, 16:] == 0.25).all())


def test_without_mask_and_segmenter_one_is_borrowed_as_in_an_evaluation() -> None:
    painter, images = Painter(), crops()
    lent = choose(OWN, {"painter": painter}, "cpu")["painter"]
    assert lent is not None and lent.name == DEFAULT_SEGMENTER
    wanted = Restoration(painter, lent.segmenter)(images)
    assert torch.equal(Restoration(painter)(images), wanted)
    assert type(segmenter_for(painter)) is type(lent.segmenter)


@pytest.mark.parametrize("answer", [torch.zeros(3, 3, 8, 8), None])
def test_an_answer_of_another_shape_is_refused(answer: Tensor | None) -> None:
    class Broken(Painter):
        def restore(self, batch: FaceBatch) -> Tensor:
            return answer  # type: ignore[return-value]

    with pytest.raises(PluginError, match=r"expected a tensor of shape \(3, 3, 32, 32\)"):
        Restoration(Broken(), LowerHalf())(crops())


def test_gradients_flow_through() -> None:
    painter, masks = Painter(), torch.ones(3, 1, 48, 48)
    Restoration(painter)(crops(48), masks).sum().backward()
    assert painter.net.bias.grad is not None and bool((painter.net.bias.grad != 0).all())


def test_a_restorer_in_front_of_a_recogniser() -> None:
    images = crops(48)
    chain = RestoredRecognizer(Painter(), Mean(), LowerHalf())
    templates = chain(images)
    restored = Restoration(Painter(), LowerHalf())(images)
    small = F.interpolate(restored, (16, 16), mode="bilinear", antialias=True)
    torch.testing.assert_close(templates, F.normalize(small.mean((2, 3))))
    assert torch.allclose(templates.norm(dim=1), torch.ones(3))


def test_its_networks_are_parts_of_the_module() -> None:
    chain = RestoredRecognizer(Painter(), Mean(), LowerHalf())
    assert {name for name, _ in chain.named_parameters()} == {
        "restoration.net.weight",
        "restoration.net.bias",
    }
