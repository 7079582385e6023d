"""The engine: a run that was stopped ends bit for bit like one that was not."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_duel import BATCH, SIZE, STEPS, Crash, build, crash_at, faces, tensors

from restore_recog import images, weights
from restore_recog.api import Phase
from restore_recog.errors import CheckpointError, DeviceError, OutputError, TrainingError
from restore_recog.system import devices
from restore_recog.training import checkpoint
from restore_recog.training.loader import TimedBatches
from restore_recog.training.trainer import TrainingInterrupted
from restore_recog.types import FaceBatch


def assert_equal(one: Mapping[str, Tensor], two: Mapping[str, Tensor]) -> None:
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder and the end of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    model, trainer = build(folder, record={"command": "restore-recog train-restorer"})
    trainer.fit()
    assert trainer.finished and model.steps == sum(STEPS)
    return folder, tensors(model)


@pytest.fixture(scope="module")
def run(finished: tuple[Path, dict[str, Tensor]]) -> Path:
    """Return the folder of that run, to look at."""
    return finished[0]


@pytest.fixture(scope="module")
def whole(finished: tuple[Path, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the end of that run."""
    return finished[1]


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """Return the folder of that run, to go on with."""
    return Path(shutil.copytree(run, tmp_path / "run"))


class TestResume:
    @pytest.mark.parametrize("step", [1, 2, 4, 5, 6, 9])
    @pytest.mark.parametrize(("save_every", "sample_every"), [(BATCH, 2 * BATCH), (3 * BATCH, 999)])
    def test_after_a_crash(
        self,
        tmp_path: Path,
        whole: dict[str, Tensor],
        step: int,
        save_every: int,
        sample_every: int,
    ) -> None:
        """Steps 4 and 5 lie on the two sides of the border between the phases."""
        every = {"save_every": save_every, "sample_every": sample_every}
        _, trainer = build(tmp_path / "run", crash_at(step), **every)
        with pytest.raises(Crash):
            trainer.fit()
        model, trainer = build(tmp_path / "run", **every)
        trainer.fit(resume=True)
        assert_equal(tensors(model), whole)

    def test_after_ctrl_c(self, tmp_path: Path, whole: dict[str, Tensor]) -> None:
        def press(step: int) -> None:
            if step == 6:
                os.kill(os.getpid(), signal.SIGINT)

        handler = signal.getsignal(signal.SIGINT)
        model, trainer = build(tmp_path / "run", press, save_every=10**9)
        with pytest.raises(TrainingInterrupted, match=r"phase 'duel' after 8 of 20.*--resume"):
            trainer.fit()
        assert model.steps == 6, "the step under way is finished, no other is begun"
        assert signal.getsignal(signal.SIGINT) is handler
        model, trainer = build(tmp_path / "run")
        trainer.fit(resume=True)
        assert model.steps == 3
        assert_equal(tensors(model), whole)

    def test_after_the_time_limit(self, tmp_path: Path, whole: dict[str, Tensor]) -> None:
        _, trainer = build(tmp_path / "run", max_minutes=1e-9)
        path = trainer.fit()
        assert not trainer.finished and path.is_file()
        model, trainer = build(tmp_path / "run")
        trainer.fit(resume=True)
        assert trainer.finished
        assert_equal(tensors(model), whole)

    def test_from_the_one_before(self, tmp_path: Path, whole: dict[str, Tensor]) -> None:
        _, trainer = build(tmp_path / "run", crash_at(6))
        with pytest.raises(Crash):
            trainer.fit()
        last = tmp_path / "run" / checkpoint.LAST
        last.write_bytes(last.read_bytes()[:500])
        with pytest.raises(CheckpointError, match="Delete it to resume"):
            build(tmp_path / "run")[1].fit(resume=True)
        last.unlink()
        model, trainer = build(tmp_path / "run")
        trainer.fit(resume=True)
        assert_equal(tensors(model), whole)

    def test_of_a_finished_run_changes_nothing(
        self, copied: Path, whole: dict[str, Tensor]
    ) -> None:
        model, trainer = build(copied)
        trainer.fit(resume=True)
        assert model.steps == 0
        assert_equal(tensors(model), whole)


class TestUndisturbed:
    def test_by_sample_images(self, tmp_path: Path, whole: dict[str, Tensor]) -> None:
        model, trainer = build(tmp_path / "run", sample_every=BATCH)
        trainer.fit()
        assert_equal(tensors(model), whole)

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_by_worker_processes(self, tmp_path: Path, whole: dict[str, Tensor]) -> None:
        model, trainer = build(tmp_path / "run", workers=2)
        trainer.fit()
        assert_equal(tensors(model), whole)

    def test_but_another_seed_ends_elsewhere(
        self, tmp_path: Path, whole: dict[str, Tensor]
    ) -> None:
        model, trainer = build(tmp_path / "run", seed=8)
        trainer.fit()
        assert not torch.equal(tensors(model)["net.0.weight"], whole["net.0.weight"])


