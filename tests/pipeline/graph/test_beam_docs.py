"""What docs/beam.md says is what the settings and Beam take."""

import re
from pathlib import Path

import pytest
import yaml

from customer_age.components import beam_runners
from customer_age.pipeline.graph import beam_options
from customer_age.pipeline.settings import loading

DOCS = (Path(__file__).parents[3] / "docs" / "beam.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.+?)```", DOCS, re.DOTALL)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """Every option that some part of Beam reads."""
    from apache_beam.options import pipeline_options

    parser = pipeline_options._BeamArgumentParser(allow_abbrev=False)
    for part in pipeline_options.PipelineOptions.__subclasses__():
        part._add_argparse_args(parser)
    return {name for action in parser._actions for name in action.option_strings}


@pytest.mark.parametrize("example", EXAMPLES, ids=["dataflow", "flink"])
def test_an_example_is_settings_that_are_passed_on(example, known, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(example)
    settings = loading.load(str(file))
    args = beam_options.beam_args(settings)
    assert args == [*settings.beam.args, f"{beam_runners.IMAGE}={settings.cluster.image}"]
    assert {arg.partition("=")[0] for arg in args} <= known
    assert {arg.partition("=")[0] for arg in yaml.safe_load(example)["beam"]["args"]} <= known


def test_every_option_that_is_told_of_is_beam_s(known):
    told = set(re.findall(r"`(--[a-z_]+)[=`]", DOCS))
    assert len(told) > 15
    assert told - known == {"--output"}, "score's own"
