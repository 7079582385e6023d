"""pix2pix: a face without its covering as a translation of the face with it.

Source: Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.pix2pix.networks import Pix2PixNets
from restore_recog.restorers.pix2pix.presets import FAMILY


class Pix2Pix(InpaintingRestorer):
    """Restore by the U-Net generator of pix2pix."""

    name: ClassVar[str] = "pix2pix"
    networks = Pix2PixNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.pix2pix.training:Pix2PixTraining"
