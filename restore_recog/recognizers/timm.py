"""``timm:<model>``: any timm backbone with an embedding head.

Without an argument it is the backbone of the shipped compact weights. timm is imported only where
a network is built: it takes as long to import as PyTorch, and an evaluation all of whose templates
are known needs no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog import weights as weights_file
from restore_recog.api import Recognizer
from restore_recog.errors import TrainingError, UnknownPluginError, WeightsError
from restore_recog.nn.building import built
from restore_recog.nn.options import Configuration
from restore_recog.recognizers.embedding import EmbeddingTraining
from restore_recog.recognizers.trained import trained

NAME = "timm"
DEFAULT_BACKBONE = "regnetx_002"

CONFIGURATION = Configuration(
    "the recogniser 'timm'",
    {"backbone": DEFAULT_BACKBONE, "image_size": 128, "dimension": 256, "dropout": 0.2},
    needed=("backbone", "image_size"),
    limits={"image_size": (16, 1024), "dimension": (1, 16384), "dropout": (0.0, 1.0)},
)


class EmbeddingNet(nn.Module):
    """A timm backbone, then batch norm, flattening, dropout and one linear layer.

    The feature map is flattened rather than pooled: in an aligned face the place of a feature is
    part of the identity (Deng et al., "ArcFace", 2019, section 3.1, option E).

    Args:
        backbone: Name of a timm model that yields a feature map.
        image_size: Side of the images; the linear layer depends on it.
        dimension: Length of the templates.
        dropout: Before the linear layer.
        pretrained: Start from timm's ImageNet weights (timm downloads them).
    """

    def __init__(
        self,
        backbone: str,
        image_size: int,
        dimension: int = 256,
        dropout: float = 0.2,
        pretrained: bool = False,
    ) -> None:
        import timm

        super().__init__()
        self.backbone: Any = timm.create_model(
            backbone, pretrained=pretrained, num_classes=0, global_pool=""
        )
        with torch.no_grad():
            training = self.backbone.training
            shape = self.backbone.eval()(torch.zeros(1, 3, image_size, image_size)).shape
            self.backbone.train(training)
        if len(shape) != 4:
            raise UnknownPluginError(
                f"timm's '{backbone}' yields tokens of shape {tuple(shape)}, not a feature map; "
                "choose a convolutional model."
            )
        self.norm = nn.BatchNorm2d(shape[1])
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(shape[1] * shape[2] * shape[3], dimension)
        self.output_norm = nn.BatchNorm1d(dimension)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, dimension) embeddings, not normalised, of (N, 3, S, S) in [0, 1]."""
        features = self.backbone((images * 2 - 1).contiguous(memory_format=torch.channels_last))
        flat = self.dropout(self.norm(features).flatten(1))  # (N, C H W)
        return self.output_norm(self.linear(flat))  # type: ignore[no-any-return]

    def feature_maps(self, images: Tensor) -> Tensor:
        """Return the backbone's (N, C, S/8, S/8) features: mid-level parts of a face."""
        return self.feature_layers(images, (8,))[0]

    def feature_layers(self, images: Tensor, reductions: Sequence[int]) -> list[Tensor]:
        """Return the backbone's (N, C, S/r, S/r) features, one map for each reduction r.

        Raises:
            ValueError: The backbone has no features of one of these sizes.
        """
        known = [info["reduction"] for info in self.backbone.feature_info]
        return self.backbone.forward_intermediates(  # type: ignore[no-any-return]
            (images * 2 - 1).contiguous(memory_format=torch.channels_last),
            indices=[known.index(reduction) for reduction in reductions],
            intermediates_only=True,
        )


class TimmRecognizer(Recognizer):
    """timm backbone with an embedding head, trained with triplet loss or sub-center ArcFace.

    Args:
        argument: timm model name; None for the shipped one.
        weights: Weights file; None for the shipped file, which fits only the default backbone.
        device: Where templates are computed.
    """

    name = NAME

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(argument, weights=weights, device=device)
        if weights is None and argument not in (None, DEFAULT_BACKBONE):
            raise WeightsError(
                f"No weights are shipped for 'timm:{argument}'; train it with "
                f"'restore-recog train-recognizer --recognizer timm:{argument}' and pass the file "
                "with --recognizer-weights."
            )
        self.weights = weights or weights_file.shipped(NAME)
        config, tensors = weights_file.load(self.weights, NAME)
        config = CONFIGURATION.of_file(config, self.weights)
        if argument not in (None, config["backbone"]):
            raise WeightsError(
                f"{self.weights} holds '{config['backbone']}', not '{argument}'; "
                "leave the model's name out or give its own file."
            )
        self.config, self.tensors = config, tensors
        self.image_size = (config["image_size"], config["image_size"])
        self.settings, self.notes = trained(NAME, self.weights)

    @cached_property
    def net(self) -> EmbeddingNet:
        """Return the network, built when it is first asked for.

        Raises:
            WeightsError: The file describes none, or none that this machine's timm has.
        """
        import timm

        assert self.weights is not None
        path, config = self.weights, self.config
        if not timm.is_model(config["backbone"]):
            raise WeightsError(
                f"{path} wants the network '{config['backbone'][:60]}', which the timm "
                f"{timm.__version__} of this machine does not have; install another version, or "
                "give another file."
            )
        net = built(lambda: EmbeddingNet(**config), self.tensors, path)
        net.eval().requires_grad_(False)
        return net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self) -> None:
        """Build the network."""
        _ = self.net

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, D) unit-length templates of (N, 3, S, S) images in [0, 1]."""
        with torch.inference_mode():
            return F.normalize(self.net(images))

    def feature_maps(self, images: Tensor) -> Tensor:
        """Return differentiable mid-level features, for perceptual losses."""
        return self.net.feature_maps(images)

    def feature_layers(self, images: Tensor, reductions: Sequence[int]) -> list[Tensor]:
        """Return differentiable features of several layers, by how often smaller they are."""
        return self.net.feature_layers(images, reductions)

    @classmethod
    def trainable(
        cls, argument: str | None, device: str = "cpu", **options: Any
    ) -> EmbeddingTraining:
        """Return the training of a backbone, with triplet loss where no other is named.

        ``options`` are ``loss`` and that loss's (:mod:`restore_recog.recognizers.losses`),
        ``image_size``, ``dimension``, ``dropout`` and ``pretrained``.
        """
        # Here, since its libraries take a second to import, and only a training needs them.
        from restore_recog.recognizers.losses import training

        config: dict[str, Any] = {
            "backbone": argument or DEFAULT_BACKBONE,
            "image_size": int(options.pop("image_size", 128)),
            "dimension": int(options.pop("dimension", 256)),
            "dropout": float(options.pop("dropout", 0.2)),
        }
        net = create(config, pretrained=bool(options.pop("pretrained", False)))
        return training(NAME, net, config, config["image_size"], device=device, **options)


def create(config: Mapping[str, Any], *, pretrained: bool) -> EmbeddingNet:
    """Return a fresh net.

    Raises:
        UnknownPluginError: timm has no such model.
        TrainingError: Its pretrained weights are not available on this machine.
    """
    import timm

    if not timm.is_model(config["backbone"]):
        near = get_close_matches(config["backbone"], timm.list_models(), n=3)
        hint = f" Did you mean one of {', '.join(near)}?" if near else ""
        raise UnknownPluginError(f"timm has no model '{config['backbone']}'.{hint}")
    try:
        return EmbeddingNet(**config, pretrained=pretrained)
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        raise TrainingError(
            f"The pretrained weights of '{config['backbone']}' are not available here ({error}); "
            "train without --set pretrained=true."
        ) from error
