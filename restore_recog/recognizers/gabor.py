"""``gpca[:DIMENSIONS]``: Gabor magnitudes, then principal components.

Source: Liu and Wechsler, "Gabor Feature Based Classification Using the Enhanced Fisher Linear
Discriminant Model for Face Recognition", IEEE TIP 11(4), 2002, sections II and III: five scales,
eight orientations, maps made coarser and normalised one by one.

Row "GPCA" of FMODR's table 5. Deviation: the paper's reference for it is a Gabor-volume LBP (Lei
et al., 2008); the name says Gabor and PCA, and this is Gabor and PCA.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from restore_recog.recognizers.learning import Project, SubspaceRecognizer, subspace
from restore_recog.types import Templates

SIDE, COARSE = 64, 8
"""Sides of the crops and of the maps of magnitudes, in pixels."""

SCALES, ORIENTATIONS = 5, 8

SHORTEST = 4.0
"""Shortest wavelength in pixels; each scale's is sqrt(2) times that of the one before."""


class GaborPca(SubspaceRecognizer):
    """Gabor and PCA: principal components of the gallery's Gabor magnitudes."""

    name = "gpca"
    components = 150
    image_size = (SIDE, SIDE)

    def features(self, images: Tensor) -> Tensor:
        """Return (N, 40 x 64) magnitudes of (N, 1, 64, 64) grey images, normalised map by map."""
        maps = F.adaptive_avg_pool2d(magnitudes(images), COARSE).flatten(2)  # (N, 40, 64)
        centred = maps - maps.mean(2, keepdim=True)
        spread = centred.norm(dim=2, keepdim=True)
        return (centred / spread.clamp_min(1e-8)).flatten(1)

    def learn(self, gallery: Templates) -> Project:
        """Return the projection on the first principal components."""
        return subspace(gallery, self.dimensions).transform  # type: ignore[no-any-return]


def magnitudes(images: Tensor) -> Tensor:
    """Return the (N, 40, 64, 64) sizes of the answers of all wavelets to (N, 1, 64, 64) images."""
    margin = SIDE // 2
    wide = F.pad(images, (margin,) * 4, mode="reflect")  # (N, 1, 128, 128)
    waves = _spectra().to(images.device)  # (40, 128, 128)
    answers = torch.fft.ifft2(torch.fft.fft2(wide) * waves)  # (N, 40, 128, 128)
    return answers.abs()[..., margin : margin + SIDE, margin : margin + SIDE]


@cache
def _spectra() -> Tensor:
    """Return the (40, 128, 128) Fourier transforms of the wavelets, centred at pixel (0, 0)."""
    whole = 2 * SIDE
    kernels = np.zeros((SCALES * ORIENTATIONS, whole, whole), np.complex64)
    for i, (scale, turn) in enumerate(np.ndindex(SCALES, ORIENTATIONS)):
        kernel = wavelet(SHORTEST * math.sqrt(2) ** scale, math.pi * turn / ORIENTATIONS)
        side = len(kernel)
        kernels[i, :side, :side] = kernel
        kernels[i] = np.roll(kernels[i], (-(side // 2), -(side // 2)), axis=(0, 1))
    return torch.fft.fft2(torch.from_numpy(kernels))


def wavelet(wavelength: float, angle: float) -> np.ndarray:
    """Return an odd-sided complex Gabor wavelet that does not answer to even brightness.

    Its Gaussian's deviation is the wavelength: Liu and Wechsler's sigma of 2 pi.
    """
    side = 2 * math.ceil(min(3 * wavelength, SIDE - 1)) + 1
    real, imaginary, hill = (
        cv2.getGaborKernel((side, side), wavelength, angle, length, 1.0, phase)
        for length, phase in ((wavelength, 0.0), (wavelength, -math.pi / 2), (1e9, 0.0))
    )
    even = real - hill * (real.sum() / hill.sum())
    return (even + 1j * imaginary) / hill.sum()  # type: ignore[no-any-return]
