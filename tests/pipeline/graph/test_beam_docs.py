"""The settings and Beam accept everything in docs/beam.md."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from customer_age.components import beam_runners
from customer_age.components.beam_elsewhere import job_server, worker_pool
from customer_age.pipeline.graph import beam_options
from customer_age.pipeline.settings import loading

DOCS = (Path(__file__).parents[3] / "docs" / "beam.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.+?)```", DOCS, re.DOTALL)
EXAMPLES = [block for block in BLOCKS if block.startswith("beam:")]


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Return every option that Beam or our runner reads."""
    from apache_beam.options import pipeline_options

    from customer_age.components.beam_elsewhere import portable_runner

    assert issubclass(portable_runner.WatchOptions, pipeline_options.PipelineOptions)

    parser = pipeline_options._BeamArgumentParser(allow_abbrev=False)
    # As in Beam, one of each name: tests may import a module twice.
    parts = {str(part): part for part in pipeline_options.PipelineOptions.__subclasses__()}
    for part in parts.values():
        part._add_argparse_args(parser)
    return {name for action in parser._actions for name in action.option_strings}


@pytest.mark.parametrize("example", EXAMPLES, ids=["dataflow", "flink"])
def test_every_example_is_valid_settings(example, known, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(example)
    settings = loading.load(str(file))
    args = beam_options.beam_args(settings)
    expected = [*settings.beam.args, f"{beam_runners.IMAGE}={settings.cluster.image}"]
    if expected[0] == "--runner=PortableRunner":
        expected[0] = f"--runner={beam_runners.PORTABLE}"
    assert args == expected
    assert {arg.partition("=")[0] for arg in args} <= known
    assert {arg.partition("=")[0] for arg in yaml.safe_load(example)["beam"]["args"]} <= known


def test_every_documented_option_exists_in_beam(known):
    documented = set(re.findall(r"`(--[a-z_]+)[=`]", DOCS))
    assert len(documented) > 15
    assert documented - known == {"--output", "--address"}, (
        "options of score, and of the worker pool"
    )


def test_the_versions_of_flink_are_those_that_this_beam_has_job_servers_for():
    import apache_beam
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    table = dict(re.findall(r"^\| (2\.\d+) \| [^|]+ \| ([\d., ]+) \|$", DOCS, re.MULTILINE))
    assert len(table) == 2, "the Beam version of each TFX line"
    beam = apache_beam.__version__.rpartition(".")[0]
    assert table[beam].split(", ") == FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS
    [job_server] = re.findall(r"beam_flink([\d.]+)_job_server", DOCS)
    assert all(job_server in versions for versions in table.values())


def test_the_documented_timeout_is_the_default():
    from apache_beam.options.pipeline_options import PipelineOptions

    from customer_age.components.beam_elsewhere.portable_runner import WatchOptions

    assert PipelineOptions([]).view_as(WatchOptions).max_silent_seconds == 6 * 3600
    assert "no progress* for 6 hours" in DOCS
    assert f"one line after {job_server.SECONDS} seconds" in DOCS


def test_flink_s_namespace_is_open_only_to_the_job_server():
    [policy] = [yaml.safe_load(block) for block in BLOCKS if block not in EXAMPLES]
    kubernetes_validate.validate(policy, "1.34", strict=True)
    within, ours = policy["spec"]["ingress"]
    assert within == {"from": [{"podSelector": {}}]}
    endpoint = yaml.safe_load(EXAMPLES[1])["beam"]["args"]
    ports = {int(arg.rpartition(":")[2]) for arg in endpoint if "_endpoint=" in arg}
    assert {port["port"] for port in ours["ports"]} == ports == {8099, 8098}
    assert worker_pool.ADDRESS == "localhost:50000"
    assert "it listens on `localhost:50000`" in DOCS
    assert f"--environment_config={worker_pool.ADDRESS}" in endpoint
