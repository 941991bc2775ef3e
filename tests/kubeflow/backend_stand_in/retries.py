"""The retries of a failed pod: processNodeRetries of Argo's workflow/controller/operator.go.

Kubeflow's compiler passes on a task's limit and backoff, but no policy: Argo's default is
OnFailure. From Kubeflow 2.17 on, its controller adds `templateDefaults.retryStrategy` (limit 2,
OnError), which sets the policy of our tasks, and a strategy for templates without one.

A pod that is lost with its node does not count as a failure: Argo's `wait` container has reported
that its result is not complete, so the controller creates the pod again with the same name, without
a wait and without counting (`../cluster/test_argo_retries.py`). If the node is alive, the pod has
failed.
"""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from kfp.pipeline_spec import pipeline_spec_pb2 as specs

from .launcher import ContainerFailed, PodLost

_T = TypeVar("_T")


@dataclasses.dataclass
class Clock:
    """A clock that only advances by scripted durations and waits."""

    now: float = 0.0
    """Seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(seconds, 0.0)


@dataclasses.dataclass(frozen=True)
class Strategy:
    """Which pods are tried again, and for how long.

    Attributes:
        limit: attempts after the first.
        failed: whether a failed pod is tried again; an evicted pod has failed.
        lost: whether a lost pod is tried again.
        replaced: whether a lost pod is replaced each time instead, without counting.
        wait: seconds before the second attempt.
        factor: factor of each further wait; 0 if the wait does not grow.
        within: seconds from the first attempt's start; None without a limit.
    """

    limit: int = 0
    failed: bool = False
    lost: bool = False
    wait: float = 0.0
    factor: float = 0.0
    within: float | None = None
    replaced: bool = False

    def run(self, attempt: Callable[[int, float | None], _T], clock: Clock) -> _T:
        """Try until an attempt succeeds, or must not be repeated.

        Args:
            attempt: gets its number among the retries, from 0, and the time at which it is killed.
            clock: of the attempts and waits.

        Raises:
            ContainerFailed: the last attempt failed.
            PodLost: the pod of the last attempt is gone.
        """
        end = None if self.within is None else clock.now + self.within
        number = 0
        while True:
            try:
                return attempt(number, end if number else None)
            except (ContainerFailed, PodLost) as error:
                if self.replaced and isinstance(error, PodLost):
                    continue
                why_not = self._why_not(error, number, clock, end)
                if why_not:
                    error.add_note(why_not)
                    raise
                clock.wait(self._wait_after(number))
                number += 1

    def _why_not(
        self, error: ContainerFailed | PodLost, number: int, clock: Clock, end: float | None
    ) -> str:
        if end is not None and clock.now >= end:  # the real one is always a little later
            return "Max duration limit exceeded"
        if end is not None and clock.now + self._wait_after(number) > end:
            return "Backoff would exceed max duration limit"
        if not (self.lost if isinstance(error, PodLost) else self.failed):
            return "Node not set to be retried"
        return "No more retries left" if number >= self.limit else ""

    def _wait_after(self, number: int) -> float:
        return self.wait * self.factor**number if self.factor > 0 else self.wait


class KubeflowRetries:
    """Return the policy that a version of Kubeflow Pipelines makes from a task's policy.

    Args:
        version: such as `2.17.0`.
    """

    def __init__(self, version: str):
        major, minor = (int(part) for part in version.split(".")[:2])
        self.on_error_alone = (major, minor) >= (2, 17)

    def of_task(self, task: specs.PipelineTaskSpec) -> Strategy:
        """getTaskRetryParametersWithValues: unset values are 0, including `maxDuration`."""
        if not task.HasField("retry_policy"):
            return self.of_importer
        policy = task.retry_policy
        return Strategy(
            limit=policy.max_retry_count,
            failed=not self.on_error_alone,
            replaced=True,
            wait=policy.backoff_duration.seconds,
            factor=int(policy.backoff_factor),
            within=policy.backoff_max_duration.seconds,
        )

    @property
    def of_importer(self) -> Strategy:
        """An importer has no strategy of its own; the later controller's is for errors alone."""
        return Strategy(replaced=True)
