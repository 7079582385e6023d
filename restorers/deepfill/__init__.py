"""DeepFill v2: gated convolutions, coarse to fine, with contextual attention.

Source: Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.deepfill.networks import DeepFillNets
from restore_recog.restorers.deepfill.presets import FAMILY


class DeepFill(InpaintingRestorer):
    """Restore by DeepFill's coarse and refine networks, which never see what is covered."""

    name: ClassVar[str] = "deepfill"
    networks = DeepFillNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.deepfill.training:DeepFillTraining"
