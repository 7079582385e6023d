"""Pluralistic: a distribution of what may be hidden, of which the mean restores.

Source: Zheng, Cham and Cai, "Pluralistic Image Completion", CVPR 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.pluralistic.networks import PluralisticNets
from restore_recog.restorers.pluralistic.presets import FAMILY

if TYPE_CHECKING:
    from restore_recog.restorers.pluralistic.training import PluralisticTraining


class Pluralistic(InpaintingRestorer):
    """Restore by the decoder of Pluralistic at the mean of the prior."""

    name: ClassVar[str] = "pluralistic"
    networks = PluralisticNets
    configuration = FAMILY.configuration

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> PluralisticTraining:
        """Return the training.

        Raises:
            TrainingError: An option does not fit, or a teacher is not available.
        """
        from restore_recog.restorers.pluralistic.training import PluralisticTraining

        return PluralisticTraining(preset, device, **options)
