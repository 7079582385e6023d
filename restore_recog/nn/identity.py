"""The identity term: how far a recogniser finds a restored face from the clean one.

Not in the papers that this project rebuilds, which train for the eye; their presets keep its
weight at 0. It states the purpose of restoring in the recogniser's terms.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.errors import RestoreRecogError, TrainingError


class IdentityNet(nn.Module):
    """The project's own recogniser as a frozen, differentiable embedding.

    Args:
        weights: Weights file of the default recogniser; None for the shipped one.
        device: Where it runs.

    Raises:
        TrainingError: The recogniser is not available.
    """

    def __init__(self, weights: Path | None = None, device: str = "cpu") -> None:
        super().__init__()
        from restore_recog.registry import DEFAULT_RECOGNIZER, recognizers

        try:
            recognizer = recognizers.create(DEFAULT_RECOGNIZER, weights=weights, device=device)
        except RestoreRecogError as error:
            raise TrainingError(
                f"The identity term needs a recogniser ({error}); give its file, or set the "
                "weight to 0."
            ) from error
        self.size: tuple[int, int] = recognizer.image_size
        self.net: nn.Module = recognizer.net  # type: ignore[attr-defined]

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, D) embeddings, not normalised, of (N, 3, H, W) images in [0, 1]."""
        if images.shape[2:] != self.size:
            images = F.interpolate(images, self.size, mode="bilinear", antialias=True)
        return self.net(images)  # type: ignore[no-any-return]


def identity_loss(net: nn.Module, images: Tensor, clean: Tensor) -> Tensor:
    """Return (N,) 1 - cosine of the embeddings, in [0, 2]; no gradient through *clean*.

    Args:
        net: An :class:`IdentityNet`.
        images, clean: (N, 3, H, W) in [0, 1].
    """
    with torch.no_grad():
        target = net(clean)
    return 1 - F.cosine_similarity(net(images), target)
