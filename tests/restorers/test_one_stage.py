"""GANMasker with one stage and with two, through evaluation, pipeline and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from evaluation_fakes import Squares, request
from tiny import stored

from restore_recog import images
from restore_recog.cli import main
from restore_recog.errors import DataError
from restore_recog.evaluation.run.ledger import Ledger
from restore_recog.evaluation.run.session import Session
from restore_recog.restorers.fmodr import FMODR
from restore_recog.restorers.ganmasker import GANMasker
from restore_recog.restoring.restoration import Restoration
from restore_recog.types import FaceBatch


@pytest.fixture()
def one(tmp_path: Path) -> GANMasker:
    return GANMasker(weights=stored(tmp_path, "ganmasker", two_stage=False))


def test_one_stage_is_evaluated_without_a_mask(one: GANMasker) -> None:
    session = Session(request(Squares(4, 4, occluded=2), one, segmenter="fmodr"), Ledger())
    runs = session.run()
    assert "restored-oracle-mask:ganmasker" not in runs
    assert any("reads no mask" in note and "Dice" in note for note in session.notes)
    run = runs["restored:ganmasker"]
    assert not run.masks and all(np.isnan(q.dice) for q in run.qualities.values())
    assert not any(run.fallbacks.values())


def test_an_arm_that_needs_a_mask_is_refused(one: GANMasker) -> None:
    wanted = request(Squares(4, 4, occluded=2), one, arms=("restored", "restored-oracle-mask"))
    with pytest.raises(DataError, match="no restorer of the run reads a mask"):
        Session(wanted, Ledger())


def test_one_stage_generates_the_whole_face_at_any_size(one: GANMasker) -> None:
    images = torch.rand(1, 3, 50, 40, generator=torch.Generator().manual_seed(0))
    restored = Restoration(one)(images)
    assert restored.shape == images.shape
    assert bool((restored != images).any(1).float().mean() > 0.99)


def test_files_of_odd_sizes_keep_all_that_their_masks_leave_free(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    (tmp_path / "masks").mkdir()
    for name, (height, width) in {"a": (41, 53), "b": (64, 33)}.items():
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        images.write(tmp_path / "in" / f"{name}.png", image)
        mask = np.zeros((height, width), np.uint8)
        if name == "b":
            mask[30:50, 8:24] = 255
        images.write(tmp_path / "masks" / f"{name}.png", mask)
    file = stored(tmp_path, "ganmasker", two_stage=True)
    result = CliRunner().invoke(
        main,
        [
            *("restore", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--aligned"),
            *("--restorer", "ganmasker", "--weights", str(file), "--device", "cpu"),
            *("--mask", str(tmp_path / "masks"), "--segmenter", f"ganmasker={file}"),
        ],
    )
    assert result.exit_code == 0, result.output
    for name in "ab":
        before, after = (images.read(tmp_path / place / f"{name}.png") for place in ("in", "out"))
        mask = images.read_mask(tmp_path / "masks" / f"{name}.png", before.shape[:2])
        assert np.array_equal(after[mask == 0], before[mask == 0])
        assert (after[mask > 0] != before[mask > 0]).any() == (name == "b")


@pytest.mark.parametrize("size", [(50, 70), (33, 32)])
def test_fmodr_takes_any_size_and_any_mask(size: tuple[int, int]) -> None:
    model = FMODR()
    images = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    soft = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(1))
    hard = (soft > 0.5).float()
    restored = model.restore(FaceBatch(images, soft))
    assert torch.equal(restored, model.restore(FaceBatch(images, hard)))
    outside = hard.expand_as(images) == 0
    assert torch.equal(restored[outside], images[outside])
    assert torch.equal(model.restore(FaceBatch(images, 0 * hard)), images)
    whole = model.restore(FaceBatch(images, torch.ones_like(hard)))
    assert bool(whole.isfinite().all()) and not bool((whole == images).all(1).any())
