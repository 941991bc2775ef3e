"""A whole run on one machine, and its possible outcomes."""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
import tensorflow as tf

pytestmark = [pytest.mark.slow, pytest.mark.one_line]


@pytest.fixture(scope="module")
def published(command_from_nothing, photos, tmp_path_factory):
    """A work folder where one run published one model, and the output of that run."""
    work = tmp_path_factory.mktemp("published") / "work"
    exit_code, printed = command_from_nothing(photos, work).ended()
    assert exit_code == 0, printed
    return work, printed


def test_a_run_shows_the_result_of_each_component(published):
    _, printed = published
    for component, fact in (
        ("PhotoExampleGen", r"240 photos \(\d+ train, \d+ valid, \d+ test\), 0 refused"),
        ("StatisticsGen", "TFDV statistics of 3 splits"),
        ("ExampleValidator", "no anomalies"),
        ("DataGate", "the data passed"),
        ("Champion", "no champion yet; baseline: the median predictor"),
        ("Trainer", r"valid MAE \d+\.\d\d years \(epoch \d of 3"),
        ("Evaluator", r"test MAE \d+\.\d\d years on \d+ photos: blessed"),
        ("Canary", r"\d+ ms a photo, [\d,]+ MB: fit to serve"),
        ("RegistryPusher", "version 1 published as the champion"),
        ("RunReport", ""),
    ):
        assert f"… {component} started" in printed
        assert re.search(rf"✓ {component} +\d+\.\d s  {fact}", printed), (component, printed)
    assert "Published: version 1 of customer-age is the champion" in printed
    assert "whole network, epoch 3 of 3: MAE" in printed
    assert "Component" not in printed, "TFX's own messages go to the log"


def test_a_run_writes_a_report_and_a_log(published):
    work, printed = published
    assert f"report: {work / 'report.html'}" in printed
    assert "version 1" in (work / "report.html").read_text()
    [log] = (work / "logs").iterdir()
    assert f"log:         {log}" in printed
    assert "Component Trainer is running." in log.read_text()


def test_the_version_records_its_lineage(published, versions):
    work, _ = published
    _, [version], champion = versions(work / "registry")
    assert champion == version.version == "1"
    assert version.metrics["mae"] < 60
    assert version.metrics["photos"] > 10
    assert any(name.startswith("mae/") for name in version.metrics), "by age group"
    assert len(version.tags["data_fingerprint"]) == 64
    assert version.tags["tfx_version"]


def test_the_statistics_never_read_the_photos(published):
    work, _ = published
    for file in work.glob("pipeline/StatisticsGen/statistics/*/Split-*/*"):
        assert b"image/encoded" not in file.read_bytes()


def test_no_person_or_file_is_in_two_splits(published):
    work, _ = published
    seen = {}
    for file in work.glob("pipeline/PhotoExampleGen/examples/*/Split-*/*.gz"):
        for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
            example = tf.train.Example.FromString(record)
            name = example.features.feature["file_name"].bytes_list.value[0]
            assert seen.setdefault(name, file.parent.name) == file.parent.name
    assert len(seen) == 240


def test_mlflow_shows_the_version(published, free_port):
    work, _ = published
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{work}/registry/mlflow.db",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        query = "/api/2.0/mlflow/registered-models/alias?name=customer-age&alias=champion"
        answer = _ask(f"http://127.0.0.1:{port}{query}")
        assert answer["model_version"]["version"] == "1"
    finally:
        server.terminate()
        server.wait()


def _ask(url):
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        except OSError:
            assert time.monotonic() < deadline, "mlflow ui never answered"
            time.sleep(0.5)


def test_a_second_run_reuses_everything_and_publishes_nothing_new(
    command, photos, published, versions
):
    work, _ = published
    exit_code, printed = command(photos, work).ended()
    assert exit_code == 0, printed
    assert len(re.findall(r"✓ \w+ +reused", printed)) == 10, printed
    _, found, champion = versions(work / "registry")
    assert len(found) == 1
    assert champion == "1"


def test_the_gate_refuses_with_a_reason(command, photos, published, versions):
    work, _ = published
    exit_code, printed = command(photos, work, "gate.max_mae=0.1").ended()
    assert exit_code == 3, printed
    assert re.search(r"✓ Champion +\d+\.\d s  baseline: version 1", printed)
    assert re.search(
        r"The gate refused the model: the test MAE .* above the limit of 0\.1", printed
    )
    assert "above the limit of 0.1" in (work / "report.html").read_text()
    _, found, champion = versions(work / "registry")
    assert (len(found), champion) == (1, "1")


def test_the_canary_refuses_with_a_reason(command, photos, published, versions):
    work, _ = published
    exit_code, printed = command(photos, work, "canary.max_memory_mb=50").ended()
    assert exit_code == 3, printed
    assert re.search(r"✓ Canary +\d+\.\d s  \d+ ms a photo, [\d,]+ MB: not fit to serve", printed)
    refusal = r"The canary refused the model: the process needed [\d,]+ MB, more than canary\."
    assert re.search(refusal, printed)
    assert "Refused by the canary" in (work / "report.html").read_text()
    _, found, champion = versions(work / "registry")
    assert (len(found), champion) == (1, "1")


def test_two_runs_do_not_share_a_work_folder(command, command_from_nothing, photos, tmp_path):
    work = tmp_path / "work"
    first = command_from_nothing(photos, work)  # the message names its process
    try:
        while not (work / ".lock").exists() or not (work / ".lock").read_text():
            assert first.process.poll() is None, "the first run ended too early"
            time.sleep(0.01)
        exit_code, printed = command(photos, work).ended()
    finally:
        first.process.kill()
        first.process.wait()
    assert exit_code == 1
    assert f"another run (process {first.process.pid}) is using {work}" in printed


def _copy(photos, folder, change):
    shutil.copytree(photos, folder)
    table = folder / "labels.csv"
    table.write_text(change(table.read_text()))
    return folder


def test_an_age_of_999_stops_the_run(command, photos, published, tmp_path, versions):
    work, _ = published
    data = _copy(
        photos, tmp_path / "data", lambda text: re.sub(r"000015\.jpg,\d+", "000015.jpg,999", text)
    )
    exit_code, printed = command(data, work).ended()
    assert exit_code == 4, printed
    assert "✗ DataGate" in printed
    assert "1 row without a usable age (first: labels.csv, line 17, 000015.jpg" in printed
    assert "999 is outside 0 to 120" in (work / "report.html").read_text()
    assert len(versions(work / "registry")[1]) == 1, "the registry is not changed"
