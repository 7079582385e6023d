"""The restorer as a transform, and in front of a recogniser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Recognizer, Restorer, Segmenter
from restore_recog.errors import PluginError
from restore_recog.images import to_tensor
from restore_recog.restoring.image_files import segmenter_for
from restore_recog.restoring.restoration import Restoration, RestoredRecognizer
from restore_recog.segmenters.names import DEFAULT_SEGMENTER, OWN, choose
from restore_recog.types import FaceBatch, FaceImage


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


class Framed(Recognizer):
    """Keeps what it is shown: 44 x 40 pixels around the face."""

    name = "framed"
    image_size = (44, 40)
    template = (TEMPLATE * 32 + (4, 6)) / (40, 44)

    def embed(self, images: Tensor) -> Tensor:
        self.shown = images
        return F.normalize(images.flatten(1))


def test_photographs_are_restored_in_the_crop_and_shown_around_it() -> None:
    photograph = np.random.default_rng(5).integers(0, 256, (120, 140, 3)).astype(np.uint8)
    image = FaceImage(photograph, (TEMPLATE * 32 - 0.5 + (50, 40)).astype(np.float32))
    framed = Framed()
    chain = RestoredRecognizer(Painter(), framed, LowerHalf())
    templates = chain.of_photographs([image])
    expected = photograph.copy()
    expected[40 + 16 : 40 + 32, 50 : 50 + 32] = 64  # a quarter of 255
    frame = to_tensor([expected[34 : 34 + 44, 46 : 46 + 40]])
    torch.testing.assert_close(framed.shown, frame)
    torch.testing.assert_close(templates, F.normalize(frame.flatten(1)))
    mask = np.zeros(photograph.shape[:2], np.uint8)
    chain.of_photographs([FaceImage(photograph, image.landmarks, mask)])
    torch.testing.assert_close(framed.shown, to_tensor([photograph[34 : 34 + 44, 46 : 46 + 40]]))
    usual = RestoredRecognizer(Painter(), Mean(), LowerHalf())
    crop = to_tensor([photograph[40 : 40 + 32, 50 : 50 + 32]])
    torch.testing.assert_close(usual.of_photographs([image]), usual(crop), atol=2e-3, rtol=0)


def test_its_networks_are_parts_of_the_module() -> None:
    chain = RestoredRecognizer(Painter(), Mean(), LowerHalf())
    assert {name for name, _ in chain.named_parameters()} == {
        "restoration.net.weight",
        "restoration.net.bias",
    }
