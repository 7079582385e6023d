"""What the training engine drives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from restore_recog.types import FaceBatch

if TYPE_CHECKING:
    from torch import Tensor


class Stateful(Protocol):
    """Whatever has PyTorch's state-dict pair: modules, optimisers, averages."""

    def state_dict(self) -> Mapping[str, Any]: ...

    def load_state_dict(self, state: Any, /) -> Any: ...


@dataclass(frozen=True)
class Phase:
    """One leg of a training schedule.

    Attributes:
        name: Shown in logs.
        images: Length in images, so that the batch size does not change the schedule.
        batch_size: Images a step.
        step: (batch, progress in [0, 1)) -> named losses. Does forward, backward and
            the optimiser's step; the trainer owns order, data, RNG, logs and saving.
        balanced: A key of :data:`restore_recog.labels.KINDS`: batches hold only images whose label
            is known, every class equally often, whatever ``identities_per_batch`` says. Empty for
            all images as they are.
        only: A kind of label and one of its words, such as ``("gender", "male")``: batches hold
            only images with that label, whatever ``balanced`` and ``identities_per_batch`` say;
            None for all.
    """

    name: str
    images: int
    batch_size: int
    step: Callable[[FaceBatch, float], Mapping[str, float]]
    balanced: str = ""
    only: tuple[str, str] | None = None


class Trainable(Protocol):
    """What the training engine drives.

    Attributes:
        image_size: Side of the square crops wanted, in pixels.
        identities_per_batch: 0 for random images; P > 0 asks for P subjects with
            batch_size / P images each.
        covered: Share of the images that get a synthetic covering, in [0, 1].
        phases: In order.
    """

    @property
    def image_size(self) -> int: ...

    @property
    def identities_per_batch(self) -> int: ...

    @property
    def covered(self) -> float: ...

    @property
    def phases(self) -> Sequence[Phase]: ...

    def state(self) -> Mapping[str, Stateful]:
        """Return every net, optimiser and average: all that a resume needs."""
        ...

    def weights(self) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return (configuration as plain JSON values, tensors) for the weights file."""
        ...

    def preview(self, batch: FaceBatch) -> Tensor:
        """Return (N, 3, H, W) sample images in [0, 1], e.g. input, output, truth in rows."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what the checkpoint must match on resume: model, preset, options."""
        ...


@runtime_checkable
class Validated(Protocol):
    """What a :class:`Trainable` may have besides: it is validated on people that it
    does not learn from.

    Without it a run has no ``best.safetensors``.
    """

    def validate(self, batch: FaceBatch) -> Mapping[str, float]:
        """Return figures of a batch, means over it; more is better, and the first one decides.

        Called without gradients; the training's random numbers are put back afterwards, the
        networks may be left in eval mode. Where ``identities_per_batch`` is not 0, a batch
        holds two images of each person, side by side.
        """
        ...


@runtime_checkable
class Classifying(Protocol):
    """What a :class:`Trainable` may have besides: it tells the people of the training apart."""

    def expect(self, people: Tensor) -> None:
        """Make what is needed for each person; called once, before ``state()`` and any step.

        Args:
            people: (P,) int64, rising: the labels ``subject`` that batches will have.
        """
        ...


@runtime_checkable
class Networked(Protocol):
    """What a :class:`Trainable` may have besides: it names the networks that its steps call.

    Without it ``--compile`` takes the modules of ``state()``.
    """

    def networks(self) -> Mapping[str, Any]:
        """Return ``torch.nn.Module`` objects by name."""
        ...
