"""A restorer as an ordinary PyTorch part: a transform, and a module in front of a recogniser."""

from __future__ import annotations

from torch import Tensor, nn

from restore_recog.api import Recognizer, Restorer, Segmenter
from restore_recog.errors import PluginError
from restore_recog.fitting import fitted, resize, unfitted
from restore_recog.segmenting import maps_of
from restore_recog.types import FaceBatch


class Restoration(nn.Module):
    """Restore aligned face crops, as a torchvision-style transform.

    Works inside ``torchvision.transforms.v2.Compose`` and as a layer. Pictures are resized to what
    the restorer wants and back; what no map marks is returned bit for bit.

    Args:
        restorer: Any restorer; its networks become parts of this module.
        segmenter: Finds the covering where no map is given; None takes the restorer's own.

    Raises:
        PluginError: A map is needed, and neither given nor to be found.
    """

    def __init__(self, restorer: Restorer, segmenter: Segmenter | None = None) -> None:
        super().__init__()
        self.restorer = restorer
        self.segmenter = segmenter or restorer.segmenter()
        for name, part in vars(restorer).items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)

    def forward(
        self, images: Tensor, masks: Tensor | None = None, landmarks: Tensor | None = None
    ) -> Tensor:
        """Return the restored pictures, of the shape that came.

        Args:
            images: (N, 3, H, W) or (3, H, W) float in [0, 1], aligned crops.
            masks: (N, 1, H, W) or (1, H, W), 1 = occluded; None has them found.
            landmarks: (N, L, 2) float pixels, for restorers that need them.
        """
        single = images.dim() == 3
        if single:
            images = images[None]
            masks = None if masks is None else masks[None]
        if masks is None:
            masks = self._found(images)
        size = (int(images.shape[-2]), int(images.shape[-1]))
        batch = FaceBatch(images, masks, landmarks)
        if size == tuple(self.restorer.image_size):
            restored = self.restorer.restore(batch)
        else:
            small = fitted(batch, self.restorer.image_size)
            restored = unfitted(self.restorer.restore(small), batch, small)
        return restored[0] if single else restored

    def _found(self, images: Tensor) -> Tensor:
        if self.segmenter is not None:
            return maps_of(self.segmenter, images)
        if "masks" in self.restorer.needs:
            raise PluginError(
                f"The restorer '{self.restorer.name}' needs a map and has no detector of its own; "
                "give masks, or a segmenter."
            )
        return images.new_zeros(images.shape[0], 1, *images.shape[-2:])


class RestoredRecognizer(nn.Module):
    """Any restorer in front of any recogniser: crops in, templates out.

    Args:
        restorer: Restores the crops first.
        recognizer: Compares what comes out. One with an alignment of its own must be given crops
            that are aligned its way.
        segmenter: As for :class:`Restoration`.
    """

    def __init__(
        self, restorer: Restorer, recognizer: Recognizer, segmenter: Segmenter | None = None
    ) -> None:
        super().__init__()
        self.restoration = Restoration(restorer, segmenter)
        self.recognizer = recognizer
        for name, part in vars(recognizer).items():
            if isinstance(part, nn.Module):
                self.add_module(f"recognizer_{name}", part)

    def forward(
        self, images: Tensor, masks: Tensor | None = None, landmarks: Tensor | None = None
    ) -> Tensor:
        """Return (N, D) unit-length templates of (N, 3, H, W) crops in [0, 1]."""
        restored = self.restoration(images, masks, landmarks)
        return self.recognizer.embed(resize(restored, self.recognizer.image_size))
