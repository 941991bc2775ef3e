"""Keys of all that determines a result: settings, data, weights, our code and its libraries.

TFX reuses a result if a component's inputs and parameters are the same. Each of our components has
the fingerprint of its code as a parameter, so a change of the code invalidates its cached results.
"""

import functools
import hashlib
import importlib.metadata
import importlib.util
from dataclasses import astuple, dataclass
from pathlib import Path

from customer_age.errors import SettingsError

from .import_closure import Closure, SourceTree

_PACKAGE = "customer_age"
_GRAPH = f"{_PACKAGE}.pipeline.graph.create_pipeline"
_ABOVE_COMPONENTS = (f"{_PACKAGE}.pipeline", f"{_PACKAGE}.kubeflow")

_DISTRIBUTIONS = {
    "PIL": "pillow",
    "apache_beam": "apache-beam",
    "keras": "keras",
    "keras_tuner": "keras-tuner",
    "numpy": "numpy",
    "pandas": "pandas",
    "pi_heif": "pi-heif",
    "pyarrow": "pyarrow",
    "tensorflow": "tensorflow",
    "tensorflow_data_validation": "tensorflow-data-validation",
    "tensorflow_model_analysis": "tensorflow-model-analysis",
    "tfx": "tfx",
}
"""Import name to distribution, for the libraries whose version may change a result."""


@dataclass(frozen=True)
class RunKey:
    """The fingerprints of a run; two runs with the same key have the same result."""

    settings: str = ""
    data: str = ""
    weights: str = ""
    code: str = ""

    def digest(self) -> str:
        """Return 16 hexadecimal digits for the whole key."""
        return hashlib.sha256("\0".join(astuple(self)).encode()).hexdigest()[:16]


def code_of(module: str, images: str = "") -> str:
    """Return a fingerprint of the code of a component: every module that its module imports.

    Args:
        module: the dotted name of the component's module.
        images: references of the images that the components run in, which identify the libraries
            there; empty for a run with the libraries of this environment.

    Returns:
        12 hexadecimal digits.

    Raises:
        ModuleNotFoundError: the module does not exist.
    """
    return _fingerprint(source_tree().closure([module]), images)


def code_of_all(images: str = "") -> str:
    """Return a fingerprint of the code of all components of the graph.

    The pipeline's own modules are excluded: they choose the components and their parameters, which
    are part of each key.

    Args:
        images: see `code_of`.
    """
    tree = source_tree()
    modules = tree.closure([_GRAPH]).modules
    components = (name for name in modules if not name.startswith(_ABOVE_COMPONENTS))
    return _fingerprint(tree.closure(components), images)


def weights_fingerprint(weights: str) -> str:
    """Return a fingerprint of a weights file's content; a keyword is its own fingerprint.

    Returns:
        12 hexadecimal digits; they do not depend on the file's name, time or folder.

    Raises:
        SettingsError: the file cannot be read.
    """
    file = Path(weights)
    if not file.is_file():
        return weights
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()[:12]
    except OSError as error:
        raise SettingsError(
            f"trainer.weights: {weights} cannot be read: {error.strerror}"
        ) from error


@functools.cache
def source_tree() -> SourceTree:
    """Return the installed source files of this package."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module named {_PACKAGE!r}")
    return SourceTree(_PACKAGE, Path(spec.origin).parent)


def _fingerprint(closure: Closure, images: str) -> str:
    digest = hashlib.sha256()
    for name, file in closure.files.items():
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    libraries = images or " ".join(
        f"{_DISTRIBUTIONS[name]}={_version(_DISTRIBUTIONS[name])}"
        for name in sorted(closure.libraries & _DISTRIBUTIONS.keys())
    )
    digest.update(libraries.encode())
    return digest.hexdigest()[:12]


def _version(distribution: str) -> str:
    # TensorFlow may be installed under another name, for example tensorflow-cpu.
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "?"
