"""Recognisers as teachers: what they are fed, what they say, and who may not teach."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from recognizer_files import write_graph
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE
from restore_recog.errors import TrainingError
from restore_recog.nn.perceptual import RecognizerFeatures, RecognizerLayers, relative_loss
from restore_recog.nn.teachers import Teacher, Teachers, random_views
from restore_recog.recognizers.onnx import OnnxRecognizer
from restore_recog.restorers.ganmasker.losses import perceptual_loss, reconstruction_loss


def images(count: int = 3, side: int = 32, seed: int = 0) -> Tensor:
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, side, mode="bicubic").clamp(0, 1)


def flat(template: np.ndarray | None = None, size: tuple[int, int] = (32, 32)) -> Teacher:
    return Teacher("flat", nn.Flatten(), size, template)


def of(*teachers: Teacher, augment: bool = False, margin: float = 0.3) -> Teachers:
    made = Teachers(["timm"], augment=augment, margin=margin)
    made.teachers = nn.ModuleList(teachers)
    return made


class TestFeeding:
    def test_at_its_own_template_the_crop_is_taken_as_it_is(self) -> None:
        given = images()
        assert torch.equal(flat()._fed(given, None), given)

    def test_a_shifted_template_shifts_the_crop(self) -> None:
        given = images()
        fed = flat(TEMPLATE - np.array([4 / 32, 2 / 32]))._fed(given, None)
        assert torch.allclose(fed[:, :, :-2, :-4], given[:, :, 2:, 4:], atol=1e-5)

    def test_a_crop_that_is_wider_than_high_keeps_the_faces_shape(self) -> None:
        height, width = 32, 48
        # The square crop in the middle of a wider one: 8 pixels more on both sides.
        template = (TEMPLATE * 32 + np.array([8, 0])) / np.array([width, height])
        fed = flat(template, (height, width))._fed(images(), None)
        assert fed.shape == (3, 3, height, width)
        assert torch.allclose(fed[:, :, :, 8:-8], images(), atol=1e-5)

    def test_gradients_reach_the_crop(self) -> None:
        given = images().requires_grad_()
        of(flat(TEMPLATE * 0.9), augment=True)(given, images(seed=1))[0].sum().backward()
        assert given.grad is not None and bool((given.grad != 0).any())


class TestLosses:
    def test_by_hand(self) -> None:
        a = torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1)
        b = torch.tensor([4.0, 3.0, 0.0]).view(1, 3, 1, 1)
        teachers = of(flat(size=(1, 1)))
        assert teachers(a, b)[0] == pytest.approx(torch.tensor([1 - 24 / 25]))
        assert teachers(a, 2 * a)[0] == pytest.approx(torch.zeros(1), abs=1e-6)

    def test_the_lead_over_the_most_similar_other_person(self) -> None:
        clean = torch.eye(3).view(3, 3, 1, 1)
        restored = torch.tensor([[0.8, 0.6, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        apart, excess = of(flat(size=(1, 1)))(restored.view(3, 3, 1, 1), clean)
        assert apart.tolist() == pytest.approx([0.2, 0, 0], abs=1e-6)
        assert excess.tolist() == pytest.approx([0.6 - 0.8 + 0.3, 0, 0], abs=1e-6)
        people = torch.tensor([0, 0, 1])  # the second is the first one's own other image
        _, excess = of(flat(size=(1, 1)))(restored.view(3, 3, 1, 1), clean, people)
        assert excess.tolist() == pytest.approx([0, 0, 0], abs=1e-6)

    def test_one_person_alone_has_nobody_to_lead(self) -> None:
        _, excess = of(flat())(images(1), images(1))
        assert excess.tolist() == [0]


class TestViews:
    def test_they_differ_and_come_again_with_the_seed(self) -> None:
        given = images(4)
        torch.manual_seed(3)
        first, place = random_views(given)
        torch.manual_seed(3)
        again, same = random_views(given)
        assert torch.equal(first, again) and torch.equal(place, same)
        assert first.shape == given.shape and place.shape == (4, 2, 3)
        assert not torch.equal(place[0], place[1])

    def test_the_face_stays_in_the_image(self) -> None:
        torch.manual_seed(0)
        _, place = random_views(images(500, 8))
        centres = place @ torch.tensor([0.5, 0.5, 1.0])
        assert float((centres - 0.5).abs().max()) <= 0.05 + 1e-6
        mirrored = (place[:, :, :2].det() < 0).float().mean()
        assert 0.4 < float(mirrored) < 0.6


class TestWho:
    def test_the_judge_does_not_teach(self) -> None:
        with pytest.raises(TrainingError, match="'dlib' is kept for judging"):
            Teachers(["timm", "dlib"])

    def test_none_is_named(self) -> None:
        with pytest.raises(TrainingError, match="set its weight to 0 for none"):
            Teachers([])

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="no file .*gone.onnx.* name another"):
            Teachers([f"onnx:{tmp_path / 'gone.onnx'}"])

    def test_a_recogniser_without_gradients(self) -> None:
        with pytest.raises(TrainingError, match="cannot teach: it has no differentiable"):
            Teachers(["tiny_recognizer:TinyRecognizer"])


@pytest.fixture(scope="module")
def batch_of_one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was exported for one image, and reshapes to (1, D)."""
    pytest.importorskip("onnx2torch")
    from onnx import TensorProto, helper

    rng = np.random.default_rng(0)
    constants = {
        "kernel": rng.standard_normal((4, 3, 4, 4)).astype(np.float32),
        "slope": np.full((4, 1, 1), 0.2, np.float32),
        "shape": np.array([1, 64], np.int64),
    }
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["maps"], strides=[4, 4]),
        helper.make_node("PRelu", ["maps", "slope"], ["active"]),
        helper.make_node("Reshape", ["active", "shape"], ["templates"]),
    ]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 16, 16])]
    outputs = [helper.make_tensor_value_info("templates", TensorProto.FLOAT, [1, 64])]
    path = tmp_path_factory.mktemp("teacher") / "small.onnx"
    return write_graph(path, nodes, inputs, outputs, constants)


