"""The arms: what is done to the same probes before the same recogniser sees them.

Adding an arm is adding one class and naming it in :data:`ARMS`.

=============================  ==========================================================="""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from restore_recog.errors import PluginError
from restore_recog.evaluation.arms.arm import Arm, Masks, Restored
from restore_recog.evaluation.arms.oracle import ORACLES, OracleMask
from restore_recog.types import Pixels, Templates

if TYPE_CHECKING:
    from restore_recog.evaluation.run.faces import ProbeFace


class Clean(Arm):
    """The unoccluded counterpart: the ceiling."""

    name = "clean"
    covered = False
    quality = ""


class Occluded(Arm):
    """The probe as given: the floor."""

    name = "occluded"
    base = ""


class Fused(Arm):
    """The mean of the occluded and of the restored template: both faces as one.

    Occluded references are fused as the probes are; clean ones stay as they are. Two templates
    that point in opposite directions have no mean direction, and so no template.
    """

    name = "fused"
    restores = True
    beside = Restored.name
    quality = ""
    fuses = (Occluded.name, Restored.name)

    def join(self, templates: Sequence[Templates]) -> Templates:
        """Return the (N, D) means of the templates, made unit length again."""
        total: Templates = np.sum(templates, axis=0)  # (N, D)
        length = np.linalg.norm(total, axis=1, keepdims=True)  # (N, 1)
        unit = np.full_like(total, np.nan)
        np.divide(total, length, out=unit, where=length > 1e-12)
        return unit


class FusedScores(Fused):
    """The mean of the occluded and of the restored score.

    A product of two templates side by side, each 1/sqrt(2) long, is the mean of the products of
    the two: so this is a search like any other, in twice the numbers. A recogniser that compares
    in its own way is asked about each of the two.
    """

    name = "fused-scores"
    default = False
    side_by_side = True

    def join(self, templates: Sequence[Templates]) -> Templates:
        """Return the (N, k D) templates side by side, of unit length all together."""
        table: Templates = np.concatenate(templates, axis=1) / np.sqrt(len(templates))  # (N, k D)
        table[np.isnan(table).any(axis=1)] = np.nan
        return table


class Fill(Arm):
    """The mean face of the gallery inside the mask: what a restorer must beat."""

    name = "fill"

    def lacks(self, face: ProbeFace, *, segmented: bool) -> str:
        """Return why a probe rules the arm out: it has no mask and no segmenter is asked."""
        return "" if segmented or face.crop.mask is not None else "there is no mask to fill"

    def mask(self, face: ProbeFace, masks: Masks, restorer: str | None) -> Pixels | None:
        """Return the mask to fill."""
        return masks.to_fill(face)

    def image(self, face: ProbeFace, mask: Pixels | None, mean_face: Pixels) -> Pixels:
        """Return the probe with the mean face in its mask."""
        if mask is None:
            return face.crop.pixels
        return np.where(mask[:, :, None] > 0, mean_face, face.crop.pixels)  # (S, S, 3)


class UpperHalf(Arm):
    """Only what lies above the nose tip, on probes and references alike."""

    name = "upper-half"
    default = False
    quality = ""
    part = "upper"

    def image(self, face: ProbeFace, mask: Pixels | None, mean_face: Pixels) -> Pixels:
        """Return the part of the probe."""
        from restore_recog.alignment import part_of

        return part_of(face.crop.pixels, self.part)


class Eyes(UpperHalf):
    """Only what lies above the middle between the eyes and the nose tip, likewise.

    The ``upper-half`` still shows the upper edge of most masks (of drawn coverings on LFW: 9 % of
    what is left); here they are nearly gone (2 %).
    """

    name = "eyes"
    part = "eyes"


class RestoredClean(Restored):
    """The restorer on unoccluded probes: does it do harm?"""

    name = "restored-clean"
    covered = answers = False
    base = "clean"
    beside = ""
    quality = "whole"


ARMS: Mapping[str, Arm] = {
    arm.name: arm
    for arm in (
        Clean(), Occluded(), Restored(), Fused(), FusedScores(), OracleMask(), *ORACLES,
        Fill(), UpperHalf(), Eyes(), RestoredClean(),
    )
}  # fmt: skip
"""Every arm by its name, in order of display."""

DEFAULT_ARMS = tuple(name for name, arm in ARMS.items() if arm.default)

BESIDES = "+"
"""Before the name of an arm that is to run besides those that run without being named."""


def check_arms(names: Sequence[str]) -> None:
    """Refuse the name of an arm that there is not.

    Args:
        names: Of arms, or :data:`BESIDES` and the name of one.

    Raises:
        PluginError: There is one.
    """
    for name in (name.removeprefix(BESIDES) for name in names):
        if name not in ARMS:
            near = difflib.get_close_matches(name, ARMS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise PluginError(f"There is no arm '{name}'; there are {', '.join(ARMS)}.{hint}")
