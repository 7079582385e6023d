"""``facenet[:vggface2|casia-webface]``: InceptionResnetV1 of facenet-pytorch.

With an argument the pretrained weights come through facenet-pytorch's own loader, which downloads
them once; without one a weights file trained by this tool is needed.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch.nn.functional as F
from facenet_pytorch.models.inception_resnet_v1 import (
    InceptionResnetV1,
    get_torch_home,
    load_weights,
)
from torch import Tensor, inference_mode, nn

from restore_recog import weights as weights_file
from restore_recog.api import Recognizer
from restore_recog.errors import WeightsError
from restore_recog.nn.building import built
from restore_recog.nn.options import Configuration
from restore_recog.recognizers.crop_templates import FACENET
from restore_recog.recognizers.embedding import EmbeddingTraining
from restore_recog.recognizers.trained import trained

NAME = "facenet"
PRETRAINED = {
    "vggface2": ("20180402-114759-vggface2.pt", 8631),
    "casia-webface": ("20180408-102900-casia-webface.pt", 10575),
}
"""facenet-pytorch's weights: the file of each, and how many people it was trained on."""

ORIGIN = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/"
PATIENCE = 20.0
"""Seconds without an answer after which a download is given up."""

SIZE = 160

CONFIGURATION = Configuration(
    "the recogniser 'facenet'",
    {"dropout": 0.6},
    needed=("dropout",),
    limits={"dropout": (0.0, 1.0)},
)


class InceptionNet(nn.Module):
    """InceptionResnetV1 that takes images in [0, 1]; (N, 3, 160, 160) -> (N, 512)."""

    def __init__(self, dropout: float = 0.6) -> None:
        super().__init__()
        self.net = InceptionResnetV1(pretrained=None, dropout_prob=dropout)

    def forward(self, images: Tensor) -> Tensor:
        """Return unit-length templates."""
        return self.net((images * 255 - 127.5) / 128)  # type: ignore[no-any-return]


class FaceNet(Recognizer):
    """facenet-pytorch's InceptionResnetV1, pretrained or trained here.

    Args:
        argument: ``vggface2``, ``casia-webface``, or None for your own file.
        weights: Weights file written by ``train-recognizer``.
        device: Where templates are computed.
    """

    name = NAME
    image_size = (SIZE, SIZE)
    template = FACENET.array()

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        super().__init__(argument, weights=weights, device=device)
        if weights is not None:
            config, tensors = weights_file.load(weights, NAME)
            dropout = CONFIGURATION.of_file(config, weights)["dropout"]
            net = built(lambda: InceptionNet(dropout), tensors, weights)
            self.settings, self.notes = trained(NAME, weights)
        elif argument is not None:
            net = pretrained_net(argument)
        else:
            raise WeightsError(
                "'facenet' ships without weights; use 'facenet:vggface2' or "
                "'facenet:casia-webface' (107 MB, which facenet-pytorch downloads once; without a "
                f"network put {ORIGIN}{PRETRAINED['vggface2'][0]} into {_downloads()}), or pass a "
                "trained file with --recognizer-weights."
            )
        self.net = net.eval().requires_grad_(False).to(device)

    def embed(self, images: Tensor) -> Tensor:
        """Return (N, 512) unit-length templates of (N, 3, 160, 160) images in [0, 1]."""
        with inference_mode():
            return F.normalize(self.net(images))

    @classmethod
    def trainable(
        cls, argument: str | None, device: str = "cpu", **options: Any
    ) -> EmbeddingTraining:
        """Return the training, from scratch or from pretrained weights (*argument*).

        ``options`` are ``loss`` and that loss's (:mod:`restore_recog.recognizers.losses`), and
        ``dropout``.
        """
        # Here, since its libraries take a second to import, and only a training needs them.
        from restore_recog.recognizers.losses import training

        config: Mapping[str, Any] = {"dropout": float(options.pop("dropout", 0.6))}
        net = pretrained_net(argument) if argument else InceptionNet(config["dropout"])
        return training(NAME, net, config, SIZE, device=device, **options)


def pretrained_net(name: str) -> InceptionNet:
    """Return the net with facenet-pytorch's weights.

    Raises:
        WeightsError: No such weights, or they cannot be downloaded here.
    """
    if name not in PRETRAINED:
        raise WeightsError(
            f"facenet-pytorch has no weights '{name}'; choose from {', '.join(PRETRAINED)}."
        )
    file, people = PRETRAINED[name]
    net = InceptionNet()
    # The published files hold a classification layer, which the loader needs a place for.
    net.net.logits = nn.Linear(512, people)
    before = socket.getdefaulttimeout()
    try:
        socket.setdefaulttimeout(PATIENCE)
        load_weights(net.net, name)
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsError(
            f"'facenet:{name}' needs {file}, which cannot be downloaded or read ({error}); put "
            f"{ORIGIN}{file} into {_downloads()} by hand, in place of a damaged one, or choose "
            "another recogniser."
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    del net.net.logits
    return net


def _downloads() -> Path:
    """Return the folder where facenet-pytorch keeps its files."""
    return Path(get_torch_home()) / "checkpoints"
