"""What can end a run, and the exit code that tells automation which it was."""


class RunError(Exception):
    """Ends a run with one clear line: what is wrong, where, and what to do."""

    exit_code = 1


class SettingsError(RunError):
    """The settings, or what they point at, cannot be used: nothing was started."""

    exit_code = 2


class ModelRefused(RunError):
    """The gate found the model not good enough."""

    exit_code = 3


class DataRefused(RunError):
    """The data are not what the schema and the limits ask for."""

    exit_code = 4
