"""EdgeConnect: first the lines of what is hidden, then the image that goes with them.

Source: Nazeri et al., "EdgeConnect: Generative Image Inpainting with Adversarial Edge Learning",
2019.
"""

from __future__ import annotations

from typing import ClassVar

from restore_recog.nn.inpainting.restorer import InpaintingRestorer
from restore_recog.restorers.edgeconnect.networks import EdgeConnectNets
from restore_recog.restorers.edgeconnect.presets import FAMILY


class EdgeConnect(InpaintingRestorer):
    """Restore by an edge generator and the inpainting generator that follows its lines."""

    name: ClassVar[str] = "edgeconnect"
    networks = EdgeConnectNets
    configuration = FAMILY.configuration
    training = "restore_recog.restorers.edgeconnect.training:EdgeConnectTraining"
