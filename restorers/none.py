"""The restorer that does nothing: the floor of every comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from restore_recog.api import Restorer

if TYPE_CHECKING:
    from torch import Tensor

    from restore_recog.types import FaceBatch


class NoRestorer(Restorer):
    """Return the occluded images as they are, at any size."""

    name: ClassVar[str] = "none"
    needs: ClassVar[frozenset[str]] = frozenset()

    def restore(self, batch: FaceBatch) -> Tensor:
        """Return a copy of ``batch.images``, bit for bit."""
        return batch.images.clone()
