"""A small tree of OCFR-2022 with drawn layers, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from restore_recog import images

PEOPLE = ("Nobody_A", "Nobody_B", "Nobody_C")
SIZE = (40, 36)


def photo(path: Path, seed: int, size: tuple[int, int] = SIZE) -> None:
    height, width = size
    pixels = np.random.default_rng(seed).integers(1, 255, (height, width, 3), dtype=np.uint8)
    images.write(path, pixels)


def layer(
    root: Path, strategy: int, person: str, name: str, *, size: tuple[int, int] = SIZE
) -> None:
    """Write an occluder over the lower half, and its mask; without loss, to be compared."""
    folder, (height, width) = root / f"occlusions_{strategy}" / person, size
    occluder = np.zeros((height, width, 3), np.uint8)
    occluder[height // 2 :] = (200, 10 * strategy, 0)
    mask = np.full((height, width), 255, np.uint8)
    mask[height // 2 :] = 0
    images.write(folder / f"{name}_occlusion.png", occluder)
    images.write(folder / f"{name}_occlusion_mask.png", mask)


def image_list(root: Path, reference: str, probe: str, people: Sequence[str] = PEOPLE) -> Path:
    """Write an image list: first images are references, second ones probes."""
    folders = {"C": "lfwA_u", **{f"O{k}": f"lfwAO{k}_u" for k in range(1, 8)}}
    lines = [
        f"XXX/{folders[side]}/{who}/{who}_000{number}{mark}.jpg\t1.5\t2\t30\t33.25"
        for side, number, mark in ((reference, 1, ""), (probe, 2, "_probe"))
        for who in people
    ]
    file = root / f"{reference}_{probe}_list.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def pair_list(root: Path, people: Sequence[str] = PEOPLE) -> Path:
    """Write one genuine and one impostor pair of everybody."""
    others = (*people[1:], people[0])
    file = root / "pairs.txt"
    file.write_text(
        "".join(
            f"{a}_0001\t{b}_0002_probe\n"
            for one in (people, others)
            for a, b in zip(people, one, strict=True)
        ),
        encoding="utf-8",
    )
    return file


def tree(root: Path, people: Sequence[str] = PEOPLE, *, strategies: Sequence[int] = (1, 7)) -> Path:
    """Make a tree: photographs as in LFW, copies of them with a mark in the names of layers."""
    for i, who in enumerate(people):
        for number in (1, 2):
            photo(root / "lfw" / who / f"{who}_000{number}.png", 2 * i + number)
        for strategy in strategies:
            layer(root, strategy, who, f"{who}_0002_probe")
    for strategy in strategies:
        image_list(root, "C", f"O{strategy}", people)
    pair_list(root, people)
    return root


def finished(root: Path, strategy: int, person: str, name: str) -> Path:
    """Write an occluded image as a release with finished images has it."""
    path = root / f"lfwAO{strategy}_u" / person / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE[::-1], (9, 8, 7)).save(path)
    return path
