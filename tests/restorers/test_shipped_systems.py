"""What the weights of the systems in the papers' tables do, on people that no training has seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from unseen import covered_phantoms, decibels

from restore_recog import registry, weights

FILES = [path for folder in weights.folders()[1:] for path in sorted(folder.glob("*.safetensors"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_beats_telea_by_three_decibels(path: Path) -> None:
    batch = covered_phantoms(48)
    system, telea = (registry.restorers.create(name) for name in (path.stem, "telea"))
    assert system.weights == path
    assert decibels(system.restore(batch), batch) >= decibels(telea.restore(batch), batch) + 3


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_have_seen_as_many_images(path: Path) -> None:
    config, _ = weights.load(path, path.stem)
    assert config["teachers"] == ["timm"]
    assert sum(value for name, value in config.items() if name.startswith("images_")) == 12_000
