"""Training of any embedding network with triplet loss.

Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss", 2017 (P x K batches); Schroff,
Kalenichenko, Philbin, "FaceNet", CVPR 2015 (semi-hard negatives). Losses and miners are those of
pytorch-metric-learning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_metric_learning import distances, losses, miners
from torch import Tensor

from restore_recog.errors import TrainingError
from restore_recog.recognizers.embedding import COMMON, EmbeddingTraining

MINERS = ("semihard", "hard", "all", "batch-hard")

OPTIONS: dict[str, Any] = {**COMMON, "margin": 0.2, "miner": "semihard"}
"""Every option of ``--set`` with its default; ``margin`` of cosines."""


class TripletTraining(EmbeddingTraining):
    """Triplet loss on cosines, over triplets mined in each batch; arguments as its parent's."""

    loss_name = "triplet"
    defaults = OPTIONS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        distance = distances.CosineSimilarity()
        self.loss = losses.TripletMarginLoss(margin=self.options["margin"], distance=distance)
        self.miner = build_miner(self.options["miner"], self.options["margin"], distance)

    def compared(self, embeddings: Tensor, subjects: Tensor) -> tuple[Tensor, Mapping[str, float]]:
        """Return the triplet loss of a batch, and how many triplets it has."""
        triplets = self.miner(embeddings, subjects)
        loss = self.loss(embeddings, subjects, triplets)
        return loss, {"triplets": float(len(triplets[0]))}


def build_miner(name: str, margin: float, distance: distances.BaseDistance) -> Any:
    """Return a pytorch-metric-learning miner.

    Raises:
        TrainingError: No such miner.
    """
    if name not in MINERS:
        raise TrainingError(f"There is no miner '{name}'; choose from {', '.join(MINERS)}.")
    if name == "batch-hard":
        return miners.BatchHardMiner(distance=distance)
    return miners.TripletMarginMiner(margin=margin, type_of_triplets=name, distance=distance)
