"""Self-adaptive contextual attention: fill occluded features with patches of unoccluded ones.

The plain layer with which the paper's ablation replaces it (CA), and which is called in the same
way, is :class:`restore_recog.nn.contextual_attention.ContextAttention`.

Notation: features f (N, C, H, W); p_i the 3 x 3 patch round position i, i = 1..L;
c_ij the cosine of p_i and p_j; j is *valid* where its patch holds no occluded pixel.
The layer does not loop over samples or positions, and each sample has its own validity.

Source: FMODR (ACM TOMM 2022) section 4.2, equation 4, figure 7.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog.nn.contextual_attention import SOFTMAX_SCALE
from restore_recog.nn.patches import PatchGrid, propagate, valid_patches

PROPAGATIONS = ("score", "spatial", "feature", "eye", "none")
NORMS = ("none", "sum", "softmax")


class AdaptiveContextAttention(nn.Module):
    """Self-adaptive contextual attention, (N, C, H, W) -> (N, C, H, W).

    1. c_ij = cosine of the 3 x 3 patches i and j.
    2. j*(i) = the valid j of the largest c_ij; the attention map S is c at (i, j*(i))
       and 0 elsewhere.
    3. Two learnable 3 x 3 convolutions on S over (foreground offset, background offset),
       one along x and one along y (:func:`propagate`), in place of the plain layer's fixed
       identity matrices; invalid columns are cleared afterwards.
    4. The background patches are the kernels of a transposed convolution whose input is S.

    The kernels start as identity / 3 each, so that without occlusion the layer is the
    identity, border rows and columns apart (there fewer neighbours agree). Where a sample
    has no valid patch the output is 0 and every gradient is finite. No gradient flows
    through the choice of j*; features learn through the pasted values and the cosine of
    the chosen pair, the kernels through both forms alike.

    Two forms, equal in values and gradients:

    * ``dense``: the L x L score maps as they stand in the equations;
    * ``index`` (default): S has one non-zero entry a row, so after both convolutions a row
      has at most 9 x 9 = 81; ``embedding_bag`` sums just those patches.

    Memory, float32, one sample: one L x L map is 67,108,864 bytes at 64 x 64 (rate 1) and
    4,194,304 at 32 x 32 (rate 2 of 64 x 64). ``index`` makes one such map, of its R occluded
    rows and V valid columns only, without remembering it; ``dense`` remembers several whole
    ones. The pasted patches are 9 C L 4 bytes at rate 1: 14,155,776 for C = 96 at 64 x 64. A
    step remembers, for C = 96 at 64 x 64 and rate 1, 45 MiB (``index``) against 233 MiB
    (``dense``). Work: 2 R V 9C FLOP a sample for the cosines, a quarter of the 29 G of all L^2
    there at most; the pasting takes 2 * 81 L 9C = 0.57 G as ``index`` and 29 G as ``dense``.

    Deviation: the paper does not say along which axes its two convolutions run; here along
    the two that the identity matrices of the plain layer run along, without joining row ends.
    Deviation: any active loss trains the kernels, not the perceptual loss alone, which the
    paper's own schedule leaves out for most of the time.

    Args:
        channels: C; used by ``prop="feature"`` only.
        rate: 1 matches at full resolution; 2 on features of half the size.
        prop: ``score`` as above; ``eye`` the same with fixed kernels; ``none`` without;
            ``spatial`` convolves over foreground (y, x) alone; ``feature`` pastes first and
            convolves the pasted features, C to C.
        norm: of a row of scores before pasting: ``none`` (paper), ``sum`` or ``softmax``.
        form: ``index`` or ``dense``; ``spatial`` and ``softmax`` always work densely.
    """

    fixed: Tensor

    def __init__(
        self,
        channels: int,
        *,
        rate: int = 1,
        prop: str = "score",
        norm: str = "none",
        form: str = "index",
    ) -> None:
        super().__init__()
        if rate not in (1, 2) or prop not in PROPAGATIONS or norm not in NORMS:
            raise ValueError(f"No such attention: rate={rate}, prop={prop!r}, norm={norm!r}.")
        self.rate, self.prop, self.norm = rate, prop, norm
        self.dense = form == "dense" or prop == "spatial" or norm == "softmax"
        self.kernels: nn.Parameter | None = None
        self.smooth: nn.Module | None = None
        if prop in ("score", "spatial"):
            start = torch.eye(3).repeat(2, 1, 1) / 3
            if prop == "spatial":
                start = torch.zeros(2, 3, 3)
                start[:, 1, 1] = 1
            self.kernels = nn.Parameter(start)
        elif prop == "eye":
            self.register_buffer("fixed", torch.eye(3).repeat(2, 1, 1) / 3, persistent=False)
        elif prop == "feature":
            self.smooth = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.Conv2d(channels, channels, 3, padding=1),
            )

    def forward(self, features: Tensor, masks: Tensor) -> Tensor:
        """Return the attended features.

        Args:
            features: (N, C, H, W); H and W even at rate 2.
            masks: (N, 1, h, w) in {0, 1}, any resolution at least as fine.
        """
        with torch.autocast(features.device.type, enabled=False):
            grid = PatchGrid(features.float(), self.rate)
            valid = valid_patches(masks, grid.shape)
            best, score = self._choose(grid.unit, valid)
            mix = self._mix_dense if self.dense else self._mix_index
            pasted = grid.paste(mix(grid, best, score, valid))
            return pasted if self.smooth is None else self.smooth(pasted)

    @staticmethod
    def _choose(unit: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Return j* (N, L) int64 and its cosine (N, L), 0 where nothing is valid."""
        with torch.no_grad():
            best = _nearest(unit, valid)
        return best, (unit * _rows(unit, best)).sum(2) * valid.any(1, keepdim=True)

    def axis_kernels(self) -> Tensor | None:
        """Return the (2, 3, 3) kernels along x and y, or None without propagation."""
        if self.prop == "score":
            return self.kernels
        return self.fixed if self.prop == "eye" else None

    def _mix_dense(self, grid: PatchGrid, best: Tensor, score: Tensor, valid: Tensor) -> Tensor:
        """Return (N, L, D) weighted sums of patches by whole L x L maps."""
        patches, size = grid.patches, grid.shape
        n, length = best.shape
        scores = patches.new_zeros(n, length, length).scatter(
            2, best[:, :, None], score[:, :, None]
        )  # (N, L foreground, L background)
        kernels = self.axis_kernels()
        if kernels is not None:
            scores = propagate(scores, size, kernels[0], kernels[1])
        elif self.prop == "spatial":
            assert self.kernels is not None
            images = scores.transpose(1, 2).reshape(-1, 1, *size)  # (N L background, 1, H, W)
            for kernel in self.kernels:
                images = F.conv2d(images, kernel[None, None], padding=1)
            scores = images.view(n, length, length).transpose(1, 2)
        scores = scores * valid[:, None, :]
        if self.norm == "softmax":
            scores = (scores * SOFTMAX_SCALE).softmax(2) * valid[:, None, :]
        elif self.norm == "sum":
            scores = scores / _away_from_zero(scores.sum(2, keepdim=True))
        return torch.bmm(scores, patches)  # (N, L, L) x (N, L, D) -> (N, L, D)

    def _mix_index(self, grid: PatchGrid, best: Tensor, score: Tensor, valid: Tensor) -> Tensor:
        """Return what :meth:`_mix_dense` returns from at most 81 patches a position."""
        n, length = best.shape
        kernels = self.axis_kernels()
        if kernels is None:
            index, weight = best[:, :, None], score[:, :, None]  # (N, L, 1) each
        else:
            weight = torch.kron(kernels[1], kernels[0])  # (9, 9): y offset outside, x inside
            index, weight = _spread(best, score, grid.shape, weight)
        inside = index >= 0
        index = index.clamp_min(0)
        allowed = valid.gather(1, index.flatten(1)).view_as(index) & inside
        weight = weight * allowed
        if self.norm == "sum":
            weight = weight / _away_from_zero(weight.sum(2, keepdim=True))
        index = index + torch.arange(n, device=index.device)[:, None, None] * length
        mixed = F.embedding_bag(
            index.flatten(0, 1),  # (N L, K), K = 1 or 81, into the batch's N L patches
            grid.patches.flatten(0, 1),  # (N L, D)
            per_sample_weights=weight.flatten(0, 1),
            mode="sum",
        )  # (N L, D)
        return mixed.view(n, length, -1)


