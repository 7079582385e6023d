"""CTSDG: texture and structure of what is hidden, each made by the help of the other.

Source: Guo et al., "Image Inpainting via Conditional Texture and Structure Dual Generation", ICCV
2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.ctsdg.networks import CTSDGNets
from restore_recog.restorers.ctsdg.presets import FAMILY

if TYPE_CHECKING:
    from restore_recog.restorers.ctsdg.training import CTSDGTraining


class CTSDG(InpaintingRestorer):
    """Restore by two U-Nets of partial convolutions, one for texture and one for edges."""

    name: ClassVar[str] = "ctsdg"
    networks = CTSDGNets
    configuration = FAMILY.configuration

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> CTSDGTraining:
        """Return the training.

        Raises:
            TrainingError: An option does not fit, or a teacher is not available.
        """
        from restore_recog.restorers.ctsdg.training import CTSDGTraining

        return CTSDGTraining(preset, device, **options)
