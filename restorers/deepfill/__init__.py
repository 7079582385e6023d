"""DeepFill v2: gated convolutions, coarse to fine, with contextual attention.

Source: Yu et al., "Free-Form Image Inpainting with Gated Convolution", ICCV 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.deepfill.networks import DeepFillNets
from restore_recog.restorers.deepfill.presets import FAMILY

if TYPE_CHECKING:
    from restore_recog.restorers.deepfill.training import DeepFillTraining


class DeepFill(InpaintingRestorer):
    """Restore by DeepFill's coarse and refine networks, which never see what is covered."""

    name: ClassVar[str] = "deepfill"
    networks = DeepFillNets
    configuration = FAMILY.configuration

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> DeepFillTraining:
        """Return the training.

        Raises:
            TrainingError: An option does not fit, or a teacher is not available.
        """
        from restore_recog.restorers.deepfill.training import DeepFillTraining

        return DeepFillTraining(preset, device, **options)
