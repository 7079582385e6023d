"""Phases that want every class of a label equally often."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from training_duel import BATCH, STEPS, Crash, build, crash_at, faces, tensors

from restore_recog.api import Phase
from restore_recog.errors import CheckpointError, TrainingError
from restore_recog.labels import EXPRESSIONS, UNKNOWN
from restore_recog.training.classes import Classes
from restore_recog.training.drawing import Place, by_class
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.trainer import Trainer

CODES = np.array([3, 3, 3, 3, 3, 3, 3, 3, 6, 6, 6, 6, 0, 0, 4, 5, -1, -1, -1, -1])
"""Of 20 images: no fear, no disgust, and four of which nothing is known."""


class Stage(NamedTuple):
    name: str = "phase"
    batch_size: int = 6


def labelled(codes: np.ndarray = CODES) -> TrainingFaces:
    return faces(10, 2, labels={"expression": codes})


def shown(source: TrainingFaces, position: int, size: int = 6) -> list[int]:
    batch = source.batch(position, Stage(batch_size=size), covered=0, balanced="expression")
    return batch.attributes["expression"].tolist()


class TestDrawing:
    def test_every_class_equally_often_and_only_what_is_known(self) -> None:
        seen = Counter(code for at in range(0, 600, 6) for code in shown(labelled(), at))
        assert seen == {0: 120, 3: 120, 4: 120, 5: 120, 6: 120}

    def test_every_image_of_a_class_before_one_twice(self) -> None:
        rows = [np.flatnonzero(code == CODES) for code in (0, 3, 4)]
        drawn = by_class(rows, Place(7, "phase", 0, 3 * 8 * 2))
        happy = [row for row in drawn if CODES[row] == 3]
        assert sorted(happy[:8]) == sorted(happy[8:]) == list(range(8))
        assert happy[:8] != happy[8:]

    def test_rounds_have_no_fixed_order(self) -> None:
        rounds = {tuple(shown(labelled(), at, 5)) for at in range(0, 100, 5)}
        assert len(rounds) > 10
        assert all(sorted(one) == [0, 3, 4, 5, 6] for one in rounds)

    def test_a_batch_is_a_pure_function_of_its_place(self) -> None:
        rows = [np.flatnonzero(code == CODES) for code in (0, 3, 6)]
        whole = by_class(rows, Place(1, "phase", 0, 60)).tolist()
        assert by_class(rows, Place(1, "phase", 37, 11)).tolist() == whole[37:48]
        assert by_class(rows, Place(2, "phase", 0, 60)).tolist() != whole
        assert by_class(rows, Place(1, "other", 0, 60)).tolist() != whole

    def test_parts_are_the_batch(self) -> None:
        def part(number: int, count: int) -> torch.Tensor:
            packed = labelled().packed_batch(
                12, Stage(), covered=0.5, balanced="expression", part=(number, count)
            )
            return packed.images

        assert torch.equal(torch.cat([part(0, 2), part(1, 2)]), part(0, 1))

    def test_people_do_not_count_in_it(self) -> None:
        batch = labelled().batch(
            0, Stage(), covered=0, identities_per_batch=3, balanced="expression"
        )
        assert batch.attributes["expression"].tolist() == shown(labelled(), 0)

    def test_other_batches_say_what_is_known(self) -> None:
        source = labelled()
        batch = source.batch(0, Stage(batch_size=20), covered=0)
        assert sorted(batch.attributes["expression"].tolist()) == sorted(CODES.tolist())
        assert batch.attributes["gender"].tolist() == [UNKNOWN] * 20
        assert batch.attributes["gender"].dtype == torch.int64

    def test_people_held_out_are_not_drawn(self) -> None:
        kept, held = labelled().hold_out(0.3, 20)
        assert held is not None
        rows = [set(part.classes("expression").rows["happiness"]) for part in (kept, held)]
        assert rows[0] and rows[1] and not rows[0] & rows[1]


class TestRefused:
    def test_no_label_at_all(self) -> None:
        with pytest.raises(
            TrainingError, match=r"no training image has a label of its expression \(surprise, fear"
        ):
            faces().check(4, 0, "expression")

    def test_one_class(self) -> None:
        with pytest.raises(TrainingError, match="have one, sadness"):
            labelled(np.where(CODES == 4, 4, UNKNOWN)).check(4, 0, "expression")

    def test_no_such_label(self) -> None:
        with pytest.raises(TrainingError, match="'mood', which is no label.*expression, gender"):
            faces().check(4, 0, "mood")


def test_absent_classes_are_named_once() -> None:
    classes = labelled().classes("expression")
    assert classes.absent() == (
        "No training image has the expression fear or disgust; balanced batches hold the other 5"
        " in equal shares."
    )
    whole = Classes("expression", dict.fromkeys(EXPRESSIONS, np.arange(1)))
    assert whole.absent() == ""


class TestTraining:
    @staticmethod
    def balanced(trainer: Trainer) -> Trainer:
        """Return a trainer whose second phase is balanced, built as a fresh process would."""
        model = trainer.trainable
        model.phases[1] = Phase("duel", STEPS[1] * BATCH, BATCH, model.duel, "expression")  # type: ignore[attr-defined,index]
        return Trainer(model, trainer.faces, trainer.run_dir, trainer.settings)

    def test_a_run_goes_on_with_the_same_images(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        model, trainer = build(tmp_path / "whole", faces=labelled())
        self.balanced(trainer).fit()
        assert capsys.readouterr().err.count("the expression fear or disgust;") == 1
        _, crashed = build(tmp_path / "run", crash_at(7), faces=labelled())
        with pytest.raises(Crash):
            self.balanced(crashed).fit()
        again, resumed = build(tmp_path / "run", faces=labelled())
        self.balanced(resumed).fit(resume=True)
        whole, parts = tensors(model), tensors(again)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)

    def test_other_labels_are_another_training(self, tmp_path: Path) -> None:
        self.balanced(build(tmp_path / "run", faces=labelled())[1]).fit()
        with pytest.raises(CheckpointError, match=r"balanced\.duel"):
            trainer = build(tmp_path / "run", faces=labelled(np.roll(CODES, 1)))[1]
            self.balanced(trainer).fit(resume=True)

    def test_labels_that_nothing_reads_do_not_matter(self, tmp_path: Path) -> None:
        build(tmp_path / "run", faces=faces(10, 2))[1].fit()
        _, resumed = build(tmp_path / "run", faces=labelled())
        assert resumed.fit(resume=True).is_file()

    def test_data_without_labels(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="add --data that has"):
            self.balanced(build(tmp_path / "run")[1]).fit()
