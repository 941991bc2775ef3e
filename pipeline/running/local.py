"""One run on this machine: checks first, then LocalDagRunner, then how it ended."""

import contextlib
import datetime
import logging
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from customer_age.errors import RunError, SettingsError

from ..graph.beam_options import require_addresses
from ..graph.cache_keys import RunKey
from ..settings.settings import Settings
from . import failures, log, preflight
from .node_events import NodeEvents
from .progress import RunDisplay, TrainingEvents
from .work_folder import WorkFolder

if TYPE_CHECKING:
    from ..graph.create_pipeline import Launch
    from .metadata import RunRecords
    from .outcome import Ending

_DATA_NODES = ("DataSet", "PhotoSchema")
"""What goes in, and no line on the screen."""


def run(settings: Settings, run_id: str = "") -> "Ending":
    """Run the pipeline on this machine.

    Args:
        settings: of the run.
        run_id: stands in the registry beside what the run publishes.

    Returns:
        How it ended. Whatever ended it, its report says why.

    Raises:
        SettingsError: nothing was started.
        RunError: another run holds the work folder.
    """
    require_addresses(settings, {"work_dir": settings.work_dir})
    key = preflight.check(settings)
    folder = WorkFolder(settings.work_dir)
    folder.prepare()
    with folder.held():
        return LocalRun(settings, folder, key, run_id).run()


class LocalRun:
    """One run in a work folder that is held for it."""

    def __init__(self, settings: Settings, folder: WorkFolder, key: RunKey, run_id: str = ""):
        self._settings = settings
        self._folder = folder
        self._key = key
        self._run_id = run_id
        self._started = datetime.datetime.now().astimezone()
        self._name = self._started.strftime("%Y-%m-%dT%H-%M-%S")
        self._log = folder.logs / f"{self._name}.log"
        self._events = NodeEvents()

    def run(self) -> "Ending":
        """Run every component, and write down how it ended."""
        log.quiet_libraries()
        with log.redirected(self._log) as screen, RunDisplay(screen) as display:
            display.say(f"work folder: {self._folder.path}", style="dim")
            display.say(f"log:         {self._log}", style="dim")
            records = self._import_tfx(display)
            before = records.newest_execution()
            error: RunError | None = None
            launch: Launch | None = None
            try:
                launch = self._launch()
                with self._shown(display, records, before):
                    self._run_graph(launch)
            except (Exception, KeyboardInterrupt) as caught:
                logging.exception("The run stopped.")
                error = failures.explained(caught, self._events.running, self._log)
                display.failed(self._events.running or "the run")
            return self._end(records, before, launch, error)

    def _import_tfx(self, display: RunDisplay) -> "RunRecords":
        display.started("TensorFlow, TFX")
        started = time.monotonic()
        from ..graph import create_pipeline as graph  # noqa: F401  the heavy imports
        from . import metadata as run_records

        records = run_records.RunRecords(self._folder.metadata, self._settings.name)
        discarded = records.discard_unfinished(self._folder.pipeline_root)
        leftovers = f", {discarded} killed execution(s) cleared away" if discarded else ""
        display.ended("TensorFlow, TFX", time.monotonic() - started, f"imported{leftovers}")
        return records

    def _launch(self) -> "Launch":
        """Look at the registry as it is now."""
        from customer_age.model_registry import open_registry
        from customer_age.model_registry.baseline import baseline_for

        from ..graph.create_pipeline import Launch

        registry = open_registry(self._settings.registry_uri, self._settings.registry.model_name)
        if self._settings.trainer.weights == "champion" and registry.champion() is None:
            raise SettingsError(
                "trainer.weights: champion, but there is no champion in "
                f"{self._settings.registry_uri} yet; start from imagenet or from a file"
            )
        champion = baseline_for(registry, self._key.digest())
        return Launch(self._key, champion_as_of=champion, run_id=self._run_id)

    def _run_graph(self, launch: "Launch") -> None:
        from tfx.orchestration import metadata
        from tfx.orchestration.local.local_dag_runner import LocalDagRunner

        from ..graph.create_pipeline import create_pipeline

        pipeline = create_pipeline(self._settings, launch)
        pipeline.metadata_connection_config = metadata.sqlite_metadata_connection_config(
            str(self._folder.metadata)
        )
        arguments, sys.argv = sys.argv, sys.argv[:1]  # TFX hands them on to its executors
        try:
            LocalDagRunner().run(pipeline)
        finally:
            sys.argv = arguments

    @contextlib.contextmanager
    def _shown(self, display: RunDisplay, records: "RunRecords", before: int) -> Iterator[None]:
        """Show nodes and training steps while the graph runs."""
        from absl import logging as absl_logging

        from . import node_summaries

        def started(node_id: str) -> None:
            if node_id not in _DATA_NODES:
                display.started(node_id)

        def ended(node_id: str, seconds: float) -> None:
            node = records.node(node_id, since=before)
            if node is not None and node_id not in _DATA_NODES:
                fact = node_summaries.fact(node_id, node.outputs)
                display.ended(node_id, None if node.cached else seconds, fact)

        self._events.on_start, self._events.on_end = started, ended
        # Said outright: where it is left open, saving a model turns absl's logger to warnings.
        absl_logging.set_verbosity(absl_logging.INFO)
        training = logging.getLogger("customer_age.training")
        training.setLevel(logging.DEBUG)
        tfx, steps = logging.getLogger("absl"), TrainingEvents(display)
        tfx.addHandler(self._events)
        training.addHandler(steps)
        try:
            yield
        finally:
            tfx.removeHandler(self._events)
            training.removeHandler(steps)

    def _end(
        self,
        records: "RunRecords",
        before: int,
        launch: "Launch | None",
        error: RunError | None,
    ) -> "Ending":
        from . import outcome as ending

        outcome = ending.of(records, before, self._settings, error)
        page = ending.Page(
            file=self._folder.reports / f"{self._name}.html",
            newest=self._folder.newest_report,
            started=self._started,
            log=self._log,
        )
        report = ending.write_page(page, outcome, self._settings, launch)
        return ending.Ending(outcome.exit_code, outcome.sentence, report, self._log)
