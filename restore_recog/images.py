"""Image files in, image files out; the only module that opens and writes them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from restore_recog.errors import ImageError, OutputError
from restore_recog.system.atomic import whole_file

if TYPE_CHECKING:
    from torch import Tensor

extensions = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif"),
    *(".jfif", ".jpe"),
)
"""File name endings, lower case, that count as images where a folder is read."""

MAX_PIXELS = 178_956_970
"""An image with more pixels is refused unread, far beyond any camera. One takes 10 bytes a pixel
while it is decoded (1.7 GiB at most, and one at a time) and 3 after that."""

MIN_SIDE = 16
"""An image with a shorter side is refused: no face in it could be aligned."""

PNG = {"compress_level": 4}
"""How a PNG is written: in two thirds of the time of level 6, half a per cent larger."""

_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": PNG,
    "WEBP": {"lossless": True, "exact": True},  # exact: also the colours of transparent pixels
}
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")


def read(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the (H, W, 3) uint8 RGB pixels of an image file, upright.

    Grey, palette, CMYK and 16-bit images become 8-bit RGB (16-bit values are divided by
    257, so that white stays white); transparent pixels are laid over white; the camera's
    orientation mark is applied; of an animation the first image counts.

    Raises:
        ImageError: Missing, empty, damaged, no image, over :data:`MAX_PIXELS`, or with a
            side under :data:`MIN_SIDE`.
    """
    path = Path(path)
    pixels = _decode(path, background=255)
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise ImageError(
            f"The image {path} is {width} x {height} pixels, which is too small:"
            f" both sides must have at least {MIN_SIDE}."
        )
    return pixels


