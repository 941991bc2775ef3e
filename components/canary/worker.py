"""A separate process that serves a SavedModel with TensorFlow alone, and reports the answers.

`python -I worker.py FOLDER` reads `FOLDER/work.json`:

    {"model": PATH, "seconds": 300,
     "requests": [{"name": ..., "signature": ..., "argument": ..., "times": 1,
                   "values": [PATH, ...]}, ...]}

It prints one JSON object per line at each step, so that the reader knows where it died:

    {"doing": "answering a grey photo"}
    {"answered": "a grey photo", "ages": [[31.2]], "seconds": [0.04],
     "reasons": [""]}                            a row for each time; reasons of the last time
    {"answered": "a grey photo", "error": "InvalidArgumentError: ..."}
    {"unusable": "OSError: ..."}                                   the model does not load
    {"peak_bytes": 612000000}                                      the last line

This file imports only the standard library, NumPy and TensorFlow, and none of our modules.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

_OURS = "customer_age"
_LONGEST_ERROR = 300

# The lines that TensorFlow adds around the one line that describes the fault of a graph.
_WRAPPING = ("Graph execution error", "Detected at node", "<stack traces unavailable>", "File ")


def hide_ours() -> None:
    """Make our packages impossible to import, even if they are installed."""
    sys.modules[_OURS] = None  # type: ignore[assignment]


def main(folder: Path) -> None:
    """Answer the requests in a folder, one after another."""
    lines = _own_output()
    work = json.loads((folder / "work.json").read_text(encoding="utf-8"))
    # The process that started this one kills it at the timeout, unless it was killed itself.
    signal.alarm(work["seconds"])
    _report(lines, doing="importing TensorFlow")
    import tensorflow as tf

    _report(lines, doing="loading the model")
    try:
        signatures = tf.saved_model.load(work["model"]).signatures
    except Exception as error:
        _report(lines, unusable=_one_line(error))
        return
    for request in work["requests"]:
        _report(lines, doing=f"answering {request['name']}")
        try:
            answer = _answer(signatures, request)
        except Exception as error:
            _report(lines, answered=request["name"], error=_one_line(error))
        else:
            _report(lines, answered=request["name"], **answer)
    _report(lines, peak_bytes=_peak_bytes())


def _answer(signatures: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return ages in years and seconds, a row for each time, and the reasons for missing ages."""
    import numpy as np
    import tensorflow as tf

    name = request["signature"]
    if name not in signatures:
        raise LookupError(f"the model has no signature {name}")
    values = tf.constant([Path(file).read_bytes() for file in request["values"]], tf.string)
    ages: list[list[float]] = []
    seconds: list[float] = []
    reasons: list[str] = []
    for _ in range(request["times"]):
        started = time.perf_counter()
        outputs = signatures[name](**{request["argument"]: values})
        answer = np.asarray(outputs["age"])
        seconds.append(time.perf_counter() - started)
        expected = (len(request["values"]),)
        if answer.shape != expected:
            raise ValueError(f"the ages have the shape {answer.shape}, not {expected}")
        ages.append([float(age) for age in answer])
        if "reason" in outputs:
            reasons = [reason.decode() for reason in outputs["reason"].numpy().tolist()]
    return {"ages": ages, "seconds": seconds, "reasons": reasons}


def _own_output() -> TextIO:
    """Reserve stdout for this file: the output of TensorFlow and of the model goes to the log."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return lines


def _report(lines: TextIO, **what: Any) -> None:
    lines.write(json.dumps(what) + "\n")
    lines.flush()


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    relevant = [line for line in lines if line and not line.startswith(_WRAPPING)]
    return f"{type(error).__name__}: {relevant[0] if relevant else ''}"[:_LONGEST_ERROR]


def _peak_bytes() -> int:
    """Return the peak memory of this process.

    On Linux, the peak of `resource.getrusage` includes the peak of the parent process, which is
    the much larger pipeline.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError("/proc/self/status contains no VmHWM")


if __name__ == "__main__":
    hide_ours()
    main(Path(sys.argv[1]))
