"""FMODR: coarse-to-refine restoration with self-adaptive contextual attention.

Source: Lu et al., "Toward High-quality Face-Mask Occluded Restoration", ACM TOMM 2022,
doi 10.1145/3524137.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.api import Segmenter
from restore_recog.nn.masks import NetSegmenter
from restore_recog.nn.restorer import NetRestorer
from restore_recog.restorers.fmodr.model import FMODRNets
from restore_recog.restorers.fmodr.presets import CONFIGURATION

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.fmodr.training import FMODRTraining
    from restore_recog.types import FaceBatch


class FMODR(NetRestorer):
    """Restore with FMODR's coarse and refine networks; the networks never see what is masked."""

    name: ClassVar[str] = "fmodr"
    networks = FMODRNets
    configuration = CONFIGURATION
    nets: FMODRNets

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return the refined faces, (N, 3, H, W)."""
        final = self.nets(2 * occluded - 1, hole)[1]
        return final / 2 + 0.5  # type: ignore[no-any-return]

    def segmenter(self) -> Segmenter:
        """Return FMODR's own region detector.

        Deviation: the paper takes the thresholded probabilities (section 4.1) as they are; here
        holes are filled and islands dropped.
        """
        return NetSegmenter(
            self.name, lambda images: self.nets.detector(2 * images - 1), self.image_size[0]
        )

    @classmethod
    def trainable(
        cls, preset: str = "compact", device: str = "cpu", **options: Any
    ) -> FMODRTraining:
        """Return FMODR's staged training.

        Raises:
            TrainingError: An option does not fit, or the perceptual network is not available.
        """
        from restore_recog.restorers.fmodr.training import FMODRTraining

        return FMODRTraining(preset, device, **options)
