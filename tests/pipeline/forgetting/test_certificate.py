"""The file of a certificate."""

import dataclasses

from customer_age.pipeline.forgetting import certificate
from customer_age.pipeline.forgetting.certificate import Certificate

PLANNED = Certificate("card", "0123456789abcdef", "key", "2026-10-25T02:30:00+00:00")


def written(folder, planned=PLANNED):
    file, begun = certificate.begin(folder, planned)
    certificate.write(file, dataclasses.replace(begun, ended="2026-10-25T02:31:00+00:00"), "key")
    return file


def test_a_clock_that_is_set_back_costs_no_certificate(tmp_path):
    """An hour repeats each autumn; certificates from its first occurrence stay."""
    files = [written(tmp_path) for _ in range(3)]
    assert [file.name for file in files] == [
        "2026-10-25T023000+0000-0123456789ab.json",
        "2026-10-25T023000+0000-0123456789ab-2.json",
        "2026-10-25T023000+0000-0123456789ab-3.json",
    ]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_forget_that_was_killed_goes_on_with_its_certificate(tmp_path):
    file, begun = certificate.begin(tmp_path, PLANNED)
    certificate.write(file, begun, "key")
    again = dataclasses.replace(PLANNED, begun="2026-10-25T03:30:00+00:00")
    assert certificate.begin(tmp_path, again)[0] == file
