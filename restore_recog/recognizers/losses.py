"""The losses that a recogniser can be trained with: ``train-recognizer --set loss=NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from restore_recog.errors import TrainingError
from restore_recog.recognizers.embedding import EmbeddingTraining
from restore_recog.recognizers.subcenter import SubCenterTraining
from restore_recog.recognizers.triplet import TripletTraining

LOSSES: Mapping[str, type[EmbeddingTraining]] = {
    kind.loss_name: kind for kind in (TripletTraining, SubCenterTraining)
}
"""Name -> training; each has options of its own."""


def training(
    model: str,
    net: nn.Module,
    config: Mapping[str, Any],
    image_size: int,
    **options: Any,
) -> EmbeddingTraining:
    """Return the training of a net with the loss that ``options`` name, else with triplets.

    Args:
        model, net, config, image_size: As for
            :class:`~restore_recog.recognizers.embedding.EmbeddingTraining`.
        options: ``device``, ``loss``, and those of that loss.

    Raises:
        TrainingError: There is no such loss, or it has no such option.
    """
    name = str(options.pop("loss", TripletTraining.loss_name))
    if name not in LOSSES:
        raise TrainingError(f"There is no loss '{name}'; choose from {', '.join(LOSSES)}.")
    device = options.pop("device")
    return LOSSES[name](model, net, config, image_size, device, **options)
