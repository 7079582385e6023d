"""Mask R-CNN by torchvision, of one class: its sizes, its probabilities and its losses.

Source: He et al., "Mask R-CNN", ICCV 2017; with ResNet-50 and a feature pyramid as torchvision's
``maskrcnn_resnet50_fpn``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import masks_to_boxes
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

CLASSES = 2
"""Ground and covering."""

SURE = 0.5
"""Score from which an instance counts."""

ANCHORS = (1 / 8, 1 / 4, 1 / 2, 1, 2)
"""Sides of the anchors of the five levels, as shares of the image's; 32 to 512 pixels of 256."""

RATIOS = (0.5, 1.0, 2.0)
"""Heights of the anchors over their widths."""

MOBILENETS: Mapping[str, tuple[Callable[..., Any], Mapping[str, int]]] = {
    "mobilenet_large": (mobilenet_v3_large, {"3": 24, "6": 40, "12": 112, "15": 160}),
    "mobilenet_small": (mobilenet_v3_small, {"1": 16, "3": 24, "8": 48, "11": 96}),
}
"""How each is made, and its last blocks at strides 4, 8, 16 and 32 with their channels."""

Target = dict[str, Tensor]
"""``boxes`` (K, 4), ``labels`` (K,) and ``masks`` (K, H, W) of one image's instances."""


