"""How each published table is measured here: data, coverings, size, number of images.

The papers leave much open. What they say is followed; what is decided here stands in
``decided`` and is printed with every run.

Source: GANMasker sections 4.1 and 4.2; FMODR sections 3, 5.1 and 5.2; ECGAN sections 4.1 and 4.2;
landmark-gender sections IV.A and IV.D.3.

Deviation: which images the papers tested is unpublished; here they are drawn by the seed.
Deviation: of CelebA only the official test part is tested, since all trainings of this project
may use the others; the papers draw from all of it, so that people may be in both parts.
Deviation: MaskTheFace and masks pasted by hand are replaced by this project's coverings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restore_recog import registry
from restore_recog.alignment import TEMPLATE
from restore_recog.api import Dataset
from restore_recog.datasets.phantom_sets import phantom_set
from restore_recog.evaluation.arms.oracle import OracleLabel
from restore_recog.labels import EXPRESSION, GENDER
from restore_recog.published.selection import Selection
from restore_recog.specs import split

EYES = 0.227
"""Distance of the eyes in the cropper's images, in units of the side."""

CROPPER: NDArray[np.float64] = np.array([0.5, 0.5]) + (TEMPLATE - TEMPLATE[:2].mean(0)) * (
    EYES / float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
)
"""(5, 2) where the five points lie in the images of HD-CelebA-Cropper: the middle of the
eyes in the image's middle, and a face of three quarters of the size that this project's own
crops have.

Source: the program's version for CelebA's five landmarks at its default face factor of 0.7,
eyes 0.927 of its unit apart and a unit of 0.7 x 0.35 of the side.
Deviation: the proportions of the face are those of this project's template.
Deviation: GANMasker does not say which version and factor it used; a later one aligns by 68
landmarks, with another factor.
"""

MASKTHEFACE = "surgical,n95,kn95,cloth,cloth_patterned,gas"
FACE_MASKS = "fmor"
SQUARE = "rectangle:64"

KINDS = {MASKTHEFACE: MASKTHEFACE.replace(",", ", "), FACE_MASKS: "27 kinds of face mask"}
"""Coverings that stand for the paper's own -> what they are in words."""

_RECOGNIZER = (
    "The triplet recogniser is --recognizer, since the paper's is unpublished; the other rows of "
    "table 5 have recognisers of their own, with settings that the paper does not tell."
)


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """An evaluation that a table can be set beside.

    Attributes:
        data: Name of the paper's data set.
        images: The paper's number of test images: the limit where none is given.
        trained_on: What the paper trained on, and how many images, in words.
        choices: Sentences about what this paper leaves open or is done otherwise.
        protocol: Who is compared with whom.
        coverings: Kinds of covering, where the images are covered here; empty where they are
            occluded as they come.
        conditions: Conditions of the images that take part; empty for all.
        size: Side of the crops in pixels.
        template: Where the five points lie in the crops, or None for this project's own.
        wild: Whether CelebA's images from the wild are wanted, and not the aligned ones.
        also: What the paper trained on beside that data set.
        cohort: Label whose groups the rows of a table are about; empty for everybody.
        unfit: Why the photographs themselves cannot be measured, only rendered ones.
    """

    data: str
    images: int
    trained_on: str
    choices: tuple[str, ...] = ()
    protocol: str = "quality"
    coverings: str = ""
    conditions: tuple[str, ...] = ()
    size: int = 256
    template: NDArray[np.float64] | None = None
    wild: bool = False
    also: tuple[str, ...] = ()
    cohort: str = ""
    unfit: str = ""

    @property
    def rehearsal(self) -> str:
        """Return rendered data that exercises it."""
        return "phantom" if phantom_set(self.data) is None else f"phantom:{self.data}"

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the arms: distances between sets of images are those to the clean ones."""
        if self.protocol == EXPRESSION:
            return ("clean", "occluded", "restored", OracleLabel.name)
        return ("clean", "occluded", "restored")[self.protocol != "quality" :]

    @property
    def groups(self) -> dict[str, Any]:
        """Return the options that break figures down by what the rows of a table are about."""
        return {"cohorts": (self.cohort,), "min_subjects": 2} if self.cohort else {}

    @property
    def learnt_on(self) -> tuple[str, ...]:
        """Return the names of the data sets that the paper trained on."""
        return (*self.also, self.data)

    def training(self, restorer: str) -> str:
        """Return the command that trains a restorer for it."""
        data = " ".join(f"--data {name}:PATH" for name in self.learnt_on)
        return (
            f"restore-recog train-restorer --restorer {split(restorer)[0]} --preset paper "
            f"{data} --output DIR"
        )

    @property
    def decided(self) -> tuple[str, ...]:
        """Return sentences about everything that the paper leaves open or is done otherwise."""
        official = (
            "Test images are drawn from CelebA's official test part, so that no person of the "
            "training and validation parts is among them; the paper draws from all of CelebA."
        )
        drawn = "The test images are drawn by --seed; the papers' own lists are unpublished."
        worn = (
            f"Coverings are this project's own ({KINDS.get(self.coverings)}, each equally often), "
            "not the paper's."
        )
        cropped = (
            "Faces are cropped as this project does (eyes 0.30 of the side apart); the paper only "
            "says 256 x 256."
        )
        own_crops = bool(self.coverings) and self.template is None
        return (
            *({"celeba": [official], "rafdb": []}.get(self.data, [drawn])),
            *self.choices,
            *([worn] if self.coverings in KINDS else []),
            *([cropped] if own_crops else []),
        )

    def dataset(self, spec: str) -> Dataset:
        """Return data as the table wants it: CelebA's wild images, some conditions only."""
        wild = self.wild and split(spec)[0] == "celeba"
        whole = registry.datasets.create(spec, **({"wild": True} if wild else {}))
        return Selection(whole, self.conditions) if self.conditions else whole


