"""GANMasker: mask segmentation, then face unmasking with region fusion.

Source: Mahmoud and Kang, "GANMasker: A Two-Stage Generative Adversarial Network for High-Quality
Face Mask Removal", Sensors 2023, 23, 7094.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.api import Segmenter
from restore_recog.nn.masks import NetSegmenter
from restore_recog.nn.restorer import NetRestorer
from restore_recog.restorers.ganmasker.model import GANMaskerNets
from restore_recog.restorers.ganmasker.presets import CONFIGURATION

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.ganmasker.training import GANMaskerTraining
    from restore_recog.types import FaceBatch


class GANMasker(NetRestorer):
    """Restore with FU-Net and fuse the regions (MURF); the covering stays in FU-Net's input.

    Weights of the one-stage ablation know no mask: there the whole face is generated.
    """

    name: ClassVar[str] = "ganmasker"
    networks = GANMaskerNets
    configuration = CONFIGURATION
    nets: GANMaskerNets

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights, device=device)
        if not self.nets.two_stage:
            self.needs = frozenset()  # type: ignore[misc]

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return FU-Net's faces, (N, 3, H, W)."""
        return self.nets.generate(occluded, hole)

    def segmenter(self) -> Segmenter | None:
        """Return M-Seg; None with the one-stage ablation, which has none.

        Deviation: holes in the thresholded mask are filled and islands dropped.
        """
        if self.nets.mseg is None:
            return None
        return NetSegmenter(self.name, self.nets.mseg.probability, self.image_size[0])

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> GANMaskerTraining:
        """Return GANMasker's two-stage training.

        Raises:
            TrainingError: An option does not fit, or the perceptual network is not available.
        """
        from restore_recog.restorers.ganmasker.training import GANMaskerTraining

        return GANMaskerTraining(preset, device, **options)