class CoveringNet(nn.Module):
    """Mask R-CNN with the covering as its one class.

    Args:
        options: ``size``, ``backbone``, ``width``, ``head``, ``mask_convs``, ``rois``, ``anchors``
            and ``proposals`` of :data:`restore_recog.segmenters.maskrcnn.presets.PRESETS`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.size: int = options["size"]
        self.rcnn = _built(options)
        self._note_strides()

    def probability(self, images: Tensor) -> Tensor:
        """Return the largest mask probability of the instances that the net is sure of.

        Each image goes through the net by itself: proposals are ranked, so that a difference in
        the last bit, as batches of several sizes have, may change which of them are kept.

        Args:
            images: (N, 3, S, S) in [0, 1]; the net is in eval mode.

        Returns:
            (N, 1, S, S) in [0, 1]; 0 everywhere where no instance has a score of :data:`SURE`.
        """
        return torch.stack([self._union(image) for image in images.unsqueeze(1)])

    def losses(self, images: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Return the five losses of a batch, float32 scalars; the net is in training mode.

        Args:
            images: (N, 3, S, S) in [0, 1].
            masks: (N, 1, S, S) in {0, 1}.
        """
        targets = instances(masks)
        shown, features = self._features(images)
        with _float32(images):
            boxes, first = self.rcnn.rpn(shown, features, targets)
            _, second = self.rcnn.roi_heads(features, boxes, shown.image_sizes, targets)
        return {**first, **second}

    def _union(self, image: Tensor) -> Tensor:
        """Return (1, S, S) of (1, 3, S, S)."""
        shown, features = self._features(image)
        with _float32(image):
            boxes, _ = self.rcnn.rpn(shown, features)
            answers, _ = self.rcnn.roi_heads(features, boxes, shown.image_sizes)
            shapes = shown.image_sizes
            (answer,) = self.rcnn.transform.postprocess(answers, shapes, shapes)
        sure = answer["masks"][answer["scores"] >= SURE]  # (K, 1, S, S)
        return sure.amax(0) if len(sure) else image.new_zeros(1, self.size, self.size)

    def _features(self, images: Tensor) -> tuple[ImageList, dict[str, Tensor]]:
        """Return normalised images and, by level, their features, in float32.

        The backbone alone computes in the precision around it: boxes are differences of large
        numbers. torchvision's own way in would also resize images that have the right size.
        """
        normal = self.rcnn.transform.normalize(images)
        levels = self.rcnn.backbone(normal)  # level -> (N, width, S / stride, S / stride)
        shapes = [(self.size, self.size)] * len(images)
        return ImageList(normal, shapes), {name: part.float() for name, part in levels.items()}

    def _note_strides(self) -> None:
        """Let the pooling of regions note the levels' strides, as it does at the first image.

        Otherwise the net would become another one, to whoever hashes all it holds, by its use.
        """
        sides = [self.size // stride for stride in (4, 8, 16, 32)]
        levels = {str(i): torch.zeros(1, 1, side, side) for i, side in enumerate(sides)}
        heads = self.rcnn.roi_heads
        for pool in (heads.box_roi_pool, heads.mask_roi_pool):
            pool(levels, [torch.zeros(0, 4)], [(self.size, self.size)])


def instances(masks: Tensor) -> list[Target]:
    """Return each image's targets: its covering as one instance, or none on a bare face.

    Args:
        masks: (N, 1, H, W) in {0, 1}.
    """
    return [_instances(one) for one in masks]


def _instances(mask: Tensor) -> Target:
    covered = mask[mask.flatten(1).any(1)]  # (K, H, W), K 1 or 0
    boxes = masks_to_boxes(covered) if len(covered) else covered.new_zeros(0, 4)
    # The last pixel belongs to the box: its far edge is one on.
    boxes = boxes.float() + boxes.new_tensor([0.0, 0.0, 1.0, 1.0])
    labels = torch.ones(len(covered), dtype=torch.int64, device=mask.device)
    return {"boxes": boxes, "labels": labels, "masks": covered.to(torch.uint8)}


def _float32(images: Tensor) -> torch.autocast:
    """Return a context without autocast on the device of the images."""
    return torch.autocast(images.device.type, enabled=False)


def _built(options: Mapping[str, Any]) -> MaskRCNN:
    """Return torchvision's model at the sizes of the options; the images keep theirs."""
    size, proposals = options["size"], options["proposals"]
    common: dict[str, Any] = {
        "min_size": size,
        "max_size": size,
        "rpn_batch_size_per_image": options["anchors"],
        "rpn_pre_nms_top_n_train": 2 * proposals,
        "rpn_pre_nms_top_n_test": proposals,
        "rpn_post_nms_top_n_train": 2 * proposals,
        "rpn_post_nms_top_n_test": proposals,
        "box_batch_size_per_image": options["rois"],
        "rpn_anchor_generator": _anchors(size),
    }
    if options["backbone"] == "resnet50":
        return maskrcnn_resnet50_fpn(
            weights=None, weights_backbone=None, num_classes=CLASSES, **common
        )
    backbone = _mobilenet(options["backbone"], options["width"])
    return MaskRCNN(backbone, **_heads(options), **common)


def _anchors(size: int) -> AnchorGenerator:
    sides = tuple((max(1, round(share * size)),) for share in ANCHORS)
    return AnchorGenerator(sides, (RATIOS,) * len(sides))


def _mobilenet(name: str, width: int) -> BackboneWithFPN:
    """Return a MobileNetV3 with a feature pyramid of *width* channels.

    Deviation: its last 1x1 convolution is left out, and the statistics of its norms follow the
    batches ten times as fast, since trainings from scratch are short.
    """
    make, levels = MOBILENETS[name]
    norm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.1)
    return BackboneWithFPN(
        make(weights=None, norm_layer=norm).features,
        {block: str(level) for level, block in enumerate(levels)},
        list(levels.values()),
        width,
        extra_blocks=LastLevelMaxPool(),
    )


def _heads(options: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Return narrow heads of the same kinds as torchvision's."""
    width, head = options["width"], options["head"]
    return {
        "rpn_head": RPNHead(width, len(RATIOS)),
        "box_head": TwoMLPHead(width * 7 * 7, head),
        "box_predictor": FastRCNNPredictor(head, CLASSES),
        "mask_head": MaskRCNNHeads(width, (width,) * options["mask_convs"], 1),
        "mask_predictor": MaskRCNNPredictor(width, width, CLASSES),
    }
