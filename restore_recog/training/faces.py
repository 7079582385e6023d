"""Training batches: a pure function of the seed, the phase and the images seen so far.

Nothing here remembers what was drawn before, so that a resumed run sees exactly
the images that an uninterrupted one would have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restore_recog.api import Dataset
from restore_recog.coverings import choose
from restore_recog.errors import TrainingError
from restore_recog.labels import KINDS
from restore_recog.training.batch import PackedBatch
from restore_recog.training.classes import Classes
from restore_recog.training.crops import Crops, collect
from restore_recog.training.drawing import (
    Place,
    by_class,
    by_people,
    generator,
    permutation,
    shuffled,
)
from restore_recog.training.example import example
from restore_recog.types import FaceBatch

__all__ = ["PackedBatch", "TrainingFaces"]


class PhaseLike(Protocol):
    """What a batch needs to know of an :class:`restore_recog.api.Phase`."""

    @property
    def name(self) -> str: ...

    @property
    def batch_size(self) -> int: ...


class TrainingFaces:
    """Aligned clean crops in memory, served as augmented, partly covered batches.

    Args:
        crops: The faces.
        seed: Of every random choice.
        rows: Numbers of the crops that are served; None for all.
        fingerprint: That of all crops and the coverings, where it is known already.
        coverings: Kinds of the synthetic coverings, as in :func:`restore_recog.coverings.cover`.

    Raises:
        DataError: Unknown coverings.
    """

    def __init__(
        self,
        crops: Crops,
        *,
        seed: int = 0,
        rows: NDArray[np.int64] | None = None,
        fingerprint: str | None = None,
        coverings: str = "random",
    ) -> None:
        choose(coverings)
        self.crops = crops
        self.seed = seed
        self.coverings = coverings
        self.fingerprint = _fingerprint(crops, coverings) if fingerprint is None else fingerprint
        self.rows = np.arange(len(crops.image_ids)) if rows is None else rows
        subjects = crops.subjects[self.rows]
        order = np.argsort(subjects, kind="stable")
        borders = np.flatnonzero(np.diff(subjects[order])) + 1
        self._people = [self.rows[members] for members in np.split(order, borders)]
        self._classes: dict[str, Classes] = {}

    @classmethod
    def from_datasets(
        cls,
        datasets: Sequence[Dataset],
        size: int,
        *,
        seed: int = 0,
        cache: Path | None = None,
        only: Collection[str] | None = None,
        limit: int | None = None,
        progress: bool = True,
        coverings: str = "random",
    ) -> TrainingFaces:
        """Read, align and keep every clean training image; see :func:`collect`.

        Raises:
            DataError: Nothing is left to train on, or unknown coverings.
        """
        choose(coverings)
        crops = collect(datasets, size, cache=cache, only=only, limit=limit, progress=progress)
        return cls(crops, seed=seed, coverings=coverings)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def people(self) -> int:
        """Number of different people."""
        return len(self._people)

    def labels(self) -> Tensor:
        """Return (people,) int64, rising: what the people are called in batches."""
        return torch.from_numpy(np.unique(self.crops.subjects[self.rows]))

    @property
    def several(self) -> int:
        """Number of people with two or more images."""
        return sum(len(members) > 1 for members in self._people)

    def hold_out(self, share: float, most: int) -> tuple[TrainingFaces, TrainingFaces | None]:
        """Return the faces that stay, and those of people who are held out for validation.

        Who is held out depends on the seed alone. People with more images than *most* stay, since
        a few of them would be much of the data.

        Args:
            share: Of the people, in [0, 1).
            most: Largest number of images of a person who may be held out.

        Returns:
            (those for training, the others), or (all, None) where the share is less than two
            people.
        """
        count = round(share * self.people)
        order = permutation(self.seed, "people held out", 0, self.people)
        chosen = [n for n in order if len(self._people[n]) <= most][:count]
        if len(chosen) < 2:
            return self, None
        held = np.sort(np.concatenate([self._people[n] for n in chosen]))
        kept = self.rows[~np.isin(self.rows, held)]
        return self._only(kept, self.fingerprint), self._only(held, self.fingerprint)

    def annotated(self) -> TrainingFaces:
        """Return the faces of which some of the 98 landmarks are known.

        Their fingerprint holds those landmarks too.

        Raises:
            TrainingError: There are none.
        """
        many = self.crops.landmarks98
        known = many is not None and np.isfinite(many[self.rows]).any(axis=(1, 2))
        if many is None or not np.any(known):
            raise TrainingError(
                "No training image has any of the 98 landmarks (five points are not enough); add "
                "--data that has, such as phantom, ytf68:PATH or wflw:PATH."
            )
        rows = self.rows[known]
        mark = hashlib.sha256(many.tobytes()).hexdigest()
        return self._only(rows, f"{self.fingerprint} with landmarks {mark}")

    def _only(self, rows: NDArray[np.int64], fingerprint: str) -> TrainingFaces:
        return TrainingFaces(
            self.crops,
            seed=self.seed,
            rows=rows,
            fingerprint=fingerprint,
            coverings=self.coverings,
        )

    def classes(self, kind: str) -> Classes:
        """Return the images sorted by a label.

        Raises:
            TrainingError: There is no such kind of label.
        """
        if kind not in self._classes:
            self._classes[kind] = Classes.of(kind, self.crops.codes(kind), self.rows)
        return self._classes[kind]

    def check(
        self,
        batch_size: int,
        identities_per_batch: int,
        balanced: str = "",
        only: tuple[str, str] | None = None,
    ) -> None:
        """Check that batches of this shape can be drawn.

        Args:
            batch_size, balanced, only: As in :class:`restore_recog.api.Phase`.
            identities_per_batch: As in :class:`restore_recog.api.Trainable`.

        Raises:
            TrainingError: Too few images or people, or the numbers do not fit together.
        """
        if len(self) < batch_size:
            raise TrainingError(
                f"There are {len(self)} training images, fewer than one batch of {batch_size}; "
                "add more --data or set a smaller batch size."
            )
        if only:
            self.classes(only[0]).chosen(only[1], batch_size)
        elif balanced:
            self.classes(balanced).check()
        if only or balanced or not identities_per_batch:
            return
        if batch_size % identities_per_batch:
            raise TrainingError(
                f"A batch of {batch_size} cannot hold the same number of images of "
                f"{identities_per_batch} people; choose a batch size that is a multiple of it."
            )
        if self.people < identities_per_batch:
            raise TrainingError(
                f"There are images of {self.people} people, but every batch compares "
                f"{identities_per_batch}; add more --data or set fewer identities_per_batch."
            )

    def batch(self, position: int, phase: PhaseLike, *, covered: float, **how: Any) -> FaceBatch:
        """Return one batch on the CPU; arguments and errors as for :meth:`packed_batch`."""
        return self.packed_batch(position, phase, covered=covered, **how).unpack()

    def packed_batch(
        self,
        position: int,
        phase: PhaseLike,
        *,
        identities_per_batch: int = 0,
        covered: float,
        balanced: str = "",
        only: tuple[str, str] | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> PackedBatch:
        """Return one batch as bytes; or only one of n equal parts of it.

        Args:
            position: Images seen in this phase so far, a multiple of the batch size.
            phase: Its name and batch size enter.
            identities_per_batch: 0 for random images; P > 0 for P people with
                batch_size / P images each, people with two or more images preferred.
            covered: Share of the images that get a synthetic covering, in [0, 1].
            balanced: Kind of label whose classes come equally often, see
                :class:`restore_recog.api.Phase`; goes before *identities_per_batch*.
            only: Kind and word of the label that all images have, see the same; goes before both.
            part: (number from 0, n). The parts end to end are the batch; the others' images
                are not made.

        Raises:
            TrainingError: A batch of this shape cannot be drawn, or a covering fails.
        """
        at = Place(self.seed, phase.name, position, phase.batch_size)
        if only:
            indices = shuffled(self.classes(only[0]).chosen(only[1], phase.batch_size), at)
        elif balanced:
            indices = by_class(list(self.classes(balanced).rows.values()), at)
        elif identities_per_batch:
            indices = by_people(self._people, at, identities_per_batch)
        else:
            indices = shuffled(self.rows, at)
        each = len(indices) // part[1]
        slots = range(part[0] * each, (part[0] + 1) * each)
        indices = indices[slots.start : slots.stop]
        made = [
            example(
                self.crops,
                int(index),
                generator(self.seed, phase.name, position + slot),
                covered=covered,
                coverings=self.coverings,
            )
            for slot, index in zip(slots, indices, strict=True)
        ]
        images, clean, masks, landmarks, landmarks98, shown = (
            torch.from_numpy(np.stack(column)) for column in zip(*made, strict=True)
        )
        subjects = torch.from_numpy(self.crops.subjects[indices])
        labels = {kind: torch.from_numpy(self.crops.codes(kind)[indices]) for kind in KINDS}
        valid = None if shown.all() else shown
        return PackedBatch(images, clean, masks, landmarks, subjects, labels, landmarks98, valid)


def _fingerprint(crops: Crops, coverings: str) -> str:
    """Return what a resumed run must share: that of the crops, and the coverings if unusual."""
    known = crops.fingerprint()
    if coverings == "random":
        return known
    return f"{known} with {coverings}"
