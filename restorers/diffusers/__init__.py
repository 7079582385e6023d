"""``diffusers:PATH``: any inpainting pipeline of the library Diffusers.

The path is a folder that ``save_pretrained`` has written, or a name on the Hugging Face hub. Only
safetensors are read, and no code that comes with a model is run.
"""

from __future__ import annotations

from restore_recog.restorers.diffusers.restorer import Diffusers

__all__ = ["Diffusers"]
