"""Whether there is a Beam job server, before anything waits for it."""

from collections.abc import Sequence

from customer_age.errors import RunError

from .. import beam_runners

SECONDS = 10
"""Enough for a server that is just starting; Beam itself waits 300."""

_OPTION = "--job_endpoint"
_IN_THIS_PROCESS = "embed"


def absent(endpoint: str | None) -> str | None:
    """Say in one line that no job server answers.

    Args:
        endpoint: `HOST:PORT`; None where the runner needs none.

    Returns:
        The line; None where one answers, or none is needed.
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
                f"{SECONDS} s; start it, or name the right HOST:PORT"
            )
    return None


def absent_of(beam_args: Sequence[str]) -> str | None:
    """See `absent`; of the job server that Beam's options name."""
    return absent(beam_runners.value(beam_args, _OPTION))


def require(beam_args: Sequence[str]) -> None:
    """Look for the job server from within a run, where it may only be away for a while.

    Raises:
        RunError: none answers; a cluster tries again.
    """
    if line := absent_of(beam_args):
        raise RunError(line) from ConnectionError(line)
