"""The example packages: installed as a user would, found, contracted and evaluated."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from restore_recog import registry, weights
from restore_recog.cli import main
from restore_recog.errors import TrainingError, WeightsError
from restore_recog.recognizers.crop_templates import ARCFACE
from restore_recog.testing import RecognizerContract, RestorerContract, face_batch

ROOT = Path(__file__).parents[2]
MODULES = ("restore_recog_mirror", "restore_recog_lbp", "restore_recog_unet")
RESTORER, RECOGNIZER = ROOT / "docs" / "add-a-restorer.md", ROOT / "docs" / "add-a-recogniser.md"


def example(module: str) -> Path:
    return ROOT / "examples" / module.replace("_", "-")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the examples into a folder of their own and put that on the path."""
    work = tmp_path_factory.mktemp("example")
    for module in MODULES:
        shutil.copytree(example(module), work / module)
    target = work / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", str(target), *(str(work / module) for module in MODULES)],
        check=True,
    )  # fmt: skip
    sys.path.insert(0, str(target))
    yield target
    sys.path.remove(str(target))
    for module in MODULES:
        sys.modules.pop(module, None)


@pytest.mark.parametrize(("module", "most"), [*zip(MODULES, (30, 40, 130), strict=True)])
def test_it_is_short(module, most):
    files = [example(module) / "pyproject.toml", example(module) / f"{module}.py"]
    assert sum(len(file.read_text().splitlines()) for file in files) < most


@pytest.mark.parametrize(
    ("module", "name", "page"),
    [
        ("restore_recog_mirror", "restore_recog_mirror.py", ROOT / "README.md"),
        ("restore_recog_mirror", "pyproject.toml", RESTORER),
        ("restore_recog_unet", "restore_recog_unet.py", RESTORER),
        ("restore_recog_lbp", "restore_recog_lbp.py", RECOGNIZER),
        ("restore_recog_lbp", "pyproject.toml", RECOGNIZER),
    ],
)
def test_the_pages_show_it_word_for_word(module, name, page):
    blocks = re.findall(r"```\w+\n(.*?)```", page.read_text(), re.DOTALL)
    assert f"# {name}\n" + (example(module) / name).read_text() in blocks


def test_it_is_listed_with_its_package(installed):
    result = CliRunner().invoke(main, ["list", "restorers", "--long"])
    assert re.search(r"mirror +Copy pixels across the vertical midline", result.stdout)
    assert registry.restorers.origin("mirror") == "restore-recog-mirror 0.1.0"
    assert registry.recognizers.origin("lbp") == "restore-recog-lbp 0.1.0"


def test_it_mirrors(installed):
    restorer = registry.restorers.create("mirror")
    batch = face_batch(2, restorer.image_size)
    half = torch.zeros_like(batch.masks)
    half[:, :, :, :64] = 1
    restored = restorer.restore(type(batch)(batch.images, half))
    assert torch.equal(
        restored, torch.cat([batch.images[..., 64:].flip(-1), batch.images[..., 64:]], -1)
    )


class TestMirror(RestorerContract):
    @pytest.fixture(autouse=True)
    def _installed(self, installed):
        pass

    def create(self):
        return registry.restorers.create("mirror")


def test_it_counts_patterns(installed):
    recognizer = registry.recognizers.create("lbp")
    np.testing.assert_allclose(recognizer.template, ARCFACE.array(), atol=1e-3)
    across = torch.linspace(1, 0, 112).expand(1, 3, 112, 112)
    for image, code in ((across, 0b0001), (across.flip(-1), 0b1100), (across.mT, 0b0111)):
        counts = recognizer.embed(image)[0].reshape(16, 10, 10) ** 2
        assert float(counts[code].sum()) == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(counts[code], torch.full((10, 10), 0.01))


class TestLocalPatterns(RecognizerContract):
    @pytest.fixture(autouse=True)
    def _installed(self, installed):
        pass

    def create(self):
        return registry.recognizers.create("lbp")


@pytest.mark.parametrize("spec", ["mirror", "restore_recog_mirror:Mirror"])
def test_both_work_with_eval(installed, tmp_path, spec, undrawn):
    result = CliRunner().invoke(
        main,
        ["eval", "--restorer", spec, "--data", "phantom:4x3", "--recognizer", "lbp",
         "--segmenter", "true", "--arms", "occluded,restored", "--device", "cpu",
         "--output", str(tmp_path / "out")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "restored:mirror" in result.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["arms"][1]["restorer"] == "mirror"
    assert report["setup"]["recognizer"]["name"] == "lbp"
    assert report["setup"]["recognizer_fed_from"] == "photograph"


@pytest.fixture(scope="module")
def trained(installed, tmp_path_factory):
    """Return the folder of a short training of the U-Net on rendered faces."""
    folder = tmp_path_factory.mktemp("unet") / "run"
    result = CliRunner().invoke(
        main,
        ["train-restorer", "--restorer", "unet", "--data", "phantom:6x2", "--device", "cpu",
         "--workers", "0", "--set", "width=8", "--set", "images=48", "--set", "batch_size=8",
         "--set", "lr=0.005", "--validation-share", "0.4", "--validate-every", "24",
         "--output", str(folder)],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder


def test_it_learns_and_is_validated(trained):
    best = weights.load(trained / "best.safetensors", "unet")[1]
    assert {name.split(".")[0] for name in best} == {"down", "up", "last"}
    record = json.loads((trained / "run.json").read_text())
    assert record["finished"] and record["best"]["figures"]["psnr_mask"] > 8
    training = registry.restorers.load("unet").trainable(width=8, lr=0.005)
    batch = face_batch(4, (128, 128))
    losses = [training.step(batch, 0.0)["l1"] for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_it_is_evaluated(trained, tmp_path, undrawn):
    result = CliRunner().invoke(
        main,
        ["eval", "--restorer", "unet", "--weights", str(trained / "best.safetensors"),
         "--data", "phantom:4x3", "--recognizer", "lbp", "--segmenter", "true", "--device", "cpu",
         "--arms", "occluded,restored", "--output", str(tmp_path / "out"), "--no-cache"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["arms"][1]["restorer"] == "unet"


def test_its_messages_say_what_to_do(installed, tmp_path):
    with pytest.raises(WeightsError, match="comes without weights: train it"):
        registry.restorers.create("unet")
    narrow = tmp_path / "narrow.safetensors"
    weights.save(narrow, "unet", {"width": 3}, {})
    with pytest.raises(WeightsError, match="no width that 'unet' can have"):
        registry.restorers.create("unet", weights=narrow)
    with pytest.raises(TrainingError, match="one preset, 'compact'"):
        registry.restorers.load("unet").trainable("paper")


class TestUNet(RestorerContract):
    @pytest.fixture(autouse=True)
    def _trained(self, trained):
        self.weights = trained / "best.safetensors"

    def create(self):
        return registry.restorers.create("unet", weights=self.weights)
