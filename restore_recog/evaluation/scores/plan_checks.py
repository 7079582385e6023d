"""Whether a plan asks for comparisons that can be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from restore_recog.api import Plan
from restore_recog.errors import DataError
from restore_recog.labels import UNKNOWN, code
from restore_recog.types import FaceSample


def check_search(plan: Plan, subjects: Mapping[str, str]) -> None:
    """Raise DataError where an image would be searched in itself, or nobody can be found."""
    if overlap := sorted(set(plan.references) & set(plan.probes)):
        raise DataError(
            f"The protocol puts '{overlap[0]}' among the probes and into the gallery; "
            "an image must not be searched in itself."
        )
    enrolled = {subjects[image_id] for image_id in plan.references}
    if not any(subjects[image_id] in enrolled for image_id in plan.probes):
        raise DataError(
            f"None of the {len(plan.probes)} probes of the protocol has a reference of its "
            "subject, so none can be found; give images of the same people to both."
        )


def check_pairs(plan: Plan, columns: set[str]) -> None:
    """Raise DataError where a pair has an image that is not in the plan, or nothing is compared.

    Args:
        plan: With the pairs.
        columns: image_ids of what may be a reference.
    """
    probes = set(plan.probes)
    for trial in plan.pairs:
        for kind, image_id, known in (
            ("probe", trial.probe_id, probes),
            ("reference", trial.reference_id, columns),
        ):
            if image_id not in known:
                raise DataError(
                    f"The protocol's pair of '{trial.reference_id}' and '{trial.probe_id}' "
                    f"needs '{image_id}', which is no {kind} of its plan; fix the protocol."
                )
    if not plan.identification and not plan.pairs:
        raise DataError(
            "The protocol has neither a search nor a pair whose two images exist, so there is "
            "nothing to measure; is its list of pairs made for this data?"
        )


def check_trials(plan: Plan) -> None:
    """Raise DataError where a trial of an open set has an image that is not in the plan."""
    references, probes = set(plan.references), set(plan.probes)
    for number, trial in enumerate(plan.open_set, 1):
        for kind, ids, known in (
            ("gallery", trial.gallery, references),
            ("probe", trial.probes, probes),
        ):
            if strange := sorted({*ids} - known):
                raise DataError(
                    f"The {kind} image '{strange[0]}' of the protocol's trial {number} is not "
                    "among the images of its plan; fix the protocol."
                )


def check_labels(label: str, samples: Sequence[FaceSample]) -> None:
    """Raise DataError where a classifier is to be asked about a probe whose truth is unknown."""
    lacking = [s for s in samples if label and code(label, s.attributes.get(label, "")) == UNKNOWN]
    if lacking:
        raise DataError(
            f"The protocol asks for the {label} of {len(samples)} probes, and the data does not "
            f"say that of {len(lacking)} of them ('{lacking[0].image_id}' is the first); give the "
            "data that the plan was made for."
        )
