"""Phases that want the images of one class only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from training_duel import BATCH, STEPS, Crash, build, crash_at, faces, tensors

from restore_recog.api import Phase
from restore_recog.errors import CheckpointError, TrainingError
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.trainer import Trainer

CODES = np.array([1, 0, 1, 1, 0, -1, 1, 1, 0, -1])
"""Of 10 images: five men, three women, and two of whom nothing is known."""

MEN = ("gender", "male")


class Stage(NamedTuple):
    name: str = "phase"
    batch_size: int = 5


def labelled(codes: np.ndarray = CODES) -> TrainingFaces:
    return faces(5, 2, labels={"gender": codes})


def test_a_batch_holds_only_these_and_all_of_them_before_one_twice() -> None:
    source = labelled()
    for position in (0, 5, 35):
        batch = source.batch(position, Stage(), covered=0, only=MEN)
        assert batch.attributes["gender"].tolist() == [1] * 5
        assert len(batch.images.flatten(1).unique(dim=0)) == 5


def test_it_goes_before_balance_and_people() -> None:
    source = labelled()
    alone = source.batch(5, Stage(batch_size=3), covered=1, only=("gender", "female"))
    both = source.batch(
        *(5, Stage(batch_size=3)),
        covered=1,
        only=("gender", "female"),
        balanced="gender",
        identities_per_batch=3,
    )
    assert torch.equal(alone.images, both.images)


def test_parts_are_the_batch() -> None:
    def part(number: int, count: int) -> torch.Tensor:
        stage = Stage(batch_size=4)
        how = {"only": MEN, "part": (number, count)}
        return labelled().packed_batch(4, stage, covered=0.5, **how).images

    assert torch.equal(torch.cat([part(0, 2), part(1, 2)]), part(0, 1))


def test_people_held_out_are_not_drawn() -> None:
    kept, held = labelled().hold_out(0.4, 20)
    assert held is not None
    rows = [set(one.classes("gender").chosen("male", 1)) for one in (kept, held)]
    assert rows[0] | rows[1] == set(np.flatnonzero(CODES == 1)) and not rows[0] & rows[1]


@pytest.mark.parametrize(
    ("source", "only", "sentence"),
    [
        (labelled(), ("gender", "male"), "the gender male only, and there are 5, fewer than one b"),
        (labelled(CODES.clip(max=0)), MEN, "male only, and there are 0, .*add --data with that"),
        (faces(5, 2), MEN, "male only, and there are 0"),
        (labelled(), ("gender", "neither"), "gender 'neither', which there is not; there are fem"),
        (labelled(), ("mood", "good"), "'mood', which is no label"),
    ],
)
def test_refused(source: TrainingFaces, only: tuple[str, str], sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        source.check(6, 0, "", only)


class TestTraining:
    @staticmethod
    def of_men(trainer: Trainer) -> Trainer:
        """Return a trainer whose second phase is men's, built as a fresh process would."""
        model = trainer.trainable
        model.phases[1] = Phase("duel", STEPS[1] * BATCH, BATCH, model.duel, only=MEN)  # type: ignore[attr-defined,index]
        return Trainer(model, trainer.faces, trainer.run_dir, trainer.settings)

    def test_a_run_goes_on_with_the_same_images(self, tmp_path: Path) -> None:
        model, trainer = build(tmp_path / "whole", faces=labelled())
        self.of_men(trainer).fit()
        _, crashed = build(tmp_path / "run", crash_at(7), faces=labelled())
        with pytest.raises(Crash):
            self.of_men(crashed).fit()
        again, resumed = build(tmp_path / "run", faces=labelled())
        self.of_men(resumed).fit(resume=True)
        whole, parts = tensors(model), tensors(again)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)

    def test_other_labels_are_another_training(self, tmp_path: Path) -> None:
        self.of_men(build(tmp_path / "run", faces=labelled())[1]).fit()
        with pytest.raises(CheckpointError, match=r"balanced\.duel"):
            trainer = build(tmp_path / "run", faces=labelled(1 - CODES.clip(min=0)))[1]
            self.of_men(trainer).fit(resume=True)

    def test_data_without_labels(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="there are 0, fewer than one batch"):
            self.of_men(build(tmp_path / "run")[1]).fit()
