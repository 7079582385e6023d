"""The training of the Mask R-CNN segmenter, as what the training engine drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.nn.masks import covering
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.stepping import update
from restore_recog.segmenters.maskrcnn.networks import CoveringNet
from restore_recog.segmenters.maskrcnn.presets import NAME, read_options
from restore_recog.segmenters.maskrcnn.start import frozen, start
from restore_recog.types import FaceBatch


class MaskRCNNTraining:
    """Everything that one training of the segmenter holds; a ``restore_recog.api.Trainable``.

    Each covering is one instance; a bare face is an image without any.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.segmenters.maskrcnn.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit, or the COCO weights cannot be had.
        WeightsError: The file to start from is missing, damaged, or another network's.
    """

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.net = CoveringNet(o)
        o["init"], self.from_coco = start(self.net, o["init"], NAME)
        for part in self._fixed():
            part.requires_grad_(False)
        self.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(self.net, o)

    @property
    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        return [Phase("Mask R-CNN", self.options["images"], self.options["batch_size"], self._step)]

    def state(self) -> Mapping[str, Stateful]:
        """Return the net and its optimiser."""
        return {"net": self.net, "optimizer": self.optimizer}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the net's tensors."""
        return plain(self.options), self.net.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {"model": NAME, "preset": self.preset, "options": learnt(self.options)}

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the backbone: regions are as many as there are, and nothing to compile."""
        return {"backbone": self.net.rcnn.backbone}

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of input and, in grey, masks found and true ones."""
        images, masks = self._scene(batch)
        return torch.cat([images, *(m.expand_as(images) for m in (self._masks(images), masks))])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return Dice, which decides, and IoU of the masks found, means over the images.

        Where nothing covers the face both are 1 if nothing is found, else 0.
        """
        images, masks = self._scene(batch)
        dice, iou = overlaps(self._masks(images), masks)
        return {"dice": float(dice.mean()), "iou": float(iou.mean())}

    def _masks(self, images: Tensor) -> Tensor:
        """Return the masks as the segmenter makes them, (N, 1, S, S)."""
        self.net.eval()
        return covering(self.net.probability(images))

    def _scene(self, batch: FaceBatch) -> tuple[Tensor, Tensor]:
        """Return images and true masks on the device."""
        batch = batch.to(self.device)
        return batch.images.contiguous(memory_format=torch.channels_last), batch.masks

    def _step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        images, masks = self._scene(batch)
        self._make_ready()
        losses = self.net.losses(images, masks)
        total = torch.stack(list(losses.values())).sum()
        update(self.optimizer, self.net, total, self._share(progress), self.options["clip"])
        values = torch.stack([total.detach(), *(loss.detach() for loss in losses.values())])
        return dict(zip(["loss", *losses], values.tolist(), strict=True))

    def _make_ready(self) -> None:
        """Put the net in training mode, but for what stays as it is."""
        self.net.train()
        for part in self._fixed():
            part.eval()

    def _fixed(self) -> list[nn.Module]:
        """Return what is not learnt; asked anew, since several processes replace their norms."""
        return frozen(self.net) if self.from_coco else []

    def _share(self, progress: float) -> float:
        """Return the learning rate as a share of ``lr``."""
        seen = progress * self.options["images"]
        warm = min(1.0, (seen + self.options["batch_size"]) / max(1, self.options["warm_up"]))
        return float(warm * 0.1 ** sum(seen >= drop for drop in self.options["drops"]))


def overlaps(found: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Return Dice and IoU of (N, 1, H, W) masks, (N,) each; 1 where both are empty."""
    both = (found * true).flatten(1).sum(1)
    sizes = found.flatten(1).sum(1) + true.flatten(1).sum(1)
    empty = sizes == 0
    return (2 * both / sizes).where(~empty, 1.0), (both / (sizes - both)).where(~empty, 1.0)


def _optimizer(net: nn.Module, options: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return SGD with momentum 0.9, or Adam with decoupled weight decay."""
    learning = [one for one in net.parameters() if one.requires_grad]
    lr, decay = options["lr"], options["weight_decay"]
    groups = [{"params": learning, "initial_lr": lr}]
    if options["optimizer"] == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=0.9, weight_decay=decay)
    return torch.optim.AdamW(groups, lr=lr, weight_decay=decay)