def _nearest(unit: Tensor, valid: Tensor) -> Tensor:
    """Return (N, L) int64: of every position, the valid one whose patch is most alike.

    A valid position is its own, with a cosine of 1; only the others are compared, and only with
    valid ones. How many these are depends on the masks, which a graph with fixed shapes cannot
    follow; there, all are compared with all.

    Args:
        unit: (N, L, D) patches of length 1.
        valid: (N, L) bool.
    """
    length = valid.shape[1]
    if torch.compiler.is_compiling():
        cosine = torch.bmm(unit, unit.transpose(1, 2))  # (N, L, L)
        return cosine.masked_fill_(~valid[:, None, :], -torch.inf).argmax(2)
    own = torch.arange(length, device=unit.device).expand_as(valid)
    fewest, most = torch.stack(valid.sum(1).aminmax()).tolist()
    seek, offer = length - fewest, max(1, most)
    order = valid.byte().argsort(dim=1, stable=True)  # all occluded positions, then all valid ones
    seeking, offered = order[:, :seek], order[:, length - offer :]  # (N, R) and (N, V)
    cosine = torch.bmm(_rows(unit, seeking), _rows(unit, offered).transpose(1, 2))  # (N, R, V)
    cosine.masked_fill_(~valid.gather(1, offered)[:, None, :], -torch.inf)
    nearest = own.scatter(1, seeking, offered.gather(1, cosine.argmax(2)))  # (N, L)
    return torch.where(valid, own, nearest)


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """Return (N, R, D) of (N, L, D) values at (N, R) positions."""
    return values.gather(1, index[:, :, None].expand(-1, -1, values.shape[2]))


