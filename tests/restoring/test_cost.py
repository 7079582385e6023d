"""What a restorer costs, measured in a process of its own."""

from __future__ import annotations

import pytest

from restore_recog.errors import UnknownPluginError
from restore_recog.restoring.cost import cost


@pytest.mark.slow
def test_costs_are_measured_in_a_process_of_its_own() -> None:
    small, large = (cost("fmodr", None, "cpu", batch, 1) for batch in (1, 8))
    assert (small.batch, large.batch) == (1, 8) and small.ms_per_image > 0
    assert 0 < small.peak_mib < large.peak_mib  # not the memory of this process


@pytest.mark.slow
def test_what_fails_there_fails_here() -> None:
    with pytest.raises(UnknownPluginError, match="No restorer named 'nobody'"):
        cost("nobody", None, "cpu", 1, 1)
