"""Checks that a Beam job server answers, before anything waits for it."""

from collections.abc import Sequence

from customer_age.errors import RunError

from .. import beam_runners

SECONDS = 10
"""Enough for a server that is starting; Beam itself waits 300 seconds."""

_OPTION = "--job_endpoint"
_IN_THIS_PROCESS = "embed"


def absent(endpoint: str | None) -> str | None:
    """Check that a job server answers.

    Args:
        endpoint: `HOST:PORT`; None if the runner needs no job server.

    Returns:
        One line if no job server answers; None if one answers or none is needed.
    """
    if not endpoint or endpoint == _IN_THIS_PROCESS:
        return None
    import grpc

    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(SECONDS)
        except grpc.FutureTimeoutError:
            return (
                f"beam.args: no Beam job server answered at {_OPTION}={endpoint} within "
                f"{SECONDS} s; start it, or correct HOST:PORT"
            )
    return None


def absent_of(beam_args: Sequence[str]) -> str | None:
    """Check the job server that Beam's options name, as `absent` does."""
    return absent(beam_runners.value(beam_args, _OPTION))


def require(beam_args: Sequence[str]) -> None:
    """Check the job server during a run, when it may be unavailable for a short time.

    Raises:
        RunError: no job server answers; a cluster tries again.
    """
    if line := absent_of(beam_args):
        raise RunError(line) from ConnectionError(line)
