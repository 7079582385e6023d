"""Pieces, the length of a schedule, plans, and jobs that end in time: what slices rest on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from inpainters import INPAINTERS, untaught

from gpu.check import _mark
from gpu.jobs import Job, alone, run
from gpu.pieces import collect, cut, join, lengths, write_list
from gpu.records import thinned
from gpu.schedule import SPARE, rates, scale, useful
from gpu.table import acceptance
from gpu.train import read_plan
from restore_recog import registry
from restore_recog.cli.options import parse_settings
from restore_recog.errors import DataError, OutputError, TrainingError
from restore_recog.reporting.folder import read

ROOT = Path(__file__).parents[2]


class TestPieces:
    @pytest.mark.parametrize(
        ("total", "most", "sizes"),
        [(10, 4, [4, 3, 3]), (8, 4, [4, 4]), (3, 4, [3]), (0, 4, [0]), (5, 1, [1] * 5)],
    )
    def test_few_and_equal(self, total: int, most: int, sizes: list[int]) -> None:
        assert lengths(total, most) == sizes

    @pytest.fixture
    def sent(self, tmp_path: Path) -> Path:
        """Return a folder with 1,000 bytes in four pieces."""
        file = tmp_path / "whole.tar"
        file.write_bytes(bytes(range(250)) * 4)
        folder = tmp_path / "sent"
        folder.mkdir()
        write_list(cut(file, folder, 300), folder)
        return folder

    def test_arrive_in_any_order_over_several_calls(self, sent: Path, tmp_path: Path) -> None:
        store, arrived = tmp_path / "store", tmp_path / "arrived"
        for name in ("whole.tar.002", "whole.tar.000", "whole.tar.003"):
            arrived.mkdir()
            (arrived / "pieces.json").write_bytes((sent / "pieces.json").read_bytes())
            (arrived / name).write_bytes((sent / name).read_bytes())
            _, missing = collect(arrived, store)
            assert "whole.tar.001" in missing and name not in missing
            arrived.rename(tmp_path / f"gone-{name}")
        there, missing = collect(sent, store)
        join(there, tmp_path / "again")
        assert missing == []
        assert (tmp_path / "again").read_bytes() == (tmp_path / "whole.tar").read_bytes()

    def test_a_changed_piece_is_named(self, sent: Path, tmp_path: Path) -> None:
        (sent / "whole.tar.001").write_bytes(b"torn")
        with pytest.raises(DataError, match=r"whole\.tar\.001 is not the piece that was packed"):
            collect(sent, tmp_path / "store")

    def test_without_the_list(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="let it travel with every piece"):
            collect(tmp_path, tmp_path / "store")

    def test_pieces_of_another_pack_are_dropped(self, sent: Path, tmp_path: Path) -> None:
        store = tmp_path / "store"
        collect(sent, store)
        other = tmp_path / "other"
        other.mkdir()
        (tmp_path / "b.tar").write_bytes(b"b")
        write_list(cut(tmp_path / "b.tar", other, 300), other)
        there, missing = collect(other, store)
        assert [path.name for path in there] == ["b.tar.000"] and missing == []
        assert sorted(path.name for path in store.iterdir()) == ["b.tar.000", "pieces.json"]


class TestSchedule:
    def test_rates_leave_out_what_follows_a_phase(self) -> None:
        points = {
            "A": [(40, 10.0), (80, 12.0), (120, 14.0), (130, 90.0)],  # then it was validated
            "B": [(170, 100.0), (180, 101.0)],  # too short
            "C": [(220, 110.0), (260, 120.0), (300, 999.0)],
        }
        assert rates(points) == {"A": 20.0, "B": 4.0, "C": 4.0}

    def test_a_trial_without_a_rate(self) -> None:
        with pytest.raises(TrainingError, match="larger --trial-scale"):
            rates({"A": [(40, 1.0), (80, 2.0)]})

    def test_every_slice_loses_its_start_and_end(self) -> None:
        assert useful(1500, 500, 40) == 1500 - 3 * 40
        assert useful(1501, 500, 40) == 1501 - 4 * 40
        assert useful(30, 500, 40) == 0

    def test_slow_phases_count_by_their_time(self) -> None:
        images, speed = {"A": 1000, "B": 1000}, {"A": 100.0, "B": 25.0}  # 10 and 40 seconds
        assert scale(images, speed, 500 / SPARE) == pytest.approx(10)
        assert scale(images, speed, 5 / SPARE) == pytest.approx(0.1)

    def test_no_time_left(self) -> None:
        with pytest.raises(TrainingError, match="give more --seconds"):
            scale({"A": 1000}, {"A": 100.0}, 0)


class TestPlan:
    def test_options_of_all_come_first(self, tmp_path: Path) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(
            'options = ["--data", "packed:{lent}/a.pack"]\n'
            '[runs.one]\nrestorer = "fmodr"\noptions = ["--seed", "2"]\n[runs.ganmasker]\n'
        )
        one, other = read_plan(plan, Path("/lent"))
        assert (one.name, one.restorer) == ("one", "fmodr")
        assert one.options == ("--data", "packed:/lent/a.pack", "--seed", "2")
        assert other.restorer == "ganmasker"
        command = one.command(Path("runs/one"), "cpu", 0.25)
        assert command[-5:] == ["--images-scale", "0.25", "--output", "runs/one", "--resume"]

    @pytest.mark.parametrize(
        ("name", "restorers"),
        [
            ("plan", ["ganmasker", "fmodr"]),
            ("expressions", ["ecgan", "deepgan"]),
            ("landmark_gender", ["landmark_gender"]),
            ("systems", sorted(INPAINTERS)),
        ],
    )
    def test_the_examples_are_plans(self, name: str, restorers: list[str]) -> None:
        """Their restorers take every option that they set."""
        parts = {"landmark_gender": {"landmark_source": "zeros"}}  # its landmarker is on no disk
        runs = read_plan(ROOT / "gpu" / f"{name}.toml", Path("/lent"))
        assert [one.restorer for one in runs] == restorers
        for one in runs:
            given = [b for a, b in pairwise(one.options) if a == "--set"]
            options = parse_settings(None, None, given)
            without = {"init": "", "perceptual": "none", "identity": 0, "margin": 0}
            if one.restorer in INPAINTERS:
                without = untaught(one.restorer)
            without |= parts.get(one.restorer, {})
            registry.restorers.load(one.restorer).trainable("tiny", **options | without)

    @pytest.mark.parametrize("text", ["", "runs = 3", "[runs.a\n", "[runs]\na = 1"])
    def test_what_is_none(self, text: str, tmp_path: Path) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(text)
        with pytest.raises(DataError, match=r"plan\.toml cannot be used"):
            read_plan(plan, tmp_path)

    @pytest.mark.parametrize("option", ["--resume", "--images-scale=2", "--max-minutes"])
    def test_what_slices_decide_is_refused(self, option: str, tmp_path: Path) -> None:
        plan = tmp_path / "plan.toml"
        plan.write_text(f'[runs.a]\noptions = ["{option}"]\n')
        with pytest.raises(DataError, match="'a' is set by the slices"):
            read_plan(plan, tmp_path)


SAVES = """
import signal, sys, time
from pathlib import Path
def save(*_):
    Path(sys.argv[1]).write_text("saved")
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(60)
"""
WAITS = "import time; time.sleep(60)"
SLICE = """
import sys, time
from pathlib import Path
from gpu.check import _mark
from gpu.jobs import Job, alone, run
folder = Path(sys.argv[1])
with alone(folder) as lock:
    command = [sys.executable, "-c", sys.argv[2], str(folder / "saved")]
    run([Job("one", command, folder / "one.log")], time.monotonic() + 60, 1, lock)
