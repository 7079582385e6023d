"""The training engine: order, data, randomness, logs and saving. The model only takes steps.

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
from typing import Any

from restore_recog.api import Classifying, Phase, Trainable
from restore_recog.errors import OutputError, TrainingError
from restore_recog.system import devices, provenance
from restore_recog.system.atomic import plain, write_text
from restore_recog.system.processes import Processes
from restore_recog.training import checkpoint
from restore_recog.training.checkpoint import RunSnapshot
from restore_recog.training.classes import used_labels
from restore_recog.training.distributed import (
    check_batch,
    check_same,
    restore_random,
    seed_process,
    share_model,
)
from restore_recog.training.faces import PackedBatch, TrainingFaces
from restore_recog.training.folder import RunFolder, write_failures
from restore_recog.training.loader import BatchPlan, Clock, TimedBatches, batches
from restore_recog.training.log import NoLog, TrainingLog, say
from restore_recog.training.run_state import Progress, random_state, scaled, seed_everything
from restore_recog.training.settings import TrainingSettings
from restore_recog.training.stepper import Stepper
from restore_recog.training.stop import StopSignal, TrainingInterrupted
from restore_recog.training.validation import NotFiniteError, ValidationSet, Validator

__all__ = ["Trainer", "TrainingInterrupted", "seed_everything"]


class Trainer:
    """Trains one model in one folder.

    The folder receives ``last.pt`` and ``previous.pt`` (checkpoints), ``weights.safetensors``,
    ``best.safetensors`` and ``kept`` (where asked for), ``run.json``, ``failures.csv``, ``logs``
    (of the trackers) and ``samples`` (images).

    Args:
        trainable: The model; seeded by the caller through :func:`seed_everything`.
        faces: What it learns from.
        run_dir: The folder, made where needed.
        settings: How it is trained.
        validation: Faces of people held out, to find the best weights; None for none.
        record: Further entries of ``run.json``, e.g. the command.
    """

    def __init__(
        self,
        trainable: Trainable,
        faces: TrainingFaces,
        run_dir: Path,
        settings: TrainingSettings | None = None,
        *,
        validation: TrainingFaces | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.trainable = trainable
        self.faces = faces
        if isinstance(trainable, Classifying):
            trainable.expect(faces.labels())
        self.run_dir = Path(run_dir)
        kinds = {"covered": trainable.covered, "coverings": faces.coverings}
        self.folder = RunFolder(self.run_dir, kinds)
        self.settings = settings = settings or TrainingSettings()
        self.record = dict(record or {})
        self.phases = [scaled(phase, settings.images_scale) for phase in trainable.phases]
        self.progress = Progress()
        self.processes = Processes.current()
        device = settings.device
        self.stepper = Stepper(trainable, device, settings.precision, settings.ema)
        held_out = None if validation is None else ValidationSet(trainable, validation, device)
        self.validator = Validator(self.stepper, faces, held_out, self.folder)
        self._further: dict[str, Any] = {"ema": settings.ema} if settings.ema else {}
        if used := used_labels(faces.crops.labels, self.phases):
            self._further["balanced"] = used
        if held_out is not None:
            self._further["validation"] = held_out.describe()
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
            identities = self.trainable.identities_per_batch
            self.faces.check(phase.batch_size, identities, phase.balanced, phase.only)
            check_batch(self.processes, phase.batch_size)
        try:
            self._begin(resume)
            with self._stop, self._log() as log:
                self._run(log)
        except OSError as error:
            raise OutputError(
                f"The training cannot write to {self.run_dir} ({error.strerror or error}); "
                f"{checkpoint.room(self.run_dir)}."
            ) from error
        return self.weights_path

    def _log(self) -> TrainingLog | NoLog:
        if not self.processes.leads:
            return NoLog()
        seen = self.progress.images_seen(self.phases)
        facts = {**self.record, **self._provenance, "settings": asdict(self.settings)}
        facts["phases"] = [[p.name, p.images, p.batch_size] for p in self.phases]
        return TrainingLog(self.run_dir, seen, self.settings.trackers, plain(facts))

    def _begin(self, resume: bool) -> None:
        self._started = self._saved = time.monotonic()
        device = self.settings.device
        self._provenance = {
            "versions": provenance.versions("pytorch-metric-learning"),
            "git": provenance.commit(),
            "device": devices.title(device),
        }
        self._minutes_before = 0.0
        start = self.processes.lead(lambda: self._open(resume))
        check_same(self.processes, "training images", self.faces.fingerprint[:12])
        check_same(self.processes, "labels", str(self._further.get("balanced")))
        share_model(self.processes, self.trainable, device)
        tell = say if self.processes.leads else lambda _: None
        self.stepper.begin(self.settings.compiled, tell)
        for kind in sorted({phase.balanced for phase in self.phases} - {""}):
            if absent := self.faces.classes(kind).absent():
                tell(absent)
        if start:
            self._restore(start)
            return
        seed_process(self.processes, self.settings.seed)
        self._save()

    def _open(self, resume: bool) -> Path | None:
        start = self.folder.open(resume)
        self.validator.begin()
        write_failures(self.run_dir / "failures.csv", self.faces.crops.failures)
        return start

    def _restore(self, path: Path) -> None:
        payload = self.processes.lead(lambda: checkpoint.load(path))
        self.progress = self._contents().restore(path, payload)
        self._minutes_before = self.progress.minutes
        states = [payload["random"], *payload.get("random_others", [])]
        seen = self.progress.images_seen(self.phases)
        restore_random(self.processes, states, self.settings.seed, seen)

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
        plan = BatchPlan.rest(phase, self.progress.seen, self.trainable, self.processes.part)
        on_gpu = self.settings.device.startswith("cuda")
        made = batches(self.faces, plan, self.settings.workers, pin=on_gpu)
        timed = TimedBatches(made, self._clock)
        for batch in timed:
            losses = self._step(phase, batch)
            self.progress.seen += phase.batch_size
            self.progress.losses[phase.name] = losses
            self.progress.waiting = timed.waiting
            log.step(phase.batch_size, losses | self.stepper.precision.scales(), timed.waiting)
            self._look(phase, log)
            if self._pause(phase):
                return True
        return False

    def _look(self, phase: Phase, log: TrainingLog | NoLog) -> None:
        """Keep weights, draw samples and validate, where it is time to."""
        name = f"{self.progress.phase + 1}-{phase.name}-{self.progress.seen:09d}"
        settings = self.settings
        ends = self.progress.seen >= phase.images
        if settings.keep_every and self._crossed(settings.keep_every, phase):
            self._lead(phase, lambda: self.folder.write_weights(self.stepper.weights(), kept=name))
        if self._crossed(settings.sample_every, phase) or ends:
            self._lead(phase, partial(self.validator.preview, name, log))
        if self.validator.validation and (self._crossed(settings.validate_every, phase) or ends):
            seen = self.progress.images_seen(self.phases)
            self._lead(phase, partial(self.validator.validate, phase.name, seen, log))

    def _lead(self, phase: Phase, work: Callable[[], None]) -> None:
        """Let the first process do something; what is not finite stops the run with its place."""
        try:
            self.processes.lead(work)
        except NotFiniteError as error:
            raise TrainingError(f"{error} {self._where(phase)}") from error

    def _step(self, phase: Phase, packed: PackedBatch) -> dict[str, float]:
        batch = packed.unpack(self.settings.device)
        losses = self.stepper.step(phase, batch, self.progress.seen / phase.images)
        values = self.processes.means(losses)
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(f"The loss '{name}' became {value} {self._where(phase)}")
        return values

    def _pause(self, phase: Phase) -> bool:
        """Save where it is time to; return whether to stop, raise where told to."""
        now = time.monotonic()
        limit = self.settings.max_minutes
        late = limit is not None and now - self._started >= 60 * limit
        due = (
            self._crossed(self.settings.save_every, phase)
            or now - self._saved >= self.settings.save_seconds
        )
        due, late, stopped = self.processes.any(due, late, self._stop.received)
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
        states = self.processes.gather(random_state())
        self.processes.lead(partial(self._write, states))
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
            self.folder.write_weights(self.stepper.weights())
        else:
            # A state that cannot be read back must show now, not after a crash.
            checkpoint.load(self.folder.last)
        entries = contents.entries(self.progress)
        best = None if self.validator.best is None else asdict(self.validator.best)
        record = {**plain(self.record), **entries, "best": best}
        text = json.dumps(record, indent=2) + "\n"
        write_text(self.run_dir / "run.json", text, advice=checkpoint.room(self.run_dir))

    def _contents(self) -> RunSnapshot:
        return RunSnapshot(
            self.trainable,
            self.faces,
            self.phases,
            self.settings.seed,
            self._further,
            self.stepper.helpers(),
            {**self._provenance, **self.stepper.describe(), "processes": self.processes.world},
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
