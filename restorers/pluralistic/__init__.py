"""Pluralistic: a distribution of what may be hidden, of which the mean restores.

Source: Zheng, Cham and Cai, "Pluralistic Image Completion", CVPR 2019.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.pluralistic.networks import PluralisticNets
from restore_recog.restorers.pluralistic.presets import FAMILY


class Pluralistic(InpaintingRestorer):
    """Restore by the decoder of Pluralistic at the mean of the prior."""

    name: ClassVar[str] = "pluralistic"
    networks = PluralisticNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.pluralistic.training:PluralisticTraining"
