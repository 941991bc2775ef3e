"""Replaces a component in a try: follows its plan for the number of the try.

Arguments: a file that counts the tries; the plan, one act for each try; what `Tries` adds.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from customer_age.kubeflow.container.failed_step import Failure, Repeat


def main(counter: Path, plan: str, option: str) -> None:
    number = len(counter.read_text().splitlines()) if counter.exists() else 0
    with counter.open("a") as file:
        file.write(f"{os.getpid()} {os.getpgid(0)} {os.environ['TMPDIR']} {time.monotonic()}\n")
    (Path(os.environ["TMPDIR"]) / "left").mkdir()  # fails, if one before left it
    act, _, words = plan.split(",")[number].partition(":")
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "sleep":
        print("sleeping", flush=True)
        time.sleep(300)
    if act == "leave":
        subprocess.Popen(["sleep", "300"])
        os.kill(os.getpid(), signal.SIGKILL)
    if act == "code":
        sys.exit(int(words))
    if act != "end":
        codes = {"settings": 2, "model": 3, "data": 4}
        repeat = Repeat.NEVER if act in codes else Repeat(act)
        failure = Failure(f"customer-age: Step {words}", codes.get(act, 1), repeat)
        failure.write(Path(option.removeprefix("--try_folder=")))
        sys.exit(failure.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
