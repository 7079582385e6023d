"""The plug-ins that the restorer works with: a landmarker and a classifier of gender, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from restore_recog.api import Classifier, Landmarker
from restore_recog.errors import PluginError, WeightsError
from restore_recog.labels import GENDER
from restore_recog.registry import Registry, classifiers, landmarkers

P = TypeVar("P", Landmarker, Classifier)


def landmarker_of(name: str, weights: Path, device: str) -> Landmarker:
    """Return the landmarker that a weights file names; see :func:`_part`."""
    return _part(landmarkers, name, weights, device)


def classifier_of(name: str, weights: Path, device: str) -> Classifier:
    """Return the classifier that a weights file names; see :func:`_part`.

    Raises:
        PluginError: It tells something else than gender.
    """
    classifier = _part(classifiers, name, weights, device)
    if classifier.label != GENDER:
        raise PluginError(
            f"{weights} names the classifier '{name}', which tells a face's {classifier.label} and "
            "not its gender."
        )
    return classifier


def _part(plugins: Registry[P], name: str, weights: Path, device: str) -> P:
    """Return a registered plug-in: with the weights beside the restorer's, or its shipped ones.

    A weights file decides which plug-in is imported here, so that a dotted path is none.

    Args:
        plugins: Where it is registered.
        name: What the weights file calls it.
        weights: The restorer's; ``NAME.safetensors`` in the same folder goes before the shipped.
        device: Where it computes.

    Raises:
        WeightsError: It is not registered, or there are no weights for it.
    """
    if name not in plugins.names():
        raise WeightsError(
            f"{weights} names the {plugins.kind} '{name}', which is not installed; there are "
            f"{', '.join(plugins.names())}."
        )
    beside = weights.with_name(f"{name}{weights.suffix}")
    try:
        return plugins.create(name, weights=beside if beside.is_file() else None, device=device)
    except WeightsError as error:
        raise WeightsError(
            f"The restorer with the weights {weights} works with the {plugins.kind} '{name}', "
            f"which cannot be had ({error}); train it with 'restore-recog train-{plugins.kind} "
            f"--{plugins.kind} {name}' and put its weights there: {beside}."
        ) from error
