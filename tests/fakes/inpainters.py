"""The restorers that share the training of inpainters, and a batch for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from landmark_fakes import points

from restore_recog.nn.inpainting.training import InpainterTraining
from restore_recog.restorers.aotgan.training import AOTGANTraining
from restore_recog.restorers.ctsdg.training import CTSDGTraining
from restore_recog.restorers.deepfill.training import DeepFillTraining
from restore_recog.restorers.edgeconnect.training import EdgeConnectTraining
from restore_recog.restorers.gcf.training import GCFTraining
from restore_recog.restorers.glcic.training import GLCICTraining
from restore_recog.restorers.pix2pix.training import Pix2PixTraining
from restore_recog.restorers.pluralistic.training import PluralisticTraining
from restore_recog.types import FaceBatch

INPAINTERS: Mapping[str, type[InpainterTraining]] = {
    "aotgan": AOTGANTraining,
    "deepfill": DeepFillTraining,
    "gcf": GCFTraining,
    "glcic": GLCICTraining,
    "pix2pix": Pix2PixTraining,
    "edgeconnect": EdgeConnectTraining,
    "ctsdg": CTSDGTraining,
    "pluralistic": PluralisticTraining,
}

UNTAUGHT = {"perceptual": "none", "identity": 0.0, "margin": 0.0}


def untaught(name: str) -> dict[str, Any]:
    """Return the options that leave out losses by other networks, of those that a model has."""
    presets = INPAINTERS[name].family.presets["paper"]
    return {option: value for option, value in UNTAUGHT.items() if option in presets}


def faces(n: int = 2, side: int = 32, cloth: float = 0.2) -> FaceBatch:
    """Return smooth images, the middle of their lower half covered by a grey of *cloth*."""
    coarse = torch.rand(n, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    clean = F.interpolate(coarse, (side, side), mode="bilinear")
    masks = torch.zeros(n, 1, side, side)
    masks[:, :, side // 2 : -4, side // 4 : -side // 4] = 1
    where = points(side).repeat(n, 1, 1)
    people = {"subject": torch.arange(n)}
    return FaceBatch(
        clean * (1 - masks) + cloth * masks,
        masks,
        clean=clean,
        attributes=people,
        landmarks98=where,
    )
