"""Fill the covered part of a face with its mirror image."""

from restore_recog.api import Restorer


class Mirror(Restorer):
    """Copy pixels across the vertical midline."""

    name = "mirror"
    image_size = (128, 128)

    def restore(self, batch):
        """Return (N, 3, H, W): what is hidden comes from the other half of the face."""
        return batch.images * (1 - batch.masks) + batch.images.flip(-1) * batch.masks
