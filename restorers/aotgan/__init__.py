"""AOT-GAN: aggregated contextual transformations, and a discriminator that looks for the hole.

Source: Zeng et al., "Aggregated Contextual Transformations for High-Resolution Image Inpainting",
IEEE TVCG 2023.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.aotgan.networks import AOTGANNets
from restore_recog.restorers.aotgan.presets import FAMILY


class AOTGAN(InpaintingRestorer):
    """Restore by the generator of AOT-GAN, which sees white in the hole."""

    name: ClassVar[str] = "aotgan"
    networks = AOTGANNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.aotgan.training:AOTGANTraining"
