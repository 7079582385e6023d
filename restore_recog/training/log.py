"""What a training shows while it runs: progress bar, trackers (TensorBoard), sample images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor
from torchvision.utils import make_grid
from tqdm import tqdm

from restore_recog import images
from restore_recog.system.progress import bar
from restore_recog.training.trackers import FAILED, FINISHED, STOPPED, Trackers

LOG_STEPS = 20
"""Losses are averaged over this many steps before they are shown and logged."""


class TrainingLog:
    """Progress bar on stderr, figures to the trackers, images to them and in ``samples``.

    Args:
        folder: Of the run.
        images_seen: Over all phases, where a resumed run goes on.
        trackers: What ``--log`` names.
        configuration: What the training is, as plain JSON values.

    Raises:
        TrainingError: A tracker cannot start.
    """

    def __init__(
        self,
        folder: Path,
        images_seen: int,
        trackers: Sequence[str] = ("tensorboard",),
        configuration: Mapping[str, Any] | None = None,
    ) -> None:
        self.samples = folder / "samples"
        self._total = images_seen
        self._trackers = Trackers(trackers, folder, images_seen, configuration or {}, say=say)
        self._bar: tqdm[Any] | None = None
        self._phase = ""
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._waiting = 0.0

    def __enter__(self) -> TrainingLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._close_bar()
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        self._trackers.close(FINISHED if kind is None else STOPPED if stopped else FAILED)

    def start_phase(self, name: str, images_wanted: int, seen: int) -> None:
        """Show a new bar."""
        self._close_bar()
        self._phase = name
        self._bar = bar(
            images_wanted, name, initial=seen, unit="img", unit_scale=True, mininterval=0.5
        )

    def step(self, count: int, losses: Mapping[str, float], waiting: float = 0.0) -> None:
        """Note one step over *count* images.

        Args:
            count: Images.
            losses: By name; loss scales and the like may stand among them.
            waiting: Share of the time so far that was spent waiting for data, in [0, 1].
        """
        assert self._bar is not None
        self._total += count
        self._steps += 1
        self._waiting = waiting
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._bar.update(count)
        if self._steps == LOG_STEPS:
            self._flush()

    def figures(self, group: str, figures: Mapping[str, float]) -> None:
        """Note figures that are not losses, e.g. those of a validation, and show them."""
        self._trackers.figures({f"{group}/{n}": value for n, value in figures.items()}, self._total)
        say(f"{group}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))

    def image(self, name: str, shown: Tensor, columns: int) -> None:
        """Write (N, 3, H, W) images as one grid, ``samples/<name>.png``."""
        grid = make_grid(shown.detach().float().cpu().clamp(0, 1), nrow=columns, padding=2)
        drawn = images.to_uint8(grid[None])[0]  # (H, W, 3)
        images.write(self.samples / f"{name}.png", drawn)
        self._trackers.image(f"{self._phase}/samples", drawn, self._total)

    def _flush(self) -> None:
        if not self._steps or self._bar is None:
            return
        means = {name: value / self._steps for name, value in self._sums.items()}
        told = {**means, "share waiting for data": self._waiting}
        self._trackers.figures({f"{self._phase}/{n}": v for n, v in told.items()}, self._total)
        shown = " ".join(f"{name} {value:.3g}" for name, value in list(means.items())[:4])
        shown += f" waiting {self._waiting:.0%}"
        self._bar.set_postfix_str(shown, refresh=False)
        self._sums, self._steps = {}, 0

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._flush()
            self._bar.close()
            self._bar = None


class NoLog:
    """Stands for the log in the processes that show and write nothing."""

    def __enter__(self) -> NoLog:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def say(sentence: str) -> None:
    """Show a sentence on stderr without breaking a progress bar."""
    tqdm.write(sentence, file=sys.stderr)
