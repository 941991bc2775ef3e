"""The output about the canary: on the screen, and at the end of a run."""

import json

import pytest

from customer_age.components.artifacts.evaluation import Evaluation, Measured, SliceMetrics
from customer_age.pipeline.running import node_summaries
from customer_age.pipeline.running.metadata import ArtifactRecord, NodeRecord
from customer_age.pipeline.running.outcome import of
from customer_age.pipeline.settings import loading

SECONDS = {"measured": 0.0123, "limit": 2.0, "passed": True}
MEMORY = {"measured": 1610, "limit": 50, "passed": False}


def canary_record(folder, refusals=(), **checks):
    folder.mkdir(exist_ok=True)
    content = {"passed": not refusals, "refusals": list(refusals), "checks": checks}
    (folder / "canary.json").write_text(json.dumps(content))
    return ArtifactRecord(str(folder), {"blessed": int(not refusals)})


def test_the_summary_shows_time_and_memory(tmp_path):
    def summary(record):
        return node_summaries.summary("Canary", {"blessing": record})

    both = {"seconds_per_photo": SECONDS, "memory_mb": MEMORY}
    assert summary(canary_record(tmp_path, **both)) == "12 ms a photo, 1,610 MB: fit to serve"
    assert (
        summary(canary_record(tmp_path, ["x"], **both))
        == "12 ms a photo, 1,610 MB: not fit to serve"
    )
    assert summary(canary_record(tmp_path, ["killed"])) == "not fit to serve"


class Records:
    """A run that finished, but published nothing."""

    def __init__(self, folder, canary):
        self._outputs = {
            "Evaluator": {"evaluation": ArtifactRecord(str(folder / "evaluation"))},
            "Canary": {"blessing": canary},
            "RegistryPusher": {"pushed_model": ArtifactRecord("", {"pushed": 0})},
        }

    def node(self, node_id, since):
        if node_id not in self._outputs:
            return None
        return NodeRecord(1, cached=False, complete=True, outputs=self._outputs[node_id])


@pytest.mark.parametrize(
    ("by_gate", "by_canary", "sentence"),
    [
        ((), ("it hangs", "it is slow"), "The canary refused the model: it hangs; it is slow."),
        (("MAE 9",), (), "The gate refused the model: MAE 9."),
        (
            ("MAE 9",),
            ("it hangs",),
            "The gate refused the model: MAE 9. The canary refused the model: it hangs.",
        ),
    ],
)
def test_the_run_ends_with_3_and_names_each_refusal(
    tmp_path, monkeypatch, by_gate, by_canary, sentence
):
    measured = Measured(SliceMetrics(photos=20, mae=9.0, rmse=9.0, bias=0.0), {})
    found = Evaluation(measured, None, not by_gate, by_gate)
    monkeypatch.setattr("customer_age.components.artifacts.evaluation.read", lambda uri: found)
    records = Records(tmp_path, canary_record(tmp_path / "canary", by_canary))
    outcome = of(records, 0, loading.load("local"), tmp_path / "run.log", error=None)
    assert (outcome.exit_code, outcome.sentence) == (3, sentence)
    assert outcome.artifacts["infra_blessing"].uri == str(tmp_path / "canary")
