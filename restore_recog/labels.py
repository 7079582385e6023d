"""Labels of faces as numbers: one order of names for training, networks and evaluation.

Data sets call things by words (:attr:`restore_recog.types.FaceSample.attributes`) and turn the
numbers and the orders of their own files into these words where they read them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXPRESSION, GENDER = "expression", "gender"
"""The kinds of labels."""

EXPRESSIONS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""The order of RAF-DB."""

GENDERS = ("female", "male")

KINDS: Mapping[str, tuple[str, ...]] = {EXPRESSION: EXPRESSIONS, GENDER: GENDERS}
"""What is known of an image in training: attribute -> its words; a word's place is its code."""

UNKNOWN = -1
"""The code of an image without the label, or with a word that is none of the kind."""


def code(kind: str, word: str) -> int:
    """Return the code of a word, :data:`UNKNOWN` where it is empty or none of the kind.

    Args:
        kind: A key of :data:`KINDS`.
        word: Such as ``happiness``; ``contempt`` is none of the seven.
    """
    words = KINDS[kind]
    return words.index(word) if word in words else UNKNOWN


def codes(attributes: Sequence[Mapping[str, str]]) -> dict[str, NDArray[np.int64]]:
    """Return the (N,) codes of N images for every kind.

    Args:
        attributes: Of each image, as in :class:`restore_recog.types.FaceSample`.
    """
    import numpy as np  # the command line names labels, and its help must not wait

    return {
        kind: np.array([code(kind, known.get(kind, "")) for known in attributes], np.int64)
        for kind in KINDS
    }
