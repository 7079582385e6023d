"""Image-quality models: which there are, why one is missing, and files that do not fit."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_vgg
import torch
import torchvision
from numpy.typing import NDArray
from safetensors.torch import save_file

from restore_recog.errors import DataError, WeightsError
from restore_recog.evaluation.run import quality_models
from restore_recog.evaluation.run.quality_models import QualityModels, gather
from restore_recog.evaluation.run.vgg import Vgg
from restore_recog.metrics.perceptual import Inception, Lpips
from restore_recog.weights import foreign

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def empty_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let no weights of this machine count, and nothing be downloaded."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("something was downloaded")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """AlexNet's convolutions with random weights, as torchvision names them."""
    torch.manual_seed(0)
    with torch.device("meta"):
        shapes = torchvision.models.alexnet().features.state_dict()
    state = {f"features.{name}": 0.05 * torch.randn(t.shape) for name, t in shapes.items()}
    path = tmp_path_factory.mktemp("weights") / "alex.safetensors"
    save_file(state, path)
    yield path
    path.unlink()


def images(n: int = 3, side: int = 64) -> list[Pixels]:
    return list(np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8))


def test_without_weights_every_model_says_what_to_do() -> None:
    models = gather({}, 256, "cpu")
    assert models.fid is None and models.lpips is None and not models.alone
    assert [note.split(" is not measured: ")[0] for note in models.notes()] == [
        "FID", "LPIPS", "NIQE", "BRISQUE",
    ]  # fmt: skip
    for name, note in zip(quality_models.USUAL, models.notes(), strict=True):
        assert f"--judge {name}=FILE" in note and note.count(". ") == 0
    assert models.facts()["fid"] == {"missing": models.missing["fid"]}


def test_crops_too_small_for_niqe_are_told() -> None:
    assert (
        "192 x 192 pixels, and the crops have 128 x 128; give --crop-size 192."
        in gather({}, 128, "cpu").missing["niqe"]
    )


def test_a_given_file_that_cannot_be_used_stops_the_run(tmp_path: Path, alexnet: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        gather({"lpips": tmp_path / "missing.pth"}, 256, "cpu")
    with pytest.raises(DataError, match="model 'vmaf'; there are fid, lpips, niqe, brisque, vgg"):
        gather({"vmaf": alexnet}, 256, "cpu")
    with pytest.raises(DataError, match="NIQE cannot be measured with the given weights"):
        gather({"niqe": alexnet}, 128, "cpu")


def test_a_missing_library_leaves_the_column_empty(
    monkeypatch: pytest.MonkeyPatch, empty_hub: Path
) -> None:
    def gone(name: str, path: Path, device: str) -> None:
        raise ImportError(name="torch_fidelity")

    (empty_hub / quality_models.DOWNLOADED["fid"][0]).touch()
    monkeypatch.setattr(quality_models, "_load", gone)
    models = gather({}, 256, "cpu")
    assert "'torch_fidelity' is not installed; pip install" in models.missing["fid"]
    with pytest.raises(DataError, match="FID cannot be measured"):
        gather({"fid": empty_hub / quality_models.DOWNLOADED["fid"][0]}, 256, "cpu")


def test_lpips_of_the_same_is_nought_and_both_ways_alike(alexnet: Path) -> None:
    pytest.importorskip("torchmetrics")
    lpips, three = Lpips(alexnet), images()
    assert lpips.variant == "alex"
    np.testing.assert_allclose(lpips(three, three), 0, atol=1e-6)
    there, back = lpips(three, three[::-1]), lpips(three[::-1], three)
    np.testing.assert_allclose(there, back, rtol=1e-4)
    assert there[0] > 0 and there.shape == (3,)
    np.testing.assert_allclose(lpips(three[:1], three[2:])[0], there[0], rtol=1e-4)


def test_lpips_is_that_of_the_library(alexnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    functional = pytest.importorskip("torchmetrics.functional.image.lpips")
    net = torchvision.models.alexnet()
    net.load_state_dict(foreign(alexnet), strict=False)
    monkeypatch.setattr(functional, "_get_tv_model_features", lambda *a, **k: net.features)
    a, b = images(2)
    sides = [torch.from_numpy(p).permute(2, 0, 1)[None] / 255 for p in (a, b)]
    theirs = functional.learned_perceptual_image_patch_similarity(*sides, "alex", normalize=True)
    np.testing.assert_allclose(Lpips(alexnet)([a], [b])[0], float(theirs), rtol=1e-4)


def test_lpips_weights_that_a_loader_left_are_found(empty_hub: Path, alexnet: Path) -> None:
    pytest.importorskip("torchmetrics")
    torch.save(foreign(alexnet), empty_hub / quality_models.DOWNLOADED["lpips"][0])
    models = gather({}, 64, "cpu")
    assert (
        models.lpips is not None
        and models.facts()["lpips"]["weights"] == quality_models.DOWNLOADED["lpips"][0]
    )


def test_weights_of_another_network_are_refused(tmp_path: Path, alexnet: Path) -> None:
    pytest.importorskip("torchmetrics")
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="neither AlexNet nor VGG-16"):
        Lpips(tmp_path / "other.safetensors")
    cut = {name: t for name, t in foreign(alexnet).items() if "10" not in name}
    save_file(cut, tmp_path / "cut.safetensors")
    with pytest.raises(WeightsError, match="does not fit"):
        Lpips(tmp_path / "cut.safetensors")


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("evil"),)


