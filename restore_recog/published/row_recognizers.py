"""Recognisers that rows of a published table have of their own, such as "PCA" and "SCA"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from restore_recog import registry
from restore_recog.api import Recognizer


@dataclass(frozen=True, slots=True)
class Role:
    """What stands in for a recogniser of a paper.

    Attributes:
        label: As the paper calls it.
        spec: Its name here, unless another is asked for.
        made: How its weights are come by; empty where it needs none.
    """

    label: str
    spec: str
    made: str = ""


ROLES: Mapping[str, Role] = {
    "pca": Role("PCA", "pca"),
    "lpp": Role("LPP", "lpp"),
    "src": Role("SR", "src"),
    "gpca": Role("GPCA", "gpca"),
    "vggface": Role("VGG-Face", "vggface", "VGG-Face's weights, as docs/recognisers.md says"),
    "sca": Role(
        "SCA",
        "timm",
        "restore-recog train-recognizer --recognizer timm --set loss=subcenter-arcface",
    ),
}
"""Key in the tables' files -> recogniser."""


def chosen(
    wanted: tuple[str, ...], specs: Mapping[str, str], weights: Mapping[str, Path], device: str
) -> dict[str, Recognizer]:
    """Return the recognisers of a table's rows; those without the weights they need are left out.

    Args:
        wanted: Keys of :data:`ROLES`.
        specs: Key -> another recogniser than usual.
        weights: Key -> its weights file.
        device: Where they compute.

    Raises:
        PluginError: A recogniser is unknown or cannot be made.
        WeightsError: A file does not fit.
    """
    return {
        key: registry.recognizers.create(
            specs.get(key, ROLES[key].spec), weights=weights.get(key), device=device
        )
        for key in wanted
        if key in specs or key in weights or not ROLES[key].made
    }


def wanting(key: str) -> str:
    """Return what fills the rows of a recogniser that a run did not have."""
    role = ROLES[key]
    return (
        f"the rows with {role.label} are filled by --row-weights {key}=FILE ({role.made}), or by "
        f"--row-recognizer {key}=NAME"
    )
