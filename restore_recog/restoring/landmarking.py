"""Asking a landmarker where the 98 landmarks of images are, in training and in use."""

from __future__ import annotations

from torch import Tensor

from restore_recog import weights as weights_file
from restore_recog.api import Landmarker, answers
from restore_recog.errors import RestoreRecogError, TrainingError
from restore_recog.registry import landmarkers
from restore_recog.restoring.restoration import resize


def located(landmarker: Landmarker, images: Tensor) -> Tensor:
    """Return the (N, 98, 2) landmarks that a landmarker finds, in pixels of the images.

    Args:
        landmarker: On the device of the images.
        images: (N, 3, H, W) in [0, 1]; resized to what it wants.

    Raises:
        PluginError: It breaks its contract.
    """
    small = landmarker.image_size
    points = answers.located(landmarker, resize(images, small))
    height, width = images.shape[2:]
    ratio = points.new_tensor([width / small[1], height / small[0]])
    return (points + 0.5) * ratio - 0.5


def teaching_landmarker(options: dict[str, object], device: str, instead: str) -> Landmarker:
    """Return the landmarker that a training names, and record there which one it is.

    Args:
        options: With ``landmarker``, a name or ``NAME=FILE``; afterwards the name alone, and in
            ``landmarker_mark`` its file's :func:`restore_recog.weights.teacher_mark`.
        device: Where it computes.
        instead: What else to do where it cannot be had, for the message.

    Raises:
        TrainingError: It is not available.
    """
    spec = str(options["landmarker"])
    try:
        landmarker = landmarkers.create(spec, device=device)
    except RestoreRecogError as error:
        raise TrainingError(
            f"The training needs the landmarker '{spec}' ({error}); name its weights with --set "
            f"landmarker=hourglass=FILE, or {instead}."
        ) from error
    file = landmarker.weights
    options["landmarker"] = landmarker.name
    options["landmarker_mark"] = "" if file is None else weights_file.teacher_mark(file)
    return landmarker
