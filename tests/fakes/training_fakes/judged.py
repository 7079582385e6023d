"""A restorer whose training can be judged on people held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training_fakes.plugins import Blur, Smoother

from restore_recog.types import FaceBatch


class JudgedBlur(Blur):
    """Judged by what is left of the covering."""

    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        assert batch.clean is not None
        self.net.eval()
        return {"closeness": -float((self.net(batch.images) - batch.clean).abs().mean())}


class JudgedSmoother(Smoother):
    """Smoother with that training."""

    name = "judged"

    @classmethod
    def trainable(cls, preset: str = "compact", device: str = "cpu", **options: Any) -> JudgedBlur:
        return JudgedBlur(cls.name, {"preset": preset, **options}, 3, 0.0)
