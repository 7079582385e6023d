"""The identity terms: how far recognisers find a restored face from the clean one.

Not in the papers that this project rebuilds, which train for the eye; their presets keep the
weight at 0. It states the purpose of restoring in the recognisers' terms. A recogniser that
teaches is no longer a fair judge: whoever reports with it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from restore_recog.alignment import TEMPLATE, similarity
from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.weights import teacher_mark


class Teacher(nn.Module):
    """A frozen, differentiable recogniser, fed at its own template from aligned crops.

    The crop is sampled once, by an affine grid from the recogniser's template to the crop's, so
    that gradients reach the crop.

    Args:
        name: For messages and records.
        net: (N, 3, S, S) images in [0, 1] -> (N, D), in eval mode.
        size: (height, width) of its input.
        template: (5, 2) where the five points lie in its input, in the unit square; None for the
            crop's own.
    """

    place: Tensor

    def __init__(
        self,
        name: str,
        net: nn.Module,
        size: tuple[int, int],
        template: NDArray[np.floating] | None = None,
    ) -> None:
        super().__init__()
        self.name, self.net, self.size = name, net.eval().requires_grad_(False), size
        self.own_crop = template is None
        matrix = np.eye(2, 3)
        if template is not None:
            shape = np.array(size[::-1], np.float64)  # (width, height)
            matrix = similarity(template * shape, TEMPLATE)
            matrix[:, :2] *= shape  # from pixels of its input to the unit square
        self.register_buffer("place", torch.tensor(matrix, dtype=torch.float32))

    def forward(self, images: Tensor, change: Tensor | None = None) -> Tensor:
        """Return (N, D) templates of unit length, in float32.

        Args:
            images: (N, 3, H, W) aligned crops in [0, 1].
            change: (N, 2, 3) of :func:`random_views`: where in its input each place comes from.
        """
        with torch.autocast(images.device.type, enabled=False):
            return F.normalize(self.net(self._fed(images.float(), change)))

    def _fed(self, images: Tensor, change: Tensor | None) -> Tensor:
        """Return (N, 3, *size) inputs."""
        matrix = self.place.expand(len(images), 2, 3)
        if change is not None:
            matrix = _after(matrix, change)
        elif self.own_crop and images.shape[2:] == self.size:
            return images
        grid = F.affine_grid(_signed(matrix), [len(images), 3, *self.size], align_corners=False)
        return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


class Teachers(nn.Module):
    """Several teachers, and the loss of what they find.

    A network can please a recogniser with patterns that no face has. Each teacher therefore sees
    the restored face turned, scaled, shifted, mirrored, blurred, recoloured and noisy, and holds
    it against the template of the clean face as it is.

    Args:
        names: Recognisers with a differentiable ``net``: ``timm`` (the shipped one),
            ``onnx:FILE``, ``torchscript:FILE``, ``facenet:vggface2``.
        weights: Weights file of the default recogniser; None for the shipped one.
        device: Where they run.
        augment: Whether the restored face is changed before they see it.
        margin: By how much the cosine to the own clean face has to exceed that to the most
            similar other person of the batch.

    Raises:
        TrainingError: A teacher is not available, not differentiable, or kept for judging.
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Path | None = None,
        device: str = "cpu",
        *,
        augment: bool = True,
        margin: float = 0.3,
    ) -> None:
        super().__init__()
        if not names:
            raise TrainingError("The identity term needs a teacher; set its weight to 0 for none.")
        self.teachers = nn.ModuleList(_teacher(name, weights, device) for name in names)
        self.augment, self.margin = augment, margin
        self.to(device)

    @classmethod
    def of_options(cls, options: dict[str, Any], device: str) -> Teachers:
        """Return those that a restorer's options name, and record there who they are.

        Args:
            options: With ``teachers`` and ``identity_weights``; the former is changed.
            device: Where they run.

        Raises:
            TrainingError: As for the class.
        """
        file = options["identity_weights"]
        teachers = cls(options["teachers"], Path(file) if file else None, device)
        options["teachers"] = teachers.names()
        return teachers

    def names(self) -> tuple[str, ...]:
        """Return what to record of them."""
        return tuple(teacher.name for teacher in self.teachers)  # type: ignore[misc]

    def forward(
        self, restored: Tensor, clean: Tensor, people: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (N,) 1 - cosine and (N,) excess over the margin, means over the teachers.

        No gradient flows through *clean*.

        Args:
            restored, clean: (N, 3, H, W) aligned crops in [0, 1].
            people: (N,) labels; None where every image is another person.
        """
        change = None
        if self.augment:
            restored, change = random_views(restored)
        apart, excess = [], []
        for teacher in self.teachers:
            with torch.no_grad():
                wanted = teacher(clean)
            cosine = teacher(restored, change) @ wanted.T  # (N restored, N clean)
            own = cosine.diagonal()
            apart.append(1 - own)
            excess.append(F.relu(_nearest_other(cosine, people) - own + self.margin))
        return torch.stack(apart).mean(0), torch.stack(excess).mean(0)

    def genuine(self, restored: Tensor, clean: Tensor) -> dict[str, float]:
        """Return the mean cosine of restored and clean faces by each teacher, as they are."""
        figures = {}
        for teacher in self.teachers:
            cosines = (teacher(restored) * teacher(clean)).sum(1).detach()
            figures[f"cosine {teacher.name}"] = float(cosines.mean())
        return figures


def random_views(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return images in other colours, softer and noisier, and where they are to be sampled.

    By chance for each image: a turn of about 3.5 degrees, a scale of 6 %, a shift of up to 5 % and
    a mirror; a blur for one in two, grey for three in ten, brightness by up to 20 % and each
    colour by up to 10 %, noise of deviation 0.03.

    Args:
        images: (N, 3, H, W) in [0, 1].

    Returns:
        (N, 3, H, W) images and (N, 2, 3) affine maps of unit coordinates.
    """
    n, device = len(images), images.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, device=device) * (high - low) + low

    soft = _blurred(images)
    images = torch.lerp(images, soft, uniform(-1, 1, 1, 1, 1).clamp_min(0))
    grey = (torch.rand(n, 1, 1, 1, device=device) < 0.3).float()
    images = torch.lerp(images, images.mean(1, keepdim=True).expand_as(images), grey)
    images = images * uniform(0.8, 1.2, 1, 1, 1) * uniform(0.9, 1.1, 3, 1, 1)
    images = images + 0.03 * torch.randn_like(images)

    angle = 0.06 * torch.randn(n, device=device)
    scale = (0.06 * torch.randn(n, device=device)).clamp(-0.15, 0.15).exp()
    mirror = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    linear = torch.stack([cosine * mirror, -sine, sine * mirror, cosine], 1).view(n, 2, 2)
    centre = torch.full((n, 2, 1), 0.5, device=device)
    shift = centre - linear @ centre + uniform(-0.05, 0.05, 2, 1)
    return images, torch.cat([linear, shift], 2)


