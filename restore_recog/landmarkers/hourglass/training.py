"""The training of the hourglass landmarker, as what the training engine drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.api import Phase, Stateful
from restore_recog.errors import TrainingError
from restore_recog.landmarkers.hourglass.checkpoint import ENDINGS, published
from restore_recog.landmarkers.hourglass.heatmaps import read
from restore_recog.landmarkers.hourglass.losses import heatmap_loss
from restore_recog.landmarkers.hourglass.networks import STRIDE, HourglassNet
from restore_recog.landmarkers.hourglass.presets import NAME, read_options
from restore_recog.landmarkers.hourglass.targets import targets
from restore_recog.landmarks import EYE_CORNERS
from restore_recog.nn.options import learnt, plain
from restore_recog.nn.stepping import start_from, update, warmed_cosine
from restore_recog.types import FaceBatch

PIECES = 4
"""Into so many by so many pieces an image is cut up in which nobody shall be found."""

FAILED = 0.1
"""Mean error of a face, in units of the distance of its outer eye corners, that is a failure."""


class HourglassTraining:
    """Everything that one training of the landmarker holds; a ``restore_recog.api.Trainable``.

    Points that are not known, or that lie outside the image, count for nothing.

    Args:
        preset: ``paper``, ``compact`` or ``tiny``.
        device: Where it trains.
        options: Overrides: :data:`restore_recog.landmarkers.hourglass.presets.PRESETS`.

    Raises:
        TrainingError: An option does not fit.
        WeightsError: The file to start from is missing, damaged, or another network's.
    """

    identities_per_batch = 0

    def __init__(self, preset: str = "compact", device: str = "cpu", **options: Any) -> None:
        self.preset, self.device = preset, torch.device(device)
        self.options = o = read_options(preset, options)
        self.image_size: int = o["size"]
        self.covered: float = o["covered"]
        self.net = HourglassNet(o)
        o["init"] = _start(self.net, o)
        self.net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(self.net, o)

    @property
    def phases(self) -> Sequence[Phase]:
        """Return the only one."""
        return [Phase("landmarks", self.options["images"], self.options["batch_size"], self._step)]

    def state(self) -> Mapping[str, Stateful]:
        """Return the net and its optimiser."""
        return {"net": self.net, "optimizer": self.optimizer}

    def networks(self) -> Mapping[str, nn.Module]:
        """Return the net."""
        return {"net": self.net}

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return the options as plain values, and the net's tensors."""
        return plain(self.options), self.net.state_dict()

    def describe(self) -> Mapping[str, Any]:
        """Return model, preset and options."""
        return {"model": NAME, "preset": self.preset, "options": learnt(self.options)}

    @torch.no_grad()
    def preview(self, batch: FaceBatch) -> Tensor:
        """Return rows of images, the same with points (found: red, true: green), and lines."""
        images, points = self._scene(batch)
        self.net.eval()
        maps = self.net(images)[-1].float()
        shown = images.clone()
        for where, channel in ((points, 1), (self._read(maps), 0)):
            _mark(shown, where, channel)
        lines = F.interpolate(maps[:, -1:].clamp(0, 1), images.shape[2:])
        return torch.cat([images, shown, lines.expand_as(images)])

    @torch.no_grad()
    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return minus the mean error, which decides, and the share of faces under a failure.

        The error is that of the points known, in units of the distance of the outer eye corners.
        """
        images, points = self._scene(batch)
        self.net.eval()
        errors = mean_errors(self._read(self.net(images)[-1]), points)
        errors = errors[errors.isfinite()]
        if not len(errors):
            return {}
        success = (errors <= FAILED).float().mean()
        return {"minus NME": -float(errors.mean()), "success": float(success)}

    def _read(self, maps: Tensor) -> Tensor:
        """Return the points of (N, 99, H, W) heat-maps, whether or not they show a face."""
        return read(maps, STRIDE, exact=self.options["exact"], least=-torch.inf)

    def _scene(self, batch: FaceBatch) -> tuple[Tensor, Tensor]:
        """Return images and (N, 98, 2) points on the device."""
        batch = batch.to(self.device)
        if batch.landmarks98 is None:
            raise TrainingError(f"'{NAME}' learns from the 98 landmarks, which a batch lacks.")
        return batch.images.contiguous(memory_format=torch.channels_last), batch.landmarks98

    def _step(self, batch: FaceBatch, progress: float) -> Mapping[str, float]:
        images, points = turned(*self._scene(batch), self.options["turn"], self.options["zoom"])
        side = images.shape[-1] // STRIDE
        nobody = torch.rand(len(images), device=self.device) < self.options["nobody"]
        images = cut_up(images, nobody)
        points = points.masked_fill(nobody.view(-1, 1, 1), torch.nan)
        wanted, known = targets(points, side, STRIDE, exact=self.options["exact"])
        known |= nobody.unsqueeze(1)  # of whom it is known that all maps are empty
        self.net.train()
        stacks = self.net(images.contiguous(memory_format=torch.channels_last))
        losses = torch.stack([heatmap_loss(maps, wanted, known) for maps in stacks])
        update(self.optimizer, self.net, losses.sum(), self._share(progress), self.options["clip"])
        errors = mean_errors(self._read(stacks[-1].detach()), points)
        errors = errors[errors.isfinite()]
        nme = float(errors.mean()) if len(errors) else 0.0
        return {"adaptive wing": float(losses[-1].detach()), "NME": nme}

    def _share(self, progress: float) -> float:
        """Return the learning rate as a share of ``lr``."""
        o = self.options
        if o["schedule"] == "cosine":
            return warmed_cosine(progress, o["warm_up"])
        warm = 1.0 if progress >= o["warm_up"] else max(progress / o["warm_up"], 0.01)
        return float(warm * 0.1 ** sum(progress >= drop for drop in o["drops"]))


def mean_errors(points: Tensor, known: Tensor) -> Tensor:
    """Return (N,) mean distances of the points known, in units of the eye corners' distance.

    Args:
        points: (N, 98, 2) found.
        known: (N, 98, 2) true, NaN where not known; NaN is returned where no corner is.
    """
    one, other = (known[:, corner] for corner in EYE_CORNERS)
    return (points - known).norm(dim=-1).nanmean(1) / (one - other).norm(dim=-1)


def turned(images: Tensor, points: Tensor, turn: float, zoom: float) -> tuple[Tensor, Tensor]:
    """Return images and their points turned and scaled at random around the middle.

    Args:
        images: (N, 3, S, S).
        points: (N, 98, 2) pixels.
        turn: Deviation of the angles in degrees.
        zoom: Deviation of the logarithm of the scales.
    """
    count, side = len(images), images.shape[-1]
    angle = torch.randn(count, device=images.device) * turn * torch.pi / 180
    scale = torch.exp(torch.randn(count, device=images.device) * zoom)
    cosine, sine = angle.cos(), angle.sin()
    there = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
    # A grid says where each pixel comes from, so it is turned the other way: (N, 2, 2) transposed.
    back = there.transpose(1, 2) / scale.view(-1, 1, 1)
    theta = torch.cat([back, back.new_zeros(count, 2, 1)], 2)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    seen = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    middle = (side - 1) / 2
    moved = (points - middle) @ (there * scale.view(-1, 1, 1)).transpose(1, 2) + middle
    return seen, moved


def cut_up(images: Tensor, rows: Tensor) -> Tensor:
    """Return images, some of them as pieces in random order, every other one of these as mosaic.

    Args:
        images: (N, 3, S, S).
        rows: (N,) bool: which ones.
    """
    chosen = images[rows]
    count, _, side, _ = chosen.shape
    piece = side // PIECES
    pieces = chosen.view(count, 3, PIECES, piece, PIECES, piece).permute(0, 2, 4, 1, 3, 5)
    pieces = pieces.reshape(count, PIECES**2, 3, piece, piece)
    order = torch.rand(count, PIECES**2, device=images.device).argsort(1)
    mixed = pieces[torch.arange(count, device=images.device)[:, None], order].clone()
    mixed[::2] = mixed[::2].mean((3, 4), keepdim=True)
    mixed = mixed.view(count, PIECES, PIECES, 3, piece, piece).permute(0, 3, 1, 4, 2, 5)
    result = images.clone()
    result[rows] = mixed.reshape(count, 3, side, side)
    return result


def _mark(images: Tensor, points: Tensor, channel: int) -> None:
    """Set a colour at points of (N, 3, S, S) images, in place; those outside are left out."""
    side = images.shape[-1]
    place = points.round()
    inside = ((place >= 0) & (place < side)).all(-1)
    face, _ = inside.nonzero(as_tuple=True)
    x, y = place[inside].long().unbind(-1)
    colour = images.new_zeros(3)
    colour[channel] = 1
    images[face, :, y, x] = colour


def _start(net: HourglassNet, options: Mapping[str, Any]) -> str:
    """Copy the weights that a training starts from into the net; return what to record of them."""
    init: str = options["init"]
    if init in ("scratch", ""):
        return "scratch"
    if init.endswith(ENDINGS):
        return published(net, init)
    return start_from(net, init, NAME)


def _optimizer(net: HourglassNet, options: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Return RMSprop, or Adam with decoupled weight decay."""
    lr, decay = options["lr"], options["weight_decay"]
    groups = [{"params": list(net.parameters()), "initial_lr": lr}]
    if options["optimizer"] == "rmsprop":
        return torch.optim.RMSprop(groups, lr=lr, weight_decay=decay)
    return torch.optim.AdamW(groups, lr=lr, weight_decay=decay)
