"""Image quality by networks and models that others have trained: LPIPS, FID, NIQE, BRISQUE.

Each comes with a weights file that the user has; nothing is downloaded here, and no file can
run code. Images are uint8 RGB, ``(H, W, 3)``, all of one size.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from restore_recog.errors import WeightsError
from restore_recog.metrics import naturalness
from restore_recog.types import Pixels, Vector

if TYPE_CHECKING:
    from torch import Tensor


BACKBONES = {"alex": (64, 3, 11, 11), "vgg": (64, 3, 3, 3)}
"""LPIPS' networks, and the shape of their first layer's weights."""


class Lpips:
    """LPIPS, version 0.1: distance in the features of AlexNet or VGG-16; lower is better.

    Source: Zhang et al., The unreasonable effectiveness of deep features as a perceptual
    metric, CVPR 2018; networks and weights of its linear layers as torchmetrics has them.

    Attributes:
        variant: ``alex`` or ``vgg``, as the weights file has it.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Build the network from torchvision's weights of the backbone.

        Raises:
            ImportError: torchmetrics is not installed.
            WeightsError: The file is not such a weights file.
        """
        from torchmetrics.functional.image.lpips import _LPIPS

        from restore_recog.weights import foreign

        state = foreign(path)
        first = tuple(getattr(state.get("features.0.weight"), "shape", ()))
        variants = [name for name, shape in BACKBONES.items() if shape == first]
        if not variants:
            raise WeightsError(
                f"'{path}' holds neither AlexNet nor VGG-16 as torchvision saves them; LPIPS "
                "needs the weights of one of them."
            )
        self.variant, self.device = variants[0], device
        self._net = _LPIPS(net=self.variant, pnet_rand=True)  # type: ignore[arg-type]
        backbone = self._net.net
        names = {name: f"features.{name.partition('.')[2]}" for name in backbone.state_dict()}
        known = {own: state[theirs] for own, theirs in names.items() if theirs in state}
        _fill(backbone, known, path)
        self._net.to(device)

    def __call__(self, images: Sequence[Pixels], clean: Sequence[Pixels]) -> Vector:
        """Return (N,) distances of images and their clean counterparts."""
        import torch

        with torch.inference_mode():
            sides = [_tensor(side).to(self.device) for side in (images, clean)]
            distances = self._net(*(side.float() / 127.5 - 1 for side in sides))
        return np.asarray(distances.flatten().cpu().double().numpy())


class Inception:
    """The features that FID is defined with: TensorFlow's Inception of 2015, last pooling.

    Source: Heusel et al., NeurIPS 2017; the network as torch-fidelity has it, with its way of
    resizing to 299 x 299.
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        """Build the network.

        Raises:
            ImportError: torch-fidelity is not installed.
            WeightsError: The file is not such a weights file.
        """
        import torch
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        from restore_recog.weights import foreign

        state = foreign(path)
        checked = io.BytesIO()  # the library would unpickle the file itself
        torch.save(state, checked)
        checked.seek(0)
        try:
            self._net = FeatureExtractorInceptionV3(
                "inception-v3-compat", ["2048"], feature_extractor_weights_path=checked
            )
        except (RuntimeError, ValueError) as error:
            raise WeightsError(
                f"'{path}' does not hold the Inception network that FID is defined with; it is "
                "'weights-inception-2015-12-05-6726825d.pth' that torch-fidelity hands out."
            ) from error
        self.device = device
        self._net.to(device)

    def __call__(self, images: Sequence[Pixels]) -> NDArray[np.float32]:
        """Return (N, 2048) features."""
        import torch

        with torch.inference_mode():
            (features,) = self._net(_tensor(images).to(self.device))
        return np.asarray(features.float().cpu().numpy())


