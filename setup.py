"""Packaging of restore-recog.

``restorers/`` and ``protocols/`` stand at the top of the repository and are installed as
``restore_recog.restorers`` and ``restore_recog.protocols``; the two links of those names
inside ``restore_recog/`` make the checkout itself importable in the same way.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
# The one place of the version; importing the package would need what it installs.
SOURCE = (HERE / "restore_recog" / "__init__.py").read_text(encoding="utf-8")
VERSION = re.search(r'^__version__ = "(.+)"$', SOURCE, re.MULTILINE)[1]  # type: ignore[index]
MAPPED = {"restore_recog.restorers": "restorers", "restore_recog.protocols": "protocols"}

ONNX = ["onnx", "onnxruntime", "onnxscript"]
TEACHER = [*ONNX, "onnx2torch"]
QUALITY = ["torch-fidelity>=0.4", "torchmetrics>=1.5"]
HUB = ["huggingface_hub>=1.0"]
DOCS = ["mkdocs-material>=9.5", "mkdocstrings[python]>=0.27"]
TEST = [
    *DOCS,
    *HUB,
    *TEACHER,
    *QUALITY,
    "ipykernel",
    "nbclient",
    "pandas",
    "playwright",
    "pytest",
    "pytest-xdist",
    "scikit-image",
    "setuptools>=70.1",
]


def packages() -> list[str]:
    """Return every package once, whether or not the links survived the checkout."""
    found = set(find_packages(str(HERE), include=["restore_recog", "restore_recog.*"]))
    for name, folder in MAPPED.items():
        found.add(name)
        found.update(f"{name}.{below}" for below in find_packages(str(HERE / folder)))
    return sorted(found)


setup(
    name="restore-recog",
    version=VERSION,
    description="Measures whether restoring a masked face first helps a face recogniser.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The restore-recog authors",
    license="MIT",
    keywords=[
        *("face recognition", "masked faces", "occlusion", "inpainting", "biometrics"),
        *("FMR", "FNMR", "DET", "evaluation", "PyTorch"),
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)),
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=packages(),
    package_dir=MAPPED,
    package_data={
        "restore_recog": [
            "py.typed",
            "weights/*.safetensors",
            "weights/*.md",
            "datasets/*.csv",
            "published/*.bib",
            "published/*.json",
            "reporting/pages/templates/*.html.j2",
        ]
    },
    install_requires=[
        "click>=8.1",
        "facenet-pytorch>=2.5.3,<2.6",  # 2.6.0 asks for a torch older than ours.
        "filelock>=3.12",
        "jinja2>=3.1",
        "matplotlib",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "pytorch-metric-learning>=2.8",
        "safetensors",
        "scikit-learn",
        "scipy",
        "tabulate>=0.9",
        "tomli; python_version < '3.11'",
        "tensorboard",
        "timm>=1.0",
        "torch>=2.6",
        "torchvision",
        "tqdm",
    ],
    extras_require={
        "biharmonic": ["scikit-image"],
        "diffusers": ["accelerate", "diffusers>=0.30", "transformers"],
        "docs": DOCS,
        "hub": HUB,
        "wandb": ["wandb>=0.17"],
        "mlflow": ["mlflow>=2.14"],
        "dlib": ["dlib-bin", "face_recognition_models"],
        "onnx": ONNX,
        "teacher": TEACHER,
        "quality": QUALITY,
        "test": TEST,
        "dev": [*TEST, "mypy", "ruff"],
    },
    entry_points={
        "console_scripts": ["restore-recog = restore_recog.__main__:run"],
        "restore_recog.restorers": [
            "none = restore_recog.restorers.none:NoRestorer",
            "telea = restore_recog.restorers.telea:Telea",
            "opencv = restore_recog.restorers.opencv:OpenCV",
            "biharmonic = restore_recog.restorers.biharmonic:Biharmonic",
            "blur = restore_recog.restorers.plain:Blur",
            "grey = restore_recog.restorers.plain:Grey",
            "mean-face = restore_recog.restorers.mean_face:MeanFace",
            "patchmatch = restore_recog.restorers.patchmatch:PatchMatch",
            "precomputed = restore_recog.restorers.precomputed:Precomputed",
            "command = restore_recog.restorers.command:Command",
            "diffusers = restore_recog.restorers.diffusers:Diffusers",
            "onnx = restore_recog.restorers.onnx:OnnxRestorer",
            "torchscript = restore_recog.restorers.torchscript:TorchScriptRestorer",
            "fmodr = restore_recog.restorers.fmodr:FMODR",
            "ganmasker = restore_recog.restorers.ganmasker:GANMasker",
            "ecgan = restore_recog.restorers.ecgan:ECGAN",
            "deepgan = restore_recog.restorers.ecgan:DeepGAN",
            "landmark_gender = restore_recog.restorers.landmark_gender:LandmarkGender",
            "aotgan = restore_recog.restorers.aotgan:AOTGAN",
            "deepfill = restore_recog.restorers.deepfill:DeepFill",
            "gcf = restore_recog.restorers.gcf:GCF",
            "glcic = restore_recog.restorers.glcic:GLCIC",
            "pix2pix = restore_recog.restorers.pix2pix:Pix2Pix",
            "edgeconnect = restore_recog.restorers.edgeconnect:EdgeConnect",
            "ctsdg = restore_recog.restorers.ctsdg:CTSDG",
            "pluralistic = restore_recog.restorers.pluralistic:Pluralistic",
        ],
        "restore_recog.segmenters": [
            "average = restore_recog.segmenters.average:AverageMask",
            "maskrcnn = restore_recog.segmenters.maskrcnn:MaskRCNNSegmenter",
        ],
        "restore_recog.protocols": [
            "fmor = restore_recog.protocols.fmor:Fmor",
            "ar = restore_recog.protocols.ar:Ar",
            "rmfrd = restore_recog.protocols.rmfrd:Rmfrd",
            "lfw = restore_recog.protocols.lfw:Lfw",
            "mlfw = restore_recog.protocols.mlfw:Mlfw",
            "mfr2 = restore_recog.protocols.mfr2:Mfr2",
            "ocfr = restore_recog.protocols.ocfr:Ocfr",
            "blufr = restore_recog.protocols.blufr:Blufr",
            "gallery-probe = restore_recog.protocols.gallery_probe:GalleryProbe",
            "quality = restore_recog.protocols.quality:Quality",
            "expression = restore_recog.protocols.expression:Expression",
            "gender = restore_recog.protocols.gender:Gender",
            "csv = restore_recog.protocols.csv_files:CsvFiles",
        ],
        "restore_recog.recognizers": [
            "timm = restore_recog.recognizers.timm:TimmRecognizer",
            "facenet = restore_recog.recognizers.facenet:FaceNet",
            "dlib = restore_recog.recognizers.dlib:DlibRecognizer",
            "dlib-native = restore_recog.recognizers.dlib_native:DlibNative",
            "torchscript = restore_recog.recognizers.torchscript:TorchScriptRecognizer",
            "onnx = restore_recog.recognizers.onnx:OnnxRecognizer",
            "pca = restore_recog.recognizers.eigenfaces:Eigenfaces",
            "lpp = restore_recog.recognizers.lpp:Laplacianfaces",
            "gpca = restore_recog.recognizers.gabor:GaborPca",
            "src = restore_recog.recognizers.sparse:SparseRepresentation",
            "vggface = restore_recog.recognizers.vggface:VggFace",
        ],
        "restore_recog.classifiers": [
            "gender = restore_recog.classifiers.gender:GenderClassifier",
            "resnet18 = restore_recog.classifiers.resnet18:ResNet18",
        ],
        "restore_recog.landmarkers": [
            "hourglass = restore_recog.landmarkers.hourglass:HourglassLandmarker",
        ],
        "restore_recog.datasets": [
            "phantom = restore_recog.datasets.phantom:Phantom",
            "lfw = restore_recog.datasets.lfw:LFW",
            "rmfrd = restore_recog.datasets.rmfrd:RMFRD",
            "ar = restore_recog.datasets.ar:AR",
            "mfr2 = restore_recog.datasets.mfr2:MFR2",
            "mlfw = restore_recog.datasets.mlfw:MLFW",
            "ocfr = restore_recog.datasets.ocfr:OCFR",
            "ijb = restore_recog.datasets.ijb:IJB",
            "insightface = restore_recog.datasets.insightface:InsightFace",
            "fmor = restore_recog.datasets.fmor:FMOR",
            "celeba = restore_recog.datasets.celeba:CelebA",
            "ffhq = restore_recog.datasets.ffhq:FFHQ",
            "ferplus = restore_recog.datasets.ferplus:FERPlus",
            "rafdb = restore_recog.datasets.rafdb:RAFDB",
            "utkface = restore_recog.datasets.utkface:UTKFace",
            "ytf68 = restore_recog.datasets.ytf68:YTF68",
            "wflw = restore_recog.datasets.wflw:WFLW",
            "manifest = restore_recog.datasets.manifest:Manifest",
            "folder = restore_recog.datasets.folder:Folder",
            "packed = restore_recog.datasets.packed:Packed",
        ],
    },
)
