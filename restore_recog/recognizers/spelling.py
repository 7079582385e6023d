"""What to write for a recogniser that is asked for by its file, or by the name of its origin.

Read where a name is unknown, and light, so that the answer comes at once.
"""

from __future__ import annotations

from pathlib import Path

INSIGHTFACE = ("insightface", "arcface", "buffalo_l", "buffalo_m", "buffalo_s", "antelopev2")
FACE_RECOGNITION = ("face_recognition", "face-recognition")

ENDINGS = {
    ".onnx": "Write 'onnx:{0}'.",
    ".pt": "Write 'torchscript:{0}', if torch.jit.save has written the file.",
    ".dat": "Write 'dlib={0}', if it is dlib's file.",
    ".safetensors": "Write 'timm={0}', if train-recognizer wrote it.",
}
"""By how the name of a file ends."""

ENDINGS |= {ending: ENDINGS[".pt"] for ending in (".pth", ".ts", ".jit", ".torchscript")}


def advice(spec: str) -> str:
    """Return a sentence and a space for a spec that names no recogniser, or ``""``."""
    sentence = _sentence(spec)
    return sentence and f"{sentence} "


def _sentence(spec: str) -> str:
    name = spec.partition(":")[0].lower()
    if name in INSIGHTFACE:
        return (
            "InsightFace's recognisers are ONNX files: write 'onnx:FILE', e.g. "
            "'onnx:~/.insightface/models/buffalo_l/w600k_r50.onnx'."
        )
    if name in FACE_RECOGNITION:
        return "The package face_recognition uses dlib's recogniser: write 'dlib'."
    ending = Path(spec).suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending].format(spec)
    if Path(spec).is_file():
        return f"Write 'onnx:{spec}' or 'torchscript:{spec}', whichever the file is."
    return ""
