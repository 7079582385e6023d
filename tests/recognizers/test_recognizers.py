"""Recognisers: triplet training, pretrained loaders, and what they refuse."""

from __future__ import annotations

import socket
from urllib.error import URLError

import numpy as np
import pytest
import torch
from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1

from restore_recog import weights
from restore_recog.errors import TrainingError, UnknownPluginError, WeightsError
from restore_recog.nn.stepping import warmed_cosine
from restore_recog.recognizers.facenet import FaceNet
from restore_recog.recognizers.timm import EmbeddingNet, TimmRecognizer
from restore_recog.recognizers.triplet import MINERS
from restore_recog.system import provenance
from restore_recog.types import FaceBatch

SMALL = {"image_size": 32, "dimension": 16, "batch_size": 16, "identities_per_batch": 4}


def batch(people: int = 4, shots: int = 4, size: int = 32) -> FaceBatch:
    """Return images of which each person has a colour of their own, plus noise."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(people, 3, 1, 1, generator=generator).repeat_interleave(shots, 0)
    noise = 0.1 * torch.randn(people * shots, 3, size, size, generator=generator)
    images = (colours + noise).clamp(0, 1)
    subjects = torch.arange(people).repeat_interleave(shots)
    return FaceBatch(images, torch.zeros_like(images[:, :1]), attributes={"subject": subjects})


def genuine_minus_impostor(net: torch.nn.Module, faces: FaceBatch) -> float:
    net.eval()
    with torch.no_grad():
        templates = torch.nn.functional.normalize(net(faces.images))
    cosine = templates @ templates.T
    same = faces.attributes["subject"][:, None] == faces.attributes["subject"][None]
    off = ~torch.eye(len(cosine), dtype=torch.bool)
    return float(cosine[same & off].mean() - cosine[~same].mean())


@pytest.mark.parametrize("miner", MINERS)
def test_triplet_training_pulls_people_apart(miner):
    torch.manual_seed(0)
    training = TimmRecognizer.trainable(
        "regnetx_002", **SMALL, miner=miner, learning_rate=3e-3, margin=0.5
    )
    faces = batch()
    before = genuine_minus_impostor(training.net, faces)
    losses = [training.step(faces, 0.2)["triplet"] for _ in range(12)]
    assert np.isfinite(losses).all()
    assert genuine_minus_impostor(training.net, faces) > before + 0.1


def test_every_parameter_of_the_net_learns():
    torch.manual_seed(0)
    training = TimmRecognizer.trainable("regnetx_002", **SMALL, miner="all", margin=1.0)
    before = {name: p.detach().clone() for name, p in training.net.named_parameters()}
    for _ in range(2):  # The backbone's residual branches start at zero and wake after one step.
        training.step(batch(), 0.2)
    still = [n for n, p in training.net.named_parameters() if torch.equal(before[n], p)]
    assert not still


def test_a_trained_file_gives_the_same_templates(tmp_path):
    training = TimmRecognizer.trainable("regnetx_002", **SMALL)
    training.step(batch(), 0.2)
    config, tensors = training.weights()
    weights.save(tmp_path / "w", "timm", config, tensors, half=False)
    recognizer = TimmRecognizer(weights=tmp_path / "w")
    faces = batch()
    training.net.eval()
    with torch.no_grad():
        expected = torch.nn.functional.normalize(training.net(faces.images))
    assert torch.allclose(recognizer.embed(faces.images), expected, atol=1e-6)
    assert recognizer.image_size == (32, 32)


def test_its_network_is_built_when_it_is_needed(tmp_path):
    weights.save(
        tmp_path / "w", "timm", *TimmRecognizer.trainable("regnetx_002", **SMALL).weights()
    )
    recognizer = TimmRecognizer(weights=tmp_path / "w")
    assert "net" not in vars(recognizer)
    recognizer.prepare()
    assert "net" in vars(recognizer)


def test_another_backbones_file_is_refused(tmp_path):
    config, tensors = TimmRecognizer.trainable("regnetx_002", **SMALL).weights()
    weights.save(tmp_path / "w", "timm", config, tensors)
    with pytest.raises(WeightsError, match="holds 'regnetx_002', not 'resnet10t'"):
        TimmRecognizer("resnet10t", weights=tmp_path / "w")


def test_a_backbone_without_weights_says_how_to_get_them():
    with pytest.raises(WeightsError, match="train-recognizer --recognizer timm:resnet10t"):
        TimmRecognizer("resnet10t")


def test_unknown_backbones_get_near_names():
    with pytest.raises(UnknownPluginError, match="no model 'resnet10x'.*resnet10"):
        TimmRecognizer.trainable("resnet10x")


def test_token_models_are_refused():
    with pytest.raises(UnknownPluginError, match="not a feature map"):
        EmbeddingNet("vit_tiny_patch16_224", 224)


@pytest.mark.parametrize(
    ("option", "match"), [({"margn": 1}, "no option 'margn'"), ({"miner": "easy"}, "no miner")]
)
def test_wrong_options_are_listed(option, match):
    with pytest.raises(TrainingError, match=match):
        TimmRecognizer.trainable("regnetx_002", image_size=32, **option)


def test_feature_masks_are_an_eighth_of_the_size_and_differentiable():
    net = EmbeddingNet("regnetx_002", 64).eval()
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    masks = net.feature_maps(images)
    assert masks.shape[0] == 2 and masks.shape[2:] == (8, 8)
    masks.sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_schedule_warms_up_and_falls_to_zero():
    values = [warmed_cosine(p, 0.1) for p in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert values == pytest.approx([0.01, 0.5, 1.0, 0.5, 0.0])


def published_file(folder) -> dict[str, torch.Tensor]:
    """Put a file where facenet-pytorch keeps its download, and return its tensors."""
    torch.manual_seed(1)
    net = InceptionResnetV1(classify=True, num_classes=8631)
    path = folder / "checkpoints" / "20180402-114759-vggface2.pt"
    path.parent.mkdir(parents=True)
    torch.save(net.state_dict(), path)
    return net.state_dict()


def test_pretrained_facenet_comes_through_its_own_loader(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    tensors = published_file(tmp_path)
    recognizer = FaceNet("vggface2")
    own = recognizer.net.net.state_dict()
    assert set(own) == {name for name in tensors if not name.startswith("logits")}
    assert all(torch.equal(own[name], tensors[name]) for name in own)
    templates = recognizer.embed(torch.rand(2, 3, 160, 160))
    assert templates.shape == (2, 512)
    assert torch.allclose(templates.norm(dim=1), torch.ones(2), atol=1e-5)


def test_a_damaged_download_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    published_file(tmp_path)
    path = tmp_path / "checkpoints" / "20180402-114759-vggface2.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be downloaded or read.*in place of a damaged"):
        FaceNet("vggface2")


def test_facenet_without_a_network_says_what_to_put_where(tmp_path, monkeypatch):
    def offline(*_: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    loader = "facenet_pytorch.models.inception_resnet_v1.download_url_to_file"
    monkeypatch.setattr(loader, offline)
    with pytest.raises(WeightsError) as caught:
        FaceNet("vggface2")
    said = str(caught.value)
    assert "no network" in said and str(tmp_path / "checkpoints") in said
    assert "https://github.com/timesler/facenet-pytorch/releases/" in said
    assert socket.getdefaulttimeout() is None


def test_facenet_without_weights_says_how_to_get_them():
    with pytest.raises(WeightsError, match="facenet:vggface2.*https.*checkpoints"):
        FaceNet()
    with pytest.raises(WeightsError, match="no weights 'lfw'"):
        FaceNet("lfw")


def test_validation_tells_people_apart_after_training() -> None:
    torch.manual_seed(0)
    training = TimmRecognizer.trainable("regnetx_002", **SMALL, learning_rate=3e-3, margin=0.5)
    pairs = batch(people=8, shots=2)
    with torch.no_grad():
        before = training.validate(pairs)
    for _ in range(12):
        training.step(batch(), 0.2)
    with torch.no_grad():
        after = training.validate(pairs)
    assert list(after) == ["auc", "rank1"]
    assert all(0 <= value <= 1 for value in (*before.values(), *after.values()))
    assert after["auc"] > 0.7
    assert set(training.networks()) == {"net"}


@pytest.mark.parametrize(
    ("training", "settings", "words"),
    [
        (None, {}, ""),
        ({"covered": 0.0, "coverings": "random"}, {}, ""),
        (
            {"covered": 0.3, "coverings": "surgical"},
            {"trained_on": {"covered": 0.3, "coverings": "surgical"}},
            "of which 30 % had a synthetic covering (kinds: surgical)",
        ),
    ],
)
def test_a_file_of_a_recogniser_trained_on_covered_faces_says_so(
    tmp_path, training, settings, words
):
    torch.manual_seed(0)
    made = TimmRecognizer.trainable("regnetx_002", **SMALL)
    file = tmp_path / "timm.safetensors"
    weights.save(file, "timm", *made.weights(), training=training)
    recognizer = TimmRecognizer(weights=file)
    assert recognizer.settings == settings
    assert [words in note for note in recognizer.notes] == [True] * bool(words)
    assert provenance.model(recognizer).get("settings", {}) == settings
