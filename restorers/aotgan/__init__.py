"""AOT-GAN: aggregated contextual transformations, and a discriminator that looks for the hole.

Source: Zeng et al., "Aggregated Contextual Transformations for High-Resolution Image Inpainting",
IEEE TVCG 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.aotgan.networks import AOTGANNets
from restore_recog.restorers.aotgan.presets import FAMILY

if TYPE_CHECKING:
    from restore_recog.restorers.aotgan.training import AOTGANTraining


class AOTGAN(InpaintingRestorer):
    """Restore by the generator of AOT-GAN, which sees white in the hole."""

    name: ClassVar[str] = "aotgan"
    networks = AOTGANNets
    configuration = FAMILY.configuration

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> AOTGANTraining:
        """Return the training.

        Raises:
            TrainingError: An option does not fit, or a network that a loss needs is not available.
        """
        from restore_recog.restorers.aotgan.training import AOTGANTraining

        return AOTGANTraining(preset, device, **options)
