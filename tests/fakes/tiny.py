"""Small models by the presets called ``tiny``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from inpainters import INPAINTERS

from restore_recog import weights
from restore_recog.restorers.ecgan.training import DeepGANTraining, ECGANTraining
from restore_recog.restorers.fmodr.training import FMODRTraining
from restore_recog.restorers.ganmasker.training import GANMaskerTraining
from restore_recog.restorers.landmark_gender.training import LandmarkGenderTraining

TRAININGS: Mapping[str, type[Any]] = {
    "fmodr": FMODRTraining,
    "ganmasker": GANMaskerTraining,
    "ecgan": ECGANTraining,
    "deepgan": DeepGANTraining,
    "landmark_gender": LandmarkGenderTraining,
    **INPAINTERS,
}


def sizes(presets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what sets ``tiny`` apart from ``compact``, to lay over another preset."""
    compact = presets["compact"]
    return {name: value for name, value in presets["tiny"].items() if value != compact[name]}


def stored(folder: Path, name: str, *, half: bool = False, **options: Any) -> Path:
    """Write the untrained weights of a tiny restorer; return the file.

    Args:
        folder: Where.
        name: Which model.
        half: Whether in half precision, as weights are shipped.
        options: Overrides of the preset.
    """
    torch.manual_seed(0)
    kind = TRAININGS[name]
    path = folder / f"{name}.safetensors"
    weights.save(path, name, *kind("tiny", **options).weights(), half=half)
    return path
