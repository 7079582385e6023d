"""The generators together, as training and restoring both need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restore_recog.labels import GENDERS, UNKNOWN
from restore_recog.restorers.landmark_gender.networks import Generator

POOLED = "pooled"

CODES: Mapping[str, int] = {
    POOLED: UNKNOWN,
    **{word: code for code, word in enumerate(GENDERS)},
}
"""Generator -> the code of the faces that are its own; pooled serves where none is known."""

SPLITS: Mapping[str, tuple[str, ...]] = {
    "nets": tuple(CODES),
    "input": (POOLED,),
    "one": (POOLED,),
}
"""How the genders are told apart -> the generators: a network each (the paper), an input plane,
or not at all."""

WHITE = 1.0
"""What the generator sees in place of the hole."""


class LandmarkGenderNets(nn.Module):
    """One generator a gender and the pooled one, or the pooled one alone.

    Args:
        options: Of :mod:`restore_recog.restorers.landmark_gender.presets`, or the same as plain
            JSON values from a weights file.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        o = options
        self.scheme, self.split = o["landmarks"], o["gender_split"]
        inputs = 3 + (o["landmarks"] != "none") + (o["gender_split"] == "input")
        self.generators = nn.ModuleDict(
            {
                name: Generator(
                    inputs,
                    o["base"],
                    attention=o["attention"],
                    upsampling=o["upsampling"],
                    narrow=o["narrow"],
                )
                for name in SPLITS[o["gender_split"]]
            }
        )

    def made_by(
        self,
        name: str,
        occluded: Tensor,
        hole: Tensor,
        dots: Tensor | None,
        labels: Tensor | None = None,
        *,
        looks: bool = True,
    ) -> Tensor:
        """Return the faces of one generator, (N, 3, H, W) in [0, 1], before pasting.

        Args:
            name: Of the generator.
            occluded: (N, 3, H, W) in [0, 1]; what is in the hole is not seen.
            hole: (N, 1, H, W) in {0, 1}.
            dots: (N, 1, H, W) of :func:`~restore_recog.restorers.landmark_gender.dots.dot_map`;
                None for none, which a network that knows landmarks sees as an empty map.
            labels: (N,) codes of the genders, below 0 where unknown; read where the gender is an
                input, None for all unknown.
            looks: Whether the attention attends.
        """
        given = [torch.where(hole > 0, WHITE, occluded)]
        if self.scheme != "none":
            given.append(torch.zeros_like(hole) if dots is None else dots)
        if self.split == "input":
            plane = torch.zeros_like(hole)
            if labels is not None:
                signed = (labels >= 0) * (2 * labels - 1)  # (N,): female -1, male 1, unknown 0
                plane = plane + signed[:, None, None, None]
            given.append(plane)
        face: Tensor = self.generators[name](torch.cat(given, 1), hole, looks=looks)
        return face

    def made(
        self,
        occluded: Tensor,
        hole: Tensor,
        dots: Tensor | None,
        labels: Tensor,
        *,
        looks: bool = True,
    ) -> Tensor:
        """Return faces as :meth:`made_by`, each by the generator that its label chooses.

        Args:
            occluded, hole, dots, looks: As for :meth:`made_by`.
            labels: (N,) codes of the genders; below 0 for the pooled generator.
        """
        if len(self.generators) == 1:
            return self.made_by(POOLED, occluded, hole, dots, labels, looks=looks)
        if torch.compiler.is_compiling():
            return self._traced(occluded, hole, dots, labels, looks)
        faces = torch.zeros_like(occluded)
        for name, code in CODES.items():
            mine = labels == code
            if bool(mine.any()):
                own = None if dots is None else dots[mine]
                face = self.made_by(name, occluded[mine], hole[mine], own, looks=looks)
                faces[mine] = face.to(faces)
        return faces

    def _traced(
        self, occluded: Tensor, hole: Tensor, dots: Tensor | None, labels: Tensor, looks: bool
    ) -> Tensor:
        """Return the same of a graph, which cannot branch: every generator makes every face."""
        faces = self.made_by(POOLED, occluded, hole, dots, looks=looks)
        for word, code in list(CODES.items())[1:]:
            face = self.made_by(word, occluded, hole, dots, looks=looks)
            faces = torch.where((labels == code)[:, None, None, None], face, faces)
        return faces
