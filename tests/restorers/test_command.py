"""A program as a restorer: what it is given, and every way in which it may fail."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import pytest
import torch

from restore_recog import registry
from restore_recog.errors import PluginError
from restore_recog.evaluation.cache.identity import identity
from restore_recog.restoring.restoration import run_restorer
from restore_recog.testing import face_batch
from restore_recog.types import FaceBatch

BATCH = face_batch(3, (32, 32))


def run(text: str, batch: FaceBatch = BATCH) -> torch.Tensor:
    return run_restorer(registry.restorers.create(f"command:size=32 {text}"), batch)


def script(folder: Path, text: str, *, more: str = "{input} {mask} {output}") -> str:
    """Return the command of a shell script that a test writes."""
    file = folder / "system"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return f"{shlex.quote(str(file))} {more}"


def test_it_is_given_crops_and_masks_and_its_results_are_taken(tmp_path: Path) -> None:
    restored = run(script(tmp_path, 'cmp -s "$1/0000.png" "$2/0000.png" || cp "$2"/* "$3"'))
    white = BATCH.masks.expand_as(restored) > 0.5
    assert torch.equal(restored[white], torch.ones_like(restored[white]))  # its result: the masks
    assert torch.equal(restored[~white], BATCH.images[~white])


def test_the_masks_come_the_other_way_round_too(tmp_path: Path) -> None:
    words = script(tmp_path, 'cp "$2"/* "$3"', more="{input} {keep} {output}")
    restored = run(words)
    white = BATCH.masks.expand_as(restored) > 0.5
    assert not restored[white].any()


def test_images_without_covering_are_not_given(tmp_path: Path) -> None:
    none = FaceBatch(BATCH.images, torch.zeros_like(BATCH.masks))
    assert torch.equal(run(script(tmp_path, "exit 1"), none), BATCH.images)


def test_a_failure_says_the_code_and_the_last_words(tmp_path: Path) -> None:
    words = script(tmp_path, "for i in 1 2 3 4 5; do echo line $i; done; echo bad >&2; exit 3")
    with pytest.raises(PluginError) as caught:
        run(words)
    assert str(caught.value) == (
        "The command 'system' ended with exit code 3. Its last words: line 4 / line 5 / bad"
    )
    with pytest.raises(PluginError, match="'system' was ended by signal 9"):
        run(script(tmp_path, "kill -9 $$"))


def test_a_program_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    words = script(tmp_path, f"(sleep 3; touch {shlex.quote(str(tmp_path / 'late'))}) & sleep 60")
    start = time.monotonic()
    with pytest.raises(
        PluginError, match=r"not done after 1 seconds and was ended; .*seconds=LIMIT"
    ):
        run(f"seconds=1 {words}")
    time.sleep(max(0.0, 3.5 - (time.monotonic() - start)))
    assert not (tmp_path / "late").exists()


def test_a_program_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"no result for any of 3 images .* last words: hello"):
        run(script(tmp_path, "echo hello"))
    with pytest.raises(PluginError, match="wrote no result"):
        run(script(tmp_path, 'for f in "$1"/*; do cp "$f" "$3/out-$(basename "$f")"; done'))


def test_half_of_the_results_are_failures_of_the_others(tmp_path: Path) -> None:
    words = script(tmp_path, 'cp "$2/0001.png" "$3"; head -c 60 "$2/0002.png" > "$3/0002.png"')
    restorer = registry.restorers.create(f"command:size=32 {words}")
    assert list(restorer.notes) == []
    restored = run_restorer(restorer, BATCH)
    covered = BATCH.masks[:, 0] > 0.5
    assert restored[0][:, covered[0]].isnan().all() and restored[2][:, covered[2]].isnan().all()
    assert restored[1].isfinite().all()
    run_restorer(restorer, BATCH)
    assert restorer.notes == [
        "command:system: results that are missing or of no use, and count as restorer failures: 4; "
        "the first: 0000.png is missing."
    ]


def test_other_files_beside_the_results_are_no_results(tmp_path: Path) -> None:
    text = 'cp "$2"/* "$3"; for f in "$3"/*; do echo words > "${f%.png}.txt"; done'
    beside = '; for f in "$1"/*; do n=$(basename "$f"); cp "$f" "$3/${n%.png}.webp"; done'
    restored = run(script(tmp_path, text + beside))
    hole = BATCH.masks.expand_as(restored) > 0.5
    assert (restored[hole] == 1).all()  # the PNG files, which are the masks


def test_masks_read_the_other_way_round_are_noticed(tmp_path: Path) -> None:
    program = tmp_path / "turned.py"
    program.write_text(
        "import sys, pathlib\n"
        "from PIL import Image, ImageOps\n"
        "given, masks, out = map(pathlib.Path, sys.argv[1:])\n"
        "for path in given.iterdir():\n"
        "    image, mask = Image.open(path), Image.open(masks / path.name)\n"
        "    Image.composite(image, ImageOps.invert(image), mask).save(out / path.name)\n"
    )
    words = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}"
    with pytest.raises(PluginError, match=r"the other way round; give it \{keep\} instead of"):
        run(f"{words} {{input}} {{mask}} {{output}}")
    assert run(f"{words} {{input}} {{keep}} {{output}}").isfinite().all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs a program, for instance"),
        ("size=64", "needs a program"),
        ("cp {input} {out}", r"'\{out\}' in the command is no placeholder; there are \{input\}"),
        ("cp {input} there", r"names no \{output\}"),
        ("cp there {output}", r"names no \{input\}"),
        ("cp '{input} {output}", "cannot be read: No closing quotation"),
        ("no-such-program {input} {output}", "There is no program 'no-such-program'"),
        ("size=big cp {input} {output}", "'size=big' before the program is none of size=PIXELS"),
        ("time=3 cp {input} {output}", "'time=3' before the program"),
        ("size=8 cp {input} {output}", "size=8 is too small"),
    ],
)
def test_a_wrong_command_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(PluginError, match=said):
        registry.restorers.create(f"command:{text}")
    with pytest.raises(PluginError, match="needs a program"):
        registry.restorers.create("command")


def test_a_program_that_is_none_is_named(tmp_path: Path) -> None:
    words = script(tmp_path, "")
    (tmp_path / "system").write_bytes(b"\x7fELF nothing")
    with pytest.raises(PluginError, match=r"'system' (cannot be started|ended with exit code)"):
        run(words)


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    words = script(tmp_path, 'cp "$1"/* "$3"; test "$4" = "; touch x" -a "$5" = "$HOME"')
    with pytest.raises(PluginError, match="exit code 1"):  # $HOME is given as it is written
        run(words + " '; touch x' $HOME")
    assert not Path("x").exists()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("cp -r {input}/. {output}", "cp"),
        ("env python3 -u tools/inpaint.py --in={input} {output}", "inpaint.py"),
        ("sh {input} {output}", "sh"),
    ],
)
def test_it_is_called_by_the_program_that_restores(text: str, title: str) -> None:
    assert registry.restorers.create(f"command:{text}").argument == title


def test_no_finished_work_is_used_again() -> None:
    one, other = (registry.restorers.create("command:cp {input} {output}") for _ in range(2))
    assert identity(one) != identity(other)
    assert one.settings == {"command": "cp {input} {output}", "seconds": 600}
