"""What restorers with networks share: weights, padding, the widened mask, pasting."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from restore_recog import weights as weights_file
from restore_recog.api import Restorer
from restore_recog.nn.building import ready
from restore_recog.nn.masks import grow, padded, pasted
from restore_recog.nn.options import Configuration
from restore_recog.registry import DEFAULT_RECOGNIZER
from restore_recog.types import FaceBatch

MULTIPLE = 32
"""Images are padded to sides divisible by this before the networks see them."""


class NetRestorer(Restorer):
    """A restorer whose networks lie in a weights file.

    The mask is taken as occluded where it exceeds 0.5. The networks are given it widened by the
    trained ``dilate`` pixels, so that a covering's soft rim does not leak into the fill; only
    pixels of the mask as given are replaced, all others are returned bit for bit (a restorer
    that reads no masks, or whose file says ``composite`` false, returns the whole face as
    generated).

    Attributes:
        networks: Class of the networks; made with the configuration in the weights file.
        configuration: What that may say.
        nets: The networks, frozen.
        config: What the weights file says of them.
        dilate: Pixels by which the mask is widened.
        composite: Whether the pixels outside the mask are put back.
        feather: Of :func:`restore_recog.nn.masks.pasted`.

    Args:
        weights: Weights file; None for the shipped one.
        device: Where to compute.

    Raises:
        WeightsError: The file is missing, corrupt, another model's, or describes networks that
            there are not.
    """

    networks: ClassVar[type[nn.Module]]
    configuration: ClassVar[Configuration]

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__(weights=weights or weights_file.shipped(self.name), device=device)
        assert self.weights is not None
        self.nets, config = ready(
            self.networks, self.weights, self.name, device, self.configuration.of_file
        )
        self.config = config
        self.image_size = (config["size"], config["size"])
        self.dilate: int = config["dilate"]
        if config.get("identity") or config.get("margin"):
            self.taught_by = tuple(config.get("teachers", (DEFAULT_RECOGNIZER,)))
        self.feather: int = config.get("feather", 0)  # files from before it have no such option
        self.composite: bool = config.get("composite", True)

    @abstractmethod
    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return the faces that the networks generate, (N, 3, H, W) in about [0, 1].

        Args:
            occluded: (N, 3, H, W) images in [0, 1], H and W divisible by :data:`MULTIPLE`.
            hole: (N, 1, H, W) the widened masks in {0, 1}.
            batch: What these were made of, for whatever else a method reads.
        """

    @torch.inference_mode()
    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the final images; with an empty mask an image is returned as it is."""
        height, width = batch.images.shape[2:]
        mask = (batch.masks > 0.5).float()
        occluded = padded(batch.images, MULTIPLE).contiguous(memory_format=torch.channels_last)
        filled = self.fill(occluded, grow(padded(mask, MULTIPLE), self.dilate), batch)
        filled = filled[:, :, :height, :width]
        if not self.composite or "masks" not in self.needs:
            return filled.clamp(0, 1).contiguous()
        return pasted(filled, batch.images, mask, self.feather).contiguous()
