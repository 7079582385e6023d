"""The training engine: order, data, randomness, logs and saving; the model only steps.

On the CPU a run that was stopped at any step and resumed ends bit for bit like one
that was not.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from restore_recog.api import Phase, Trainable
from restore_recog.errors import OutputError, TrainingError
from restore_recog.system import provenance
from restore_recog.system.atomic import write_text
from restore_recog.training import checkpoint
from restore_recog.training.checkpoint import Saved
from restore_recog.training.distributed import NoLog, Team
from restore_recog.training.faces import PackedBatch, TrainingFaces
from restore_recog.training.folder import RunFolder
from restore_recog.training.loader import Clock, Feed, Leg, batches
from restore_recog.training.log import TrainingLog, say, write_failures
from restore_recog.training.run_state import Progress, plain, random_state, scaled, seed_everything
from restore_recog.training.stepper import Driver
from restore_recog.training.stop import StopSignal, TrainingInterrupted
from restore_recog.training.validation import Judge, NotFiniteError, Validator

__all__ = ["Trainer", "TrainingInterrupted", "seed_everything"]


class Trainer:
    """Trains one model in one folder.

    The folder receives ``last.pt`` and ``previous.pt`` (checkpoints), ``weights.safetensors``,
    ``best.safetensors`` and ``kept`` (where asked for), ``run.json``, ``failures.csv``, ``logs``
    (TensorBoard) and ``samples`` (images).

    Args:
        trainable: The model; seeded by the caller through :func:`seed_everything`.
        faces: What it learns from.
        run_dir: The folder, made where needed.
        seed: Of everything random in the steps.
        save_every: Images between two checkpoints.
        save_seconds: Seconds after which one is saved in any case.
        sample_every: Images between two sample images.
        keep_every: Images between two weights files that are kept for good; 0 for none.
        device: PyTorch's name of the device that the trainable is on.
        precision: ``auto`` is bfloat16 on GPUs that have it, else float32; ``fp16`` scales losses.
        workers: Processes that prepare batches; the result does not depend on it.
        max_minutes: Save and stop after so long; None for no limit.
        images_scale: Factor on the length of every phase.
        validation: Faces of people held out, to find the best weights; None for none.
        validate_every: Images between two validations; one more follows every phase.
        ema: Decay of the average of the weights that is written, shown and judged; 0 for none.
        compiled: Whether the networks go through torch.compile.
        record: Further entries of ``run.json``, e.g. the command.
    """

    def __init__(
        self,
        trainable: Trainable,
        faces: TrainingFaces,
        run_dir: Path,
        *,
        seed: int = 0,
        save_every: int = 50_000,
        save_seconds: float = 300.0,
        sample_every: int = 20_000,
        keep_every: int = 0,
        device: str = "cpu",
        precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto",
        workers: int = 0,
        max_minutes: float | None = None,
        images_scale: float = 1.0,
        validation: TrainingFaces | None = None,
        validate_every: int = 10_000,
        ema: float = 0.0,
        compiled: bool = False,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.trainable = trainable
        self.faces = faces
        self.run_dir = Path(run_dir)
        self.folder = RunFolder(self.run_dir)
        self.seed = seed
        self.save_every = save_every
        self.save_seconds = save_seconds
        self.sample_every = sample_every
        self.keep_every = keep_every
        self.device = device
        self.validate_every = validate_every
        self.compiled = compiled
        self.workers = workers
        self.max_minutes = max_minutes
        self.record = dict(record or {})
        self.phases = [scaled(phase, images_scale) for phase in trainable.phases]
        self.progress = Progress()
        self.team = Team.current()
        self.driver = Driver(trainable, device, precision, ema)
        validator = None if validation is None else Validator(trainable, validation, device)
        self.judge = Judge(self.driver, faces, validator, self.folder)
        self._further: dict[str, Any] = {"ema": ema} if ema else {}
        if validator is not None:
            self._further["validation"] = validator.describe()
        self._clock = Clock()
        self._stop = StopSignal()

    @property
    def finished(self) -> bool:
        """Whether every phase is done."""
        return self.progress.phase >= len(self.phases)

    @property
    def weights_path(self) -> Path:
        """Where the weights are written at every checkpoint."""
        return self.folder.weights

    def fit(self, resume: bool = False) -> Path:
        """Train to the end, or to the time limit, and return the weights file.

        Args:
            resume: Go on from the folder's checkpoint.

        Raises:
            TrainingError: Too few images, or a loss or weight that is not finite.
            CheckpointError: Nothing to resume from, or a checkpoint of another run.
            OutputError: The folder holds a run and *resume* is False, or the disk is full.
            TrainingInterrupted: Ctrl-C, after saving.
        """
        for phase in self.phases:
            self.faces.check(phase.batch_size, self.trainable.identities_per_batch)
            self.team.check(phase.batch_size)
        try:
            self._begin(resume)
            with self._stop, self._log() as log:
                self._run(log)
        except OSError as error:
            raise OutputError(
                f"The training cannot write to {self.run_dir} ({error.strerror or error}); "
                "the last checkpoint is unharmed: make room and repeat with --resume."
            ) from error
        return self.weights_path

    def _log(self) -> TrainingLog | NoLog:
        if not self.team.leads:
            return NoLog()
        return TrainingLog(self.run_dir, self.progress.images_seen(self.phases))

    def _begin(self, resume: bool) -> None:
        self._started = self._saved = time.monotonic()
        gpu = torch.cuda.get_device_name(self.device) if self.device != "cpu" else None
        self._provenance = {
            "versions": provenance.versions("pytorch-metric-learning"),
            "git": provenance.commit(),
            "device": gpu or "cpu",
        }
        self._minutes_before = 0.0
        found = self.team.lead(lambda: self._open(resume))
        self.team.agree("training images", self.faces.fingerprint[:12])
        self.team.join(self.trainable, self.device)
        self.driver.begin(self.compiled, say if self.team.leads else lambda _: None)
        if found:
            self._restore(found)
            return
        self.team.begin_random(self.seed)
        self._save()

    def _open(self, resume: bool) -> Path | None:
        found = self.folder.open(resume)
        self.judge.begin()
        write_failures(self.run_dir / "failures.csv", self.faces.crops.failures)
        return found

    def _restore(self, path: Path) -> None:
        payload = self.team.lead(lambda: checkpoint.load(path))
        self.progress = self._contents().restore(path, payload)
        self._minutes_before = self.progress.minutes
        states = [payload["random"], *payload.get("random_others", [])]
        self.team.go_on_random(states, self.seed, self.progress.images_seen(self.phases))

    def _run(self, log: TrainingLog | NoLog) -> None:
        while not self.finished:
            phase = self.phases[self.progress.phase]
            log.start_phase(phase.name, phase.images, self.progress.seen)
            if self._run_phase(phase, log):
                return
            self.progress.phase += 1
            self.progress.seen = 0
        self._save()

    def _run_phase(self, phase: Phase, log: TrainingLog | NoLog) -> bool:
        """Train one phase from where it stands; return whether the time is up."""
        leg = Leg(
            phase.name,
            phase.batch_size,
            self.progress.seen // phase.batch_size,
            math.ceil(phase.images / phase.batch_size),
            self.trainable.identities_per_batch,
            self.trainable.covered,
            self.team.part,
        )
        made = batches(self.faces, leg, self.workers, pin=self.device != "cpu")
        feed = Feed(made, self._clock)
        for batch in feed:
            losses = self._step(phase, batch)
            self.progress.seen += phase.batch_size
            self.progress.losses[phase.name] = losses
            self.progress.waiting = feed.waiting
            log.step(phase.batch_size, losses | self.driver.precision.scales(), feed.waiting)
            self._look(phase, log)
            if self._pause(phase):
                return True
        return False

    def _look(self, phase: Phase, log: TrainingLog | NoLog) -> None:
        """Keep weights, draw samples and validate, where it is time to."""
        name = f"{self.progress.phase + 1}-{phase.name}-{self.progress.seen:09d}"
        ends = self.progress.seen >= phase.images
        if self.keep_every and self._crossed(self.keep_every, phase):
            self._lead(phase, lambda: self.folder.write_weights(self.driver.weights(), kept=name))
        if self._crossed(self.sample_every, phase) or ends:
            self._lead(phase, partial(self.judge.preview, name, log))
        if self.judge.validator and (self._crossed(self.validate_every, phase) or ends):
            seen = self.progress.images_seen(self.phases)
            self._lead(phase, partial(self.judge.validate, phase.name, seen, log))

    def _lead(self, phase: Phase, work: Callable[[], None]) -> None:
        """Let the first process do something; what is not finite stops the run with its place."""
        try:
            self.team.lead(work)
        except NotFiniteError as error:
            raise TrainingError(f"{error} {self._where(phase)}") from error

    def _step(self, phase: Phase, packed: PackedBatch) -> dict[str, float]:
        batch = packed.unpack(self.device)
        losses = self.driver.step(phase, batch, self.progress.seen / phase.images)
        values = self.team.average(losses)
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(f"The loss '{name}' became {value} {self._where(phase)}")
        return values

    def _pause(self, phase: Phase) -> bool:
        """Save where it is time to; return whether to stop, raise where told to."""
        now = time.monotonic()
        late = self.max_minutes is not None and now - self._started >= 60 * self.max_minutes
        due = self._crossed(self.save_every, phase) or now - self._saved >= self.save_seconds
        due, late, stopped = self.team.any(due, late, self._stop.received)
        if due or late or stopped:
            self._save()
        if stopped:
            raise TrainingInterrupted(
                f"Stopped in phase '{phase.name}' after {self.progress.seen} of {phase.images} "
                f"images; everything is saved in {self.run_dir}. Repeat the command with "
                "--resume to go on."
            )
        return late

    def _save(self) -> None:
        states = self.team.gather(random_state())
        self.team.lead(partial(self._write, states))
        self._saved = time.monotonic()

    def _write(self, random_states: list[dict[str, Any]]) -> None:
        self.progress.minutes = self._minutes_before + (time.monotonic() - self._started) / 60
        contents = self._contents()
        broken = contents.broken()
        if broken:
            phase = self.phases[min(self.progress.phase, len(self.phases) - 1)]
            raise TrainingError(f"'{broken}' holds values that are not finite {self._where(phase)}")
        checkpoint.save(self.folder.last, contents.payload(self.progress, random_states))
        if self.progress.images_seen(self.phases):
            self.folder.write_weights(self.driver.weights())
        else:
            # A state that cannot be read back must show now, not after a crash.
            checkpoint.load(self.folder.last)
        entries = contents.entries(self.progress)
        best = None if self.judge.best is None else asdict(self.judge.best)
        record = {**plain(self.record), **entries, "best": best}
        text = json.dumps(record, indent=2) + "\n"
        write_text(self.run_dir / "run.json", text, advice=checkpoint.UNHARMED)

    def _contents(self) -> Saved:
        return Saved(
            self.trainable,
            self.faces,
            self.phases,
            self.seed,
            self._further,
            self.driver.helpers(),
            {**self._provenance, **self.driver.describe(), "processes": self.team.world},
        )

    def _crossed(self, every: int, phase: Phase) -> bool:
        """Return whether the latest step passed a multiple of *every* images of its phase."""
        return self.progress.seen % every < phase.batch_size

    def _where(self, phase: Phase) -> str:
        return (
            f"in phase '{phase.name}' after {self.progress.seen} images. The last good checkpoint "
            f"in {self.run_dir} is kept; lower the learning rate in a new run, or use --resume "
            "if the machine was at fault."
        )