def read_mask(path: str | os.PathLike[str], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask image as (H, W) uint8, 1 where it is brighter than 127.

    Args:
        path: Bright = occluded, dark (or transparent) = free; any size and mode.
        shape: (H, W) of the image that the mask belongs to; the nearest pixel counts.

    Raises:
        ImageError: As in :func:`read`, or something is marked but nothing brighter than 127,
            which is how a mask of zeros and ones looks.
    """
    levels, depth = _levels(Path(path))
    if 0 < levels.max() <= depth // 255 * 127:
        raise ImageError(
            f"The mask {path} has no value above {depth // 255 * 127} (its highest is"
            f" {levels.max()}): occluded pixels must be white ({depth})."
        )
    grey = _eight_bit(levels, depth)
    resized = Image.fromarray(grey).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return (np.asarray(resized) > 127).astype(np.uint8)


def read_levels(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Return the (H, W) uint8 brightness of a mask image as it is, transparent parts dark.

    Raises:
        ImageError: As in :func:`read`, but any size will do.
    """
    return _eight_bit(*_levels(Path(path)))


def write(path: str | os.PathLike[str], pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB or (H, W) grey uint8 pixels; the name's ending decides the format.

    The file appears whole or not at all: an interrupted write leaves the old one. Missing
    parent folders are made.

    Raises:
        OutputError: Unknown ending, no permission, or no space.
    """
    save(Path(path), Image.fromarray(pixels))


def save(path: Path, image: Image.Image, *, overwrite: bool = True, **facts: Any) -> None:
    """Write an image as :func:`write` does, without loss where the format can; JPEG is at its best.

    Args:
        path: The file.
        image: Of any mode that the format knows.
        overwrite: Whether a file of this name may be replaced.
        facts: What goes with it, as Pillow calls it: ``exif``, ``icc_profile``, ``dpi``.

    Raises:
        OutputError: Unknown ending, no permission, or no space.
    """
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind is None or kind not in Image.SAVE or path.suffix.lower() not in extensions:
        raise OutputError(
            f"'{path}' cannot be written: the ending '{path.suffix}' is no known image format;"
            f" use one of {', '.join(extensions)}."
        )
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **_OPTIONS.get(kind, {}), **facts)
    with whole_file(path, overwrite=overwrite) as part:
        part.write_bytes(buffer.getbuffer())


def to_tensor(images: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Return (N, 3, H, W) float32 in [0, 1] of N uint8 (H, W, 3) images of one size.

    Raises:
        ValueError: No images, or several sizes.
    """
    import torch  # here, so that naming a data set does not wait for it

    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div(255).contiguous()


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Return (N, H, W, 3) uint8, rounded and clamped, of (N, 3, H, W) float in [0, 1].

    Raises:
        ValueError: Some value is NaN or infinite.
    """
    if not bool(images.isfinite().all()):
        raise ValueError("The images hold values that are not finite numbers.")
    scaled = images.detach().float().clamp(0, 1).mul(255).round()
    return scaled.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def _levels(path: Path) -> tuple[NDArray[np.integer], int]:
    """Return the (H, W) brightness of a mask in the file's own values, and that of white.

    What a mask marks shows in these values only: 1 of 65,535 is nothing once it has 8 bits.
    """
    with opened(path) as image:
        deep = bits(image) > 8  # while nothing is decoded
        upright = ImageOps.exif_transpose(image)
        if image.mode in _SIXTEEN_BIT:
            return _sixteen_bits(upright), 65535
        if deep:  # in colour or with transparency, of which Pillow keeps 8 bits
            values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
            if values is not None and values.dtype == np.uint16:
                channels = values.astype(np.int64).reshape(*values.shape[:2], -1)  # (H, W, C)
                if channels.shape[2] == 4:
                    channels = channels[:, :, :3] * channels[:, :, 3:] // 65535
                return channels.max(axis=2), 65535
        return _rgb(upright, background=0).max(axis=2), 255


def _eight_bit(levels: NDArray[np.integer], depth: int) -> NDArray[np.uint8]:
    if depth == 255:
        return levels.astype(np.uint8, copy=False)
    step = depth // 255
    return ((levels + step // 2) // step).astype(np.uint8)


def bits(image: Image.Image) -> int:
    """Return how many bits a channel has in an image file that was just opened."""
    if image.mode in ("I", "F"):
        return 32 if image.mode == "F" or "16" not in _raw_mode(image) else 16
    return 16 if "16" in image.mode + _raw_mode(image) else 8


def _raw_mode(image: Image.Image) -> str:
    """Return how Pillow calls the pixels in the file itself, nothing where it does not tell."""
    tiles = getattr(image, "tile", None) or [None]
    args = getattr(tiles[0], "args", None)
    mode, *rest = args if isinstance(args, tuple) else (args,)
    deep = rest[:1] and isinstance(rest[0], int) and rest[0] > 255 and image.format == "PPM"
    return f"{mode};16" if deep else str(mode)


def _decode(path: Path, background: int) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 RGB of any size, transparency over a grey *background*."""
    with opened(path) as image:
        ImageOps.exif_transpose(image, in_place=True)  # a copy would cost as much memory again
        return _rgb(image, background)


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Yield an image file that is open and small enough to be decoded.

    Raises:
        ImageError: Whatever is wrong with it, also while it is decoded.
    """
    if not os.path.isfile(path):
        raise ImageError(f"There is no image file {path}.")
    try:
        with Image.open(path) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except Image.DecompressionBombError as error:
        raise ImageError(
            f"The image {path} is too large: more than {MAX_PIXELS / 1e6:.0f} million pixels."
        ) from error
    # A damaged file makes the decoders raise nearly anything (OSError, SyntaxError,
    # struct.error, IndexError, ...); whatever it is, this one image cannot be read.
    except Exception as error:
        reason = "it is empty" if path.stat().st_size == 0 else str(error) or repr(error)
        raise ImageError(f"The image {path} cannot be read: {reason.rstrip('.')}.") from error


def _sixteen_bits(image: Image.Image) -> NDArray[np.int64]:
    """Return the (H, W) values of an image in one of :data:`_SIXTEEN_BIT`."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its pixels have more than 16 bits")
    return values


def _rgb(image: Image.Image, background: int) -> NDArray[np.uint8]:
    if image.mode in _SIXTEEN_BIT:
        return np.repeat(_eight_bit(_sixteen_bits(image), 65535)[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers, whose range is unknown")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        base = Image.new("RGBA", image.size, (background, background, background, 255))
        image = Image.alpha_composite(base, image)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
