"""``restore-recog reproduce``: lists, the papers' own figures, rehearsals, CelebA's layout."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny import stored

from restore_recog import images
from restore_recog.alignment import five_points
from restore_recog.cli import main
from restore_recog.datasets.phantom import Phantom
from restore_recog.reporting.folder import read as read_report
from restore_recog.types import FaceImage

FEW = ("--limit", "4", "--crop-size", "64", "--device", "cpu", "--no-cache")


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["reproduce", *map(str, args)])


@pytest.fixture
def quick(
    tiny_recognizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None
) -> list[str]:
    """Return the options of a run that takes a second, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return ["--recognizer", tiny_recognizer, "--segmenter", "true", *FEW]


def test_the_list_names_every_table_and_what_it_needs() -> None:
    result = run("--list")
    assert result.exit_code == 0 and result.stdout == run().stdout
    line = next(row for row in result.stdout.splitlines() if row.startswith("ganmasker-table1 "))
    assert "celeba:PATH" in line and "ganmasker" in line


def test_without_data_the_papers_own_figures_are_shown() -> None:
    result = run("ganmasker-table1")
    assert result.exit_code == 0
    for text in ("30.96", "16.34", "GLCIC", "celeba:PATH", "train-restorer", "Decided here"):
        assert text in result.stdout
    assert "bench" in run("fmodr-table9").stdout
    assert "0.57?" in run("ecgan-table2").stdout and "misprint" in run("ecgan-table2").stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("gnmasker-table1",), "ganmasker-table1"),
        (("fmodr",), "did you mean"),
        (("fmodr-table5", "-d", "phantom:ar-2", "--row-weights", "sca=none"), "no weights file"),
        (("fmodr-table8", "-d", "phantom"), "There is no evaluation"),
        (("fmodr-table4-ar", "-d", "ar:x"), "agree pixel by pixel"),
        (("fmodr-table3", "-d", "fmro:x"), "Did you mean 'fmor'"),
        (("fmodr-table3", "-d", "phantom", "-r", "fmdr"), "Did you mean 'fmodr'"),
        (("fmodr-table3", "-d", "phantom", "--weights", "none.safetensors"), "no weights file"),
    ],
)
def test_bad_input_is_told_in_one_sentence(args: tuple[str, ...], message: str) -> None:
    result = run(*args)
    assert result.exit_code == 1 and message in result.stderr and "Traceback" not in result.stderr


