"""Python runs this at its start, so that a try of our entry point follows its plan.

`FAULTS` names a folder: its file `acts` has one act for each try, the last one for all later
tries; each try adds a line to its file `tries`. Other processes run as usual.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def _act(folder: Path) -> str:
    names = ("KFP_POD_NAME", "KFP_POD_UID", "KFP_RETRY_INDEX")
    line = {name.rpartition("_")[2].lower(): os.environ[name] for name in names}
    with (folder / "tries").open("a") as file:
        print(json.dumps(line), file=file)
    acts = (folder / "acts").read_text().split(",")
    number = len((folder / "tries").read_text().splitlines())
    return acts[min(number, len(acts)) - 1]


def _do(act: str) -> None:
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "hang":
        time.sleep(3600)
    if act == "end":
        (Path(os.environ["FAULTS"]) / "environment").write_text(json.dumps(dict(os.environ)))
        os._exit(0)


# An executor that has acts of its own takes them later.
own = any(word.startswith("faulty_executors.") for word in sys.orig_argv)
if any(word.startswith("--try_folder") for word in sys.orig_argv) and not own:
    faults = Path(os.environ["FAULTS"])
    if (faults / "acts").exists():
        _do(_act(faults))
