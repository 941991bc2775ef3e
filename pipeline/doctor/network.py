"""Checks that ask others: the registry, object stores, the image weights."""

import os
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from customer_age.errors import RunError
from customer_age.files import addresses, store

from ..settings.settings import Settings
from . import host
from .finding import Finding, absent, bad, good

WEIGHTS = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
WEIGHTS_ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{WEIGHTS}"
"""As in `keras.applications.resnet`, which is imported with TensorFlow alone."""

_STORE = re.compile(rf"""(?:gs|s3)://[^\s?&"']+(?:\?(?:{"|".join(addresses.OPTIONS)})=[^\s"']+)?""")

_SECONDS = 10


def registry(settings: Settings) -> Iterator[Finding]:
    """Whether the model registry answers, and what it has."""
    from customer_age.model_registry import open_registry, sqlite_file

    uri = settings.registry_uri
    # By itself MLflow's client tries for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(_SECONDS))
    try:
        opened = open_registry(uri, settings.registry.model_name)
        file = sqlite_file(uri)
        if file is not None and not file.exists():
            found = host.disk("registry", file.parent, host.TEMPORARY_GB, "--set registry.uri=…")
            made = f"{uri} will be made; {found.says}"
            yield Finding(found.name, found.state, made, found.advice)
            return
        champion = opened.champion()
    except RunError as error:
        yield bad("registry", str(error), "see the setting registry.uri")
        return
    has = f"version {champion.version} is champion" if champion else "no champion yet"
    yield good("registry", f"{uri}: {has}")


def object_stores(settings: Settings) -> Iterator[Finding]:
    """Whether every bucket that the settings name can be listed."""
    content = settings.model_dump(mode="json")
    # What the registry keeps is reached by the environment alone, the rest by Beam's options too.
    of_registry = store_addresses(content.pop("registry"))
    of_beam = store_addresses(content)
    if not of_registry | of_beam:
        yield absent("object store", "the settings name none")
    for address in sorted(of_registry | of_beam):
        options = () if address in of_registry else settings.beam.args
        try:
            reached = addresses.reached_by(addresses.check_options(address), options)
            empty = next(store.list(reached), None) is None
        except (OSError, RunError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            scheme = address.partition("://")[0]
            yield bad(
                "object store",
                f"{address}: {reason or type(error).__name__}",
                "see the address, the credentials in the environment, and that "
                f"customer-age[{store.EXTRAS[scheme]}] is installed",
            )
            continue
        if empty and address == settings.data.path:
            yield bad("object store", f"{address} holds nothing", "see the setting data.path")
        else:
            yield good("object store", f"{address} answers{', and holds nothing yet' * empty}")


def store_addresses(settings: Any) -> set[str]:
    """Every address in an object store that settings name, wherever they do."""
    if isinstance(settings, dict):
        return set().union(*(store_addresses(each) for each in settings.values()))
    if isinstance(settings, list):
        return set().union(*(store_addresses(each) for each in settings))
    return set(_STORE.findall(settings)) if isinstance(settings, str) else set()


def weights(settings: Settings) -> Iterator[Finding]:
    """Whether the weights that training starts from are to be had."""
    chosen = settings.trainer.weights
    if chosen in ("none", "champion"):
        sources = {"none": "random, by these settings", "champion": "the registry's champion"}
        yield absent("image weights", sources[chosen])
    elif chosen != "imagenet":
        file = Path(chosen)
        if file.is_file() and os.access(file, os.R_OK):
            yield good("image weights", f"{file} ({file.stat().st_size / 1e6:.0f} MB)")
        else:
            yield bad("image weights", f"{file} is no file to read", "name another by --weights")
    else:
        yield _imagenet()


def _imagenet() -> Finding:
    cached = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / WEIGHTS
    if cached.is_file():
        return good("image weights", f"{cached}")
    request = urllib.request.Request(WEIGHTS_ADDRESS, method="HEAD")
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except OSError as error:
        return bad(
            "image weights",
            f"{WEIGHTS_ADDRESS} cannot be had ({getattr(error, 'reason', error)})",
            f"put the file there: {cached}, or name one by --weights FILE (docs/weights.md)",
        )
    return good("image weights", "ImageNet's can be downloaded")
