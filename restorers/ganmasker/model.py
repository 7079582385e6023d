"""GANMasker's networks together, as training and restoring both need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.nn.masks import hidden
from restore_recog.restorers.ganmasker.networks import FUNet, MSeg


class GANMaskerNets(nn.Module):
    """M-Seg and FU-Net; with one stage there is no M-Seg.

    Args:
        options: Of :mod:`restore_recog.restorers.ganmasker.presets`, or the same as plain JSON
            values from a weights file.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.two_stage: bool = o["two_stage"]
        # Files from before these options were made without them.
        upsampling, self.cloth = o.get("upsampling", "nearest"), o.get("cloth", "seen")
        self.mseg: MSeg | None = None
        if self.two_stage:
            self.mseg = MSeg(o["base_mseg"], cbam=o["cbam"], upsampling=upsampling)
        self.funet = FUNet(
            o["base_funet"],
            inputs=4 if self.two_stage else 3,
            cbam=o["cbam"],
            final=o["final"],
            upsampling=upsampling,
        )

    def generate(self, occluded: Tensor, mask: Tensor) -> Tensor:
        """Return FU-Net's face, before fusion.

        Args:
            occluded: (N, 3, H, W) in [0, 1]; the covering stays in the image, unless the option
                ``cloth`` puts grey in its place.
            mask: (N, 1, H, W) in {0, 1}; not looked at with one stage.
        """
        if not self.two_stage:
            return self.funet(occluded)  # type: ignore[no-any-return]
        if self.cloth == "grey":
            occluded = hidden(occluded, mask)
        images = torch.cat([occluded, mask], 1)  # (N, 4, H, W)
        return self.funet(images)  # type: ignore[no-any-return]
