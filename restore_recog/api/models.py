"""What each kind of plug-in with a network must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from restore_recog.api.training import Trainable
from restore_recog.errors import NotTrainableError
from restore_recog.labels import KINDS
from restore_recog.types import FaceBatch, Templates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


Compare = Callable[["Templates", "Templates"], "NDArray[np.floating]"]
"""(R, D) references and (P, D) probes -> their (R, P) scores: :meth:`Recognizer.compare`."""


class _Model(ABC):
    """What segmenters and recognisers are made with: NAME:ARGUMENT, a weights file, a device."""

    name: ClassVar[str]

    def __init__(
        self, argument: str | None = None, *, weights: Path | None = None, device: str = "cpu"
    ) -> None:
        self.argument = argument
        self.weights = weights
        self.device = device


class Segmenter(_Model):
    """Finds the covering in a face crop."""

    @abstractmethod
    def segment(self, images: Tensor) -> Tensor:
        """Return the mask.

        Args:
            images: (N, 3, H, W) float32 RGB in [0, 1]; any H and W.

        Returns:
            (N, 1, H, W) float32 in {0, 1}; 1 = occluded. The result for one image does not
            depend on its batch mates.
        """

    @classmethod
    def trainable(cls, argument: str | None, device: str = "cpu", **options: Any) -> Trainable:
        """Return what ``restore-recog train-segmenter`` trains.

        Raises:
            NotTrainableError: It has nothing to learn.
        """
        raise NotTrainableError(f"The segmenter '{cls.name}' cannot be trained.")


class Restorer(ABC):
    """Restores the occluded part of aligned face crops.

    Attributes:
        name: Module name and command-line name, lower snake case.
        image_size: (H, W) of the crops that :meth:`restore` is given.
        needs: Which fields of :class:`FaceBatch` it reads besides ``images``; ``expression`` and
            ``gender`` are attributes that only the arms ``restored-oracle-label`` and
            ``restored-oracle-gender`` have, and that may be -1.
        argument: What stood behind the colon of ``NAME:ARGUMENT``, or None; a class that takes one
            has it as its first parameter.
        baselines: Label -> dotted path of restorers that take the same weights and yield the
            same images in another way; ``bench restore`` times them beside it.
        taught_by: Recognisers that its training went by, as ``NAME``, ``NAME:ARGUMENT`` or
            ``NAME:FILE MARK`` with a file's :func:`restore_recog.weights.teacher_mark`; reports
            say which of them judge it.
        notes: Sentences for the report, e.g. what was wrong with results from outside.
    """

    name: ClassVar[str]
    argument: str | None = None
    image_size: tuple[int, int] = (128, 128)
    taught_by: Sequence[str] = ()
    notes: Sequence[str] = ()
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    baselines: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *, weights: Path | None = None, device: str = "cpu") -> None:
        self.weights = weights
        self.device = device

    @abstractmethod
    def restore(self, batch: FaceBatch) -> Tensor:
        """Return the restored images.

        Args:
            batch: On ``self.device``; ``images`` of ``image_size``. Not to be changed in place.

        Returns:
            (N, 3, H, W) float32 in [0, 1]: the final image, with the unoccluded
            pixels put back where the method does so. The result for one image
            does not depend on its batch mates.
        """

    def segmenter(self) -> Segmenter | None:
        """Return the method's own segmenter, or None where it has none."""
        return None

    def labels(self, batch: FaceBatch) -> Mapping[str, Tensor]:
        """Return the labels that :meth:`restore` goes by: what it predicts, or was told.

        Asked only where ``needs`` names a kind of label.

        Args:
            batch: As for :meth:`restore`.

        Returns:
            Key of :data:`restore_recog.labels.KINDS` -> (N,) int64 codes of its words; -1 for an
            image that is restored by none, e.g. where the prediction is unsure. Kinds that it
            does not go by are left out.
        """
        return {}

    @classmethod
    def trainable(cls, preset: str = "compact", device: str = "cpu", **options: Any) -> Trainable:
        """Return what ``restore-recog train-restorer`` trains.

        Raises:
            NotTrainableError: The method has nothing to learn.
        """
        raise NotTrainableError(f"The restorer '{cls.name}' has nothing to train.")


