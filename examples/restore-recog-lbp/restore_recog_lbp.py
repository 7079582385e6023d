"""Tell faces apart by histograms of center-symmetric local binary patterns."""

import numpy as np
import torch
import torch.nn.functional as F

from restore_recog.api import Recognizer

FIVE = [[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]  # of ArcFace


class LocalPatterns(Recognizer):
    """Count in each of 10 x 10 cells which of 16 patterns the grey values make."""

    name = "lbp"
    image_size = (112, 112)
    template = (np.array(FIVE) + 0.5) / 112  # pixel u has its centre at (u + 0.5) / 112

    def embed(self, images):
        """Return (N, 1600) unit-length square roots of counts of (N, 3, 112, 112) in [0, 1]."""
        grey = images.mean(1)
        opposite = [((0, 0), (2, 2)), ((0, 1), (2, 1)), ((0, 2), (2, 0)), ((1, 2), (1, 0))]
        codes = sum(
            2**bit * (grey[:, a : a + 110, b : b + 110] > grey[:, c : c + 110, d : d + 110] + 0.01)
            for bit, ((a, b), (c, d)) in enumerate(opposite)
        )
        patterns = F.one_hot(codes, 16).permute(0, 3, 1, 2)  # (N, 16, 110, 110)
        counts = F.avg_pool2d(patterns.float(), 11).flatten(1)  # (N, 16 * 10 * 10)
        return F.normalize(torch.sqrt(counts))
