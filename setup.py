"""Packaging of genokeras: a light core, and extras for backends and tools."""

import pathlib

from setuptools import find_packages, setup

# Either TensorFlow distribution provides the module `tensorflow`; choose one extra per environment.
TENSORFLOW_VERSIONS = ">=2.20,<2.22"

EXTRAS = {
    "tf": [f"tensorflow{TENSORFLOW_VERSIONS}"],
    "tf-cpu": [f"tensorflow-cpu{TENSORFLOW_VERSIONS}"],
    "cuda": [f"tensorflow[and-cuda]{TENSORFLOW_VERSIONS}"],
    "tpu": ["tensorflow-tpu>=2.20,<2.21"],
    "jax": ["jax>=0.6.2"],
    "jax-cuda": ["jax[cuda12]>=0.6.2"],
    "jax-tpu": ["jax[tpu]>=0.6.2"],
    "prep": ["pyBigWig>=0.3.26", "pysam>=0.23", "zstandard>=0.23"],
    "plot": ["jinja2>=3.1", "matplotlib>=3.9"],
    "beam": ["apache-beam>=2.70"],
    "tfds": ["tensorflow-datasets>=4.9.9"],
    "gcs": ["gcsfs>=2024.6"],
    "s3": ["s3fs>=2024.6"],
    "dev": [
        "build>=1.2",
        "google-crc32c>=1.5",
        "grain>=0.2.15",
        "jax>=0.6.2",
        "jinja2>=3.1",
        "matplotlib>=3.9",
        "pandas>=2.2",
        "pyBigWig>=0.3.26",
        "pyfaidx>=0.8",
        "pysam>=0.23",
        "pytest>=8.3",
        "PyYAML>=6",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",
        "ruff>=0.14",
        "scipy>=1.14",
        "setuptools>=77",
        "tensorflow-datasets>=4.9.9",
        "zstandard>=0.23",
    ],
}

setup(
    name="genokeras",
    version="0.1.0",
    description="Raw genomics files to sharded TFRecord datasets to trained Keras 3 models.",
    long_description=pathlib.Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(
        include=[
            f"{name}{rest}"
            for name in ("tfrecords", "data_prep", "genokeras", "launch")
            for rest in ("", ".*")
        ]
    ),
    package_data={
        "genokeras.evaluation": ["report.css", "report.html.jinja"],
        "launch": ["presets/*.flags"],
    },
    install_requires=[
        "absl-py>=2.1",
        "fsspec>=2024.6",
        "keras>=3.12",
        "numpy>=1.26",
        "rich>=13",
        "scikit-learn>=1.5",
        "tensorboard>=2.20",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["genokeras = launch.cli:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Bio-Informatics",
    ],
)
