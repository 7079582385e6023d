"""Synthetic face coverings: draw a mask, respirator or scarf on a face from its landmarks."""

from __future__ import annotations

from restore_recog.coverings.choice import choose
from restore_recog.coverings.wear import KINDS, Covered, cover

__all__ = ["KINDS", "Covered", "choose", "cover"]
