"""Checks over the network: the registry, object stores, the image weights."""

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
"""From `keras.applications.resnet`, which cannot be imported without TensorFlow."""

_STORE = re.compile(rf"""(?:gs|s3)://[^\s?&"']+(?:\?(?:{"|".join(addresses.OPTIONS)})=[^\s"']+)?""")

_SECONDS = 10


def registry(settings: Settings) -> Iterator[Finding]:
    """Check that the model registry answers, and show its champion."""
    from customer_age.model_registry import open_registry, sqlite_file

    uri = settings.registry_uri
    # By default MLflow's client retries for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(_SECONDS))
    try:
        opened = open_registry(uri, settings.registry.model_name)
        file = sqlite_file(uri)
        if file is not None and not file.exists():
            found = host.disk("registry", file.parent, host.TEMPORARY_GB, "--set registry.uri=…")
            planned = f"{uri} will be created; {found.result}"
            yield Finding(found.name, found.state, planned, found.advice)
            return
        champion = opened.champion()
    except RunError as error:
        yield bad("registry", str(error), "check the setting registry.uri")
        return
    content = f"version {champion.version} is the champion" if champion else "no champion yet"
    yield good("registry", f"{uri}: {content}")


def object_stores(settings: Settings) -> Iterator[Finding]:
    """Check that every bucket in the settings can be listed."""
    content = settings.model_dump(mode="json")
    # Only the environment configures access to the registry's store; Beam's options also the rest.
    of_registry = store_addresses(content.pop("registry"))
    of_beam = store_addresses(content)
    if not of_registry | of_beam:
        yield absent("object store", "not used by these settings")
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
                "check the address, the credentials in the environment, and that "
                f"customer-age[{store.EXTRAS[scheme]}] is installed",
            )
            continue
        if empty and address == settings.data.path:
            yield bad("object store", f"{address} is empty", "check the setting data.path")
        else:
            yield good("object store", f"{address} answers{', and is empty' * empty}")


def store_addresses(settings: Any) -> set[str]:
    """Return every object store address in the settings, at any depth."""
    if isinstance(settings, dict):
        return set().union(*(store_addresses(each) for each in settings.values()))
    if isinstance(settings, list):
        return set().union(*(store_addresses(each) for each in settings))
    return set(_STORE.findall(settings)) if isinstance(settings, str) else set()


def weights(settings: Settings) -> Iterator[Finding]:
    """Check that the initial weights of the training are available."""
    chosen = settings.trainer.weights
    if chosen in ("none", "champion"):
        sources = {"none": "random in these settings", "champion": "the registry's champion"}
        yield absent("image weights", sources[chosen])
    elif chosen != "imagenet":
        file = Path(chosen)
        if file.is_file() and os.access(file, os.R_OK):
            yield good("image weights", f"{file} ({file.stat().st_size / 1e6:.0f} MB)")
        else:
            yield bad(
                "image weights",
                f"{file} is not a readable file",
                "choose another file with --weights",
            )
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
            f"{WEIGHTS_ADDRESS} cannot be downloaded ({getattr(error, 'reason', error)})",
            f"save the file as {cached}, or choose another with --weights FILE (docs/weights.md)",
        )
    return good("image weights", "the ImageNet weights can be downloaded")
