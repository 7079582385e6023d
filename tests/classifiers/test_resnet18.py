"""The classifier ResNet-18: its size, its training, its files."""

from __future__ import annotations

import pytest
import torch

from restore_recog import registry, weights
from restore_recog.api import answers
from restore_recog.classifiers.resnet18 import CONFIGURATION, ResNet18, ResNetClassifier
from restore_recog.errors import PluginError, TrainingError, WeightsError
from restore_recog.types import FaceBatch

SMALL = {"width": 8, "image_size": 32, "batch_size": 6, "images": 60, "lr": 0.01}


def batch(labels: list[int]) -> FaceBatch:
    """Return images whose brightness goes with the label."""
    codes = torch.tensor(labels)
    images = (codes.float() / 7).view(-1, 1, 1, 1).expand(-1, 3, 32, 32) + 0.05 * torch.rand(
        len(labels), 3, 32, 32
    )
    return FaceBatch(images, torch.zeros(len(labels), 1, 32, 32), attributes={"expression": codes})


def test_the_papers_width_has_the_papers_parameters() -> None:
    """A ResNet-18 has 11,176,512 parameters before its last layer, which has 513 a class here."""
    net = ResNetClassifier({**CONFIGURATION.options, "width": 64})
    assert sum(p.numel() for p in net.parameters()) == 11_176_512 + 7 * 513


def test_a_training_lowers_its_loss_and_its_file_is_read_again(tmp_path) -> None:
    torch.manual_seed(0)
    training = ResNet18.trainable(**SMALL)
    (phase,) = training.phases
    assert (phase.images, phase.batch_size, phase.balanced) == (60, 6, "expression")
    losses = [phase.step(batch([0, 1, 2, 4, 5, 6]), i / 20)["entropy"] for i in range(20)]
    assert losses[-1] < losses[0] - 0.3
    with torch.no_grad():
        figures = training.validate(batch([0, 1, -1, 6]))
        assert training.validate(batch([-1, -1])) == {}
    assert 0 <= figures["accuracy"] <= 1
    file = tmp_path / "own.safetensors"
    weights.save(file, "resnet18", *training.weights(), half=False)
    classifier = registry.classifiers.create(f"resnet18={file}")
    images = batch([0, 3, 6]).images
    training.net.eval()
    expected = training.net(images).softmax(1).detach()
    torch.testing.assert_close(answers.classified(classifier, images), expected)
    assert classifier.features(images).shape == (3, 64)
    with pytest.raises(WeightsError, match="tells a face's expression, not 'gender'"):
        registry.classifiers.create("resnet18:gender", weights=file)


def test_another_label_has_its_own_classes() -> None:
    training = ResNet18.trainable("gender", **SMALL)
    assert training.net(torch.rand(2, 3, 32, 32)).shape == (2, 2)
    assert training.weights()[0]["label"] == "gender"


@pytest.mark.parametrize(
    ("argument", "options", "words"),
    [
        ("age", {}, "no label 'age' to train 'resnet18' for; choose from expression, gender"),
        (None, {"width": 0}, "'width' cannot be 0; it is a number from 8 to 512"),
        (None, {"images": 0}, "'images' must be positive, not 0"),
        (None, {"grey": 2.0}, "'grey' cannot be 2.0; it is a number from 0 to 1"),
        (None, {"colour": 1}, "has no option 'colour'"),
    ],
)
def test_wrong_options_are_one_sentence(argument, options, words) -> None:
    with pytest.raises(TrainingError, match=words):
        ResNet18.trainable(argument, **options)


def test_rows_that_are_no_probabilities_are_refused(tmp_path) -> None:
    file = tmp_path / "own.safetensors"
    weights.save(file, "resnet18", *ResNet18.trainable(**SMALL).weights())
    classifier = ResNet18(weights=file)
    classifier.classify = lambda images: classifier.net(images)  # logits
    with pytest.raises(PluginError, match="no set of probabilities; end classify"):
        answers.classified(classifier, torch.rand(2, 3, 32, 32))
