"""CTSDG: texture and structure of what is hidden, each made by the help of the other.

Source: Guo et al., "Image Inpainting via Conditional Texture and Structure Dual Generation", ICCV
2021.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.ctsdg.networks import CTSDGNets
from restore_recog.restorers.ctsdg.presets import FAMILY


class CTSDG(InpaintingRestorer):
    """Restore by two U-Nets of partial convolutions, one for texture and one for edges."""

    name: ClassVar[str] = "ctsdg"
    networks = CTSDGNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.ctsdg.training:CTSDGTraining"
