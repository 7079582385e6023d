"""The restorer that every trained inpainter is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from restore_recog.nn.restorer import NetRestorer

if TYPE_CHECKING:
    from restore_recog.types import FaceBatch


class InpaintingNets(nn.Module):
    """The networks of one model, each a child; made from its options (``networks(options)``)."""

    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return the generated faces, (N, 3, H, W) in about [0, 1], everywhere.

        Args:
            occluded: (N, 3, H, W) in [0, 1], with the covering in the image: what a model hides
                of it, and with what it fills the hole, is its own affair.
            hole: (N, 1, H, W) in {0, 1}.
        """
        raise NotImplementedError


class InpaintingRestorer(NetRestorer):
    """Fills the hole with what the networks make of the rest; ``networks`` are InpaintingNets."""

    nets: InpaintingNets

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return what the networks make, (N, 3, H, W)."""
        return self.nets.fill(occluded, hole)
