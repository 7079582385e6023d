"""Seeded synthetic faces: shaded three-dimensional surfaces, the same bytes everywhere."""

from __future__ import annotations

from restore_recog.phantom.identity import Person, Shot, draw_person, draw_shot
from restore_recog.phantom.render import render

__all__ = ["Person", "Shot", "draw_person", "draw_shot", "render"]
