"""What a submission will be: known within a second or two, before anything is compiled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from customer_age.components.run_parameters import BY_NAME, Value, applied
from customer_age.errors import SettingsError
from customer_age.files import DataAway
from customer_age.pipeline.graph import parameter_values
from customer_age.pipeline.graph.cache_keys import RunKey, code_of_all, weights_fingerprint
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings

from ..compiling import target_support
from . import data_fingerprint, run_ids

_FINGERPRINT = "data_fingerprint"


@dataclass(frozen=True)
class Plan:
    """A run that is to be submitted.

    Attributes:
        settings: that the pipeline is compiled with.
        run_id: that makes it one run, however often it is submitted.
        run_name: what the service's pages call it, or empty for the run id.
        parameters: of the run, those that the settings say included.
        cache: whether tasks may take what they did before.
        data_unknown: why the data's fingerprint is not known here, or empty where it is.
    """

    settings: Settings
    run_id: str
    run_name: str
    parameters: Mapping[str, Value]
    cache: bool
    data_unknown: str


def plan(
    settings: Settings,
    target: target_support.Target,
    run_id: str = "",
    run_name: str = "",
    overrides: Mapping[str, Value] | None = None,
    cache: bool = True,
) -> Plan:
    """Decide what is submitted.

    Args:
        settings: of the pipeline.
        target: where it is to run.
        run_id: that makes it one run; by default derived from all that decides its result.
        run_name: what the service's pages call it.
        overrides: run parameters that are not to be what the settings say.
        cache: whether tasks may take what they did before.

    Raises:
        SettingsError: the run id or a parameter is none, or something that the target needs is
            missing.
    """
    overrides = overrides or {}
    of_run = _with_parameters(settings, overrides)
    target_support.check(of_run, target)
    if of_run.data.path is None:
        raise SettingsError(
            "data.path: no data set given; point --data at a folder in a bucket, as gs:// or s3://"
        )
    data, data_unknown = _data_fingerprint(of_run, overrides)
    key = RunKey(
        settings=of_run.fingerprint(),
        data=data,
        weights=weights_fingerprint(of_run.trainer.weights),
        code=code_of_all(of_run.cluster.images),
    )
    run_id = run_ids.check(run_id) if run_id else run_ids.derived(settings, key)
    return Plan(
        settings=settings,
        run_id=run_id,
        run_name=run_name,
        parameters=parameter_values.values(of_run, key, run_id),
        cache=cache,
        data_unknown=data_unknown,
    )


def read_parameters(texts: Sequence[str]) -> dict[str, Value]:
    """Read run parameters as the command line gives them.

    Args:
        texts: such as `epochs=3`.

    Raises:
        SettingsError: there is no such parameter, or its value is of another type.
    """
    found: dict[str, Value] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingsError(f"--param {text}: write it as name=value, as in epochs=3")
        if name not in BY_NAME:
            known = ", ".join(BY_NAME)
            raise SettingsError(f"--param {name}: no such run parameter (there are: {known})")
        if name == "run_id":
            raise SettingsError("--param run_id: say --run-id, which is more than a parameter")
        kind = BY_NAME[name].type
        try:
            found[name] = kind(value)
        except ValueError as error:
            what = {int: "a whole number", float: "a number"}[kind]
            raise SettingsError(f"--param {name}: takes {what}, not {value!r}") from error
    return found


def _with_parameters(settings: Settings, overrides: Mapping[str, Value]) -> Settings:
    """A parameter may say what its setting may say: the same limits, and no secret either."""
    try:
        return loading.checked(applied(settings.model_dump(mode="json"), overrides))
    except SettingsError as error:
        lines = (f"--param: {line}" for line in str(error).splitlines())
        raise SettingsError("\n".join(lines)) from error


def _data_fingerprint(settings: Settings, overrides: Mapping[str, Value]) -> tuple[str, str]:
    """What changes with the data, or why that is not known."""
    if overrides.get(_FINGERPRINT):
        return str(overrides[_FINGERPRINT]), ""
    try:
        return data_fingerprint.fingerprint(settings), ""
    except DataAway as error:
        return "", str(error)
