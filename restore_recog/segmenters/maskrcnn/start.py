"""Where a training of the Mask R-CNN segmenter starts: COCO weights, other weights, or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from restore_recog import weights as weights_file
from restore_recog.errors import TrainingError
from restore_recog.nn import torchvision_files
from restore_recog.nn.stepping import start_from
from restore_recog.segmenters.maskrcnn.networks import CoveringNet

COCO = MaskRCNN_ResNet50_FPN_Weights.COCO_V1

OF_THE_CLASSES = ("roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.")
"""What COCO's 91 classes have to themselves: it starts anew for the covering."""


def start(net: CoveringNet, init: str, model: str) -> tuple[str, bool]:
    """Copy the weights that a training starts from into the net.

    Args:
        net: Changed in place.
        init: ``scratch``, ``coco``, ``shipped``, or a file.
        model: The plug-in's name.

    Returns:
        What to record of them, by content and not by place, and whether they are COCO's.

    Raises:
        TrainingError: torchvision cannot get its weights, or they are those of another network.
        WeightsError: The file is missing, damaged, or another network's.
    """
    if init in ("scratch", ""):
        return "scratch", False
    if init == "coco":
        _check_backbone(net)
        tensors = torchvision_files.fetched(
            COCO,
            "The COCO weights of torchvision's Mask R-CNN",
            "train from scratch with --set init=scratch",
        )
        _take(net, tensors, Path(COCO.url))
        return f"coco:{Path(COCO.url).stem}", True
    path = Path(init)
    if path.suffix not in torchvision_files.ENDINGS:
        return start_from(net, init, model), False
    _check_backbone(net)
    _take(net, weights_file.foreign(path), path)
    return f"sha256:{weights_file.fingerprint(path)}", True


def frozen(net: CoveringNet) -> list[nn.Module]:
    """Return what stays as COCO's weights have it: the stem, the first stage and every norm."""
    body = net.rcnn.backbone.body
    norms = [part for part in net.modules() if isinstance(part, _BatchNorm)]
    return [body.conv1, body.layer1, *norms]


def _check_backbone(net: CoveringNet) -> None:
    if not hasattr(net.rcnn.backbone.body, "layer1"):
        raise TrainingError(
            "COCO weights are those of ResNet-50; train with --set backbone=resnet50 (or --preset "
            "paper), or start from --set init=scratch."
        )


def _take(net: CoveringNet, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy torchvision's COCO weights, all but what its classes have to themselves.

    They were trained with norms that add nothing to the variance; ours add ``eps``, which is
    taken off here.
    """
    own = net.rcnn.state_dict()
    kept = {n: t for n, t in own.items() if n.startswith(OF_THE_CLASSES) or "num_batches" in n}
    given = {n: t.float() for n, t in tensors.items() if n not in kept}
    weights_file.load_into(net.rcnn, kept | given, path)
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_var is not None:
            part.running_var -= part.eps
