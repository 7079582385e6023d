"""The restorer that every trained inpainter is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from restore_recog.nn.restorer import NetRestorer

if TYPE_CHECKING:
    from restore_recog.api import Trainable
    from restore_recog.types import FaceBatch


class InpaintingNets(nn.Module, ABC):
    """The networks of one model, each a child; made from its options (``networks(options)``)."""

    @abstractmethod
    def fill(self, occluded: Tensor, hole: Tensor) -> Tensor:
        """Return the generated faces, (N, 3, H, W) in about [0, 1], everywhere.

        Args:
            occluded: (N, 3, H, W) in [0, 1], with the covering in the image: what a model hides
                of it, and with what it fills the hole, is its own affair.
            hole: (N, 1, H, W) in {0, 1}.
        """


class InpaintingRestorer(NetRestorer):
    """Fills the hole with what the networks make of the rest; ``networks`` are InpaintingNets.

    Attributes:
        training: ``module:Class`` of its training, which is imported only when it is asked for.
    """

    training: ClassVar[str]
    nets: InpaintingNets

    def fill(self, occluded: Tensor, hole: Tensor, batch: FaceBatch) -> Tensor:
        """Return what the networks make, (N, 3, H, W)."""
        return self.nets.fill(occluded, hole)

    @classmethod
    def trainable(cls, preset: str = "compact", device: str = "cpu", **options: Any) -> Trainable:
        """Return the training.

        Raises:
            TrainingError: An option does not fit, or a network that a loss needs is not available.
        """
        module, _, name = cls.training.partition(":")
        training: Callable[..., Trainable] = getattr(import_module(module), name)
        return training(preset, device, **options)