def colourless(images: Tensor, share: float) -> Tensor:
    """Return (N, 3, H, W) images of which a share, by chance, has lost its colour."""
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < share
    return torch.where(chosen, images.mean(1, keepdim=True), images)


def _blurred(images: Tensor) -> Tensor:
    """Return the images under a 5 x 5 Gaussian of deviation 1.2 pixels."""
    steps = torch.arange(-2, 3, device=images.device, dtype=images.dtype)
    line = torch.exp(-(steps**2) / (2 * 1.2**2))
    kernel = torch.outer(line, line) / line.sum() ** 2
    around = F.pad(images, (2, 2, 2, 2), mode="replicate")
    with torch.autocast(images.device.type, enabled=False):
        return F.conv2d(around, kernel.expand(3, 1, 5, 5), groups=3)


def _nearest_other(cosine: Tensor, people: Tensor | None) -> Tensor:
    """Return (N,) the largest cosine to another person's clean face; -1 where there is none."""
    same = torch.eye(len(cosine), dtype=torch.bool, device=cosine.device)
    if people is not None:
        same = people[:, None] == people[None]
    return cosine.masked_fill(same, -1).amax(1)


def _after(first: Tensor, second: Tensor) -> Tensor:
    """Return the (N, 2, 3) affine map that applies *second* and then *first*."""
    linear = first[:, :, :2] @ second[:, :, :2]
    return torch.cat([linear, first[:, :, :2] @ second[:, :, 2:] + first[:, :, 2:]], 2)


def _signed(matrix: Tensor) -> Tensor:
    """Return a map of unit coordinates, [0, 1], as one of grid_sample's, [-1, 1]."""
    linear, shift = matrix[:, :, :2], matrix[:, :, 2:]
    return torch.cat([linear, linear.sum(2, keepdim=True) + 2 * shift - 1], 2)


def _teacher(name: str, weights: Path | None, device: str) -> Teacher:
    from restore_recog.registry import DEFAULT_RECOGNIZER, recognizers

    kind, _, argument = name.partition(":")
    own = weights if kind == DEFAULT_RECOGNIZER else None
    try:
        if recognizers.load(name).judges:
            raise TrainingError(
                f"'{name}' is kept for judging: a restorer that was trained towards it could not "
                "be judged by it. Choose other teachers."
            )
        recognizer = recognizers.create(name, weights=own)
        net = getattr(recognizer, "net", None)
    except TrainingError:
        raise
    except RestoreRecogError as error:
        raise TrainingError(
            f"The identity term needs the teacher '{name}' ({error}); name another, or set the "
            "weight to 0."
        ) from error
    if not isinstance(net, nn.Module):
        raise TrainingError(
            f"'{name}' cannot teach: it has no differentiable network 'net'. Choose another."
        )
    file = Path(argument) if argument else own
    if file is not None and file.is_file():  # a record tells the file, not where it lay
        name = f"{kind}:{file.name} {teacher_mark(file)}"
    return Teacher(name, net, recognizer.image_size, recognizer.template)
