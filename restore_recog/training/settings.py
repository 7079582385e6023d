"""How a training runs, whatever the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainingSettings:
    """How a training runs, whatever the model.

    Attributes:
        seed: Of everything random in the steps.
        save_every: Images between two checkpoints.
        save_seconds: Seconds after which one is saved in any case.
        sample_every: Images between two sample images.
        keep_every: Images between two weights files that are kept for good; 0 for none.
        device: PyTorch's name of the device that the model is on.
        precision: ``auto`` is bfloat16 on GPUs that have it, else float32; ``fp16`` scales losses.
        workers: Processes that prepare batches; the result does not depend on it.
        max_minutes: Save and stop after this long; None for no limit.
        images_scale: Factor on the length of every phase.
        validate_every: Images between two validations; one more follows every phase.
        ema: Decay of the average of the weights that is written, shown and validated; 0 for none.
        compiled: Whether the networks go through torch.compile.
        trackers: Where it is logged, of :data:`restore_recog.training.trackers.TRACKERS`.
    """

    seed: int = 0
    save_every: int = 50_000
    save_seconds: float = 300.0
    sample_every: int = 20_000
    keep_every: int = 0
    device: str = "cpu"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    workers: int = 0
    max_minutes: float | None = None
    images_scale: float = 1.0
    validate_every: int = 10_000
    ema: float = 0.0
    compiled: bool = False
    trackers: tuple[str, ...] = ("tensorboard",)