def _away_from_zero(total: Tensor) -> Tensor:
    """Return divisors: 1 where a row of scores is (nearly) empty, so that it stays empty."""
    return torch.where(total.abs() < 1e-4, torch.ones_like(total), total)


def _spread(
    best: Tensor, score: Tensor, size: tuple[int, int], weight: Tensor
) -> tuple[Tensor, Tensor]:
    """Return where the two convolutions move each score, and how much of it.

    Row i of S2 collects, from each of its 9 foreground neighbours q and for each of 9
    background offsets e, ``weight[q, e] * score[q]`` at position j*(q) - e.

    Args:
        best, score: (N, L).
        size: (H, W).
        weight: (9, 9), foreground then background offset, both row by row.

    Returns:
        (N, L, 81) int64 positions, -1 beyond the image, and (N, L, 81) weights.
    """
    n, (h, w) = best.shape[0], size
    around = F.unfold(score.view(n, 1, h, w), 3, padding=1)  # (N, 9, L)
    rows = F.unfold((best // w).view(n, 1, h, w).float(), 3, padding=1).long()
    columns = F.unfold((best % w).view(n, 1, h, w).float(), 3, padding=1).long()
    offset = torch.arange(-1, 2, device=best.device)
    rows = rows[..., None] - offset.repeat_interleave(3)  # (N, 9, L, 9)
    columns = columns[..., None] - offset.repeat(3)
    inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    index = torch.where(inside, rows * w + columns, -1)
    weights = around[..., None] * weight[:, None, :]  # (N, 9, L, 9)
    return index.transpose(1, 2).flatten(2), weights.transpose(1, 2).flatten(2)  # (N, L, 81)
