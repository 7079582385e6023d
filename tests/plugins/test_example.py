"""The example package: installed as a user would, found, contracted and evaluated."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from restore_recog import registry
from restore_recog.cli import main
from restore_recog.testing import RestorerContract, face_batch

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "restore-recog-mirror"
FILES = ("restore_recog_mirror.py", "pyproject.toml")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the example into a folder of its own and put that on the path."""
    work = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, work / "source")
    target = work / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--target", str(target), str(work / "source")],
        check=True,
    )  # fmt: skip
    sys.path.insert(0, str(target))
    yield target
    sys.path.remove(str(target))
    sys.modules.pop("restore_recog_mirror", None)


def test_it_is_short():
    lines = [line for name in FILES for line in (EXAMPLE / name).read_text().splitlines()]
    assert len(lines) < 30


@pytest.mark.parametrize(
    ("name", "page"), list(zip(FILES, ("README.md", "docs/add-a-restorer.md"), strict=True))
)
def test_the_pages_show_it_word_for_word(name, page):
    blocks = re.findall(r"```\w+\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert f"# {name}\n" + (EXAMPLE / name).read_text() in blocks


def test_it_is_listed_with_its_package(installed):
    result = CliRunner().invoke(main, ["list", "restorers", "--long"])
    assert re.search(r"mirror +Copy pixels across the vertical midline", result.stdout)
    assert registry.restorers.origin("mirror") == "restore-recog-mirror 0.1.0"


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


@pytest.mark.parametrize("spec", ["mirror", "restore_recog_mirror:Mirror"])
def test_it_works_with_eval(installed, tiny_recognizer, tmp_path, spec, undrawn):
    result = CliRunner().invoke(
        main,
        ["eval", "--restorer", spec, "--data", "phantom:6x4", "--recognizer", tiny_recognizer,
         "--segmenter", "true", "--arms", "occluded,restored", "--device", "cpu",
         "--output", str(tmp_path / "out")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "restored:mirror" in result.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["arms"][1]["restorer"] == "mirror"