def test_weights_never_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"features.0.weight": Evil()}))
    torch.save({"features.0.weight": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(WeightsError, match="no readable file of PyTorch weights"):
            foreign(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="no table of tensors"):
        foreign(tmp_path / "list.pth")
    assert not (tmp_path / "evil").exists()


def test_inception_takes_its_own_weights_only(
    tmp_path: Path, alexnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    with pytest.raises(WeightsError, match="does not hold the Inception network"):
        Inception(alexnet)
    kind = module.FeatureExtractorInceptionV3
    with monkeypatch.context() as patch:
        patch.setattr(kind, "load_state_dict", lambda self, state: None)
        torch.manual_seed(0)
        net = kind("random", ["2048"], feature_extractor_weights_path=empty_file(tmp_path))
    torch.save(net.state_dict(), tmp_path / "inception.pth")
    features = Inception(tmp_path / "inception.pth")(images(2, 32))
    assert features.shape == (2, 2048) and features.dtype == np.float32
    assert not np.array_equal(features[0], features[1])


def test_vgg_looks_at_four_layers_and_averages_the_last(
    tmp_path: Path, alexnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vgg = Vgg(small_vgg.stored(tmp_path, monkeypatch))
    one, two, *rest = images(6)
    losses, features = vgg([one, two, *rest], [one, one, None, *rest[1:]])
    np.testing.assert_allclose(losses[[0, 3, 4, 5]], 0, atol=1e-5)
    assert losses[1] > 1e-4 and np.isnan(losses[2])
    assert features.shape == (6, 7) and features.dtype == np.float32
    net = small_vgg.SmallVGG()
    net.load_state_dict(torch.load(tmp_path / "vgg.pth", weights_only=True))
    fed = torch.nn.functional.interpolate(
        torch.from_numpy(np.stack([one, two])).permute(0, 3, 1, 2) / 255,
        (224, 224),
        mode="bilinear",
        antialias=True,
    )
    loss, x = 0.0, 2 * fed - 1
    with torch.no_grad():
        for i, layer in enumerate(net.features):
            x = layer(x.clone())
            if i in (3, 8, 15, 22):  # relu1_2, relu2_2, relu3_3, relu4_2
                loss += float((x[0] - x[1]).abs().mean())
            if i == 35:  # relu5_4
                np.testing.assert_allclose(features[:2], x.mean((2, 3)), atol=1e-5)
    np.testing.assert_allclose(losses[1], loss, rtol=1e-3)
    with pytest.raises(WeightsError, match="does not hold VGG-19; give torchvision's"):
        Vgg(alexnet)


def test_vgg_is_looked_for_where_it_is_wanted() -> None:
    assert "vgg" not in gather({}, 256, "cpu").missing
    missing = gather({}, 256, "cpu", quality_models.TITLES).missing
    assert "torchvision's vgg19-dcbb9e9d.pth with --judge vgg=FILE" in missing["vgg"]


def empty_file(folder: Path) -> Path:
    torch.save({}, folder / "empty.pth")
    return folder / "empty.pth"


def test_no_models_say_nothing() -> None:
    assert not QualityModels().notes() and not QualityModels().facts()
