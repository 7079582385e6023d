"""Squares of women and men, and a restorer whose decisions about them are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from evaluation_fakes import Healer, Squares
from torch import Tensor
from training_fakes.plugins import Booth

from restore_recog.types import FaceBatch, FaceSample

FEMALE, MALE, UNSURE = 0, 1, -1

DECISIONS = (FEMALE, MALE, MALE, MALE, UNSURE, FEMALE, FEMALE, MALE)
"""Right for 0, 1, 3, 6 and 7, wrong for 2 and 5, unsure of 4."""


class People(Squares):
    """Squares whose even subjects are women and whose odd ones are men; of the last as told."""

    last = ""

    def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
        word = ("female", "male")[subject % 2]
        known = self.last if self.last and subject == self.subjects - 1 else word
        sample = super()._sample(subject, shot, twin)
        return replace(sample, attributes={**sample.attributes, "gender": known})


class Decider(Healer):
    """Heals the faces whose gender it goes by, and turns others grey.

    Args:
        argument: ``male``, ``female`` or ``pooled``: the same for everybody.
        decisions: The code that it predicts for each subject.
    """

    name = "decider"
    needs = frozenset({"masks", "gender"})

    def __init__(
        self,
        argument: str | None = None,
        *,
        decisions: Sequence[int] = (),
        weights: Path | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__()
        self.argument = argument
        fixed = {"female": FEMALE, "male": MALE, "pooled": UNSURE}
        made = [fixed[argument]] * 20 if argument in fixed else [*decisions]
        self.decisions = torch.tensor(made)
        self.truth = torch.arange(20) % 2

    def labels(self, batch: FaceBatch) -> dict[str, Tensor]:
        own = self.decisions[self.subjects(batch)]
        told = batch.attributes.get("gender", torch.full_like(own, UNSURE))
        return {"gender": torch.where(told >= 0, told, own)}

    def restore(self, batch: FaceBatch) -> Tensor:
        right = self.labels(batch)["gender"] == self.truth[self.subjects(batch)]
        grey = torch.where(batch.masks > 0, torch.tensor(0.5), batch.images)
        return torch.where(right.view(-1, 1, 1, 1), super().restore(batch), grey)

    def subjects(self, batch: FaceBatch) -> Tensor:
        upper = batch.images[:, :, :16].mean((2, 3))
        return torch.cdist(upper, self.known[:, :, :16].mean((2, 3))).argmin(1)


def decider() -> Decider:
    """Return what goes by :data:`DECISIONS`."""
    return Decider(decisions=(*DECISIONS, *[FEMALE] * 12))


class Couples(Booth):
    """A booth in which every second person is a woman, and the last one neither."""

    def samples(self) -> Sequence[FaceSample]:
        words = {"0": "female", "1": "male", "2": "female", "3": "diverse"}
        return [
            replace(one, attributes={**one.attributes, "gender": words.get(one.subject, "male")})
            for one in super().samples()
        ]
