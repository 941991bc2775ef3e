import os

import pytest

from customer_age.pipeline.running.start_up_notes import kept_to_log_level

NOTES = (
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    "I0000 00:00:1795577841.493071      53 cudart_stub.cc:31] Could not find cuda drivers.\n"
)
WARNING = "W0000 00:00:1795577841.493071      53 cpu.cc:1] Something is amiss.\n"


def write() -> None:
    os.write(2, (NOTES + WARNING).encode())  # as native code does


def test_notes_are_kept_off_and_all_else_appears(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    with kept_to_log_level():
        write()
    assert capfd.readouterr().err == WARNING
    with pytest.raises(ImportError), kept_to_log_level():
        write()
        raise ImportError
    assert capfd.readouterr().err == WARNING
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_whoever_asks_for_the_notes_gets_them(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with kept_to_log_level():
        write()
    assert capfd.readouterr().err == NOTES + WARNING
