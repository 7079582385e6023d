"""GCF: completion judged by two discriminators and by what a face parser sees.

Source: Li et al., "Generative Face Completion", CVPR 2017.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.gcf.networks import GCFNets
from restore_recog.restorers.gcf.presets import FAMILY


class GCF(InpaintingRestorer):
    """Restore by the encoder and decoder of GCF, which see noise in the hole."""

    name: ClassVar[str] = "gcf"
    networks = GCFNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.gcf.training:GCFTraining"
