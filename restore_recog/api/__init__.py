"""The contracts: what a plug-in must do, and nothing concrete.

A plug-in is a class that is registered under one of seven entry-point groups
(``restore_recog.restorers``, ``.segmenters``, ``.protocols``, ``.recognizers``, ``.classifiers``,
``.landmarkers``, ``.datasets``), by the decorator :func:`restore_recog.registry.register`, or named
on the command line by its dotted path (``my_package.my_module:MyRestorer``).

A name may carry an argument after a colon (``timm:regnetx_002``, ``lfw:/data/lfw``); it becomes
the first constructor argument.
"""

from restore_recog.api.models import (
    Classifier,
    Compare,
    Landmarker,
    Recognizer,
    Restorer,
    Segmenter,
)
from restore_recog.api.plugins import Dataset, EvaluationProtocol, OpenSetTrial, Plan
from restore_recog.api.training import Classifying, Networked, Phase, Stateful, Trainable, Validated

__all__ = [
    "Classifier",
    "Classifying",
    "Compare",
    "Dataset",
    "EvaluationProtocol",
    "Landmarker",
    "Networked",
    "OpenSetTrial",
    "Phase",
    "Plan",
    "Recognizer",
    "Restorer",
    "Segmenter",
    "Stateful",
    "Trainable",
    "Validated",
]
