"""A pipeline of Diffusers with random weights, small enough for a test."""

from __future__ import annotations

import importlib.util
import json
import string
import warnings
from pathlib import Path

import pytest
import torch


def tiny_pipeline(root: Path, *, safe: bool = True) -> Path:
    """Write an inpainting pipeline for 32 x 32 pixels into a folder, once.

    Args:
        root: Where its folder is made.
        safe: Whether its weights are safetensors, or PyTorch's pickles.
    """
    for package in ("diffusers", "transformers"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    place = root / ("tiny" if safe else "tiny-pickled")
    if not place.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what both packages say about their own future
            _write(place, safe)
    return place


def _write(place: Path, safe: bool) -> None:
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        StableDiffusionInpaintPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    tokenizer = _tokenizer(place)
    count = len(tokenizer)
    StableDiffusionInpaintPipeline(
        unet=UNet2DConditionModel(
            sample_size=16,
            in_channels=9,
            block_out_channels=(8, 16),
            layers_per_block=1,
            norm_num_groups=4,
            cross_attention_dim=8,
            attention_head_dim=4,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        vae=AutoencoderKL(
            block_out_channels=(8, 16),
            norm_num_groups=4,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        text_encoder=CLIPTextModel(
            CLIPTextConfig(
                vocab_size=count,
                hidden_size=8,
                intermediate_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                max_position_embeddings=16,
                bos_token_id=count - 2,
                eos_token_id=count - 1,
                pad_token_id=count - 1,
            )
        ),
        tokenizer=tokenizer,
        scheduler=DDIMScheduler(steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(place, safe_serialization=safe)


def _tokenizer(place: Path):
    """Return a tokenizer that knows letters alone."""
    from transformers import CLIPTokenizer

    letters = string.ascii_lowercase
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    place.mkdir(parents=True)
    vocabulary, merges = place / "vocab.json", place / "merges.txt"
    vocabulary.write_text(json.dumps({word: i for i, word in enumerate(words)}))
    merges.write_text("#version: 0.2\n")
    return CLIPTokenizer(str(vocabulary), str(merges), model_max_length=16)
