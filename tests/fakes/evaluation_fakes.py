"""Coloured squares for faces, and plug-ins whose right answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.alignment import TEMPLATE
from restore_recog.api import Dataset, EvaluationProtocol, Plan, Recognizer, Restorer, Segmenter
from restore_recog.errors import ImageError, RestoreRecogError
from restore_recog.evaluation.request import EvalRequest
from restore_recog.protocols.fmor import Fmor
from restore_recog.types import FaceBatch, FaceImage, FaceSample, Trial

SIDE = 64
KEY = 255
"""Red level of the rectangle that as-found squares are covered with."""


def square(subject: int, shot: int) -> np.ndarray:
    """Return an image that tells the subject by a smooth pattern and the shot by its noise."""
    return _square(subject, shot).copy()


@cache
def _square(subject: int, shot: int) -> np.ndarray:
    rng = np.random.default_rng(subject)
    coarse = rng.integers(40, 200, (4, 4, 3)).astype(np.float32)
    tensor = torch.from_numpy(coarse).permute(2, 0, 1)[None]
    smooth = F.interpolate(tensor, size=(SIDE, SIDE), mode="bilinear")[0].permute(1, 2, 0).numpy()
    noise = np.random.default_rng([subject, shot]).normal(0, 4, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


class Squares(Dataset):
    """Squares of some subjects; some unreadable, optionally with covered ones and twins."""

    name = "squares"

    def __init__(
        self,
        subjects: int = 8,
        shots: int = 4,
        *,
        broken: Sequence[str] = (),
        occluded: int = 0,
        split: str = "test",
    ) -> None:
        super().__init__(None)
        self.subjects, self.shots, self.occluded = subjects, shots, occluded
        self.broken, self.split = set(broken), split
        self.asked: list[str] = []

    def samples(self) -> Sequence[FaceSample]:
        samples = []
        for s in range(self.subjects):
            for shot in range(self.shots):
                samples.append(self._sample(s, f"c{shot}"))
            for shot in range(self.occluded):
                samples.append(self._sample(s, f"m{shot}", twin=f"{s:02d}/c{shot}"))
        return sorted(samples, key=lambda sample: sample.image_id)

    def _sample(self, subject: int, shot: str, twin: str | None = None) -> FaceSample:
        return FaceSample(
            f"{subject:02d}/{shot}",
            f"{subject:02d}",
            condition="clean" if twin is None else "mask",
            clean_id=twin,
            attributes={"split": self.split},
        )

    def read(self, samples: Sequence[FaceSample]) -> list[FaceImage | RestoreRecogError]:
        return [self._read(sample.image_id) for sample in samples]

    def _read(self, image_id: str) -> FaceImage | RestoreRecogError:
        self.asked.append(image_id)
        if image_id in self.broken:
            return ImageError("The image is damaged.")
        subject, shot = image_id.split("/")
        pixels = square(int(subject), int(shot[1:]))
        points = (TEMPLATE * SIDE - 0.5).astype(np.float32)
        if shot[0] == "c":
            return FaceImage(pixels, points)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[SIDE // 2 :, 8:56] = 1
        pixels[mask > 0] = (KEY, 0, KEY)
        return FaceImage(pixels, points, mask)


class Colours(Recognizer):
    """Coarse colours; grows blind (a zero template) where an image is wholly black."""

    name = "colours"
    image_size = (32, 32)

    def embed(self, images: Tensor) -> Tensor:
        coarse = F.adaptive_avg_pool2d(images, 4).flatten(1)
        dark = images.flatten(1).amax(1, keepdim=True) == 0
        centred = coarse - coarse.mean(1, keepdim=True)
        return F.normalize(torch.where(dark, torch.zeros_like(centred), centred))


class KeyDetector(Segmenter):
    """Finds exactly the key colour."""

    name = "key"

    def segment(self, images: Tensor) -> Tensor:
        red, green, blue = images[:, 0], images[:, 1], images[:, 2]
        return ((red > 0.99) & (green < 0.01) & (blue > 0.99))[:, None].float()


class Healer(Restorer):
    """Knows the truth: puts the unoccluded square back."""

    name = "healer"
    image_size = (SIDE, SIDE)

    def __init__(self) -> None:
        super().__init__()
        squares = np.stack([square(subject, 0) for subject in range(20)])
        self.known = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255

    def segmenter(self) -> Segmenter:
        return KeyDetector()

    def restore(self, batch: FaceBatch) -> Tensor:
        upper = batch.images[:, :, :16].mean((2, 3))
        distance = torch.cdist(upper, self.known[:, :, :16].mean((2, 3)))
        return torch.where(batch.masks > 0, self.known[distance.argmin(1)], batch.images)


class Breaker(Restorer):
    """Paints every masked face the same, and fails on some images as told."""

    name = "breaker"
    image_size = (SIDE, SIDE)

    def __init__(self, fail_below: float = -1.0) -> None:
        super().__init__()
        self.fail_below = fail_below

    def segmenter(self) -> Segmenter:
        return KeyDetector()

    def restore(self, batch: FaceBatch) -> Tensor:
        if bool((batch.images[:, :, 0].mean((1, 2)) < self.fail_below).any()):
            raise ImageError("Too dark to restore.")
        wall = torch.linspace(0, 1, batch.images.shape[-1]).expand_as(batch.images)
        return torch.where(batch.masks.amax((1, 2, 3), keepdim=True) > 0, wall, batch.images)


class Black(Breaker):
    """Makes every image black, so that no template is left."""

    name = "black"

    def restore(self, batch: FaceBatch) -> Tensor:
        return torch.zeros_like(batch.images)


class PairList(EvaluationProtocol):
    """Verification of the listed (reference, probe) pairs; ids begin with the subject's number."""

    pairs: tuple[tuple[str, str], ...]
    folds: tuple[int, ...] = ()

    def plan(
        self, samples: Sequence[FaceSample], *, seed: int = 0, limit: int | None = None
    ) -> Plan:
        return Plan(
            references=tuple(sorted({reference for reference, _ in self.pairs})),
            probes=tuple(sorted({probe for _, probe in self.pairs})),
            pairs=tuple(Trial(a, b, a[:2] == b[:2]) for a, b in self.pairs),
            cosine_references={},
            synthetic=False,
            identification=False,
            folds=self.folds,
        )


def request(dataset: Dataset, *restorers: Restorer, **options: object) -> EvalRequest:
    """Return a request with the fakes."""
    return EvalRequest([dataset], Fmor(), restorers or (Healer(),), Colours(), **options)  # type: ignore[arg-type]
