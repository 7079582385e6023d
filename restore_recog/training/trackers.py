"""Where a training is logged: TensorBoard, Weights & Biases, MLflow, behind one interface.

Each is told the same figures and images, over the images seen in all phases. What a tracker keeps
to find its run again lies in the run's folder, so that a resumed training goes on in that run.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import TrainingError, first_line
from restore_recog.system.atomic import write_text

FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
"""How a session of a training may end."""

PROJECT = "restore-recog"
"""What a run belongs to, where the tracker's own environment variables name nothing."""


class Tracker(ABC):
    """One place where a training is logged.

    Args:
        folder: Of the run.
        images_seen: Over all phases, where the run goes on; 0 where it starts.
        configuration: What the training is, as plain JSON values.
    """

    package: ClassVar[str]
    """The module that it needs."""

    @abstractmethod
    def __init__(
        self, folder: Path, images_seen: int, configuration: Mapping[str, Any]
    ) -> None: ...

    @abstractmethod
    def figures(self, values: Mapping[str, float], images_seen: int) -> None:
        """Note figures by their names, ``phase/loss`` or ``validation/psnr``."""

    @abstractmethod
    def image(self, name: str, image: NDArray[np.uint8], images_seen: int) -> None:
        """Note an image, (H, W, 3) RGB, which replaces or follows earlier ones of its name."""

    @abstractmethod
    def close(self, how: str) -> None:
        """End this session; *how* is one of the constants above."""


class TensorBoard(Tracker):
    """Event files in ``logs``; later entries of a killed run are hidden."""

    package = "tensorboard"

    def __init__(self, folder: Path, images_seen: int, configuration: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "logs"), purge_step=images_seen)
        if not images_seen:
            text = json.dumps(configuration, indent=2).replace("\n", "\n    ")
            self._writer.add_text("configuration", f"    {text}", 0)

    def figures(self, values: Mapping[str, float], images_seen: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, images_seen)

    def image(self, name: str, image: NDArray[np.uint8], images_seen: int) -> None:
        self._writer.add_image(name, image, images_seen, dataformats="HWC")

    def close(self, how: str) -> None:
        self._writer.close()


class WandB(Tracker):
    """A run of Weights & Biases, also offline (``WANDB_MODE=offline``); its files lie in ``logs``.

    Everything is plotted over the figure ``images``: W&B's own steps may not go back, and those of
    a run that was killed and resumed do.
    """

    package = "wandb"

    def __init__(self, folder: Path, images_seen: int, configuration: Mapping[str, Any]) -> None:
        self._wandb = importlib.import_module(self.package)
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        known = _known(logs / "wandb.json")
        self._run = self._wandb.init(
            id=known.get("run"),
            resume="allow" if known else None,
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=os.environ.get("WANDB_NAME", folder.name),
            dir=str(logs),
            config=dict(configuration),
        )
        _keep(logs / "wandb.json", {"run": self._run.id})
        self._run.define_metric("images")
        self._run.define_metric("*", step_metric="images")

    def figures(self, values: Mapping[str, float], images_seen: int) -> None:
        self._run.log({**values, "images": images_seen})

    def image(self, name: str, image: NDArray[np.uint8], images_seen: int) -> None:
        self._run.log({name: self._wandb.Image(image), "images": images_seen})

    def close(self, how: str) -> None:
        self._run.finish(exit_code=0 if how == FINISHED else 1)


