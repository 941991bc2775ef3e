"""Packaging of customer-age.

The package is `src/customer_age`, which links the rooms `schema`, `components`, `pipeline` and
`kubeflow` from the top of the checkout. `schema` and `kubeflow` are also the names of public
packages, which ours must not hide. A wheel contains real folders.
"""

from pathlib import Path

from setuptools import find_packages, setup

# Ranges, not pins: the lock files under requirements/ pin. Each comment gives the reason.
REQUIREMENTS = [
    "tfx>=1.16,<1.22",  # the pipeline itself: components, metadata, LocalDagRunner
    "tensorflow>=2.16,<2.22",  # the SavedModel, tf.data
    "tensorflow-data-validation>=1.16,<1.22",  # statistics, schema, anomalies: the EDA
    "tensorflow-model-analysis>=0.47,<0.53",  # the gate's measurements
    "apache-beam>=2.59,<3",  # ingestion at any scale
    "keras>=3.4,<4",  # the model; required here because tf.keras may be Keras 2
    "keras-tuner[bayesian]>=1.4.7,<2",  # `customer-age tune`; TFX installs it without its search
    "tensorboard>=2.16,<3",  # Keras's training logs; TensorFlow 2.21 does not install it
    "pandas>=1.5,<3",  # what TFDV and TFMA return
    "pyarrow>=10",  # Parquet: label tables, and the predictions of `score`
    "pillow>=10",  # decodes, verifies and turns photos
    "mlflow>=2.14,<4",  # the default model registry and its UI
    "sqlalchemy>=2,<3",  # the ledger of batches and runs; profiles of loyalty cards
    "alembic>=1.13,<2",  # the ledger's tables from one release to the next
    "filelock>=4.3.1",  # one run in a work folder; older versions empty the file that names the run
    "obstore>=0.8,<1",  # files in S3 and compatible stores, and whole writes
    "requests>=2.28,<3",  # notifies a webhook of a run's end
    "pydantic>=2.5,<3",  # typed settings
    "ruamel.yaml>=0.19",  # settings files, in YAML 1.2, with the line of each mistake
    "click>=8.1",  # the command line
    "rich>=13",  # progress on a terminal
    "jinja2>=3.1",  # the run report
    "matplotlib>=3.8",  # the run report's plots
    "packaging>=22",  # compares versions: `customer-age doctor`
    "dill>=0.3.1",  # TFX 1.16 imports it, and newer Beam does not install it
    "setuptools<81",  # TFX 1.16 and TensorFlow Hub import pkg_resources
]

EXTRAS = {
    "kubeflow": [
        "kfp>=2.5,<3",  # compiling and submitting
        "kfp-kubernetes>=1.2,<3",  # node selectors, tolerations and secrets: the platform document
        "pyyaml>=6",  # the compiled documents, as kfp reads and writes them
    ],
    "vertex": [
        "kfp>=2.5,<3",
        "pyyaml>=6",  # as above
        # Pipelines and the model registry. Older ones use buckets by default whose owner they do
        # not check; 2.0.0 was withdrawn. TFX and Beam do not support 2.x yet, our own code does.
        "google-cloud-aiplatform>=1.165,!=2.0.0,<3",
        "google-cloud-storage>=2.10,<4",  # uploads the models that this registry reads
    ],
    "kubeflow-registry": ["model-registry>=0.2,<1"],  # Kubeflow Model Registry's client
    # HEIC, the format of iPhones. Its wheel is LGPL; pillow-heif's adds x265, which is GPL.
    # Since 1.4, libheif refuses a picture larger than the file states before it is decoded.
    "heic": ["pi-heif>=1.4,<2"],
    "gcs": ["apache-beam[gcp]"],  # gs:// data folders
    "s3": ["apache-beam[aws]"],  # s3:// data folders
    "serve": [  # the predictor container
        "starlette>=0.40,<2",  # REST; MLflow's own server also uses it
        "uvicorn>=0.30,<1",  # the HTTP server for it
        "grpcio>=1.60",  # gRPC; TFX also requires it
        "prometheus-client>=0.20",  # /metrics
    ],
    "gpu": ["tensorflow[and-cuda]"],  # CUDA's libraries, for hosts that only have the driver
    "postgres": ["psycopg[binary]>=3.1,<4"],  # the ledger on a cluster
    "dev": [
        "pytest>=8",
        "pytest-xdist>=3.7",
        "pyte>=0.8",  # a terminal emulator, to test what a user sees of a run
        "hypothesis>=6",
        "moto[s3]>=5",  # a real S3 endpoint on loopback; MLflow installs Flask, which it needs
        "gcp-storage-emulator>=2024.8",  # the same for Cloud Storage
        "kubernetes-validate>=1.29",  # the manifests against Kubernetes's own schemas
        "docker>=7",  # reads .dockerignore as an engine does; no engine is needed
        "codespell>=2.4",  # spelling, in code and pages
        "ruff>=0.6",
        "mypy>=1.11",
        "import-linter>=2.5",  # the rooms' contracts, in pyproject.toml
        "types-PyYAML",
    ],
}

setup(
    name="customer-age",
    version="0.1.0",
    description="A TFX pipeline that trains a model for age from a photo, checks and publishes it",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11,<3.14",
    packages=find_packages("src"),
    package_dir={"": "src"},
    package_data={
        "": ["*.pbtxt", "py.typed"],
        "customer_age.components.run_report.pages": ["templates/*"],
        "customer_age.pipeline.settings": ["configs/*.yaml"],
    },
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["customer-age = customer_age.pipeline.cli.cli:main"],
        "customer_age.commands": [
            "compile = customer_age.kubeflow.cli.compile:compile_pipeline",
            "submit = customer_age.kubeflow.cli.submit:submit",
        ],
        "customer_age.targets": [
            "kubeflow = customer_age.kubeflow.cli.cluster_options:KUBEFLOW",
            "vertex = customer_age.kubeflow.cli.cluster_options:VERTEX",
        ],
    },
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
)
