"""Probes on their way through all arms, one block at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from restore_recog.api import Restorer
from restore_recog.evaluation.arm_choice import ArmChoice
from restore_recog.evaluation.arm_work import ArmWorker, Outcome
from restore_recog.evaluation.arms import ArmSpec, Painter, Pixels
from restore_recog.evaluation.detectors import BlockMaps
from restore_recog.evaluation.faces import CoveringSpec, FoundProbe, ProbeFace, Studio
from restore_recog.evaluation.finished_work import FinishedWork, Tile
from restore_recog.evaluation.ledger import Ledger
from restore_recog.types import Failure


@dataclass(slots=True, eq=False)
class ProbeBlock:
    """What is kept of one block of probes.

    Attributes:
        found: image_id -> what is kept of the probes whose face was found.
        true_maps: How many of them have a true map.
        outcomes: Arm name -> image_id -> what the arm made of it.
        failures: Arm name -> what failed in it; what failed before any arm stands under "".
        dropped: Arm -> why it cannot be measured, as far as is known.
    """

    found: dict[str, FoundProbe]
    true_maps: int
    outcomes: dict[str, dict[str, Outcome]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ProbePass:
    """Reads, crops, covers, paints, embeds and measures blocks of probes.

    Attributes:
        studio: Where faces come from.
        coverings: What to cover them with, or None to take them as they are found.
        restorers: By their names in this run.
        choice: The arms; the blocks may narrow it.
        true_maps: By how many pixels the true maps are widened that the restorers are given;
            None where they are given what the detectors find.
        mean_face: (S, S, 3) uint8, for the arm ``fill``.
        work: Where results made before come from, or None.
    """

    studio: Studio
    coverings: CoveringSpec | None
    restorers: Mapping[str, Restorer]
    choice: ArmChoice
    worker: ArmWorker
    true_maps: int | None
    mean_face: Pixels
    work: FinishedWork | None

    def block(self, ids: Sequence[str]) -> ProbeBlock:
        """Take a block of probes through all arms.

        Raises:
            DataError: An arm that was asked for cannot be measured on one of them.
            PluginError: A plug-in's answer has the wrong shape.
        """
        ledger = self.studio.ledger.scratch()
        found = list(faces(ids, replace(self.studio, ledger=ledger), self.coverings).values())
        self.choice.check_faces(found)
        block = ProbeBlock(
            {face.sample.image_id: FoundProbe.of(face) for face in found},
            sum(face.crop.mask is not None for face in found),
            failures={"": ledger.failures},
            dropped=dict(self.choice.dropped),
        )
        painter = self._painter(found, ledger)
        for spec in self.choice.specs():
            ledger.failures = []
            block.outcomes[spec.name] = self._outcomes(spec, found, painter) if found else {}
            block.failures[spec.name] = ledger.failures
        return block

    def tile(self, spec: ArmSpec, face: ProbeFace) -> Tile:
        """Return the picture of one probe in an arm and its map; nothing is recorded or timed."""

        def make() -> Tile:
            painter = self._painter([face], Ledger())
            return painter.paint(spec, [face]).pictures[0], painter.maps(spec, face)

        if self.work is None:
            return make()
        keys = self.work.probe_keys(spec, [face], self.mean_face, "tile")
        return self.work.tile(keys[face.sample.image_id], make)

    def _painter(self, found: Sequence[ProbeFace], ledger: Ledger) -> Painter:
        maps = BlockMaps(found, self.worker.detectors, ledger, true=self.true_maps)
        return Painter(self.restorers, maps, self.mean_face, ledger)

    def _outcomes(
        self, spec: ArmSpec, found: Sequence[ProbeFace], painter: Painter
    ) -> dict[str, Outcome]:
        """Take a block through one arm, or remember what came of it."""
        if self.work is None:
            return self.worker.work(spec, found, painter)
        return self.work.block(
            self.work.probe_keys(spec, found, self.mean_face),
            self.studio.source.samples,
            painter.ledger,
            lambda: self.worker.work(spec, found, painter),
        )


def faces(
    ids: Sequence[str], studio: Studio, coverings: CoveringSpec | None
) -> dict[str, ProbeFace]:
    """Return image_id -> probe of those whose face was found."""
    return studio.as_found(ids) if coverings is None else studio.covered(ids, coverings)