PRESETS: dict[str, Preset] = {
    "ganmasker-celeba": Preset(
        "celeba",
        5000,
        "20,000 pairs of CelebA (25,000, of which a fifth for validation)",
        (
            "Faces are cropped as HD-CelebA-Cropper does at face factor 0.7 (eyes 0.227 of the "
            "side apart), from the images in the wild where they are there; --crop own takes "
            "this project's crops, on which its trainings work.",
            "256 x 256 pixels; the paper also trains at 512 and does not say which of the two "
            "table 1 shows.",
        ),
        coverings=MASKTHEFACE,
        template=CROPPER,
        wild=True,
    ),
    "fmodr-fmor-vm": Preset(
        "fmor",
        714,
        "2,276 images of FMOR-VM",
        (
            "714 unoccluded images stand for the paper's 2,990 - 2,276; which 2,990 of 5,500 "
            "were taken is unpublished.",
        ),
        coverings=FACE_MASKS,
        conditions=("clean",),
    ),
    "fmodr-ar-pairs": Preset(
        "ar",
        150,
        "450 scarf images of AR",
        ("A ground truth that agrees pixel by pixel is needed; rendered AR has one.",),
        conditions=("clean", "scarf"),
        unfit=(
            "no two photographs of AR agree pixel by pixel, so there is no ground truth to measure "
            "a restored scarf image against; rehearse with --data phantom:ar, or measure "
            "recognition with fmodr-table5-ar"
        ),
    ),
    "fmodr-s-celeba-mask": Preset(
        "celeba", 2000, "the other 200,599 images of CelebA", coverings=FACE_MASKS
    ),
    "fmodr-s-celeba-rectangle": Preset(
        "celeba",
        2000,
        "the other 200,599 images of CelebA",
        (
            "The square is 64 x 64 of 256 x 256, of one colour, at a random place of the lower "
            "face; the paper says no more than that.",
        ),
        coverings=SQUARE,
    ),
    "fmodr-ablation": Preset(
        "celeba",
        1000,
        "1,000 images of S-CelebA",
        ("Face masks are taken; the paper does not say whether masks or squares.",),
        coverings=FACE_MASKS,
    ),
    "fmodr-ar-recognition": Preset(
        "ar",
        300,
        "900 scarf images of AR",
        (
            "As the protocol 'ar': a quarter of the available scarf images is tested (the paper's "
            "1,200 do not fit the database), against every unoccluded image.",
            _RECOGNIZER,
        ),
        protocol="ar",
    ),
    "fmodr-fmor-recognition": Preset(
        "fmor",
        2000,
        "the other 3,500 masked images of FMOR",
        (
            "As the protocol 'fmor': 2,000 masked images, or their share of 2,000 in 5,500, "
            "against every unoccluded image.",
            _RECOGNIZER,
        ),
        protocol="fmor",
    ),
    "ecgan-rafdb": Preset(
        "rafdb",
        3068,
        "12,271 images of RAF-DB after 40,000 iterations without labels on CelebA",
        (
            "All of RAF-DB's test part is tested, as in the paper.",
            "ECGAN is told the true expression where the paper told it (the arm "
            "'restored-oracle-label'); 'ecgan' alone goes by what it sees in the visible half.",
            "Without label and without map: the trained network, that input withheld. Section 4.4 "
            "speaks of inhibiting the input and also of training without it.",
            "The classifier is --classifier, since the paper's ResNet-18 is unpublished; one of "
            "RAF-DB is trained by: restore-recog train-classifier --data rafdb:PATH.",
        ),
        protocol=EXPRESSION,
        cohort=EXPRESSION,
        coverings=MASKTHEFACE,
        also=("celeba",),
    ),
    **{
        f"landmark-gender-{data}": Preset(
            data,
            1000,
            trained_on,
            (
                "1,000 faces: the paper does not say how many it tested.",
                "The generator is chosen as in use, by what the classifier sees of the covered "
                "face; the rows are the true genders.",
                *further,
            ),
            coverings=MASKTHEFACE,
            cohort=GENDER,
        )
        for data, trained_on, further in (
            (
                "ffhq",
                "52,000 images of FFHQ, less those that it tested",
                (
                    "FFHQ's own files name no gender, which leaves the rows empty: give its images "
                    "as manifest:FILE with a column gender.",
                ),
            ),
            ("celeba", "CelebA, less the images that it tested", ()),
        )
    },
}
"""Name -> preset."""
