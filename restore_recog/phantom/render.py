"""From a person and circumstances to an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from restore_recog.phantom import scene
from restore_recog.phantom.geometry import Features, features, table_row
from restore_recog.phantom.identity import Person, Shot
from restore_recog.phantom.landmarks import landmarks
from restore_recog.phantom.numeric import Array, look_up, sample, step
from restore_recog.phantom.paint import blend, face_paint, part_of
from restore_recog.phantom.shading import Lamps, cast_shadow, depth_normals, light_of
from restore_recog.phantom.surface import (
    Pose,
    View,
    cavity,
    grid_place,
    intersect,
    pose_of,
    relief,
)


def _head_light(
    person: Person, layers: Array, view: View, pose: Pose, light: Lamps, shadow: Array
) -> Array:
    """Return the linear light of the skin under every pixel, (3, S, S)."""
    red, green, blue, gloss, hollow = sample(layers, *grid_place(view.x, view.y))
    nx, ny, nz = depth_normals(view.depth, pose.scale)
    lit = cast_shadow(view.depth, pose.scale, light) * (1.0 - 0.55 * shadow)
    shade = light.shade(nx, ny, nz, lit)
    open_sky = (1.0 - hollow) * (1.0 - 0.45 * shadow)
    shine = light.shine(nx, ny, nz) * gloss * lit * (0.16 * light.key)
    # Lamps that bounces between walls of skin comes back redder.
    warm = (1.0 - hollow * 0.75) * (1.0 - 0.4 * shadow)
    return np.stack(
        [
            red * shade[0] * warm + shine,
            green * shade[1] * open_sky + shine,
            blue * shade[2] * open_sky + shine,
        ]
    )


def _camera(linear: Array, shot: Shot) -> NDArray[np.uint8]:
    """Return the developed image: blur, white balance, exposure, tone curve, noise."""
    rng = np.random.default_rng([shot.texture, 9])
    size = linear.shape[1]
    grain = rng.random(3 * size * size, dtype=np.float32)
    # The difference of two far apart uniform numbers is close enough to a normal one.
    far = 37 * size + 11
    grain = (grain - np.concatenate([grain[far:], grain[:far]])).reshape(3, size, size)
    out = np.empty((size, size, 3), np.uint8)
    soft = linear.copy()
    soft[:, 1:-1] += shot.blur * (0.25 * (linear[:, :-2] + linear[:, 2:]) - 0.5 * linear[:, 1:-1])
    wide = soft.copy()
    wide[..., 1:-1] += shot.blur * (0.25 * (soft[..., :-2] + soft[..., 2:]) - 0.5 * soft[..., 1:-1])
    for k, plane in enumerate(wide):
        bright = np.maximum(plane * (shot.exposure * shot.white[k]), 0.0)
        # The shoulder of the tone curve keeps highlights from clipping hard.
        screen = np.sqrt(bright * (1.0 + 0.25 * bright) / (1.0 + 0.62 * bright))
        screen += grain[k] * (2.4494897 * shot.noise) * (0.6 + 0.4 * screen)
        out[..., k] = np.floor(np.minimum(np.maximum(screen, 0.0), 1.0) * 255.0 + 0.5)
    return out


def _head_cover(view: View, f: Features, pose: Pose) -> Array:
    half = look_up(f.width, table_row(view.y))
    cover = np.minimum(np.maximum(0.5 + view.reach * half * (0.5 * pose.scale), 0.0), 1.0)
    return cover * step((f.chin + 0.03 - view.y) * 12.0)


def render(person: Person, shot: Shot, size: int = 128) -> tuple[NDArray[np.uint8], Array]:
    """Return the image of a person in given circumstances, and its landmarks.

    Images are rendered one by one, vectorised over their pixels: 128 x 128 floats stay in the
    processor's nearest cache, which batches would not, and nothing can depend on batch mates.

    Returns:
        (size, size, 3) uint8 RGB and (98, 2) float32 landmarks in pixels.
    """
    f, pose, light = features(person, shot), pose_of(shot, size), light_of(shot)
    height = relief(person, shot, f)
    colours, gloss = face_paint(person, shot, f)
    layers = np.concatenate([colours, gloss[None], cavity(height)[None]])
    canvas = scene.background(shot, size)
    hair = scene.hair(person, shot, f, pose, light, size)
    blend(canvas, hair.behind, 0.45 * hair.colour)
    scene.body(canvas, person, shot, f, pose, light)
    scene.ears(canvas, person, shot, f, pose, light)
    area = pose.area(shot.centre[0] * size, 0.5 * size, 1.32, 2.5, size)
    shape = (area[0].stop - area[0].start, area[1].stop - area[1].start)
    near = pose.within(*area)
    view = intersect(near, shape, (f.width, f.depth, f.centre), height, 5)
    skin = _head_light(person, layers, view, near, light, hair.shadow[area])
    blend(part_of(canvas, area), _head_cover(view, f, near), skin)
    blend(canvas, hair.alpha, hair.colour)
    return _camera(canvas, shot), landmarks(f, height, pose)
