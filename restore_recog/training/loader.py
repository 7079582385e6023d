"""Batches made ahead of time by worker processes, in the order that no worker would change."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from restore_recog.errors import RestoreRecogError
from restore_recog.training.faces import PackedBatch, TrainingFaces


@dataclass(frozen=True)
class Leg:
    """The part of a phase that is still to be trained.

    Attributes:
        name, batch_size: Of the phase.
        start, stop: Numbers of the first step and of the one after the last.
        identities_per_batch, covered: As in :class:`restore_recog.api.Trainable`.
        part: Which of how many equal parts of every batch this process makes.
    """

    name: str
    batch_size: int
    start: int
    stop: int
    identities_per_batch: int
    covered: float
    part: tuple[int, int] = (0, 1)


def batches(
    faces: TrainingFaces, leg: Leg, workers: int, *, pin: bool = False
) -> Iterator[PackedBatch]:
    """Yield the batches of a leg in order.

    Args:
        faces: Where they come from.
        leg: Which ones.
        workers: Processes that work ahead, two batches each; 0 makes every batch when it is
            asked for.
        pin: Whether to put them in pinned memory, for a GPU.

    Raises:
        RestoreRecogError: A batch cannot be made.
    """
    # Workers copy nothing on Linux: a fork shares the crops. The generator keeps the loader
    # from drawing its seed from the global one, which a resumed run must find untouched.
    loader: DataLoader[PackedBatch | RestoreRecogError] = DataLoader(
        _Steps(faces, leg),
        batch_size=None,
        num_workers=workers,
        pin_memory=pin,
        worker_init_fn=_quiet_worker if workers else None,
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        generator=torch.Generator(),
    )
    for made in loader:
        if isinstance(made, RestoreRecogError):
            raise made
        yield made


@dataclass
class Clock:
    """What the phases of a training spent in all, in seconds.

    Attributes:
        waited: Of it, waiting for batches.
        total: From asking for the first batch of each phase to the end of its last step.
    """

    waited: float = 0.0
    total: float = 0.0

    @property
    def share(self) -> float:
        """Return the share of the time that was spent waiting, in [0, 1]."""
        return self.waited / max(self.total, 1e-9)


class Feed:
    """Passes batches on and notes which share of the time was spent waiting for them.

    Args:
        made: The batches.
        clock: Runs on over several feeds; a new one where there is none.
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
    """The batches of a leg by number."""

    def __init__(self, faces: TrainingFaces, leg: Leg) -> None:
        self.faces = faces
        self.leg = leg

    def __len__(self) -> int:
        return self.leg.stop - self.leg.start

    def __getitem__(self, number: int) -> PackedBatch | RestoreRecogError:
        position = (self.leg.start + number) * self.leg.batch_size
        try:
            return self.faces.packed_batch(
                position,
                self.leg,
                identities_per_batch=self.leg.identities_per_batch,
                covered=self.leg.covered,
                part=self.leg.part,
            )
        except RestoreRecogError as error:  # returned: the loader would bury it in a traceback
            return error


def _quiet_worker(_: int) -> None:
    """Leave Ctrl-C to the main process and the cores to the training."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    cv2.setNumThreads(0)