class Niqe:
    """NIQE; lower is better. The model is that of the authors' release."""

    def __init__(self, path: Path) -> None:
        """Read ``modelparameters.mat`` with ``mu_prisparam`` and ``cov_prisparam``.

        Raises:
            WeightsError: The file is not such a model.
        """
        from scipy.io import loadmat

        try:
            content = loadmat(str(path))
            self.mean = np.asarray(content["mu_prisparam"], dtype=np.float64).ravel()
            self.covariance = np.asarray(content["cov_prisparam"], dtype=np.float64)
        except Exception as error:  # a damaged file has scipy raise many kinds
            raise _no_model(path, "NIQE", "modelparameters.mat", error) from error
        if self.mean.shape != (36,) or self.covariance.shape != (36, 36):
            raise _no_model(path, "NIQE", "modelparameters.mat", "wrong shapes")

    def __call__(self, images: Sequence[Pixels]) -> Vector:
        """Return (N,) distances; NaN for images with less than two blocks."""
        planes = map(naturalness.luminance, images)
        features = [naturalness.niqe_features(plane) for plane in planes]
        return np.array([naturalness.niqe(f, self.mean, self.covariance) for f in features])


class Brisque:
    """BRISQUE; lower is better. The model is that of the authors' release, as libsvm writes it."""

    def __init__(self, path: Path) -> None:
        """Read the support vectors (``allmodel``) and, beside them, the ranges (``allrange``).

        Raises:
            WeightsError: One of the files is missing or is not such a model.
        """
        ranges = path.with_name(path.name.replace("model", "range"))
        try:
            low, high, limits = _ranges(ranges.read_text(encoding="ascii"))
            self._settings, self.weights, self.vectors = _svr(path.read_text(encoding="ascii"))
            gamma, rho = float(self._settings["gamma"]), float(self._settings["rho"])
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise _no_model(path, "BRISQUE", "allmodel with allrange beside it", error) from error
        self.low, self.high, self.limits = low, high, limits
        self.gamma, self.rho = gamma, rho

    def __call__(self, images: Sequence[Pixels]) -> Vector:
        """Return (N,) scores; NaN for images without any texture."""
        planes = map(naturalness.luminance, images)
        return np.array([self.score(naturalness.brisque_features(plane)) for plane in planes])

    def score(self, features: Vector) -> float:
        """Return what the support vector regression says of 36 features."""
        least, most = self.limits.T
        scaled = self.low + (self.high - self.low) * (features - least) / (most - least)
        distances = ((self.vectors - scaled) ** 2).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distances) - self.rho)


def _fill(module: Any, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(
            f"'{path}' does not fit the network that LPIPS looks through; give torchvision's "
            "weights of AlexNet or VGG-16."
        ) from error


def _tensor(images: Sequence[Pixels]) -> Tensor:
    """Return (N, 3, H, W) uint8."""
    import torch

    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


def _no_model(path: Path, what: str, name: str, reason: object) -> WeightsError:
    return WeightsError(
        f"'{path}' cannot be used as the model of {what} ({reason}); give the authors' {name}."
    )


def _ranges(text: str) -> tuple[float, float, Vector]:
    """Return (low, high, (36, 2) limits) of a file that libsvm's ``svm-scale`` wrote."""
    lines = text.split("\n")
    low, high = map(float, lines[1].split())
    limits = {int(i): (float(a), float(b)) for i, a, b in (x.split() for x in lines[2:] if x)}
    ranges = np.array([limits[i] for i in range(1, 37)])
    if not (ranges[:, 1] > ranges[:, 0]).all():
        raise ValueError("ranges without width")
    return low, high, ranges


def _svr(text: str) -> tuple[dict[str, str], Vector, Vector]:
    """Return (settings, (n,) weights, (n, 36) vectors) of libsvm's regression by radial bases."""
    from sklearn.datasets import load_svmlight_file

    head, _, body = text.partition("SV\n")
    settings = dict(line.split(maxsplit=1) for line in head.splitlines() if " " in line)
    if settings["svm_type"] != "epsilon_svr" or settings["kernel_type"] != "rbf":
        raise ValueError("no regression by radial bases")
    lines = io.BytesIO(body.encode("ascii"))
    vectors, weights = load_svmlight_file(lines, n_features=36, zero_based=False)
    if len(weights) != int(settings["total_sv"]):
        raise ValueError(f"{len(weights)} of {settings['total_sv']} support vectors")
    return settings, weights, vectors.toarray()
