"""How faces are fed, references enrolled and scores made, where it is not the usual way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restore_recog.api import Recognizer
from restore_recog.photographs import own_crop, reaches_beyond

if TYPE_CHECKING:
    from restore_recog.evaluation.run.session import Session


def feeding(session: Session) -> list[str]:
    """Return what the recogniser's crops are cut from, where that is not the restorers' crop."""
    recognizer = session.request.recognizer
    if recognizer.template is None or own_crop(recognizer.template) or session.asks_quality:
        return []
    height, width = recognizer.image_size
    sentences = []
    if reaches_beyond(recognizer.template, recognizer.image_size):
        sentences.append(
            "Warning: the recogniser's template shows more than what is kept of a photograph; the "
            "edges of its crops repeat the border of that."
        )
    return [
        *sentences,
        f"The recogniser's crops ({width} wide, {height} high) are cut from the photographs at its "
        "own template, after what was covered or restored in the restorers' crop was put back "
        "into them. Images that came as aligned crops are scaled, not cut.",
    ]


def normalised(session: Session) -> list[str]:
    """Return how scores are normalised, and with whom, where they are."""
    if session.cohort is None:
        return []
    kind, people = session.request.score_norm, len(session.cohort.samples)
    side = {"z": "the reference's", "t": "the probe's", "s": "both sides'"}[str(kind)]
    return [
        f"Scores are normalised ({kind}-norm): they are in standard deviations from the mean of "
        f"{side} scores with a cohort of {people} people of the training split. If the recogniser "
        "was trained on these people, they are no strangers to it. Cosines are not normalised."
    ]


def pooled(session: Session) -> list[str]:
    """Return what the references of a person are weighted by, where they are."""
    if not session.request.weighs:
        return []
    weighed = "the sharpness of the recogniser's crops (the standard deviation of the Laplacian)"
    if type(session.request.recognizer).unnormalised is not Recognizer.unnormalised:
        weighed = "the lengths that the recogniser gives them"
    return [
        "Each person's references are enrolled as one template, the mean of theirs weighted by "
        f"{weighed}, with the same weights in every arm."
    ]