"""


def wait_for(happened: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < ends, "it did not happen in 20 seconds"
        time.sleep(0.02)


class TestJobs:
    def job(self, folder: Path, name: str, code: str) -> Job:
        command = [sys.executable, "-S", "-c", code, str(folder / "saved")]
        return Job(name, command, folder / f"{name}.log")

    def test_all_that_end_by_themselves(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        jobs = [
            self.job(tmp_path, "good", "print('done')"),
            self.job(tmp_path, "bad", "raise SystemExit('no such GPU')"),
        ]
        with alone(tmp_path) as lock:
            assert run(jobs, time.monotonic() + 20, 1, lock) == {"good": 0, "bad": 1}
        printed = capsys.readouterr().out
        assert "good: exit code 0; done" in printed and "bad: exit code 1; no such GPU" in printed

    def test_the_time_is_up(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one", WAITS)
        with alone(tmp_path) as lock:
            assert run([job], time.monotonic(), 20, lock) == {"one": -signal.SIGTERM}

    def test_one_that_does_not_stop_is_killed(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one", WAITS)
        before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the job inherits it
        try:
            with alone(tmp_path) as lock:
                assert run([job], time.monotonic(), 0.1, lock) == {"one": -signal.SIGKILL}
        finally:
            signal.signal(signal.SIGTERM, before)

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc is asked")
    def test_nothing_that_a_job_has_started_is_left(self, tmp_path: Path) -> None:
        code = (
            "import subprocess, sys\n"
            "own = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
            "print(own.pid)"
        )
        with alone(tmp_path) as lock:
            run([self.job(tmp_path, "one", code)], time.monotonic() + 20, 1, lock)
        status = Path(f"/proc/{(tmp_path / 'one.log').read_text().strip()}/stat")
        # Dead, and perhaps not yet buried by whoever inherits it.
        wait_for(lambda: not status.exists() or status.read_text().split()[2] == "Z")

    @pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")
    def test_a_killed_slice_saves_and_frees_the_folder(self, tmp_path: Path) -> None:
        """While the job of a killed slice is alive nobody else gets the lock."""
        command = [sys.executable, "-c", SLICE, str(tmp_path), SAVES]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
        log = tmp_path / "one.log"
        wait_for(lambda: log.exists() and "ready" in log.read_text())
        with pytest.raises(OutputError, match="Another slice is at work"), alone(tmp_path, 0):
            pass
        process.kill()
        process.wait()
        with alone(tmp_path, 20):
            assert (tmp_path / "saved").read_text() == "saved"


@pytest.mark.parametrize(
    ("count", "most", "kept"), [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (101, 3, [0, 50, 100])]
)
def test_curves_keep_their_ends(count: int, most: int, kept: list[int]) -> None:
    assert thinned(range(count), most) == kept


def test_a_step_is_another_one_with_other_weights(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    command = ["python", "eval", "--weights", f"fmodr={file}"]
    file.write_bytes(b"one")
    before = _mark(command)
    assert _mark(command) == before != _mark([*command, "--limit", "3"])
    file.write_bytes(b"two")
    assert _mark(command) != before


def test_the_acceptance_table_has_a_row_for_each_judge_and_arm(sample_run: Path) -> None:
    head, line, *rows = acceptance([sample_run, sample_run]).splitlines()
    assert set(line) == {"|", "-"} and head.count("|") == rows[0].count("|") == 9
    arms = [row.split("|")[2].strip() for row in rows]
    assert arms == [arm.name for arm in read(sample_run).arms] * 2
    assert "Gain in rank-1, points" in head and "FMR at the 0.1 % threshold, %" in head
