"""The 98 landmarks in WFLW order.

0-32 outline from the image-left ear over the chin (16); 33-41 and 42-50 brows; 51-54 ridge
of the nose; 55-59 its base; 60-67 and 68-75 eyes; 76-87 outer and 88-95 inner lips; 96, 97
pupils.
"""

from __future__ import annotations

import numpy as np

from restore_recog.phantom.geometry import Brow, Eye, Features, table_row
from restore_recog.phantom.numeric import Array, look_up
from restore_recog.phantom.surface import Pose, front


def _outline(f: Features) -> Array:
    """Return (33, 3) points evenly along the jaw, a little before the silhouette."""
    y = np.linspace(0.0, f.chin, 200).astype(np.float32)
    row = table_row(y)
    half = look_up(f.width, row)
    length = np.sqrt(np.diff(half) ** 2 + np.diff(y) ** 2)
    along = np.concatenate([[0.0], np.add.accumulate(length.astype(np.float64))])
    side = np.interp(np.linspace(0.0, along[-1], 17), along, y).astype(np.float32)
    row = table_row(side)
    half, depth, centre = (look_up(t, row) for t in (f.width, f.depth, f.centre))
    z = centre + 0.25 * depth
    left = np.stack([-0.968 * half, side, z], axis=1)
    right = np.stack([0.968 * half, side, z], axis=1)
    left[16, 0] = 0.0
    return np.concatenate([left, right[15::-1]])


def _brow(brow: Brow) -> list[tuple[float, float]]:
    t = np.array([0.0, 0.25, 0.5, 0.75, 1.0], np.float32)
    upper, lower = brow.edges(t)
    x = brow.side * (brow.x + brow.length * t)
    top = list(zip(x.tolist(), upper.tolist(), strict=True))
    low = list(zip(x.tolist(), lower.tolist(), strict=True))
    tip = (top[4][0], 0.5 * (top[4][1] + low[4][1]))
    if brow.side < 0:
        return [tip, top[3], top[2], top[1], top[0], low[0], low[1], low[2], low[3]]
    return [top[0], top[1], top[2], top[3], tip, low[3], low[2], low[1], low[0]]


def _eye(eye: Eye) -> list[tuple[float, float]]:
    x = eye.x + eye.half * np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32)
    upper, lower = eye.lids(eye.along(x))
    top = list(zip(x.tolist(), upper.tolist(), strict=True))
    low = list(zip(x.tolist(), lower.tolist(), strict=True))
    return [*top, low[3], low[2], low[1]]


def _lips(f: Features) -> list[tuple[float, float]]:
    outer = np.array([-1.0, -0.62, -0.2, 0.0, 0.2, 0.62, 1.0], np.float32)
    inner = np.array([-0.9, -0.45, 0.0, 0.45, 0.9], np.float32)
    m = f.mouth
    top, _, _, low = m.edges(outer)
    _, inner_top, inner_low, _ = m.edges(inner)
    x, xi = (m.x + m.half * outer).tolist(), (m.x + m.half * inner).tolist()
    ring = list(zip(x, top.tolist(), strict=True))
    ring += [(x[k], float(low[k])) for k in (5, 4, 3, 2, 1)]
    ring += list(zip(xi, inner_top.tolist(), strict=True))
    return ring + [(xi[k], float(inner_low[k])) for k in (3, 2, 1)]


def landmarks(f: Features, height: Array, pose: Pose) -> Array:
    """Return (98, 2) pixels."""
    x = f.nose_x
    ridge = [(x * k / 3.0, 0.02 + (f.nose_tip - 0.02) * k / 3.0) for k in range(4)]
    base = [
        (x + f.nose_half * share, f.nose_base - lift)
        for share, lift in ((-0.9, 0.05), (-0.45, 0.0), (0.0, -0.02), (0.45, 0.0), (0.9, 0.05))
    ]
    flat = [*_brow(f.brows[0]), *_brow(f.brows[1]), *ridge, *base]
    flat += [*_eye(f.eyes[0]), *_eye(f.eyes[1]), *_lips(f)]
    flat += [(eye.iris_x, eye.iris_y) for eye in f.eyes]
    points = np.array(flat, np.float32)
    z = front(f, height, points[:, 0], points[:, 1])
    return pose.project(np.concatenate([_outline(f), np.column_stack([points, z])])).astype(
        np.float32
    )
