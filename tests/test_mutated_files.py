"""Damaged pictures and lists, at random but seeded: never a traceback, never a lost input."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from restore_fakes import box_mask, pattern, run, save

from restore_recog.data_checks.lists import validate
from restore_recog.datasets.celeba import CelebA
from restore_recog.datasets.ffhq import FFHQ
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.ijb import IJB
from restore_recog.datasets.lfw import LFW
from restore_recog.datasets.manifest import Manifest
from restore_recog.datasets.mfr2 import MFR2
from restore_recog.datasets.rafdb import RAFDB
from restore_recog.datasets.ytf68 import YTF68
from restore_recog.errors import RestoreRecogError
from restore_recog.evaluation.plan_files import parse
from restore_recog.protocols.lfw import Lfw
from restore_recog.protocols.mfr2 import Mfr2
from restore_recog.protocols.mlfw import Mlfw
from restore_recog.protocols.ocfr import Ocfr
from restore_recog.reporting import folder as results_folder
from restore_recog.training.leaving_out import left_out
from restore_recog.types import FaceSample

ROUNDS = int(os.environ.get("RESTORE_RECOG_MUTATIONS", "1"))
"""How many times as many files are tried as in an ordinary run."""

PIECES = (
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b",", b";", b'"', b"'", b"\\",
    b"=1+1", b"-1", b"nan", b"1e999", b"9" * 5000, b"[" * 100_000, b"{", b"}", b"null",
    b"x" * 140_000, "\u202e\u0301".encode(), b"\xed\xb2\x80", b"\x1b[31m", b"../",
    b"/", b"$\\frac{$",
)  # fmt: skip


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with one to four faults: bits, pieces that are cut out, doubled or strange."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        kind, place = rng.integers(6), int(rng.integers(len(data) + 1))
        if kind == 0:
            del data[place:]
        elif kind == 1:
            del data[place : place + int(rng.integers(1, 30))]
        elif kind == 2:
            data[place:place] = data[place : place + int(rng.integers(1, 30))]
        elif kind == 3:
            data[place:place] = PIECES[rng.integers(len(PIECES))]
        elif kind == 4:
            data[place : place + 4] = rng.bytes(4)
        elif place < len(data):
            data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def pictures() -> dict[str, bytes]:
    """Return ending -> content of one picture in every format and in some odd modes."""
    image, exif = Image.fromarray(pattern(40, 40)), Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"
    transparent = image.convert("RGBA")
    transparent.putalpha(image.convert("L"))
    deep = Image.fromarray(pattern(40, 40)[:, :, 0].astype(np.uint16) * 257)
    made: list[tuple[str, Image.Image, dict[str, Any]]] = [
        (".jpg", image, {"exif": exif, "icc_profile": b"x" * 99}),
        (".png", transparent, {"exif": exif, "dpi": (72, 72)}),
        (".deep.png", deep, {}),
        (".tif", image, {"compression": "tiff_lzw", "exif": exif}),
        (".gif", image.convert("P"), {"save_all": True, "append_images": [image]}),
        (".webp", transparent, {"lossless": True, "exif": exif}),
        (".bmp", image, {}),
        (".ppm", image, {}),
        (".cmyk.jpeg", image.convert("CMYK"), {}),
    ]
    files = {}
    for ending, one, options in made:
        buffer = io.BytesIO()
        one.save(buffer, Image.registered_extensions()["." + ending.rpartition(".")[2]], **options)
        files[ending] = buffer.getvalue()
    return files


def test_damaged_pictures_are_restored_or_listed(tmp_path: Path) -> None:
    rng = np.random.default_rng(13)
    count = 0
    for number in range(6 * ROUNDS):
        for ending, content in pictures().items():
            place = tmp_path / "people" / f"p{number}" / f"a{ending}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(mutated(content, rng))
            count += 1
    results = validate([Folder(str(tmp_path / "people"))])
    (unreadable,) = (one for one in results.findings if one.check == "unreadable")
    assert results.counts[0].images == count
    save(tmp_path / "mask.png", box_mask(40, 40))
    for place in (tmp_path / "people").rglob("*.*"):
        mask = (tmp_path / "masks" / place.relative_to(tmp_path / "people")).with_suffix(".png")
        mask.parent.mkdir(parents=True, exist_ok=True)
        if not mask.exists():
            mask.symlink_to(tmp_path / "mask.png")
    options = ("--restorer", "telea", "--aligned", "--mask", tmp_path / "masks")
    result = run(tmp_path / "people", "-o", tmp_path / "out", *options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    lost = len((tmp_path / "out" / "failures.csv").read_text().splitlines()) - 1
    written = [one for one in (tmp_path / "out").rglob("*.*") if one.name != "failures.csv"]
    assert f"{count - lost} of {count} images restored" in result.stdout
    assert len(written) == count - lost
    assert len(unreadable.issues) <= lost < count


def numbers(count: int) -> str:
    return ",".join(str(3 + n) for n in range(count))


PLAN = '{"format": 1, "synthetic": true, "identification": true, "notes": ["a"]}'
POINTS = "lex,ley,rex,rey,nx,ny,lmx,lmy,rmx,rmy"
FACE = '{"category": "training", "metadata": {"license": "x"}, "image": {"face_landmarks": [%s]}}'

OCFR_IMAGES = (
    "x/lfwA_u/A_B/A_B_0001.png\t1\t2\t3\t4\nx/lfwAO1_u/A_B/A_B_0002_probe.png\t1\t2\t3\t4\n"
    "x/lfwAO1_u/C_D/C_D_0001_probe.png\t1\t2\t3\t4\n"
)


def ocfr_plan(root: Path) -> Any:
    places = (line.split("\t")[0].split("/", 1)[1] for line in OCFR_IMAGES.splitlines())
    samples = [FaceSample(place, place.split("/")[1]) for place in places]
    return Ocfr(str(root / "ocfr" / "C_O1_list.txt")).plan(samples)


LISTS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "list.csv": (
        f"path,subject_id,condition,mask,clean_path,{POINTS}\n"
        + "".join(f"A_B/A_B_000{n}.png,a,mask,m.png,,{numbers(10)}\n" for n in range(4)),
        lambda root: validate([Manifest(str(root / "list.csv"))], quick=True),
    ),
    "lfw_labels.csv": (
        f"file,gender,emotion,smile,{POINTS}\n"
        + "".join(f"A_B/A_B_000{n}.png,m,sad,1,{numbers(10)}\n" for n in range(4)),
        lambda root: LFW(str(root)).samples(),
    ),
    "mfr2_labels.txt": (
        "".join(f"A_B, {n}, cloth\n" for n in range(4)),
        lambda root: MFR2(str(root)).samples(),
    ),
    "ytf68_landmarks.csv": (
        "file,person,size," + ",".join(f"x{n},y{n}" for n in range(68)) + "\n"
        f"A_B_1.png,A_B,9,{numbers(136)}\n",
        lambda root: YTF68(str(root)).samples(),
    ),
    "ffhq-dataset-v2.json": (
        '{"0": ' + FACE % ", ".join(["[1, 2]"] * 68) + "}",
        lambda root: FFHQ(str(root)).samples(),
    ),
    "identity_CelebA.txt": ("000001.png 7\n", lambda root: CelebA(str(root)).samples()),
    "list_attr_celeba.txt": (
        "1\nMale Smiling\n000001.png 1 -1\n",
        lambda root: CelebA(str(root)).samples(),
    ),
    "list_landmarks_align_celeba.txt": (
        f"1\nlefteye_x\n000001.png {numbers(10).replace(',', ' ')}\n",
        lambda root: CelebA(str(root)).samples(),
    ),
    "list_eval_partition.txt": ("000001.png 0\n", lambda root: CelebA(str(root)).samples()),
    "EmoLabel/list_patition_label.txt": (
        "train_00001.png 5\n",
        lambda root: RAFDB(str(root)).samples(),
    ),
    "ijbc_face_tid_mid.txt": ("1.png 1 2\n3.png 4 5\n", lambda root: IJB(str(root)).samples()),
    "ijbc_name_5pts_score.txt": (
        f"1.png {numbers(11).replace(',', ' ')}\n",
        lambda root: IJB(str(root)).samples(),
    ),
    "ijbc_1N_gallery_G1.csv": (
        "TEMPLATE_ID,SUBJECT_ID\n1,ann\n",
        lambda root: IJB(str(root)).samples(),
    ),
    "pairs.txt": (
        "1\t2\nA_B\t1\t2\nA_B\t1\t3\nA_B\t1\tC_D\t1\nA_B\t2\tC_D\t1\n",
        lambda root: Lfw(str(root / "pairs.txt")).plan(Folder(str(root)).samples()),
    ),
    "mfr2_pairs.txt": (
        "A_B 1 2\nA_B 1 C_D 1\n",
        lambda root: Mfr2(str(root / "mfr2_pairs.txt")).plan(Folder(str(root)).samples()),
    ),
    "mlfw_pairs.txt": (
        "A_B_0001.png\tA_B_0002.png\t1\n" * 10,
        lambda root: Mlfw(str(root / "mlfw_pairs.txt")).plan(Folder(str(root)).samples()),
    ),
    "ocfr/C_O1_list.txt": (OCFR_IMAGES, ocfr_plan),
    "ocfr/pairs.txt": ("A_B_0001 A_B_0002_probe\nA_B_0001 C_D_0001_probe\n", ocfr_plan),
    "ocfr/issame.txt": ("1\n0\n", ocfr_plan),
    "leave.csv": (
        "file\nA_B/A_B_0001.png\n",
        lambda root: left_out(root / "leave.csv", [Folder(str(root))]),
    ),
    "plan.json": (PLAN, parse),
    "for_enrolling.csv": ("path,subject_id,template_id,condition\na,b,c,clean\n", parse),
    "for_matching.csv": (
        "reference_template_id,probe_template_id,genuine,fold\nc,d,1,3\n",
        parse,
    ),
    "report.json": ('{"format": 3, "verdicts": [], "arms": []}', results_folder.read),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that every layout can read something of, and the lists as they should be."""
    root = tmp_path_factory.mktemp("tree")
    for name in (
        *("A_B/A_B_0001.png", "A_B/A_B_0002.png", "A_B/A_B_0003.png", "C_D/C_D_0001.png"),
        *("A_B_1.png", "img_align_celeba/000001.png", "Image/original/train_00001.png"),
        *("images1024x1024/00000.png", "loose_crop/1.png"),
    ):
        save(root / name, pattern(20, 20))
    for name, (text, _) in LISTS.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    probing = "path,subject_id,template_id,condition\nd,b,d,mask\n"
    (root / "for_probing.csv").write_text(probing)
    return root


@pytest.mark.parametrize("name", LISTS)
def test_damaged_lists_are_read_or_refused_in_a_sentence(tree: Path, name: str) -> None:
    rng = np.random.default_rng(len(name))
    text, read = LISTS[name]
    try:
        for _ in range(12 * ROUNDS):
            (tree / name).write_bytes(mutated(text.encode(), rng))
            try:
                read(tree)
            except RestoreRecogError as error:
                assert str(error).strip()
    finally:
        (tree / name).write_text(text)
