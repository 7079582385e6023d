"""The state of a training: how far it is, and everything random."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from restore_recog.api import Phase, Stateful, Trainable
from restore_recog.errors import CheckpointError
from restore_recog.system.atomic import flat, plain
from restore_recog.training.faces import TrainingFaces


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        phase: Number of the phase under way; the number of phases when all are done.
        seen: Images seen in this phase.
        minutes: Wall-clock time spent in all sessions together.
        losses: Of the latest step of every phase so far.
        waiting: Share of this session's time spent waiting for data.
    """

    phase: int = 0
    seen: int = 0
    minutes: float = 0.0
    losses: dict[str, dict[str, float]] = field(default_factory=dict)
    waiting: float = 0.0

    def images_seen(self, phases: Sequence[Phase]) -> int:
        """Return the images seen in all phases; the last batch of each is a whole one."""
        done = phases[: self.phase]
        steps = (math.ceil(phase.images / phase.batch_size) * phase.batch_size for phase in done)
        return sum(steps) + self.seen


def seed_everything(seed: int) -> None:
    """Seed every global generator: networks draw their first weights and dropout from them."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries draw from it
    torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """Return the state of every global generator as tensors and plain values."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the generators back to where :func:`random_state` saw them."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    # A run that moved to a machine with other GPUs goes on, but not bit for bit.
    if len(state.get("cuda", [])) == torch.cuda.device_count() > 0:
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put the generators back to where they were, whatever draws from them in between."""
    before = random_state()
    try:
        yield
    finally:
        set_random_state(before)


def load_states(own: Mapping[str, Stateful], stored: Mapping[str, Any]) -> None:
    """Load stored state dicts into the nets, optimisers and averages of a trainable.

    Raises:
        CheckpointError: A part is missing, unexpected or of another shape.
    """
    wrong = sorted(set(own) ^ set(stored))
    if wrong:
        raise CheckpointError(
            f"The checkpoint does not fit this model: '{wrong[0]}' is in only one of the two; "
            "resume with the version and options that wrote it."
        )
    for name, part in own.items():
        try:
            part.load_state_dict(stored[name])
        except (RuntimeError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise CheckpointError(
                f"The checkpoint's '{name}' does not fit this model ({reason}); "
                "resume with the version and options that wrote it."
            ) from error


def scaled(phase: Phase, scale: float) -> Phase:
    """Return a phase of another length, one batch at least."""
    return replace(phase, images=max(phase.batch_size, round(phase.images * scale)))


def identity(
    trainable: Trainable, faces: TrainingFaces, phases: Sequence[Phase], seed: int
) -> dict[str, Any]:
    """Return what a resumed run must have in common with the run that began."""
    shared: dict[str, Any] = plain(
        {
            "seed": seed,
            "data": faces.fingerprint,
            "data_seed": faces.seed,
            "phases": [[phase.name, phase.images, phase.batch_size] for phase in phases],
            "covered": trainable.covered,
            "identities_per_batch": trainable.identities_per_batch,
            "model": trainable.describe(),
        }
    )
    return shared


def differences(stored: Mapping[str, Any], present: Mapping[str, Any]) -> list[str]:
    """Return "key was a, is b" for every value that differs, nested keys joined by dots."""
    before, now = dict(flat(stored)), dict(flat(present))
    return [
        f"{key} was {before.get(key, 'absent')!r}, is {now.get(key, 'absent')!r}"
        for key in sorted({*before, *now})
        if before.get(key, "absent") != now.get(key, "absent")
    ]


def not_finite(state: Any, name: str = "") -> str | None:
    """Return the name of the first tensor that holds NaN or infinity, or None."""
    if isinstance(state, Tensor):
        bad = state.is_floating_point() and not bool(state.isfinite().all())
        return name if bad else None
    children = (
        state.items()
        if isinstance(state, Mapping)
        else enumerate(state)
        if isinstance(state, list | tuple)
        else ()
    )
    for key, value in children:
        first = not_finite(value, f"{name}.{key}" if name else str(key))
        if first:
            return first
    return None
