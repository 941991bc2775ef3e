"""One run on this machine: checks, then LocalDagRunner, then the outcome."""

import contextlib
import dataclasses
import datetime
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from customer_age.errors import RunError

from ..graph.beam_options import require_addresses, require_job_server
from ..graph.cache_keys import RunKey
from ..settings.settings import Settings
from . import failures, interruption, log, preflight
from .run_progress import NodeEvents, RunProgress, TrainingEvents
from .work_folder import WorkFolder

if TYPE_CHECKING:
    from tfx.orchestration import pipeline

    from ..graph.create_pipeline import Launch
    from .metadata import RunRecords
    from .outcome import Outcome

TRAINING = "customer_age.training"
"""The trainer's logger."""

_WITHOUT_A_LINE = ("PhotoSchema",)
"""The schema is only imported, so the screen shows no line for it."""


def run(settings: Settings, run_id: str = "") -> "Outcome":
    """Run the pipeline on this machine.

    Args:
        settings: the run's settings.
        run_id: recorded in the registry with the published version.

    Returns:
        The outcome. The report always contains the reason.

    Raises:
        SettingsError: nothing was started.
        RunError: another run is using the work folder.
    """
    with checked(settings) as (folder, key):
        return LocalRun(settings, folder, key, run_id).run()


@contextlib.contextmanager
def checked(settings: Settings, publishes: bool = True) -> Iterator[tuple[WorkFolder, RunKey]]:
    """Run all checks that are possible before the start, then lock the work folder.

    Args:
        settings: the run's settings.
        publishes: whether the run needs a registry that accepts a new version.

    Yields:
        The work folder, and the key of all that determines the run's result.

    Raises:
        SettingsError: nothing was started.
        RunError: another run is using the work folder.
    """
    require_addresses(settings, {"work_dir": settings.work_dir})
    require_job_server(settings)
    folder = WorkFolder(settings.work_dir)
    folder.require_literal_path()
    key = preflight.check(settings, publishes)
    folder.prepare()
    with folder.held(), folder.temporary_files():
        yield folder, key


class Ended(Protocol):
    """The outcome of a graph, for the user."""

    def lines(self) -> tuple[str, ...]:
        """Return how it ended, and where the report or log is."""


AnEnd = TypeVar("AnEnd", bound=Ended)


