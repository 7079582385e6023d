"""Lists of images that must not be trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import draw

from restore_recog.api import Dataset
from restore_recog.datasets.celeba import CelebA
from restore_recog.datasets.folder import Folder
from restore_recog.datasets.packed import Packed
from restore_recog.datasets.phantom import Phantom
from restore_recog.errors import DataError
from restore_recog.training.cropping import sources, write_pack
from restore_recog.training.leaving_out import left_out


@pytest.fixture
def album(tmp_path: Path) -> Folder:
    draw(tmp_path / "album", "ann/1.jpg", "ann/2.jpg", "bob/1.jpg")
    return Folder(str(tmp_path / "album"))


def listed(folder: Path, text: str) -> Path:
    file = folder / "list.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    "text",
    [
        "file,person,cosine\nalbum/ann/2.jpg,Somebody,0.5\n",
        "ann/2.jpg\n",
        "\n  album/ann/2.jpg  \n\nann/2.jpg\n",
        "\ufeffFile\nalbum\\ann\\2.jpg\n",
        '"ann/2.jpg","Somebody, else"\n',
    ],
)
def test_a_name_is_a_place_in_the_folder_or_its_parent(album: Folder, text: str) -> None:
    file = listed(Path(album.location or "").parent, text)
    result = left_out(file, [album])
    assert result.image_ids == {"ann/2.jpg"}
    assert str(result) == "1 images named in list.csv are left out."


def test_names_of_other_data_are_counted(album: Folder, tmp_path: Path) -> None:
    file = listed(tmp_path, "bob/1.jpg\nalbum/ann/1.jpg\nelsewhere/ann/2.jpg\n2.jpg\n")
    result = left_out(file, [album, Phantom("2x1")])
    assert result.image_ids == {"bob/1.jpg", "ann/1.jpg"}
    assert str(result).endswith("2 of its names match no image of the data sets.")


def test_images_in_a_folder_within_the_data_set_s(tmp_path: Path) -> None:
    draw(tmp_path, *(f"celeba/Img/img_align_celeba/00000{k}.jpg" for k in range(3)))
    names = ("000000.jpg", "celeba/000001.jpg", "celeba/Img/img_align_celeba/000002.jpg")
    result = left_out(listed(tmp_path, "\n".join(names)), [CelebA(str(tmp_path / "celeba"))])
    assert len(result.image_ids) == 3 and result.strangers == 0


def test_packed_images_go_by_the_names_they_had(tmp_path: Path) -> None:
    packed: list[Dataset] = [Phantom("2x1"), Phantom("3x1")]
    write_pack(tmp_path / "a.pack", sources(packed, None, None), 32, progress=False)
    pack = Packed(str(tmp_path / "a.pack"))
    number, _, own = pack.samples()[-1].image_id.partition(":")
    assert number == "1"
    here = left_out(listed(tmp_path, f"3x1/{own}"), [pack])
    assert here.image_ids == {f"1:{own}"}
    assert f"1:{own}" in left_out(listed(tmp_path, own), [pack]).image_ids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "file\nx/1.jpg\na/0.jpg\n",
            r"None of the 2 names .* of folder; .* one is 'a/0\.jpg",
        ),
        ("file\n", r"list\.csv, names none"),
        ("\n\n", r"list\.csv, names none"),
        ('"open\n', r"list\.csv cannot be read as CSV: line 1"),
    ],
)
def test_a_list_that_leaves_nothing_out_is_refused(
    album: Folder, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        left_out(listed(tmp_path, text), [album])


def test_a_list_that_cannot_be_read_is_refused(album: Folder, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv cannot be read"):
        left_out(tmp_path / "gone.csv", [album])
    (tmp_path / "latin.csv").write_bytes(b"\xe9.jpg")
    with pytest.raises(DataError, match=r"latin\.csv cannot be read as text"):
        left_out(tmp_path / "latin.csv", [album])