class Recognizer(_Model):
    """Turns aligned face crops into templates.

    Attributes:
        image_size: (H, W) that :meth:`embed` wants.
        template: (5, 2) five-point template in the unit square (x in units of the crop's
            width, y of its height), by which its crops are cut from photographs, or None for
            the project's own crop (:data:`restore_recog.alignment.TEMPLATE`), on which
            restorers work too. Wrong alignment is the commonest
            cause of wrong results, so it is declared here.
        settings: What was chosen besides file and size, as plain JSON values; the record of
            a run holds it.
        notes: Sentences for the report, e.g. how the network is fed.
        judges: Whether it is kept for judging restorers, so that none is trained towards it.
    """

    image_size: tuple[int, int] = (112, 112)
    template: NDArray[np.float64] | None = None
    settings: Mapping[str, Any] = MappingProxyType({})
    notes: Sequence[str] = ()
    judges: ClassVar[bool] = False

    def prepare(self) -> None:
        """Build what was put off until it is needed; nothing by default.

        An evaluation calls it before it first asks for templates that it does not know already.
        What is built late is a :func:`functools.cached_property`, which the identity of finished
        work leaves out: it must follow from the other attributes.

        Raises:
            RestoreRecogError: It cannot be built.
        """

    @abstractmethod
    def embed(self, images: Tensor) -> Tensor:
        """Return unit-length templates.

        Args:
            images: (N, 3, H, W) float32 RGB in [0, 1], of ``image_size``.

        Returns:
            (N, D) float32 with L2 norm 1.
        """

    def unnormalised(self, images: Tensor) -> Tensor | None:
        """Return templates before they are made unit length, or None where there are none.

        Of networks trained with a margin on the angle (ArcFace, MagFace, AdaFace) the length grows
        with the quality of the image: ``--enrolment quality`` weights references by it.

        Args:
            images: As for :meth:`embed`.

        Returns:
            (N, D) float32 whose rows, made unit length, are those of :meth:`embed`.
        """
        return None

    def compare(self, references: Templates, probes: Templates) -> NDArray[np.floating]:
        """Return how alike templates are: by default their cosines.

        An evaluation asks block by block, so that a score must depend on nothing but its own
        two templates and on the gallery that was enrolled.

        Args:
            references: (R, D) float64 of unit length, none missing.
            probes: (P, D) the same.

        Returns:
            (R, P) scores in [-1, 1], the higher the more alike.
        """
        return references @ probes.T

    def enrol(self, gallery: Templates, subjects: NDArray[np.str_]) -> Compare:
        """Return what compares with a gallery: by default :meth:`compare`.

        For what is learned from the people who are enrolled: a subspace, a dictionary. It is
        called once for each arm, before anything is compared, and is never shown a probe. The
        recogniser itself stays as it is.

        Args:
            gallery: (R, D) float64 templates of unit length. Where a protocol has pairs only and
                enrols nobody: its references that are not among its probes.
            subjects: (R,) whose they are.

        Raises:
            RestoreRecogError: Too little to learn from.
        """
        return self.compare

    @classmethod
    def trainable(cls, argument: str | None, device: str = "cpu", **options: Any) -> Trainable:
        """Return what ``restore-recog train-recognizer`` trains."""
        raise NotTrainableError(f"The recogniser '{cls.name}' cannot be trained.")


class Classifier(_Model):
    """Tells one label of a face, such as its expression, from an aligned crop.

    Attributes:
        label: What it tells, a key of :data:`restore_recog.labels.KINDS`.
        image_size: (H, W) that its methods want.
        settings: What was chosen besides file and size, as plain JSON values.
    """

    label: str = "expression"
    image_size: tuple[int, int] = (128, 128)
    settings: Mapping[str, Any] = MappingProxyType({})

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes in the order of the probabilities."""
        return KINDS[self.label]

    @abstractmethod
    def classify(self, images: Tensor) -> Tensor:
        """Return how likely each class is.

        Args:
            images: (N, 3, H, W) float32 RGB in [0, 1], of ``image_size``.

        Returns:
            (N, C) float32 probabilities; each row sums to 1.
        """

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return the (N, D) float32 features that it decides by; images as for :meth:`classify`."""

    @classmethod
    def trainable(cls, argument: str | None, device: str = "cpu", **options: Any) -> Trainable:
        """Return what ``restore-recog train-classifier`` trains."""
        raise NotTrainableError(f"The classifier '{cls.name}' cannot be trained.")


class Landmarker(_Model):
    """Finds the 98 landmarks of a face, covered or bare, in an aligned crop.

    Attributes:
        image_size: (H, W) that :meth:`find` wants.
        settings: What was chosen besides file and size, as plain JSON values.
    """

    image_size: tuple[int, int] = (128, 128)
    settings: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def find(self, images: Tensor) -> Tensor:
        """Return where the landmarks are, those under a covering too.

        Args:
            images: (N, 3, H, W) float32 RGB in [0, 1], of ``image_size``.

        Returns:
            (N, 98, 2) float32 pixels of the images, x then y, in WFLW order
            (:mod:`restore_recog.landmarks`); all NaN for a face on which none are found. The
            result for one image does not depend on its batch mates.
        """

    @classmethod
    def trainable(cls, argument: str | None, device: str = "cpu", **options: Any) -> Trainable:
        """Return what ``restore-recog train-landmarker`` trains."""
        raise NotTrainableError(f"The landmarker '{cls.name}' cannot be trained.")
