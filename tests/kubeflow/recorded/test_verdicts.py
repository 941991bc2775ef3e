"""The stand-in takes and refuses what Kubeflow's own code took and refused, in its words."""

import json
import re
from pathlib import Path

import pytest
from backend_stand_in.documents import Refused, read_documents
from backend_stand_in.kubeflow import KubeflowBackend
from backend_stand_in.lint import lint
from backend_stand_in.parameters import run_parameters
from backend_stand_in.template import read_template, template_of

HERE = Path(__file__).parent
CASES = json.loads((HERE / "verdicts.json").read_text())["cases"]
PARAMETERS = {"param word": {"word": "x"}, "param words=3": {"words": 3}}
OF_A_KUBELET = {"secret missing"}
"""Refused by no code of Kubeflow's: of the kubelet's message, the reason alone is a fact."""
UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def document(case):
    return (HERE / case["document"]).read_text()


def answer(case, folder):
    """Why the stand-in refuses it; empty where it does not."""
    given = PARAMETERS.get(case["case"], {})
    try:
        template = template_of(*read_documents(document(case)))
        if case["stage"] == "running":
            return KubeflowBackend(folder).start(template, given).error
        run_parameters(template.spec, given)
    except Refused as error:
        return str(error)
    return ""


def agrees(ours, recorded):
    """Whether all clauses of a message are in another, in their order."""
    ours, rest = (
        UUID.sub("UUID", text.replace("\N{NO-BREAK SPACE}", " ")) for text in (ours, recorded)
    )
    for clause in ours.split(": "):
        if clause not in rest:
            return False
        rest = rest.split(clause, 1)[1]
    return True


def test_all_of_them_are_here():
    assert len(CASES) == 40
    assert {case["stage"] for case in CASES} == {"compiling and starting a run", "running"}
    assert len({case["document"] for case in CASES}) == 40


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['document'][10:-5]}-{case['case']}"
)
def test_the_stand_in_agrees(case, tmp_path):
    recorded = case["kubeflow_2_17_0"]
    ours = answer(case, tmp_path)
    assert (not ours) == recorded["accepts"], ours
    if case["case"] in OF_A_KUBELET:
        ours = ours.partition(": ")[0]
    if ours:
        assert agrees(ours, recorded["message"]), (ours, recorded["message"])


def test_messages_are_compared_by_content():
    recorded = 'error processing "make": executor(label="gone") not found in deployment config'
    assert agrees('"make": executor(label="gone") not found', recorded)
    assert not agrees('executor(label="gone"): "make"', recorded)
    assert not agrees("executor is missing", recorded)


@pytest.mark.parametrize("number", ["compile-07", "run-12"])
def test_only_the_api_server_checks_the_name(number):
    text = (HERE / "documents" / f"{number}.yaml").read_text()
    with pytest.raises(Refused, match="lowercase alphanumeric"):
        read_template(text)


@pytest.mark.parametrize(
    ("number", "complaint"),
    [
        ("compile-06", 'deploymentSpec: unknown field "imagee": it is left out'),
        ("compile-09", "Import: an importer waits for nothing, whatever it depends on"),
        ("compile-10", "Import: it depends on a task that is not there: Who"),
        ("compile-12", "document 1 is neither a pipeline nor a platform spec: nobody reads it"),
        ("compile-13", "the platform spec configures an executor that is not there: Gone"),
        ("compile-16", "Make: the pre-cache hook of its container is never run"),
        ("compile-00", "Make: the default of the input times is never used: it is not optional"),
        ("compile-24", "Make: without backoffMaxDuration it is never tried again"),
    ],
)
def test_the_lint_reports_what_kubeflow_accepts_silently(number, complaint):
    assert complaint in lint((HERE / "documents" / f"{number}.yaml").read_text())


def test_our_own_compiler_does_not_make_this_mistake():
    assert lint((HERE.parent / "golden" / "kubeflow.yaml").read_text()) == []
