"""The expression term: whether a classifier still tells the expression that was asked for.

Deviation: not in the paper, whose discriminators are told the label and have to see for themselves
whether a face shows it; so small ones, in so short a training, do not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from restore_recog import weights
from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.labels import EXPRESSION, UNKNOWN
from restore_recog.nn.teachers import random_views
from restore_recog.registry import DEFAULT_CLASSIFIERS, classifiers


class Expert(nn.Module):
    """A frozen classifier of expressions, and the loss of what it tells.

    A network can please a classifier with patterns that no face shows; it sees the faces in other
    colours, softer and noisier, as the teachers of the identity terms do.

    Args:
        spec: The classifier, e.g. ``resnet18=FILE``.
        device: Where it computes.

    Attributes:
        name: What to record of it.

    Raises:
        TrainingError: It is not available, not differentiable, tells another label, or is the one
            that reports ask by default, which would judge its own pupil.
    """

    def __init__(self, spec: str, device: str) -> None:
        super().__init__()
        try:
            classifier = classifiers.create(spec, device=device)
        except RestoreRecogError as error:
            raise TrainingError(
                f"The expression term needs the classifier '{spec}' ({error}); name another with "
                "--set expert=resnet18=FILE, or set the weight to 0."
            ) from error
        net, file = getattr(classifier, "net", None), classifier.weights
        if classifier.label != EXPRESSION or not isinstance(net, nn.Module):
            raise TrainingError(
                f"'{spec}' cannot teach expressions: it tells a face's {classifier.label}, or has "
                "no differentiable network 'net'. Choose another."
            )
        mark = "" if file is None else f" {weights.teacher_mark(file)}"
        judge = weights.shipped(DEFAULT_CLASSIFIERS[EXPRESSION])
        if mark and mark.strip() == weights.teacher_mark(judge):
            raise TrainingError(
                f"'{spec}' is what reports ask by default, and could not judge a restorer that was "
                "trained towards it; train another with 'restore-recog train-classifier'."
            )
        self.net, self.size = net.eval().requires_grad_(False), classifier.image_size
        self.name = classifier.name + ("" if file is None else f":{file.name}{mark}")

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy of the labels that are known; 0 where none is.

        Args:
            images: (N, 3, H, W) in [0, 1].
            labels: (N,) codes, below 0 where unknown.
        """
        known = labels != UNKNOWN
        if not bool(known.any()):
            return 0 * images.sum()
        with torch.autocast(images.device.type, enabled=False):
            seen = random_views(images[known].float())[0]
            seen = F.interpolate(seen, self.size, mode="bilinear", antialias=True)
            return F.cross_entropy(self.net(seen), labels[known])
