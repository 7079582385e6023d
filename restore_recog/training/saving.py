"""What a checkpoint and ``run.json`` say, and the way back from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restore_recog.api import Phase, Stateful, Trainable
from restore_recog.errors import CheckpointError
from restore_recog.training.data import TrainingFaces
from restore_recog.training.state import (
    Progress,
    differences,
    identity,
    load_states,
    not_finite,
    plain,
)


@dataclass(frozen=True)
class Saved:
    """What a run saves, and must find again.

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
            f"{len(self.faces)} pictures of {self.faces.people} people "
            f"(fingerprint {self.faces.fingerprint[:12]})"
        )

    def broken(self) -> str | None:
        """Return the name of the first tensor that is not finite, or None."""
        return not_finite(_states(self.trainable.state())) or not_finite(_states(self.helpers))

    def payload(self, progress: Progress, random_states: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the contents of a checkpoint.

        Args:
            progress: Where the run stands.
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
        return plain(
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

    def restore(self, path: Path, payload: Mapping[str, Any]) -> Progress:
        """Put everything but the random numbers back to where a checkpoint found it.

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
