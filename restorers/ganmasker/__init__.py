"""GANMasker: mask segmentation, then face unmasking with region fusion.

Source: Mahmoud and Kang, "GANMasker: A Two-Stage Generative Adversarial Network for High-Quality
Face Mask Removal", Sensors 2023, 23, 7094 (paper 004).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from restore_recog import weights as weights_file
from restore_recog.api import Restorer, Segmenter
from restore_recog.nn.masks import NetSegmenter, grow, padded
from restore_recog.restorers.ganmasker.model import Nets
from restore_recog.restorers.ganmasker.presets import HALVINGS

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.restorers.ganmasker.training import GANMaskerTraining
    from restore_recog.types import FaceBatch


class GANMasker(Restorer):
    """Restore with FU-Net and fuse the regions (MURF).

    The mask is taken as occluded where it exceeds 0.5; FU-Net is told it widened by the trained
    ``dilate`` pixels, since the covering stays in the image. Only pixels of the mask as given
    are replaced; all others are returned bit for bit. Images whose sides are no multiples of
    32 are padded, and the result cropped back.

    Args:
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        WeightsError: The file is missing, corrupt or another model's.
    """

    name: ClassVar[str] = "ganmasker"

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights or weights_file.shipped(self.name), device=device)
        assert self.weights is not None
        self.nets, config = weights_file.ready(Nets, self.weights, self.name, device)
        self.image_size = (config["size"], config["size"])
        self.dilate: int = config["dilate"]
        if not self.nets.two_stage:
            self.needs = frozenset()  # type: ignore[misc]

    @torch.inference_mode()
    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the final images; with an empty mask an image is returned as it is.

        Weights of the one-stage ablation know no mask: there the whole face is generated.
        """
        height, width = batch.images.shape[2:]
        mask = (batch.masks > 0.5).float()
        occluded = padded(batch.images, HALVINGS).contiguous(memory_format=torch.channels_last)
        generated = self.nets.generate(occluded, grow(padded(mask, HALVINGS), self.dilate))
        generated = generated[:, :, :height, :width].clamp(0, 1)
        if not self.nets.two_stage:
            return generated.contiguous()
        return torch.where(mask > 0, generated, batch.images).contiguous()

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
            TrainingError: An option does not fit, or the perceptual network cannot be had.
        """
        from restore_recog.restorers.ganmasker.training import GANMaskerTraining

        return GANMaskerTraining(preset, device, **options)