class GraphRun(Generic[AnEnd]):
    """One graph that runs in a locked work folder."""

    def __init__(self, settings: Settings, folder: WorkFolder, key: RunKey):
        self._settings = settings
        self._folder = folder
        self._key = key
        self._started = datetime.datetime.now().astimezone()
        self._name = folder.free_name(self._started.strftime("%Y-%m-%dT%H-%M-%S"))
        self._log = folder.logs / f"{self._name}.log"
        self._events = NodeEvents()

    def run(self) -> AnEnd:
        """Run every component, and record the outcome."""
        log.quiet_libraries()
        with log.redirected(self._log) as screen, RunProgress(screen) as progress:
            progress.say(f"work folder: {self._folder.path}", style="dim")
            progress.say(f"log:         {self._log}", style="dim")
            try:
                records = self._import_tfx(progress)
            except KeyboardInterrupt as caught:  # there is nothing to report yet
                raise self._stopped(caught, progress) from caught
            before = records.newest_execution()
            error: RunError | None = None
            launch: Launch | None = None

            def interrupted(caught: KeyboardInterrupt) -> Iterator[str]:
                """End the run instead of the main thread, which does not notice the signal."""
                stopped = self._stopped(caught, progress)
                progress.stop()
                yield from self._end(records, before, launch, stopped).lines()
                self._folder.clear_away()

            try:
                with interruption.ends_with(interrupted):
                    launch = self._launch()
                    with self._shown(progress, records, before):
                        self._run_graph(launch)
            # A library that parses options raises SystemExit for unknown ones.
            except (Exception, KeyboardInterrupt, SystemExit) as caught:
                interruption.leave_to_main_thread()
                logging.exception("The run stopped.")
                error = self._stopped(caught, progress)
            return self._end(records, before, launch, error)

    def _stopped(self, caught: BaseException, progress: RunProgress) -> RunError:
        """Show where the run stopped, and return why."""
        progress.failed(self._events.running or "the run")
        return failures.explained(caught, self._events.running, self._log)

    def _import_tfx(self, progress: RunProgress) -> "RunRecords":
        progress.started("TensorFlow, TFX")
        started = time.monotonic()
        from ..graph import create_pipeline  # noqa: F401  the heavy imports
        from .metadata import RunRecords

        records = RunRecords(self._folder.metadata, self._settings.name)
        records.record_present_places(self._folder.pipeline_root)
        discarded = records.discard_unfinished(self._folder.pipeline_root)
        leftovers = f", {discarded} killed execution(s) removed" if discarded else ""
        progress.ended("TensorFlow, TFX", time.monotonic() - started, f"imported{leftovers}")
        return records

    def _launch(self) -> "Launch":
        """Return the facts that the run starts with."""
        raise NotImplementedError

    def _pipeline(self, launch: "Launch") -> "pipeline.Pipeline":
        """Return the graph."""
        raise NotImplementedError

    def _listeners(self, progress: RunProgress) -> Mapping[str, logging.Handler]:
        """Return the handlers that show log records, by logger name."""
        raise NotImplementedError

    def _end(
        self,
        records: "RunRecords",
        before: int,
        launch: "Launch | None",
        error: RunError | None,
    ) -> AnEnd:
        """Describe how the run ended.

        Args:
            records: the pipeline's metadata.
            before: the newest execution when it started.
            launch: the facts that it started with, if it got that far.
            error: the error that stopped it, if any.
        """
        raise NotImplementedError

    def _run_graph(self, launch: "Launch") -> None:
        from tfx.orchestration import metadata
        from tfx.orchestration.local.local_dag_runner import LocalDagRunner

        pipeline = self._pipeline(launch)
        pipeline.metadata_connection_config = metadata.sqlite_metadata_connection_config(
            str(self._folder.metadata)
        )
        arguments, sys.argv = sys.argv, sys.argv[:1]  # TFX would pass them on to its executors
        try:
            with self._folder.training_kept():
                LocalDagRunner().run(pipeline)
        finally:
            sys.argv = arguments

    @contextlib.contextmanager
    def _shown(self, progress: RunProgress, records: "RunRecords", before: int) -> Iterator[None]:
        """Show nodes and training steps while the graph runs."""
        from absl import logging as absl_logging

        from . import node_summaries

        def started(node_id: str) -> None:
            if node_id not in _WITHOUT_A_LINE:
                progress.started(node_id)

        def ended(node_id: str, seconds: float) -> None:
            node = records.node(node_id, since=before)
            if node is not None and node_id not in _WITHOUT_A_LINE:
                summary = node_summaries.summary(node_id, node.outputs)
                progress.ended(node_id, None if node.cached else seconds, summary)

        self._events.on_start, self._events.on_end = started, ended
        # Set it explicitly: otherwise saving a model sets absl's logger to warnings.
        absl_logging.set_verbosity(absl_logging.INFO)
        listeners = {"absl": self._events, **self._listeners(progress)}
        logging.getLogger(TRAINING).setLevel(logging.DEBUG)
        for name, handler in listeners.items():
            logging.getLogger(name).addHandler(handler)
        try:
            yield
        finally:
            for name, handler in listeners.items():
                logging.getLogger(name).removeHandler(handler)


class LocalRun(GraphRun["Outcome"]):
    """One run of the whole pipeline."""

    def __init__(self, settings: Settings, folder: WorkFolder, key: RunKey, run_id: str = ""):
        super().__init__(settings, folder, key)
        self._run_id = run_id

    def _launch(self) -> "Launch":
        """Read the current baseline from the registry."""
        from customer_age.model_registry import baseline_for, open_registry

        from ..graph.create_pipeline import Launch

        registry = open_registry(self._settings.registry_uri, self._settings.registry.model_name)
        baseline = baseline_for(registry, self._key.digest())
        return Launch(self._key, baseline_version=baseline, run_id=self._run_id)

    def _pipeline(self, launch: "Launch") -> "pipeline.Pipeline":
        from ..graph.create_pipeline import create_pipeline

        return create_pipeline(self._settings, launch)

    def _listeners(self, progress: RunProgress) -> Mapping[str, logging.Handler]:
        return {TRAINING: TrainingEvents(progress)}

    def _end(
        self,
        records: "RunRecords",
        before: int,
        launch: "Launch | None",
        error: RunError | None,
    ) -> "Outcome":
        from . import outcome

        try:
            found = outcome.of(records, before, self._settings, self._log, error)
        except Exception:  # the metadata cannot be read, for example on a full disk
            if error is None:
                raise
            logging.exception("The run's outcome could not be read.")
            found = outcome.Outcome(error.exit_code, str(error), {}, self._log, error)
        page = outcome.Page(
            file=self._folder.reports / f"{self._name}.html",
            newest=self._folder.newest_report,
            started=self._started,
        )
        report = outcome.write_page(page, found, self._settings, launch)
        return dataclasses.replace(found, report=report)
