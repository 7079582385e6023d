"""The gender classifier: its sizes, its training, where it starts, its files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from torchvision.models import Inception_V3_Weights, inception_v3

from restore_recog import registry, weights
from restore_recog.api import answers
from restore_recog.classifiers.gender import GenderClassifier
from restore_recog.classifiers.gender.networks import GenderNet
from restore_recog.classifiers.gender.presets import NETS
from restore_recog.cli import main
from restore_recog.errors import PluginError, TrainingError, WeightsError
from restore_recog.types import FaceBatch

TINY = {"preset": "tiny", "batch_size": 6, "lr": 0.01}


def batch(codes: list[int]) -> FaceBatch:
    """Return images whose brightness goes with the gender."""
    labels = torch.tensor(codes)
    level = 0.3 + 0.4 * labels.float().view(-1, 1, 1, 1)
    images = level + 0.2 * torch.rand(len(codes), 3, 80, 80)
    return FaceBatch(images, torch.zeros(len(codes), 1, 80, 80), attributes={"gender": labels})


@pytest.fixture(scope="module")
def inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file as torchvision's, in half precision, with random weights."""
    torch.manual_seed(0)
    net = inception_v3(weights=None, aux_logits=True, init_weights=False)
    file = tmp_path_factory.mktemp("inception") / "inception_v3.pth"
    halves = {n: t.half() if t.is_floating_point() else t for n, t in net.state_dict().items()}
    torch.save(halves, file)
    return file


def test_the_papers_head_has_the_papers_parameters() -> None:
    net = GenderNet(NETS["paper"])
    trainable = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert trainable == 9_720_321
    assert trainable == sum(p.numel() for p in net.head.parameters())
    shapes = []
    hook = net.backbone.net.Mixed_7c.register_forward_hook(
        lambda _module, _given, made: shapes.append(tuple(made.shape))
    )
    with torch.no_grad():
        assert net.eval()(torch.rand(1, 3, 256, 256)).shape == (1, 2)
    hook.remove()
    assert shapes == [(1, 2048, 6, 6)]


def test_a_frozen_backbone_stays_as_it_is(inception: Path) -> None:
    """Neither a step nor ``train`` moves its weights or its batch statistics; the head learns."""
    torch.manual_seed(0)
    training = GenderClassifier.trainable(preset="paper", init=str(inception), image_size=80)
    assert training.options["init"].startswith("sha256:")
    before = {n: t.clone() for n, t in training.net.state_dict().items()}
    (phase,) = training.phases
    assert (phase.batch_size, phase.images) == (256, 150 * 89_443)
    phase.step(batch([0, 1, 0, 1]), 0.5)
    assert training.net.training and training.net.head.training
    assert not any(part.training for part in training.net.backbone.modules())
    after = training.net.state_dict()
    moved = {n for n in before if not torch.equal(before[n], after[n])}
    assert moved and all(name.startswith("head.") for name in moved)
    assert training.optimizer.param_groups[0]["lr"] == 1e-4  # as at the start


def test_the_backbone_is_torchvisions(inception: Path) -> None:
    training = GenderClassifier.trainable(preset="paper", init=str(inception), image_size=80)
    theirs = inception_v3(weights=None, aux_logits=True, init_weights=False).eval()
    theirs.load_state_dict(torch.load(inception, weights_only=True))
    theirs.fc = torch.nn.Identity()
    images = torch.rand(2, 3, 80, 80)
    with torch.no_grad():
        expected = theirs(2 * images - 1)
        torch.testing.assert_close(training.net.backbone(2 * images - 1), expected)


def test_two_logits_are_one_binary_cross_entropy() -> None:
    net = GenderNet(NETS["tiny"]).eval()
    given = batch([0, 1, 1])
    with torch.no_grad():
        logits = net(given.images)
    labels = given.attributes["gender"]
    binary = F.binary_cross_entropy_with_logits(logits[:, 1], labels.float())
    torch.testing.assert_close(F.cross_entropy(logits, labels), binary)
    torch.testing.assert_close(logits.softmax(1)[:, 1], logits[:, 1].sigmoid())


