"""GLCIC: completion judged by a global and a local discriminator.

Source: Iizuka et al., "Globally and Locally Consistent Image Completion", SIGGRAPH 2017.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.glcic.networks import GLCICNets
from restore_recog.restorers.glcic.presets import FAMILY


class GLCIC(InpaintingRestorer):
    """Restore by the completion network of GLCIC, which sees one colour in the hole."""

    name: ClassVar[str] = "glcic"
    networks = GLCICNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.glcic.training:GLCICTraining"