def test_an_onnx_file_of_batch_one_teaches_batches(batch_of_one: Path) -> None:
    recognizer = OnnxRecognizer(str(batch_of_one))
    given = images(5, 16).requires_grad_()
    templates = nn.functional.normalize(recognizer.net(given))
    assert torch.allclose(templates.detach(), recognizer.embed(given.detach()), atol=1e-5)
    templates[:, 0].sum().backward()
    assert given.grad is not None and bool((given.grad != 0).any())
    names = Teachers([f"onnx:{batch_of_one}"]).names()
    assert names[0].startswith("onnx:small.onnx ") and str(batch_of_one.parent) not in names[0]


@cache
def features() -> RecognizerFeatures:
    return RecognizerFeatures()


@cache
def layers() -> RecognizerLayers:
    return RecognizerLayers()


@cache
def unaugmented() -> Teachers:
    return Teachers(["timm"], augment=False)


LOSSES = {
    "reconstruction": lambda a, b: reconstruction_loss(a, b, 0.05),
    "features": lambda a, b: perceptual_loss([features()(a)], [features()(b)]),
    "layers": lambda a, b: relative_loss(layers()(a), layers()(b)).mean(),
    "identity": lambda a, b: sum(loss.mean() for loss in unaugmented()(a, b)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_leaves_the_gradient_at_the_image(name: str, dtype: torch.dtype) -> None:
    """Under autocast the loss of a restored image pulls where it does in float32."""
    clean = images(2, 128)
    noise = 0.05 * torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    gradients = []
    for enabled in (False, True):
        restored = (clean + noise).requires_grad_()
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            LOSSES[name](restored, clean).backward()
        assert restored.grad is not None
        gradients.append(restored.grad.flatten())
    assert float(nn.functional.cosine_similarity(*gradients, dim=0)) > 0.99