class TestRefusals:
    def test_a_folder_with_a_run(self, copied: Path) -> None:
        with pytest.raises(OutputError, match="--resume"):
            build(copied)[1].fit()

    def test_nothing_to_resume(self, tmp_path: Path) -> None:
        with pytest.raises(CheckpointError, match="There is no checkpoint in"):
            build(tmp_path / "run")[1].fit(resume=True)

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"seed": 8}, "seed was 7, is 8"),
            ({"faces": faces(seed=3)}, "data was"),
            ({"width": 6}, r"model\.options\.width was 4, is 6"),
            ({"images_scale": 2.0}, "phases was"),
        ],
    )
    def test_another_run(self, copied: Path, changed: dict[str, Any], words: str) -> None:
        with pytest.raises(CheckpointError, match=words):
            build(copied, **changed)[1].fit(resume=True)

    def test_parts_that_do_not_fit(self, copied: Path) -> None:
        model, trainer = build(copied)
        model.rival = nn.Conv2d(3, 1, 3)
        with pytest.raises(CheckpointError, match="'rival' does not fit"):
            trainer.fit(resume=True)

    def test_too_few_images(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="fewer than one batch"):
            build(tmp_path / "run", faces=faces(1, 3))[1].fit()
        assert not (tmp_path / "run").exists()

    def test_one_person_for_triplets(self, tmp_path: Path) -> None:
        model, trainer = build(tmp_path / "run", faces=faces(1, 8))
        model.identities_per_batch = 2  # type: ignore[misc]
        with pytest.raises(TrainingError, match="images of 1 people"):
            trainer.fit()

    def test_a_device_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        assert devices.resolve("cpu") == devices.resolve("auto") == "cpu"
        with pytest.raises(DeviceError, match=r"'cuda'.*no CUDA device"):
            devices.resolve("cuda")
        for name in ("gpu", "cuda:", "cuda:x", ""):
            with pytest.raises(DeviceError, match="is no device"):
                devices.resolve(name)

    def test_an_output_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OutputError, match="cannot write to"):
            build(tmp_path / "file" / "run")[1].fit()


class TestNotFinite:
    @staticmethod
    def digest(folder: Path) -> str:
        return hashlib.sha256((folder / checkpoint.LAST).read_bytes()).hexdigest()

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_loss_stops_and_the_last_good_stays(self, tmp_path: Path, value: float) -> None:
        run = tmp_path / "run"
        model, trainer = build(run)
        good: list[str] = []
        duel = model.duel

        def spoilt(batch: FaceBatch, progress: float) -> Mapping[str, float]:
            losses = duel(batch, progress)
            if model.steps == 6:
                good.append(self.digest(run))
                nn.init.constant_(model.rival.weight, value)
                return {**losses, "rival": value}
            return losses

        trainer.phases[1] = Phase("duel", STEPS[1] * BATCH, BATCH, spoilt)
        with pytest.raises(
            TrainingError, match=r"'rival' became (nan|inf) in phase 'duel' after 4"
        ):
            trainer.fit()
        assert self.digest(run) == good[0]
        assert checkpoint.load(run / checkpoint.LAST)["progress"]["seen"] == BATCH

    def test_weights_are_not_saved_either(self, tmp_path: Path) -> None:
        """The loss is computed before the update that breaks the weights."""
        run = tmp_path / "run"
        model, trainer = build(run)

        def spoil(step: int) -> None:
            if step == 3:
                nn.init.constant_(model.rival.weight, float("nan"))

        model.before = spoil
        with pytest.raises(TrainingError, match=r"'rival\.weight' holds values"):
            trainer.fit()
        payload = checkpoint.load(run / checkpoint.LAST)
        assert payload["progress"]["seen"] == 2 * BATCH
        assert bool(payload["state"]["rival"]["weight"].isfinite().all())


class TestFolder:
    def test_weights(self, run: Path) -> None:
        config, loaded = weights.load(run / "weights.safetensors", "duel")
        stored = checkpoint.load(run / checkpoint.LAST)["state"]["net"]
        assert config == {"width": 4}
        for name, tensor in loaded.items():
            assert torch.allclose(tensor.float(), stored[name].float(), atol=1e-2)

    def test_record(self, run: Path) -> None:
        record = json.loads((run / "run.json").read_text())
        assert record["command"] == "restore-recog train-restorer"
        assert (record["pictures"], record["people"], record["failures"]) == (10, 5, 1)
        assert record["finished"] and record["images_seen"] == sum(STEPS) * BATCH
        assert record["phases"] == [["warm", 16, 4], ["duel", 20, 4]]
        assert set(record["losses"]) == {"warm", "duel"}
        assert record["versions"]["torch"] == torch.__version__.partition("+")[0]

    def test_failures(self, run: Path) -> None:
        with (run / "failures.csv").open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        assert [row["image_id"] for row in rows] == ["torn"]

    def test_samples(self, run: Path) -> None:
        names = sorted(path.name for path in (run / "samples").iterdir())
        assert names[0] == "1-warm-000000008.png" and names[-1] == "2-duel-000000020.png"
        grid = images.read(run / "samples" / names[-1])
        assert grid.shape == (2 * (SIZE + 2) + 2, 8 * (SIZE + 2) + 2, 3)

    def test_scalars(self, run: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        events = EventAccumulator(str(run / "logs"))
        events.Reload()
        assert {"warm/l2", "duel/l2", "duel/rival"} <= set(events.Tags()["scalars"])
        assert [event.step for event in events.Scalars("duel/l2")][-1] == sum(STEPS) * BATCH


def test_weights_on_the_way_are_kept(tmp_path: Path) -> None:
    _, trainer = build(tmp_path / "run", keep_every=2 * BATCH)
    trainer.fit()
    kept = sorted(path.name for path in (tmp_path / "run" / "kept").iterdir())
    assert kept and all(name.endswith(".safetensors") for name in kept)
    assert kept[0].startswith(f"1-{trainer.phases[0].name}-")
    first, _ = weights.load(tmp_path / "run" / "kept" / kept[0], "duel")
    assert first == {"width": 4}


def test_the_share_of_waiting_is_between_nothing_and_all() -> None:
    def slow() -> Any:
        for number in range(3):
            time.sleep(0.02)
            yield number

    timed = TimedBatches(slow())
    assert list(timed) == [0, 1, 2]
    assert 0.5 < timed.waiting <= 1
    quick = TimedBatches(iter([1]))
    for _ in quick:
        time.sleep(0.05)
    assert quick.waiting < 0.5
