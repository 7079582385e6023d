"""What the engine does besides stepping: people held out, best, average, memory, reasons."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training_duel import BATCH, STEPS, Crash, Duel, crash_at, faces, tensors
from training_judged import Judged, build, record

from restore_recog import weights
from restore_recog.api import Phase
from restore_recog.errors import CheckpointError, TrainingError, WeightsError
from restore_recog.training import checkpoint
from restore_recog.training.trainer import Trainer
from restore_recog.training.validation import Best, held_out
from restore_recog.types import FaceBatch


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder and the end of a run that was judged at its end."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    model, trainer = build(folder, validate_every=10**9)
    trainer.fit()
    return folder, tensors(model)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder and the end of a run that was judged after every step."""
    folder = tmp_path_factory.mktemp("judged") / "run"
    model, trainer = build(folder, validate_every=BATCH, keep_every=BATCH)
    trainer.fit()
    return folder, tensors(model)


AVERAGED: dict[str, Any] = {"ema": 0.9, "validate_every": BATCH}


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, dict[str, Tensor]]:
    """Return the trainer and the end of a run with an average of its weights."""
    model, trainer = build(tmp_path_factory.mktemp("averaged") / "run", **AVERAGED)
    trainer.fit()
    return trainer, tensors(model)


@pytest.fixture
def copied(finished: tuple[Path, dict[str, Tensor]], tmp_path: Path) -> Path:
    """Return the folder of a finished run, to go on with."""
    return Path(shutil.copytree(finished[0], tmp_path / "run"))


class TestHoldOut:
    def test_people_are_on_one_side(self) -> None:
        whole = faces(20, 3)
        kept, held = whole.hold_out(0.2, 20)
        assert held is not None and (kept.people, held.people) == (16, 4)
        assert len(kept) + len(held) == len(whole) == 60
        sides = [set(whole.crops.subjects[side.rows]) for side in (kept, held)]
        assert not sides[0] & sides[1]
        again = faces(20, 3).hold_out(0.2, 20)[1]
        assert again is not None and (again.rows == held.rows).all()

    def test_batches_stay_on_their_side(self) -> None:
        kept, held = faces(20, 3).hold_out(0.2, 20)
        assert held is not None
        for side in (kept, held):
            own = set(side.crops.subjects[side.rows])
            phase = Phase("any", 100, 12, lambda *_: {})
            for people in (0, 4):
                batch = side.batch(24, phase, identities_per_batch=people, covered=0.0)
                assert set(batch.attributes["subject"].tolist()) <= own

    def test_too_few_and_those_with_many_images(self) -> None:
        whole = faces(5, 3)
        assert whole.hold_out(0.2, 20) == (whole, None)
        assert whole.hold_out(0.5, 2) == (whole, None)

    def test_a_model_that_cannot_be_judged_says_so(self, tmp_path: Path) -> None:
        whole = faces(20, 3)
        assert held_out(Duel(), whole, 0.0) == (whole, None, "")
        kept, held, note = held_out(Duel(), whole, 0.2)
        assert kept is whole and held is None and "no validate()" in note
        kept, held, note = held_out(Judged(), whole, 0.01)
        assert held is None and "raise --validation-share" in note
        assert held_out(Judged(), whole, 0.2)[1] is not None
        with pytest.raises(TrainingError, match="no validate"):
            build(tmp_path / "run", Duel)


