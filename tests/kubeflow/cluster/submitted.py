"""Our commands in this process, and their output for refusals of Kubeflow Pipelines."""

import sys
from pathlib import Path

import pytest
from kfp_api_stand_in import KfpApi

from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.plan import Plan
from customer_age.kubeflow.submission.runs import Submission
from customer_age.pipeline.cli import cli

NAMESPACE, RETRAINING, PIPELINE = "customer-age", "customer-age-retraining", "customer-age-pipeline"
USER = f"system:serviceaccount:{NAMESPACE}:{RETRAINING}"
COMPILED = (Path(__file__).parents[1] / "golden" / "kubeflow.yaml").read_text()
ACCESS_DENIED = "access denied by Kubeflow Pipelines (Failed to "


def compiled(plan: Plan) -> Submission:
    """What the compiler made of such a plan before."""
    specification = specifications.of_kubeflow(COMPILED)
    return Submission(plan.run_id, plan.run_name, specification, plan.parameters)


class Submitted:
    """What a command printed, and how it ended.

    Attributes:
        exit_code: 0 where it ended well.
        out: Of stdout.
        err: Of stderr.
    """

    def __init__(
        self,
        words: list[str],
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        token: str,
    ):
        monkeypatch.setattr(sys, "argv", words)
        self.exit_code = 0
        try:
            cli.main()
        except SystemExit as ended:
            self.exit_code = ended.code or 0
        self.out, self.err = capsys.readouterr()
        for printed in (self.out, self.err):
            assert not token or token not in printed
            assert "Traceback" not in printed


def check_refused(submitted: Submitted, kubeflow: KfpApi, *says: str) -> None:
    """It ended with one line of ours that holds these words, and nothing was made."""
    assert submitted.exit_code == 1
    line = submitted.err.strip()
    assert "\n" not in line
    for each in (ACCESS_DENIED, "set --namespace to a namespace that you may use", *says):
        assert each in line
    assert not kubeflow.runs
    assert not kubeflow.experiments