def test_a_training_learns_and_its_file_is_read_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    training = GenderClassifier.trainable(**TINY)
    (phase,) = training.phases
    assert phase.balanced == "gender" and training.covered == 0.7
    losses = [phase.step(batch([0, 1, 0, 1, 1, 0]), i / 30)["entropy"] for i in range(25)]
    assert losses[-1] < losses[0] - 0.2
    with torch.no_grad():
        assert 0 <= training.validate(batch([0, 1, -1]))["accuracy"] <= 1
        assert training.validate(batch([-1, -1])) == {}
    file = tmp_path / "own.safetensors"
    weights.save(file, "gender", *training.weights(), half=False)
    classifier = registry.classifiers.create(f"gender={file}")
    assert classifier.classes == ("female", "male") and classifier.image_size == (80, 80)
    images = batch([0, 1, 1]).images
    training.net.eval()
    expected = training.net(images).softmax(1).detach()
    torch.testing.assert_close(answers.classified(classifier, images), expected)
    assert classifier.features(images).shape == (3, 16)
    again = GenderClassifier.trainable(**TINY, init=str(file))
    for name, tensor in again.net.state_dict().items():
        assert torch.equal(tensor, training.net.state_dict()[name])


def test_the_compact_file_is_small(tmp_path: Path) -> None:
    file = tmp_path / "compact.safetensors"
    weights.save(file, "gender", *GenderClassifier.trainable().weights())
    assert file.stat().st_size < 3_000_000


def test_nothing_frozen_starts_at_random(tmp_path: Path, monkeypatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(Inception_V3_Weights, "get_state_dict", unreachable)
    with pytest.raises(TrainingError, match="Inception-v3 cannot be had .*no network.*init=FILE"):
        GenderClassifier.trainable(preset="paper")
    with pytest.raises(TrainingError, match="frozen and cannot start from scratch"):
        GenderClassifier.trainable(preset="paper", init="scratch")
    with pytest.raises(TrainingError, match="ImageNet weights are those of Inception-v3"):
        GenderClassifier.trainable(preset="compact", init="imagenet")
    with pytest.raises(WeightsError, match="There is no weights file"):
        GenderClassifier.trainable(preset="paper", init=str(tmp_path / "none.pth"))
    other = tmp_path / "other.pth"
    torch.save({"conv1.weight": torch.zeros(3)}, other)
    with pytest.raises(WeightsError, match="does not fit Inception3"):
        GenderClassifier.trainable(preset="paper", init=str(other))


@pytest.mark.parametrize(
    ("argument", "options", "words"),
    [
        ("expression", {}, "cannot be trained for 'expression'; train 'gender'"),
        (None, {"preset": "huge"}, "no preset 'huge'; choose paper or compact or tiny"),
        (None, {"image_size": 64}, "'image_size' cannot be 64; it is a number from 75"),
        (None, {"width": 4}, "at least 8 wide, not 4"),
        (None, {"schedule": "step"}, "'schedule' cannot be 'step'; choose one of constant"),
        (None, {"covered": 1.5}, "'covered' cannot be 1.5"),
        (None, {"label": "expression"}, "'label' cannot be 'expression'"),
    ],
)
def test_wrong_options_are_one_sentence(argument, options, words) -> None:
    with pytest.raises(TrainingError, match=words):
        GenderClassifier.trainable(argument, **options)


def test_a_file_or_an_argument_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    config, tensors = GenderClassifier.trainable(**TINY).weights()
    file = tmp_path / "own.safetensors"
    weights.save(file, "gender", {**config, "hidden": [16, 16]}, tensors)
    with pytest.raises(WeightsError, match="does not fit GenderNet"):
        GenderClassifier(weights=file)
    weights.save(file, "gender", {**config, "width": 0}, tensors)
    with pytest.raises(TrainingError, match="at least 8 wide"):
        GenderClassifier(weights=file)
    with pytest.raises(PluginError, match="takes no argument 'male'"):
        GenderClassifier("male", weights=file)


def test_the_command_trains_a_preset_on_those_whose_gender_is_known(tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [
        *("train-classifier", "--classifier", "restore_recog.classifiers.gender:GenderClassifier"),
        *("--preset", "tiny", "--data", "gender_fakes:Couples", "--validation-share", "0"),
        *("--set", "images=16", "--device", "cpu", "--workers", "0", "--output", str(run)),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    classifier = GenderClassifier(weights=run / "weights.safetensors")
    chances = answers.classified(classifier, torch.rand(2, 3, 80, 80))
    assert chances.shape == (2, 2) and classifier.settings["width"] == 8


def test_a_classifier_without_presets_says_so(tmp_path: Path) -> None:
    arguments = [
        *("train-classifier", "--classifier", "resnet18", "--preset", "tiny"),
        *("--data", "gender_fakes:Couples", "--device", "cpu", "--output", str(tmp_path / "run")),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and "has no option 'preset'" in result.stderr
