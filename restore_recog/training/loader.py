"""Batches made ahead of time by worker processes, in an order that does not depend on them."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from restore_recog.api import Phase, Trainable
from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.training.faces import PackedBatch, TrainingFaces


@dataclass(frozen=True)
class BatchPlan:
    """Which batches of a phase are to be made.

    Attributes:
        name, batch_size: Of the phase.
        start, stop: Numbers of the first step and of the one after the last.
        identities_per_batch, covered: As in :class:`restore_recog.api.Trainable`.
        part: Which of how many equal parts of every batch this process makes.
        balanced, only: As in :class:`restore_recog.api.Phase`.
    """

    name: str
    batch_size: int
    start: int
    stop: int
    identities_per_batch: int
    covered: float
    part: tuple[int, int] = (0, 1)
    balanced: str = ""
    only: tuple[str, str] | None = None

    @classmethod
    def rest(
        cls, phase: Phase, seen: int, trainable: Trainable, part: tuple[int, int]
    ) -> BatchPlan:
        """Return what is left of a phase after *seen* images."""
        size = phase.batch_size
        return cls(
            phase.name,
            size,
            seen // size,
            math.ceil(phase.images / size),
            trainable.identities_per_batch,
            trainable.covered,
            part,
            phase.balanced,
            phase.only,
        )


def batches(
    faces: TrainingFaces, plan: BatchPlan, workers: int, *, pin: bool = False
) -> Iterator[PackedBatch]:
    """Yield the planned batches in order.

    Args:
        faces: Where they come from.
        plan: Which ones.
        workers: Processes that work ahead, two batches each; 0 makes every batch when it is
            asked for.
        pin: Whether to put them in pinned memory, for a GPU.

    Raises:
        RestoreRecogError: A batch cannot be made.
        TrainingError: A worker process has died.
    """
    # Workers copy nothing on Linux: a fork shares the crops. The generator keeps the loader
    # from drawing its seed from the global one, which a resumed run must find untouched.
    loader: DataLoader[PackedBatch | RestoreRecogError] = DataLoader(
        _Steps(faces, plan),
        batch_size=None,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=_quiet_worker if workers else None,
        multiprocessing_context=_how() if workers else None,
        generator=torch.Generator(),
    )
    made = iter(loader)
    while True:
        try:
            batch = next(made, None)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise TrainingError(
                "A process that prepares batches has died, most often because shared memory "
                "(/dev/shm) or memory is used up; give fewer --workers (0 does without), or make "
                "/dev/shm larger."
            ) from error
        if batch is None:
            return
        if isinstance(batch, RestoreRecogError):
            raise batch
        yield batch


@dataclass
class Clock:
    """How long the phases of a training took in all, in seconds.

    Attributes:
        waited: Time spent waiting for batches.
        total: From asking for the first batch of each phase to the end of its last step.
    """

    waited: float = 0.0
    total: float = 0.0

    @property
    def share(self) -> float:
        """Return the share of the time that was spent waiting, in [0, 1]."""
        return self.waited / max(self.total, 1e-9)


class TimedBatches:
    """Passes batches on and measures the share of the time that is spent waiting for them.

    Args:
        made: The batches.
        clock: Runs on from phase to phase; a new one where there is none.
    """

    def __init__(self, made: Iterator[PackedBatch], clock: Clock | None = None) -> None:
        self._made = made
        self.clock = clock or Clock()

    @property
    def waiting(self) -> float:
        """Return that share, in [0, 1], at the latest batch."""
        return self.clock.share

    def __iter__(self) -> Iterator[PackedBatch]:
        latest = time.perf_counter()
        while True:
            asked = time.perf_counter()
            batch = next(self._made, None)
            now = time.perf_counter()
            self.clock.waited += now - asked
            self.clock.total += now - latest
            latest = now
            if batch is None:
                return
            yield batch


class _Steps(Dataset[PackedBatch | RestoreRecogError]):
    """The planned batches by number."""

    def __init__(self, faces: TrainingFaces, plan: BatchPlan) -> None:
        self.faces = faces
        self.plan = plan

    def __len__(self) -> int:
        return self.plan.stop - self.plan.start

    def __getitem__(self, number: int) -> PackedBatch | RestoreRecogError:
        position = (self.plan.start + number) * self.plan.batch_size
        try:
            return self.faces.packed_batch(
                position,
                self.plan,
                identities_per_batch=self.plan.identities_per_batch,
                covered=self.plan.covered,
                part=self.plan.part,
                balanced=self.plan.balanced,
                only=self.plan.only,
            )
        except RestoreRecogError as error:  # returned: the loader would bury it in a traceback
            return error


def _quiet_worker(_: int) -> None:
    """Leave Ctrl-C to the main process and the cores to the training."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(0)


def _how() -> str | None:
    """Return how worker processes begin; None for the system's own way."""
    return "fork" if sys.platform == "linux" else None