class MLflow(Tracker):
    """A run of MLflow, in the store that ``MLFLOW_TRACKING_URI`` names, else in MLflow's own."""

    package = "mlflow"
    _LONGEST = 500
    """Characters of a parameter's value; older servers refuse longer ones."""
    _STATUS: ClassVar[dict[str, str]] = {
        FINISHED: "FINISHED",
        STOPPED: "KILLED",
        FAILED: "FAILED",
    }

    def __init__(self, folder: Path, images_seen: int, configuration: Mapping[str, Any]) -> None:
        self._client = importlib.import_module(self.package).MlflowClient()
        file = folder / "logs" / "mlflow.json"
        known = _known(file)
        if known:
            self._run = str(known["run"])
            self._client.update_run(self._run, status="RUNNING")
            return
        run = self._client.create_run(self._experiment(), run_name=folder.name)
        self._run = run.info.run_id
        file.parent.mkdir(parents=True, exist_ok=True)
        _keep(file, {"run": self._run})
        for name, value in configuration.items():
            text = value if isinstance(value, str) else json.dumps(value)
            self._client.log_param(self._run, name, text[: self._LONGEST])
        self._client.log_dict(self._run, dict(configuration), "configuration.json")

    def figures(self, values: Mapping[str, float], images_seen: int) -> None:
        for name, value in values.items():
            key = re.sub(r"[^\w\-. /]", "_", name)  # what MLflow allows
            self._client.log_metric(self._run, key, value, step=images_seen)

    def image(self, name: str, image: NDArray[np.uint8], images_seen: int) -> None:
        place = f"{name}/{images_seen:09d}.png"
        self._client.log_image(self._run, image, artifact_file=place)

    def close(self, how: str) -> None:
        self._client.set_terminated(self._run, self._STATUS[how])

    def _experiment(self) -> str:
        """Return the id of the experiment, made where there is none of its name."""
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        known = self._client.get_experiment_by_name(name)
        return str(self._client.create_experiment(name) if known is None else known.experiment_id)


TRACKERS: dict[str, type[Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
}
"""What ``--log`` names."""


def check(names: Sequence[str]) -> None:
    """Find a tracker that is not installed before anything is read.

    Raises:
        TrainingError: There is no such tracker, or its package is missing.
    """
    for name in names:
        if name not in TRACKERS:
            raise TrainingError(f"No tracker named '{name}'; there are {', '.join(TRACKERS)}.")
        if importlib.util.find_spec(TRACKERS[name].package) is None:
            raise TrainingError(
                f"--log {name} needs the package {TRACKERS[name].package}: pip install "
                f"'restore-recog[{name}]', or leave it out."
            )


class Trackers:
    """The trackers of a training; one that fails is said once and left out from there on.

    Args:
        names: Of :data:`TRACKERS`.
        folder: Of the run.
        images_seen: Over all phases, where the run goes on; 0 where it starts.
        configuration: What the training is, as plain JSON values.
        say: Shows a sentence.

    Raises:
        TrainingError: One of them cannot start.
    """

    def __init__(
        self,
        names: Sequence[str],
        folder: Path,
        images_seen: int,
        configuration: Mapping[str, Any],
        *,
        say: Callable[[str], None],
    ) -> None:
        check(names)
        self._say = say
        self._open: dict[str, Tracker] = {}
        for name in dict.fromkeys(names):
            try:
                self._open[name] = TRACKERS[name](folder, images_seen, configuration)
            # Anything may go wrong in a library that talks to a server; the cause is named.
            except Exception as error:
                self.close(FAILED)
                raise TrainingError(
                    f"--log {name} cannot start ({first_line(error)}); mend that, or leave it out, "
                    "and repeat the command with --resume."
                ) from error

    def figures(self, values: Mapping[str, float], images_seen: int) -> None:
        """Tell all of them; see :meth:`Tracker.figures`."""
        self._tell(lambda tracker: tracker.figures(values, images_seen))

    def image(self, name: str, image: NDArray[np.uint8], images_seen: int) -> None:
        """Tell all of them; see :meth:`Tracker.image`."""
        self._tell(lambda tracker: tracker.image(name, image, images_seen))

    def close(self, how: str) -> None:
        """End this session in all of them; see :meth:`Tracker.close`."""
        self._tell(lambda tracker: tracker.close(how))
        self._open.clear()

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._open.items()):
            try:
                call(tracker)
            # As above; a training of a night is worth more than its log.
            except Exception as error:
                del self._open[name]
                self._say(
                    f"The training is no longer logged to {name} ({first_line(error)}); it goes "
                    "on, and --resume logs again."
                )


def _known(file: Path) -> dict[str, Any]:
    """Return what a tracker kept of its run, nothing where this is the first session.

    Raises:
        ValueError: The file is damaged.
    """
    if not file.is_file():
        return {}
    kept = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(kept, dict) or not isinstance(kept.get("run"), str):
        raise ValueError(f"{file} names no run; delete it to log to a new one")
    return kept


def _keep(file: Path, content: Mapping[str, Any]) -> None:
    write_text(file, json.dumps(content) + "\n")