def test_missing_weights_say_how_they_are_made(
    quick: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("restore_recog.weights.SHIPPED", tmp_path)
    result = run("fmodr-table3", "-d", "phantom:fmor-2", *quick)
    assert result.exit_code == 1
    assert "train-restorer --restorer fmodr --preset paper --data fmor:PATH" in result.stderr


def test_a_rehearsal_cannot_be_mistaken_for_a_reproduction(quick: list[str]) -> None:
    args = ("fmodr-table4-celeba-rectangle", "-d", "phantom:3x2", "-r", "telea", *quick)
    result = run(*args, "-o", "out")
    assert result.exit_code == 0, result.output
    assert "NOT A REPRODUCTION: these are rendered phantom faces" in result.stdout
    assert "32.17" in result.stdout and "(telea)" in result.stdout
    report = read_report(Path("out"))
    assert "not a reproduction" in report.labels[0]
    assert report.setup["crop_size"] == 64 and report.setup["coverings"]["kind"] == "rectangle:64"
    content = json.loads(Path("out/reproduce.json").read_text())
    assert "not a reproduction" in content["verdict"]
    with Path("out/reproduce.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["verdict"] for row in rows if row["row"] == "FMODR"} == {"not here"}
    mine = next(row for row in rows if row["row"] == "telea" and row["metric"] == "psnr")
    arm = next(arm for arm in report.arms if arm.name == "restored:telea")
    assert float(mine["here"]) == pytest.approx(arm.figures["psnr"]["value"])
    assert mine["n"] == "4"
    assert Path("out/reproduce.md").read_text().startswith("### fmodr-table4-celeba-rectangle")

    refused = run(*args, "-o", "out")
    assert refused.exit_code == 1 and "never overwritten" in refused.stderr
    kept = [arg for arg in args if arg != "--no-cache"]
    again = run(*kept, "-o", "out", "--resume", "--format", "csv")
    assert again.exit_code == 0 and again.stdout == Path("out/reproduce.csv").read_text()
    other = run(*kept, "-o", "out", "--resume", "--crop-size", 48)
    assert other.exit_code == 1 and "crop_size" in other.stderr


def test_systems_that_a_paper_compares_with_are_measured_where_asked_for(
    quick: list[str], tmp_path: Path
) -> None:
    systems = [f"--restorer={name}={stored(tmp_path, name)}" for name in ("deepfill", "glcic")]
    args = ("ganmasker-table1", "-d", "phantom:3x2", *systems, *quick, "-o", "out")
    result = run(*args, "--format", "csv")
    assert result.exit_code == 0, result.output
    psnr = {
        row["row"]: row
        for row in csv.DictReader(result.stdout.splitlines())
        if row["metric"] == "psnr"
    }
    arms = {arm.name: arm.figures for arm in read_report(Path("out")).arms}
    for row, name in (("GatedConv", "deepfill"), ("GLCIC", "glcic")):
        mine = arms[f"restored:{name}"]["psnr"]["value"]
        assert float(psnr[row]["here"]) == pytest.approx(mine)
    assert psnr["GUMF"]["verdict"] == psnr["GANMasker"]["verdict"] == "not here"
    assert not {"deepfill", "glcic"} & psnr.keys()


@pytest.mark.parametrize(
    ("name", "data"),
    [("fmodr-table3", "phantom:fmor-3"), ("fmodr-table4-ar", "phantom:ar-2"),
     ("fmodr-table6-fmor", "phantom:fmor-3"), ("fmodr-figure11-ar", "phantom:ar-3")],
)  # fmt: skip
def test_every_kind_of_table_can_be_rehearsed(quick: list[str], name: str, data: str) -> None:
    result = run(name, "-d", data, "-r", "telea", *quick, "-o", "out")
    assert result.exit_code == 0, result.output
    report = read_report(Path("out"))
    worn = {row.covering for row in report.probes}
    if name == "fmodr-table4-ar":
        assert worn == {"scarf"}
    if name == "fmodr-table3":
        assert report.setup["coverings"] is not None and "mask" not in worn


def test_a_table_of_two_parts_is_shown_whole() -> None:
    text = run("fmodr-table5").stdout
    assert "fmodr-table5-ar" in text and "fmodr-table5-fmor" in text
    for figure in ("30.2", "43.9", "51.8", "61.3", "97.3", "8.1", "39.0", "47.6"):
        assert f" {figure}\n" in text


def test_every_row_of_table_five_stands_beside_the_papers(
    quick: list[str], tiny_recognizer: str
) -> None:
    data = ("-d", "phantom:ar-3", "-d", "phantom:fmor-3")
    form = ("--row-recognizer", f"sca={tiny_recognizer}", "-o", "out", "--format", "csv")
    args = ("fmodr-table5", *data, *quick, *form)
    result = run(*args)
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(result.stdout.splitlines()))
    printed = [row for row in rows if row["in_paper"] == "yes" and row["paper"][0] not in "+-"]
    assert len(printed) == 22
    here = {(row["table"][13:], row["row"]) for row in printed if row["here"]}
    ours = {"Triplet learning", "SCA", "FMODR + Triplet learning", "FMODR + SCA"}
    classics = {"PCA", "LPP", "SR", "GPCA"}
    assert here == {("ar", label) for label in ours | classics} | {("fmor", one) for one in ours}
    note = Path("out/fmodr-table5-ar/reproduce.txt").read_text()
    assert "the rows with VGG-Face are filled by --row-weights vggface=FILE" in note
    assert "SCA are filled" not in note and "settings of its other recognisers" in note
    parts = sorted(path.name for path in Path("out").iterdir() if not path.name.startswith("."))
    assert parts == ["fmodr-table5-ar", "fmodr-table5-fmor"]
    # Each recogniser has the report that it would get alone, and its own figures.
    pca = next(row for row in printed if row["row"] == "PCA")
    alone = read_report(Path("out/fmodr-table5-ar/recognizers/pca"))
    floor = next(arm for arm in alone.arms if arm.name == "occluded")
    assert float(pca["here"]) == pytest.approx(100 * floor.figures["rank1"]["value"])
    refused = run(*args)
    assert refused.exit_code == 1 and "never overwritten" in refused.stderr
    resumed = [arg for arg in args if arg != "--no-cache"]
    again = run(*resumed, "--resume")
    assert again.exit_code == 0 and again.stdout == result.stdout


def test_data_goes_to_the_parts_of_its_kind(quick: list[str]) -> None:
    result = run("fmodr-table6", "-d", "phantom:fmor-3", "-r", "telea", *quick, "-o", "out",
                 "--format", "json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["table"] == "fmodr-table6-fmor"
    # Data of no part's kind goes to all of them, and the first says what it lacks.
    other = run("fmodr-table6", "-d", "phantom:3x3", "-r", "telea", *quick, "-o", "other")
    assert other.exit_code == 1 and "The protocol 'ar' needs people" in other.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("fmodr-table5-ar", "--row-weights", "sca"), "ROW is one of pca, lpp, src, gpca"),
        (("fmodr-table5-fmor", "--row-weights", "pca=x"), "ROW is one of vggface, sca"),
        (("fmodr-table3", "--row-recognizer", "sca=timm"), "none, in this table"),
    ],
)
def test_rows_that_a_table_does_not_have_are_a_usage_error(
    args: tuple[str, ...], message: str
) -> None:
    result = run(*args, "-d", "phantom:ar-2")
    assert result.exit_code == 2 and message in result.stderr


