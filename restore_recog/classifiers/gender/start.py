"""Where a training of the gender classifier starts: ImageNet weights, other weights, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor
from torchvision.models import Inception_V3_Weights

from restore_recog import weights as weights_file
from restore_recog.classifiers.gender.networks import GenderNet, Inception
from restore_recog.classifiers.gender.presets import LABEL, NAME
from restore_recog.errors import TrainingError
from restore_recog.nn import torchvision_files
from restore_recog.nn.stepping import start_from

IMAGENET = Inception_V3_Weights.IMAGENET1K_V1

DROPPED = ("fc.", "AuxLogits.")
"""What ImageNet's thousand classes have to themselves."""


def start(net: GenderNet, init: str) -> str:
    """Copy the weights that a training starts from into the net.

    Args:
        net: Changed in place.
        init: ``scratch``, ``imagenet``, ``shipped``, or a file.

    Returns:
        What to record of them, by content and not by place.

    Raises:
        TrainingError: They cannot be had, are those of another network, or a frozen backbone would
            stay random.
        WeightsError: The file is missing, damaged, or another network's.
    """
    frozen, path = isinstance(net.backbone, Inception), Path(init)
    if init in ("scratch", ""):
        if frozen:
            raise TrainingError(
                f"{LABEL}'s Inception-v3 is frozen and cannot start from scratch; leave init at "
                "'imagenet', or name a file with --set init=FILE."
            )
        return "scratch"
    if init != "imagenet" and path.suffix not in torchvision_files.ENDINGS:
        return start_from(net, init, NAME)
    if not frozen:
        raise TrainingError(
            f"ImageNet weights are those of Inception-v3, which {LABEL.lower()} has with --preset "
            "paper only; leave init out."
        )
    if init == "imagenet":
        what = "The ImageNet weights of torchvision's Inception-v3"
        tensors = torchvision_files.fetched(
            IMAGENET, what, "train --preset compact, which needs none"
        )
        _take(net, tensors, Path(IMAGENET.url))
        return f"imagenet:{Path(IMAGENET.url).stem}"
    _take(net, weights_file.foreign(path), path)
    return f"sha256:{weights_file.fingerprint(path)}"


def _take(net: GenderNet, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy all but what the classes have to themselves; old files count no batches."""
    given = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
        if not name.startswith(DROPPED)
    }
    own = net.backbone.net.state_dict()
    counts = {name: own[name] for name in own if name.endswith("num_batches_tracked")}
    weights_file.load_into(net.backbone.net, counts | given, path)
