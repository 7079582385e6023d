"""How each published table is measured here: data, coverings, size, number of images.

The papers leave much open. What they say is followed; what is decided here stands in
``decided`` and is printed with every run.

Source: GANMasker sections 4.1 and 4.2; FMODR sections 3, 5.1 and 5.2.

Deviation: which images the papers tested is unpublished; here they are drawn by the seed.
Deviation: of CelebA only the official test part is tested, since all trainings of this project
may use the others; the papers draw from all of it, so that people may be in both parts.
Deviation: MaskTheFace and masks pasted by hand are replaced by this project's coverings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restore_recog.alignment import TEMPLATE

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

_SPLIT = "The test images are drawn by --seed; the papers' own lists are unpublished."
_OFFICIAL = (
    "Test images are drawn from CelebA's official test part, so that no person of the training "
    "and validation parts is among them; the paper draws from all of CelebA."
)
_OWN_COVERINGS = "Coverings are this project's own ({kinds}, each equally often), not the paper's."
_OWN_CROP = (
    "Faces are cropped as this project does (eyes 0.30 of the side apart); the paper only says "
    "256 x 256."
)


@dataclass(frozen=True, slots=True, eq=False)
class Preset:
    """An evaluation that a table can be set beside.

    Attributes:
        data: Names of the data sets that fit, the paper's own first.
        rehearsal: Rendered data that exercises it.
        protocol: Who is compared with whom.
        coverings: Kinds of covering, where the images are covered here; empty where they are
            occluded as they come.
        images: The paper's number of test images: the limit where none is given.
        trained_on: What the paper trained on, and how many images, in words.
        training: Command that trains a restorer for it; ``{restorer}`` is replaced.
        decided: Sentences about what the paper leaves open or is done otherwise.
        size: Side of the crops in pixels.
        template: Where the five points lie in the crops, or None for this project's own.
        wild: Whether CelebA's images from the wild are wanted, and not the aligned ones.
        conditions: Conditions of the images that take part; empty for all.
        refused: Data set -> why the table cannot be measured on it.
    """

    data: tuple[str, ...]
    rehearsal: str
    protocol: str
    coverings: str
    images: int
    trained_on: str
    training: str
    decided: tuple[str, ...]
    size: int = 256
    template: NDArray[np.float64] | None = None
    wild: bool = False
    conditions: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the arms: distances between sets of images are those to the clean ones."""
        return ("clean", "occluded", "restored")[self.protocol != "quality" :]


def _train(data: str) -> str:
    return (
        f"restore-recog train-restorer --restorer {{restorer}} --preset paper --data {data}:PATH "
        "--output DIR"
    )


PRESETS: dict[str, Preset] = {
    "ganmasker-celeba": Preset(
        data=("celeba",),
        rehearsal="phantom",
        protocol="quality",
        coverings=MASKTHEFACE,
        images=5000,
        trained_on="20,000 pairs of CelebA (25,000, of which a fifth for validation)",
        training=_train("celeba"),
        decided=(
            _OFFICIAL,
            _OWN_COVERINGS.format(kinds=MASKTHEFACE.replace(",", ", ")),
            "Faces are cropped as HD-CelebA-Cropper does at face factor 0.7 (eyes 0.227 of the "
            "side apart), from the images in the wild where they are there; --crop own takes "
            "this project's crops, on which its trainings work.",
            "256 x 256 pixels; the paper also trains at 512 and does not say which of the two "
            "table 1 shows.",
        ),
        template=CROPPER,
        wild=True,
    ),
    "fmodr-fmor-vm": Preset(
        data=("fmor",),
        rehearsal="phantom:fmor",
        protocol="quality",
        coverings=FACE_MASKS,
        images=714,
        trained_on="2,276 images of FMOR-VM",
        training=_train("fmor"),
        decided=(
            "714 unoccluded images stand for the paper's 2,990 - 2,276; which 2,990 of 5,500 "
            "were taken is unpublished.",
            _OWN_COVERINGS.format(kinds="27 kinds of face mask"),
            _SPLIT,
            _OWN_CROP,
        ),
        conditions=("clean",),
    ),
    "fmodr-ar-pairs": Preset(
        data=("ar",),
        rehearsal="phantom:ar",
        protocol="quality",
        coverings="",
        images=150,
        trained_on="450 scarf images of AR",
        training=_train("ar"),
        decided=("A twin that agrees pixel by pixel is needed; rendered AR has one.", _SPLIT),
        conditions=("clean", "scarf"),
        refused=(
            (
                "ar",
                "no two photographs of AR agree pixel by pixel, so there is no truth to measure "
                "a restored scarf image against; rehearse with --data phantom:ar, or measure "
                "recognition with fmodr-table5-ar",
            ),
        ),
    ),
    "fmodr-s-celeba-mask": Preset(
        data=("celeba",),
        rehearsal="phantom",
        protocol="quality",
        coverings=FACE_MASKS,
        images=2000,
        trained_on="the other 200,599 images of CelebA",
        training=_train("celeba"),
        decided=(
            _OFFICIAL,
            _OWN_COVERINGS.format(kinds="27 kinds of face mask"),
            _OWN_CROP,
        ),
    ),
    "fmodr-s-celeba-rectangle": Preset(
        data=("celeba",),
        rehearsal="phantom",
        protocol="quality",
        coverings=SQUARE,
        images=2000,
        trained_on="the other 200,599 images of CelebA",
        training=_train("celeba"),
        decided=(
            _OFFICIAL,
            "The square is 64 x 64 of 256 x 256, of one colour, at a random place of the lower "
            "face; the paper says no more than that.",
            _OWN_CROP,
        ),
    ),
    "fmodr-ablation": Preset(
        data=("celeba",),
        rehearsal="phantom",
        protocol="quality",
        coverings=FACE_MASKS,
        images=1000,
        trained_on="1,000 images of S-CelebA",
        training=_train("celeba"),
        decided=(
            _OFFICIAL,
            "Face masks are taken; the paper does not say whether masks or squares.",
            _OWN_COVERINGS.format(kinds="27 kinds of face mask"),
            _OWN_CROP,
        ),
    ),
    "fmodr-ar-recognition": Preset(
        data=("ar",),
        rehearsal="phantom:ar",
        protocol="ar",
        coverings="",
        images=300,
        trained_on="900 scarf images of AR",
        training=_train("ar"),
        decided=(
            "As the protocol 'ar': a quarter of the scarf images at hand is tested (the paper's "
            "1,200 do not fit the database), against every unoccluded image.",
            "The recogniser is --recognizer; the paper's triplet recogniser is unpublished.",
            _SPLIT,
        ),
    ),
    "fmodr-fmor-recognition": Preset(
        data=("fmor",),
        rehearsal="phantom:fmor",
        protocol="fmor",
        coverings="",
        images=2000,
        trained_on="the other 3,500 masked images of FMOR",
        training=_train("fmor"),
        decided=(
            "As the protocol 'fmor': 2,000 masked images, or their share of 2,000 in 5,500, "
            "against every unoccluded image.",
            "The recogniser is --recognizer; the paper's triplet recogniser is unpublished.",
            _SPLIT,
        ),
    ),
}
"""Name -> preset."""