class TestBest:
    def test_is_the_best_of_all_and_kept_with_its_score(self, tmp_path: Path) -> None:
        seen: list[tuple[float, int]] = []

        class Watched(Judged):
            def validate(self, batch: FaceBatch) -> Mapping[str, float]:
                figures = super().validate(batch)
                seen.append((figures["closeness"], self.steps))
                return figures

        _, trainer = build(tmp_path / "run", Watched, validate_every=BATCH)
        trainer.fit()
        best = Best.read(tmp_path / "run" / "best.safetensors")
        assert best is not None and len(seen) == sum(STEPS)
        assert (best.score, best.images_seen // BATCH) == max(seen)
        assert record(tmp_path / "run")["best"] == {
            "figures": best.figures,
            "phase": best.phase,
            "images_seen": best.images_seen,
        }
        assert record(tmp_path / "run")["validation"] == {"pictures": 4, "people": 2}

    def test_holds_the_weights_of_its_step(self, judged: tuple[Path, dict[str, Tensor]]) -> None:
        run, _ = judged
        best = Best.read(run / "best.safetensors")
        assert best is not None
        seen = best.images_seen if best.phase == "warm" else best.images_seen - STEPS[0] * BATCH
        number = 1 if best.phase == "warm" else 2
        kept = run / "kept" / f"{number}-{best.phase}-{seen:09d}.safetensors"
        mine, theirs = (weights.load(path, "duel") for path in (run / "best.safetensors", kept))
        assert all(torch.equal(mine[1][name], theirs[1][name]) for name in mine[1])

    def test_changes_nothing_in_the_training(
        self, judged: tuple[Path, dict[str, Tensor]], finished: tuple[Path, dict[str, Tensor]]
    ) -> None:
        often, once = judged[1], finished[1]
        assert all(torch.equal(often[name], once[name]) for name in often)

    @pytest.mark.parametrize("step", [3, 7])
    def test_survives_a_crash(
        self, tmp_path: Path, step: int, judged: tuple[Path, dict[str, Tensor]]
    ) -> None:
        run = tmp_path / "run"
        with pytest.raises(Crash):
            build(run, before=crash_at(step), validate_every=BATCH, save_every=3 * BATCH)[1].fit()
        build(run, validate_every=BATCH)[1].fit(resume=True)
        whole = Best.read(judged[0] / "best.safetensors")
        assert whole is not None and Best.read(run / "best.safetensors") == whole

    def test_other_people_held_out_are_another_run(self, copied: Path) -> None:
        with pytest.raises(CheckpointError, match="validation"):
            build(copied, judged=False)[1].fit(resume=True)

    def test_a_figure_that_is_not_finite_stops(self, tmp_path: Path) -> None:
        class Odd(Judged):
            def validate(self, batch: FaceBatch) -> Mapping[str, float]:
                return {"closeness": float("nan")}

        with pytest.raises(TrainingError, match="'closeness' became nan in phase 'warm' after 4"):
            build(tmp_path / "run", Odd, validate_every=BATCH)[1].fit()

    def test_a_broken_file_is_named(self, copied: Path) -> None:
        (copied / "best.safetensors").write_bytes(b"torn")
        with pytest.raises(WeightsError, match="best.safetensors"):
            build(copied)[1].fit(resume=True)


class TestAverage:
    def test_is_written_shown_and_resumed(
        self, tmp_path: Path, averaged: tuple[Trainer, dict[str, Tensor]]
    ) -> None:
        trainer, live = averaged
        average = trainer.stepper.average
        assert average is not None and average.steps == sum(STEPS)
        _, written = weights.load(trainer.weights_path, "duel")
        for name, tensor in average.tensors.items():
            wanted = tensor.half().float() if tensor.is_floating_point() else tensor
            assert torch.equal(written[name], wanted)
        assert not torch.equal(live["net.0.weight"], average.tensors["0.weight"])
        for step in (2, 6):
            run = tmp_path / str(step)
            with pytest.raises(Crash):
                build(run, before=crash_at(step), **AVERAGED)[1].fit()
            _, again = build(run, **AVERAGED)
            again.fit(resume=True)
            assert again.stepper.average is not None
            for name, tensor in again.stepper.average.tensors.items():
                assert torch.equal(tensor, average.tensors[name]), name
            assert Best.read(run / "best.safetensors") == Best.read(trainer.folder.best)

    def test_leaves_the_training_alone(
        self,
        averaged: tuple[Trainer, dict[str, Tensor]],
        judged: tuple[Path, dict[str, Tensor]],
    ) -> None:
        on, off = averaged[1], judged[1]
        assert all(torch.equal(on[name], off[name]) for name in on)

    def test_on_and_off_are_two_runs(
        self, tmp_path: Path, averaged: tuple[Trainer, dict[str, Tensor]]
    ) -> None:
        shutil.copytree(averaged[0].weights_path.parent, tmp_path / "run")
        with pytest.raises(CheckpointError, match="ema was 0.9, is 'absent'"):
            build(tmp_path / "run", validate_every=BATCH)[1].fit(resume=True)

    def test_needs_the_tensors_themselves(self, tmp_path: Path) -> None:
        class Copies(Judged):
            def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
                return {}, {name: t.clone() for name, t in self.net.state_dict().items()}

        with pytest.raises(TrainingError, match="returns copies"):
            build(tmp_path / "run", Copies, ema=0.9)[1].fit()


class TestMemory:
    @pytest.mark.parametrize(
        ("error", "fits", "words"),
        [
            (torch.OutOfMemoryError("full"), 2, "A batch of 2 ran: .* --set batch_size=2"),
            (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "A batch of 1 ran"),
            (torch.OutOfMemoryError("full"), 0, "No smaller batch ran either"),
        ],
    )
    def test_says_which_batch_fits(
        self, tmp_path: Path, error: Exception, fits: int, words: str
    ) -> None:
        class Greedy(Judged):
            def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
                if self.steps > 1 and len(batch.images) > fits:
                    raise error
                return super().warm(batch, progress)

        _, trainer = build(tmp_path / "run", Greedy)
        with pytest.raises(TrainingError, match=f"batch of 4 in phase 'warm'.*{words}"):
            trainer.fit()
        payload = checkpoint.load(tmp_path / "run" / checkpoint.LAST)
        assert payload["progress"]["seen"] == 2 * BATCH
        assert not list((tmp_path / "run").glob("*.part"))

    def test_another_error_is_its_own(self, tmp_path: Path) -> None:
        class Broken(Judged):
            def warm(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
                raise RuntimeError("shapes differ")

        with pytest.raises(RuntimeError, match="shapes differ"):
            build(tmp_path / "run", Broken)[1].fit()


class TestReasons:
    def test_data_that_changed_is_described(self, tmp_path: Path) -> None:
        build(tmp_path / "run", judged=False)[1].fit()
        with pytest.raises(
            CheckpointError,
            match=r"data was 16 images of 8 people \(fingerprint \w{12}\), is 18 images of 9",
        ):
            build(tmp_path / "run", judged=False, faces=faces(9))[1].fit(resume=True)

    def test_the_checkpoint_says_what_it_needs(self, copied: Path) -> None:
        payload = checkpoint.load(copied / checkpoint.LAST)
        assert payload["needs"]["versions"]["torch"] == torch.__version__.partition("+")[0]
        assert payload["run"]["model"] == {"model": "duel", "options": {"width": 4}}
        model, trainer = build(copied)
        model.rival = nn.Conv2d(3, 1, 3)
        with pytest.raises(CheckpointError, match=r"'rival' does not fit.*written by .*torch \d"):
            trainer.fit(resume=True)

    @pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
    def test_a_flipped_byte_is_found(self, tmp_path: Path, place: float) -> None:
        last = tmp_path / checkpoint.LAST
        checkpoint.save(last, {"net": {"w": torch.arange(4096.0)}})
        content = bytearray(last.read_bytes())
        content[int(place * len(content))] ^= 0xFF
        last.write_bytes(content)
        with pytest.raises(CheckpointError, match="damaged"):
            checkpoint.load(last)

    def test_an_older_checkpoint_without_helpers_goes_on(self, tmp_path: Path) -> None:
        with pytest.raises(Crash):
            build(tmp_path / "run", judged=False, before=crash_at(3))[1].fit()
        last = tmp_path / "run" / checkpoint.LAST
        payload = checkpoint.load(last)
        old = {name: payload[name] for name in ("run", "progress", "random", "state")}
        checkpoint.save(last, old)
        _, trainer = build(tmp_path / "run", judged=False)
        trainer.fit(resume=True)
        assert trainer.finished