def test_celeba_is_cropped_as_the_cropper_does_and_only_its_test_part_is_used(
    quick: list[str], tmp_path: Path
) -> None:
    root = tmp_path / "celeba"
    faces = Phantom("4x1")
    samples = [sample for sample in faces.samples() if sample.attributes["split"] == "test"]
    lines = []
    for number, image in enumerate(faces.read(samples), 1):
        assert isinstance(image, FaceImage) and image.landmarks is not None
        images.write(root / f"img_celeba/{number:06d}.png", image.pixels)
        points = five_points(image.landmarks)
        lines.append(f"{number:06d}.png " + " ".join(f"{value:.0f}" for value in points.ravel()))
    (root / "list_landmarks_celeba.txt").write_text("4\nnames\n" + "\n".join(lines) + "\n")
    parts = "000001.png 0\n000002.png 2\n000003.png 2\n000004.png 2\n"
    (root / "list_eval_partition.txt").write_text(parts)
    args = ("ganmasker-table1", "-d", f"celeba:{root}", "-r", "telea", *quick)
    result = run(*args, "-o", "paper")
    assert result.exit_code == 0, result.output
    report = read_report(Path("paper"))
    assert report.setup["images"]["probes"] == 3
    assert report.setup["crop_template"] is not None
    assert "phantom" not in report.labels[0] and "crops of 64 pixels" in report.labels[0]
    own = run(*args, "-o", "own", "--crop", "own")
    assert own.exit_code == 0, own.output
    figures = {
        name: next(a for a in read_report(Path(name)).arms if a.arm == "occluded").figures["psnr"]
        for name in ("paper", "own")
    }
    # The face is smaller in the paper's crop, so a covering spoils less of the image.
    assert figures["paper"]["value"] > figures["own"]["value"] + 1


def test_other_data_is_warned_of_and_goes_on(quick: list[str], tmp_path: Path) -> None:
    faces = Phantom("2x2")
    for sample, image in zip(faces.samples(), faces.read(faces.samples()), strict=True):
        assert isinstance(image, FaceImage)
        name = sample.image_id.replace("/", "_")
        images.write(tmp_path / "mine" / sample.subject / f"{name}.png", image.pixels)
    result = run("fmodr-table3", "-d", f"folder:{tmp_path / 'mine'}", "-r", "telea", *quick,
                 "-o", "out")  # fmt: skip
    assert "'folder' is other data" in result.stderr
    if result.exit_code == 0:
        assert "measured on folder, the paper on fmor" in result.stdout
    else:
        assert "face" in result.stderr  # the detector need not find rendered faces
