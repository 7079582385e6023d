"""What failed in a run, and what every stage of it cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from restore_recog.errors import DataError
from restore_recog.system import devices
from restore_recog.types import FaceSample, Failure

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total) as the work goes on."""

Laps = Mapping[str, Sequence[tuple[int, float]]]
"""Stage -> (images, the seconds that they took together), one lap a block of work."""


ONCE = ("read", "detect", "align", "cover", "segment")
"""Stages at which an image that is used twice fails twice, and is recorded once."""


class Ledger:
    """What failed and what every stage cost.

    Attributes:
        failures: In order of appearance.
        laps: Of this process.
        other_laps: Of the other processes of the run, where there are several.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.failures: list[Failure] = []
        self.laps: dict[str, list[tuple[int, float]]] = {}
        self.other_laps: list[Laps] = []
        self._progress = progress

    @contextmanager
    def collect(self) -> Iterator[list[Failure]]:
        """Yield a list that takes the failures of the ``with`` block instead of this ledger."""
        outside, self.failures = self.failures, []
        try:
            yield self.failures
        finally:
            self.failures = outside

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record neither failures nor costs of the ``with`` block."""
        outside, self.laps = self.laps, {}
        try:
            with self.collect():
                yield
        finally:
            self.laps = outside

    def fail(self, stage: str, sample: FaceSample, reason: object) -> None:
        """Record that an image fell out, or fell back, at a stage."""
        self.failures.append(Failure(stage, sample.image_id, sample.subject, str(reason)))

    def take(self, failures: Iterable[Failure]) -> None:
        """Add failures; of an image that was read twice, those before any arm only once."""
        known = {f for f in self.failures if f.stage in ONCE}
        for failure in failures:
            if failure not in known:
                self.failures.append(failure)
            if failure.stage in ONCE:
                known.add(failure)

    def check_any(self, kind: str, usable: Mapping[str, object], wanted: Sequence[str]) -> None:
        """Refuse to go on, with the first failure, where nothing of a kind is usable.

        Raises:
            DataError: Nothing is.
        """
        if usable:
            return
        first = next(f for f in self.failures if f.image_id in wanted)
        raise DataError(
            f"None of the {len(wanted)} {kind} could be used; the first one, "
            f"'{first.image_id}', failed at the stage '{first.stage}': {first.reason}"
        )

    @contextmanager
    def timed(self, stage: str, images: int = 1, device: str = "cpu") -> Iterator[None]:
        """Add a lap to a stage; one that raises is not counted.

        Args:
            stage: Name in the table of costs.
            images: How many images are worked on.
            device: Where; a GPU works on after the call returns, so it is waited for.
        """
        devices.wait(device)
        start = time.perf_counter()
        yield
        devices.wait(device)
        self.laps.setdefault(stage, []).append((images, time.perf_counter() - start))

    def timing(self) -> dict[str, dict[str, float]]:
        """Return what an image costs at every stage, in one process.

        Of a stage with more than two laps the first one of every process is left out, since
        it pays for loading code and choosing kernels.

        Returns:
            Stage -> ``images`` worked on in all, ``ms_per_image`` (mean), ``ms_median``,
            ``ms_p95`` and ``images_per_s``.
        """
        processes = [self.laps, *self.other_laps]
        stages = dict.fromkeys(stage for laps in processes for stage, done in laps.items() if done)
        return {stage: _cost([laps.get(stage, ()) for laps in processes]) for stage in stages}

    def report(self, stage: str, done: int, total: int) -> None:
        """Tell the listener how far a stage has come."""
        if self._progress is not None:
            self._progress(stage, done, total)


def _cost(processes: Sequence[Sequence[tuple[int, float]]]) -> dict[str, float]:
    """Return the cost of one stage; *processes* holds the laps of each."""
    steady = [lap for laps in processes for lap in (laps[1:] if len(laps) > 2 else laps)]
    images = np.array([images for images, _ in steady], dtype=float)
    seconds = np.array([seconds for _, seconds in steady], dtype=float)
    each = np.repeat(1000 * seconds / images, images.astype(int))
    median, p95 = np.quantile(each, [0.5, 0.95])
    return {
        "images": sum(images for laps in processes for images, _ in laps),
        "ms_per_image": float(each.mean()),
        "ms_median": float(median),
        "ms_p95": float(p95),
        "images_per_s": float(images.sum() / max(seconds.sum(), 1e-9)),
    }
