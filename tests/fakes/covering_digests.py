"""What the first kinds of covering draw, coarsely, so that it cannot change unnoticed.

Published figures and weights rest on these drawings. Floats may round differently on another
machine, so each drawing is kept as the means of its mask and colours over a 3 x 3 grid.
"""

from __future__ import annotations

import numpy as np

from restore_recog.coverings import Covered


def coarse(covered: Covered) -> np.ndarray:
    """Return (36,) uint8: mask and RGB, averaged over each ninth of the image."""
    layers = np.dstack([255.0 * covered.mask, covered.pixels])
    rows = [np.array_split(row, 3, axis=1) for row in np.array_split(layers, 3, axis=0)]
    means = [cell.mean(axis=(0, 1)) for row in rows for cell in row]
    return np.rint(np.concatenate(means)).astype(np.uint8)


PINNED: dict[tuple[str, int, int], tuple[str, str, str]] = {
    ("random", 0, 64): (
        "cloth",
        "grey",
        "005b635600a88a7500666b5d227a70623cb69380209686747956615bf17475736058665e",
    ),
    ("random", 1, 128): (
        "kn95",
        "pink",
        "005b635600a98a7500656a5d5a81716aa3ce9699599e877f375b615aceb2869038656862",
    ),
    ("surgical", 0, 64): (
        "surgical",
        "white",
        "005b635600a88a7500666b5d7b8a8b80c7d5c9be69a19b8d5d67766dfac3c5bd4d68776d",
    ),
    ("surgical", 1, 128): (
        "surgical",
        "sky",
        "005b635600a98a7500656a5d4e7d7e749eb5b5af4c9593862d58685fcc92a6a72f606e65",
    ),
    ("n95", 0, 64): (
        "n95",
        "white",
        "025b635700a88a7500666b5d678a8273b4d7c8bb5aa4958262606d63eca3a69f55697469",
    ),
    ("n95", 1, 128): (
        "n95",
        "white",
        "005b635600a98a7500656a5d38847a6a8adac4b436a0907d315c685cbcaba79b31677165",
    ),
    ("kn95", 0, 64): (
        "kn95",
        "black",
        "005b635600a88a7500666b5d7b56544cb75748416e746c5f563c4b43f32527274a46534b",
    ),
    ("kn95", 1, 128): (
        "kn95",
        "white",
        "005b635600a98a7500656a5d487f7a6d90d0baa9459e93822a5b675cc6b8b4a82c667065",
    ),
    ("cloth", 0, 64): (
        "cloth",
        "forest",
        "005b635600a88a7500666b5d7d535e4cb1606a506e6d725d573d5547f72c503749445a4c",
    ),
    ("cloth", 1, 128): (
        "cloth",
        "navy",
        "005b635600a98a7500656a5d60575859986a5f68606a6766214e5a53c83b435623545f57",
    ),
    ("cloth_patterned", 0, 64): (
        "cloth_patterned",
        "forest",
        "005b635600a88a7500666b5d247c6b5c27ba8c7627967e6c6d514b41eb683c3356525147",
    ),
    ("cloth_patterned", 1, 128): (
        "cloth_patterned",
        "navy",
        "005b635600a98a7500656a5d736f6e65ab91857b73827e7327536056d36d726e2859655a",
    ),
    ("gas", 0, 64): (
        "gas",
        "charcoal",
        "045b635600a88a7500666b5d71656056c66b605a6c7c71637847544ef0414545684e5a52",
    ),
    ("gas", 1, 128): (
        "gas",
        "charcoal",
        "005b635600a98a7500656a5d426e6559977e6b614286786838515d54c256555138566157",
    ),
    ("scarf", 0, 64): (
        "scarf",
        "forest",
        "005b635600a88a7500666b5d5e58604e9c6c6d544b757560d72b4935ff274b32bf32533e",
    ),
    ("scarf", 1, 128): (
        "scarf",
        "navy",
        "005b635600a98a7500656a5d485c5c59946a5d6345716b669033424cff27325189384854",
    ),
    ("sunglasses", 0, 64): (
        "sunglasses",
        "black",
        "344a564d4c826f602f525c512f6a64576297776735827565005c635700ad8c7700686c5e",
    ),
    ("sunglasses", 1, 128): (
        "sunglasses",
        "black",
        "0d565f541a9c816e0a60665a3e66605477896d5f49776d5f005b635700ab8c7600666b5d",
    ),
    ("rectangle", 0, 64): (
        "rectangle",
        "beige",
        "005b635600a88a7500666b5d0f7f746471cfae94009c8874025d645710af907a00686c5e",
    ),
    ("rectangle", 1, 128): (
        "rectangle",
        "forest",
        "005b635600a98a7500656a5d007c7161538f8067188a806c005b63571c9a846e0861685b",
    ),
    ("n95,scarf", 0, 64): (
        "scarf",
        "grey",
        "005b635600a88a7500666b5d047c706127c09782029c8874be7a7572ff978687b787807d",
    ),
    ("n95,scarf", 1, 128): (
        "n95",
        "black",
        "005b635600a98a7500656a5d38756c5d95725e553791816f314a564dc935343231505b51",
    ),
    ("random", 2, 64): (
        "surgical",
        "blue",
        "005b635600a88a7500666b5d646d7678ad98a0b45d8689886251696dfe7294bc56546b6d",
    ),
    ("random", 3, 64): (
        "surgical",
        "blue",
        "005b635600a88a7500666b5d4f6f746fac9199a2727f89892e52635dcf6c879648526967",
    ),
    ("random", 4, 64): (
        "scarf",
        "navy",
        "005b635600a88a7500666b5d4c62605b9d75686b5a726d6ab73b4854ff3b445cbe414e5d",
    ),
    ("random", 5, 64): (
        "cloth_patterned",
        "burgundy",
        "005b635600a88a7500666b5d85795f5cada7706f7d96746e2b565c53d48b5e642a606259",
    ),
    ("random", 6, 64): (
        "kn95",
        "white",
        "005b635600a88a7500666b5d6f828175adcec3b66da29c8e5a617168fac2cac45e6c7b73",
    ),
    ("random", 7, 64): (
        "cloth",
        "beige",
        "005b635600a88a7500666b5d6d8077669abc9e856c9b8c78445b6558e29f927c36636b5e",
    ),
    ("random", 8, 256): (
        "n95",
        "beige",
        "005c635700aa8b7600666b5d3781766593c8ad8f3d9f8e784a5a6557f09d967c5b666f5f",
    ),
    ("cloth_patterned", 9, 256): (
        "cloth_patterned",
        "mustard",
        "005c635700aa8b7600666b5d7573624bb8ab7e4a6d8b75572659604fb68c6e431d5f6556",
    ),
}
"""(kind asked for, seed, side) -> kind, colour and :func:`coarse` as hexadecimal text."""
