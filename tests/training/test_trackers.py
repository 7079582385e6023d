"""W&B and MLflow beside TensorBoard: stand-ins record the calls, real ones where installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from restore_recog.errors import TrainingError
from restore_recog.training import trackers
from restore_recog.training.stop import TrainingInterrupted
from tests.fakes.training_duel import BATCH, STEPS, build, tensors

TOTAL = sum(STEPS) * BATCH


class Records:
    """What a stand-in was told: (what, arguments) in order; *fails* raises at the Nth figure."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.fails = 0

    def note(self, what: str, *content: Any) -> None:
        if what == "figures" and self.fails:
            self.fails -= 1
            if not self.fails:
                raise ConnectionError("the server is gone")
        self.calls.append((what, content))

    def of(self, what: str) -> list[Any]:
        return [content for name, content in self.calls if name == what]


def install(name: str, records: Records, monkeypatch: pytest.MonkeyPatch, **own: Any) -> None:
    module = ModuleType(name)
    module.__spec__ = SimpleNamespace(name=name)  # type: ignore[assignment]
    vars(module).update(own)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Return what a stand-in for wandb is told."""
    records = Records()

    class Run:
        def __init__(self, given: dict[str, Any]) -> None:
            self.id = given["id"] or "abc123"

        def define_metric(self, name: str, step_metric: str | None = None) -> None:
            records.note("metric", name, step_metric)

        def log(self, values: dict[str, Any]) -> None:
            records.note("figures", dict(values))

        def finish(self, exit_code: int) -> None:
            records.note("finish", exit_code)

    def init(**given: Any) -> Run:
        records.note("init", given)
        return Run(given)

    install("wandb", records, monkeypatch, init=init, Image=lambda pixels: ("image", pixels.shape))
    return records


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Return what a stand-in for mlflow is told."""
    records = Records()

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            records.note("looked", name)

        def create_experiment(self, name: str) -> str:
            return "7"

        def create_run(self, experiment: str, run_name: str) -> Any:
            records.note("init", experiment, run_name)
            return SimpleNamespace(info=SimpleNamespace(run_id="run1"))

        def update_run(self, run: str, status: str) -> None:
            records.note("again", run, status)

        def log_param(self, run: str, name: str, value: str) -> None:
            records.note("param", name, value)

        def log_dict(self, run: str, content: dict[str, Any], place: str) -> None:
            records.note("dict", content, place)

        def log_metric(self, run: str, name: str, value: float, step: int) -> None:
            records.note("figures", name, value, step)

        def log_image(self, run: str, pixels: Any, artifact_file: str) -> None:
            records.note("image", pixels.shape, artifact_file)

        def set_terminated(self, run: str, status: str) -> None:
            records.note("finish", run, status)

    install("mlflow", records, monkeypatch, MlflowClient=Client)
    return records


def test_wandb_gets_losses_images_and_the_configuration(tmp_path: Path, wandb: Records) -> None:
    _, trainer = build(tmp_path / "run", trackers=("tensorboard", "wandb"))
    trainer.fit()
    (given,) = wandb.of("init")[0]
    assert given["name"] == "run" and given["project"] == "restore-recog"
    assert given["config"]["settings"]["seed"] == 7
    assert given["config"]["phases"] == [["warm", 16, 4], ["duel", 20, 4]]
    assert ("*", "images") in wandb.of("metric")
    told = [values for (values,) in wandb.of("figures")]
    losses = [values for values in told if "duel/l2" in values]
    assert losses[-1]["images"] == TOTAL and isinstance(losses[-1]["duel/rival"], float)
    assert any(values.get("duel/samples", ("",))[0] == "image" for values in told)
    assert wandb.of("finish") == [(0,)]
    assert list((tmp_path / "run" / "logs").glob("events.*"))


def test_mlflow_gets_the_same(tmp_path: Path, mlflow: Records) -> None:
    _, trainer = build(tmp_path / "run", trackers=("mlflow",))
    trainer.fit()
    assert mlflow.of("init") == [("7", "run")]
    assert dict(mlflow.of("param"))["settings"].startswith("{")
    assert mlflow.of("dict")[0][0]["settings"]["seed"] == 7
    assert ("duel/l2", TOTAL) in [(name, step) for name, _, step in mlflow.of("figures")]
    assert mlflow.of("image")[-1][1] == f"duel/samples/{TOTAL:09d}.png"
    assert mlflow.of("finish") == [("run1", "FINISHED")]
    assert not list((tmp_path / "run" / "logs").glob("events.*"))


def test_a_resumed_training_goes_on_in_the_same_runs(
    tmp_path: Path, wandb: Records, mlflow: Records
) -> None:
    both = ("wandb", "mlflow")

    def stop(step: int) -> None:
        if step == 3:
            raise TrainingInterrupted("stop")

    _, trainer = build(tmp_path / "run", before=stop, save_every=BATCH, trackers=both)
    with pytest.raises(TrainingInterrupted):
        trainer.fit()
    assert wandb.of("finish") == [(1,)] and mlflow.of("finish") == [("run1", "KILLED")]
    params = len(mlflow.of("param"))
    _, again = build(tmp_path / "run", save_every=BATCH, trackers=both)
    again.fit(resume=True)
    first, second = (given for (given,) in wandb.of("init"))
    assert (first["id"], second["id"], second["resume"]) == (None, "abc123", "allow")
    assert len(mlflow.of("init")) == 1 and mlflow.of("again") == [("run1", "RUNNING")]
    assert len(mlflow.of("param")) == params


def test_a_tracker_that_fails_is_said_once_and_the_training_goes_on(
    tmp_path: Path, wandb: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    wandb.fails = 1
    model, trainer = build(tmp_path / "run", trackers=("wandb", "tensorboard"))
    trainer.fit()
    said = capsys.readouterr().err
    assert said.count("no longer logged to wandb (the server is gone)") == 1
    plain, alone = build(tmp_path / "other")
    alone.fit()
    for name, tensor in tensors(plain).items():
        assert torch.equal(tensor, tensors(model)[name])
    assert list((tmp_path / "run" / "logs").glob("events.*"))


def test_a_tracker_that_cannot_start_is_told(
    tmp_path: Path, wandb: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise RuntimeError("no API key\nmore")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    _, trainer = build(tmp_path / "run", trackers=("wandb",))
    with pytest.raises(TrainingError, match=r"--log wandb cannot start \(no API key\)"):
        trainer.fit()


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match=r"pip install 'restore-recog\[mlflow\]'"):
        trackers.check(["mlflow"])
    with pytest.raises(TrainingError, match="No tracker named 'paper'"):
        trackers.check(["paper"])


def test_a_damaged_note_of_the_run_is_told(tmp_path: Path, wandb: Records) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "wandb.json").write_text("[]")
    with pytest.raises(TrainingError, match="names no run; delete it"):
        trackers.Trackers(["wandb"], tmp_path, 0, {}, say=print)


def test_the_real_wandb_writes_a_run_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    _, trainer = build(tmp_path / "run", trackers=("wandb",))
    trainer.fit()
    name = json.loads((tmp_path / "run" / "logs" / "wandb.json").read_text())["run"]
    assert list((tmp_path / "run" / "logs").rglob(f"run-{name}.wandb"))


def test_the_real_mlflow_keeps_a_run_over_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    _, trainer = build(tmp_path / "run", trackers=("mlflow",))
    trainer.fit()
    run = json.loads((tmp_path / "run" / "logs" / "mlflow.json").read_text())["run"]
    kept = real.MlflowClient().get_run(run)
    assert kept.info.status == "FINISHED" and "duel/l2" in kept.data.metrics
