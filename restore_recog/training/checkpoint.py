"""Checkpoints: written whole or not at all, two of them kept, loaded without running code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from restore_recog.api import Phase, Stateful, Trainable
from restore_recog.errors import CheckpointError, first_line
from restore_recog.system.atomic import plain, whole_file
from restore_recog.training.faces import TrainingFaces
from restore_recog.training.run_state import (
    Progress,
    differences,
    identity,
    load_states,
    not_finite,
)

FORMAT = 1
"""Raised when the payload's layout changes; older files are then refused by name."""

LAST = "last.pt"
PREVIOUS = "previous.pt"


def room(folder: Path) -> str:
    """Return what to do where a file of a run in *folder* cannot be written."""
    saved = "the last checkpoint is unharmed" if latest(folder) else "no checkpoint was saved yet"
    return f"{saved}: make room on the disk and repeat the command with --resume"


def save(path: Path, payload: Mapping[str, Any]) -> None:
    """Write *payload* to *path*; the file it replaces is kept beside it as ``previous.pt``.

    A kill, a crash or a full disk leaves the older checkpoint as it was.

    Args:
        path: ``<run>/last.pt``.
        payload: Tensors and plain values in dicts, lists and tuples: what
            ``torch.load(weights_only=True)`` accepts.

    Raises:
        OutputError: The disk is full or not writable.
    """
    # PyTorch's zip writer turns a failed write into a RuntimeError.
    kept = path.with_name(PREVIOUS)
    with whole_file(path, keep=kept, advice=room(path.parent), failures=RuntimeError) as part:
        torch.save({"format": FORMAT, **payload}, part)


def latest(folder: Path) -> Path | None:
    """Return the newest checkpoint in *folder*, or None where there is none.

    ``last.pt`` is missing while ``previous.pt`` is there only after a kill between
    the two renames of :func:`save`, or where the user removed a damaged file.
    """
    for name in (LAST, PREVIOUS):
        if (folder / name).is_file():
            return folder / name
    return None


def load(path: Path) -> dict[str, Any]:
    """Return the payload of a checkpoint, its tensors on the CPU.

    Raises:
        CheckpointError: Missing, truncated, corrupt, or of another format.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}.{_alternative(path)}")
    try:
        _check_sums(path)
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged zip or pickle raises nearly anything
        reason = first_line(error).rstrip(".")
        raise CheckpointError(
            f"The checkpoint {path} is damaged ({reason}).{_alternative(path)}"
        ) from error
    if not isinstance(payload, dict) or "format" not in payload:
        raise CheckpointError(f"{path} is not a training checkpoint.{_alternative(path)}")
    if payload["format"] != FORMAT:
        raise CheckpointError(
            f"The checkpoint {path} has format {payload['format']}, this version reads "
            f"{FORMAT}; continue with {_writer(payload)}."
        )
    return payload


def _check_sums(path: Path) -> None:
    """Check every record's checksum, which PyTorch writes but does not look at.

    Raises:
        zipfile.BadZipFile: The file is no archive, or a record is not what was written.
    """
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
    if broken is not None:
        raise zipfile.BadZipFile(f"the checksum of {broken} is wrong")


def _alternative(path: Path) -> str:
    """Return a sentence on what else can be resumed from."""
    previous = path.with_name(PREVIOUS)
    if path.name != PREVIOUS and previous.is_file():
        return f" Delete it to resume from the one before it, {previous}."
    return " No earlier checkpoint is left; start again in another folder."


def _writer(payload: Mapping[str, Any]) -> str:
    """Return which version wrote a checkpoint, as far as it says so."""
    needs = payload.get("needs")
    versions = needs.get("versions", {}) if isinstance(needs, Mapping) else {}
    version = versions.get("restore-recog")
    return f"restore-recog {version}" if version else "the version that wrote it"


@dataclass(frozen=True)
class RunSnapshot:
    """What a run saves, and must find again when it is resumed.

    Attributes:
        trainable: Whose state is saved.
        faces: What it learns from.
        phases, seed: Of the run.
        further: What else a resumed run must have in common with the run that began.
        helpers: What the engine itself has to remember, e.g. the average of the weights; those
            of an older checkpoint that has none begin anew.
        needs: Versions and the like: what wrote the checkpoint.
    """

    trainable: Trainable
    faces: TrainingFaces
    phases: Sequence[Phase]
    seed: int
    further: Mapping[str, Any] = field(default_factory=dict)
    helpers: Mapping[str, Stateful] = field(default_factory=dict)
    needs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> dict[str, Any]:
        """Return what a resumed run must have in common with the run that began."""
        own = identity(self.trainable, self.faces, self.phases, self.seed)
        return {**own, **plain(self.further)}

    def data(self) -> str:
        """Return the data in words, so that a run can say what has changed."""
        return (
            f"{len(self.faces)} images of {self.faces.people} people "
            f"(fingerprint {self.faces.fingerprint[:12]})"
        )

    def broken(self) -> str | None:
        """Return the name of the first tensor that is not finite, or None."""
        return not_finite(_states(self.trainable.state())) or not_finite(_states(self.helpers))

    def payload(self, progress: Progress, random_states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the contents of a checkpoint.

        Args:
            progress: How far the run is.
            random_states: Of every process, by rank.
        """
        return {
            "run": self.run,
            "data": self.data(),
            "needs": plain(self.needs),
            "progress": asdict(progress),
            "random": random_states[0],
            "random_others": random_states[1:],
            "state": _states(self.trainable.state()),
            "helpers": _states(self.helpers),
        }

    def entries(self, progress: Progress) -> dict[str, Any]:
        """Return the entries of ``run.json`` that the run itself knows."""
        entries: dict[str, Any] = plain(
            {
                **self.run,
                **self.needs,
                "pictures": len(self.faces),
                "people": self.faces.people,
                "failures": len(self.faces.crops.failures),
                "finished": progress.phase >= len(self.phases),
                "images_seen": progress.images_seen(self.phases),
                "minutes": round(progress.minutes, 2),
                "share_waiting_for_data": round(progress.waiting, 3),
                "losses": progress.losses,
            }
        )
        return entries

    def restore(self, path: Path, payload: Mapping[str, Any]) -> Progress:
        """Put everything but the random numbers back to where a checkpoint left it.

        Args:
            path: Of the checkpoint, for messages.
            payload: Its contents.

        Raises:
            CheckpointError: It is another run's, or does not fit the model.
        """
        self._compare(path, payload)
        try:
            load_states(self.trainable.state(), payload["state"])
            stored = payload.get("helpers", {})
            present = {name: part for name, part in self.helpers.items() if name in stored}
            load_states(present, {name: stored[name] for name in present})
        except CheckpointError as error:
            versions = payload.get("needs", {}).get("versions", {})
            wrote = ", ".join(f"{name} {number}" for name, number in versions.items())
            raise CheckpointError(
                f"{error} It was written by {wrote}." if wrote else str(error)
            ) from error
        return Progress(**payload["progress"])

    def _compare(self, path: Path, payload: Mapping[str, Any]) -> None:
        wrong = [
            f"the data was {payload['data']}, is {self.data()}"
            if text.startswith("data was") and "data" in payload
            else text
            for text in differences(payload["run"], self.run)
        ]
        if wrong:
            raise CheckpointError(
                f"{path} belongs to another training: {'; '.join(wrong[:3])}. "
                "Repeat the command that began it, or choose another --output."
            )


def _states(parts: Mapping[str, Stateful]) -> dict[str, Any]:
    return {name: part.state_dict() for name, part in parts.items()}
