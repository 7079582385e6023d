"""What plug-ins may not answer: a sentence that names the plug-in, whichever command runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from restore_recog import evaluate, images
from restore_recog.api import Recognizer, Restorer, Segmenter, answers
from restore_recog.errors import PluginError
from restore_recog.evaluation.scores.comparison import comparison
from restore_recog.restoring.image_files import ImageRestorer
from restore_recog.restoring.restoration import Restoration, RestoredRecognizer
from restore_recog.testing import face_batch
from restore_recog.types import FaceImage
from tests.fakes.tiny_recognizer import TinyRecognizer

Answer = Callable[[Tensor], Any]

BATCH = face_batch(2, (32, 32))


class Answering(Restorer):
    """Answers with whatever a function makes of the images."""

    name = "answering"
    image_size = (32, 32)

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    def restore(self, batch):
        return self.answer(batch.images)


class Looking(Segmenter):
    """The same as a segmenter."""

    name = "looking"

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer

    def segment(self, images):
        return self.answer(images)


class Telling(TinyRecognizer):
    """A recogniser whose answers go through functions."""

    name = "telling"

    def __init__(self, embed: Answer = lambda t: t, compare: Answer = lambda s: s) -> None:
        super().__init__()
        self.changed, self.scored = embed, compare

    def embed(self, images):
        return self.changed(super().embed(images))

    def compare(self, references, probes):
        return self.scored(references @ probes.T)


def tanh(images: Tensor) -> Tensor:
    return 2 * images - 1


def overwrite(images: Tensor) -> Tensor:
    return images.mul_(0.5)


def leave(_: object) -> Tensor:
    sys.exit(0)


UNFIT: list[tuple[Answer, str]] = [
    (tanh, r"returned pixels from -[01]\.?\d* to [01]\.?\d*, but images lie in \[0, 1\]"),
    (lambda x: x * 255, "bytes: x / 255"),
    (lambda x: x * 0 + 1.01, "but images lie in"),
    (lambda x: (x * 255).byte(), "returned uint8 numbers, expected float32"),
    (lambda x: x.half(), "returned float16 numbers, expected float32"),
    (lambda x: x.double(), "returned float64 numbers, expected float32"),
    (lambda x: x.to(torch.complex64), "returned complex64 numbers"),
    (lambda x: x.numpy(), r"returned a ndarray, expected a tensor of shape \(2, 3, 32, 32\)"),
    (lambda x: list(x), "returned a list, expected a tensor"),
    (lambda x: (x, x), "returned a tuple, expected a tensor"),
    (lambda x: {"images": x}, "returned a dict, expected a tensor"),
    (lambda _: None, "returned a NoneType, expected a tensor"),
    (lambda x: x[:1], r"returned shape \(1, 3, 32, 32\) for 2 images"),
    (lambda x: x[:, :, :8], "returned shape"),
    (lambda x: x.permute(0, 2, 3, 1), "returned shape"),
    (overwrite, r"changed the images that it was given; let it work on a copy"),
    (leave, r"called sys.exit\(0\) while it was at work"),
]


@pytest.mark.parametrize(("answer", "words"), UNFIT)
def test_a_restorer_that_breaks_its_contract_is_named(answer: Answer, words: str) -> None:
    restorer = Answering(answer)
    with pytest.raises(PluginError, match=f"^The restorer 'answering' .*{words}"):
        answers.restored(restorer, face_batch(2, (32, 32)))
    with pytest.raises(PluginError, match=words):
        Restoration(restorer)(BATCH.images.clone(), BATCH.masks)


def test_rounding_is_no_breach_and_is_not_clamped() -> None:
    near = answers.restored(Answering(lambda x: x * 0 + 1 + 5e-4), BATCH)
    assert float(near.max()) > 1
    answers.restored(Answering(lambda x: x * 0 - 5e-4), BATCH)


def test_a_mask_that_was_changed_is_noticed() -> None:
    class Greedy(Answering):
        def restore(self, batch):
            batch.masks.fill_(1)
            return batch.images.clone()

    with pytest.raises(PluginError, match="changed the masks that it was given"):
        answers.restored(Greedy(tanh), face_batch(2, (32, 32)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: x[:, :1], "returned the value"),
        (lambda x: x, "returned shape"),
        (lambda x: x[:, :1].round().to(torch.complex64), "returned complex64 numbers"),
        (lambda x: x[:, 0].numpy(), "returned a ndarray"),
        (lambda x: None, "returned a NoneType"),
        (lambda x: overwrite(x)[:, :1].round(), "changed the images"),
        (leave, "called sys.exit"),
    ],
)
def test_a_segmenter_that_breaks_its_contract_is_named(answer: Answer, words: str) -> None:
    with pytest.raises(PluginError, match=f"^The segmenter 'looking' .*{words}"):
        answers.segmented(Looking(answer), BATCH.images.clone())


def test_a_restorer_may_not_bring_a_function_as_its_segmenter() -> None:
    class Bringing(Answering):
        def segmenter(self):
            return lambda images: images

    with pytest.raises(PluginError, match=r"'answering' returned a function from segmenter\(\)"):
        Restoration(Bringing(tanh))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda t: t.numpy(), r"returned a ndarray for 2 images, expected a tensor"),
        (lambda t: (t,), "returned a tuple for 2 images"),
        (lambda t: {"t": t}, "returned a dict"),
        (lambda t: None, "returned a NoneType"),
        (lambda t: t[:1], r"returned shape \(1, 192\) for 2 images, expected \(2, D\)"),
        (lambda t: t[:, :0], r"returned shape \(2, 0\)"),
        (lambda t: t.flatten(), "returned shape"),
        (lambda t: t.double(), "returned float64 numbers"),
        (lambda t: (t * 100).int(), "returned int32 numbers"),
        (lambda t: 3 * t, "returned a template of length 3, but templates have length 1"),
        (leave, "called sys.exit"),
    ],
)
def test_a_recogniser_that_breaks_its_contract_is_named(answer: Answer, words: str) -> None:
    recognizer = Telling(answer)
    with pytest.raises(PluginError, match=f"^The recogniser 'telling' .*{words}"):
        answers.embedded(recognizer, BATCH.images)
    with pytest.raises(PluginError, match=words):
        RestoredRecognizer(Answering(Tensor.clone), recognizer)(BATCH.images, BATCH.masks)


def test_faces_without_a_template_are_no_breach() -> None:
    def none(templates: Tensor) -> Tensor:
        templates = templates.clone()
        templates[0], templates[1] = 0, float("nan")
        return templates

    rows = answers.embedded(Telling(none), BATCH.images)
    assert not rows[0].any() and bool(rows[1].isnan().all())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda s: s * 300, r"not a number in \[-1, 1\]"),
        (lambda s: s * np.nan, r"not a number in \[-1, 1\]"),
        (lambda s: torch.from_numpy(s), "returned torch.float64, expected a NumPy array"),
        (lambda s: s.tolist(), "returned list, expected a NumPy array"),
        (lambda s: s + 0j, "returned complex128, expected a NumPy array of floats"),
        (lambda s: s.astype(object), "returned object"),
        (lambda s: None, "returned NoneType"),
        (lambda s: s[:, :1], r"returned shape \(3, 1\), expected \(3, 3\)"),
        (leave, "called sys.exit"),
    ],
)
def test_a_comparison_that_breaks_its_contract_is_named(answer: Answer, words: str) -> None:
    rows = np.eye(3, 192)
    compare = comparison(Telling(compare=answer), rows, np.array(["a", "b", "c"]))
    with pytest.raises(PluginError, match=f"^The recogniser 'telling' .*{words}"):
        compare(rows, rows)


def test_a_comparison_may_not_change_the_templates() -> None:
    class Centring(TinyRecognizer):
        def compare(self, references, probes):
            references -= references.mean(0)
            return references @ probes.T

    rows = np.eye(3, 192)
    with pytest.raises(PluginError, match="changed the references that it was given"):
        comparison(Centring(), rows, np.array(["a", "b", "c"]))(rows, rows)


def test_what_enrols_must_be_a_function() -> None:
    class Matrix(TinyRecognizer):
        def enrol(self, gallery, subjects):
            return gallery @ gallery.T

    with pytest.raises(PluginError, match=r"returned a ndarray from enrol\(\)"):
        comparison(Matrix(), np.eye(3, 192), np.array(["a", "b", "c"]))


@pytest.mark.parametrize("answer", [tanh, lambda x: (x * 255).byte(), lambda x: x.numpy()])
def test_every_command_refuses_it(answer: Answer, tmp_path: Path) -> None:
    restorer: Restorer = Answering(answer)
    with pytest.raises(PluginError, match="The restorer 'answering' returned"):
        judged(restorer, TinyRecognizer())
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    images.write(tmp_path / "a.png", pixels)
    worker = ImageRestorer(restorer, Looking(lambda x: torch.ones_like(x[:, :1])), faces="aligned")
    with pytest.raises(PluginError, match="The restorer 'answering' returned"):
        worker.restore(worker.find(FaceImage(images.read(tmp_path / "a.png"))))


def judged(restorer: Restorer | str, recognizer: Recognizer) -> None:
    """Evaluate a restorer in small."""
    evaluate(
        data="phantom:6x2",
        restorer=restorer,
        recognizer=recognizer,
        segmenter="true",
        limit=4,
        progress=False,
    )


def test_the_recogniser_of_an_evaluation_is_checked() -> None:
    with pytest.raises(PluginError, match="'telling' returned a template of length 7"):
        judged("none", Telling(lambda t: t * 7))
