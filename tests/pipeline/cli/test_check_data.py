"""`customer-age check-data`: its exit codes, its output formats and its imports."""

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import sys, customer_age.pipeline.cli.cli as cli
heavy = ('tensorflow', 'tfx', 'apache_beam', 'mlflow', 'pandas', 'matplotlib', 'keras')
try:
    cli.main()
finally:
    loaded = [name for name in heavy if name in sys.modules]
    assert not loaded, loaded
"""


def check_data(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, "check-data", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def data(hand_out, photo):
    return hand_out([(f"{number}.jpg", 20 + number, photo(number)) for number in range(12)])


def test_good_data_are_described_without_tensorflow(data):
    for arguments in ((), ("--photos",)):
        ended = check_data(data, *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        output = [" ".join(line.split()) for line in ended.stdout.splitlines()]
        assert output[:5] == [
            f"data set {data}",
            "layout hand_out",
            "table labels.csv: text in UTF-8, cells separated by commas",
            "columns read: file_name, real_age",
            "rows 12; 12 are usable",
        ]
        assert "ages 20 to 31 years; median 25, half of the photos from 22 to 28" in output
        assert any(line.startswith("No photo was opened") for line in output) is not bool(arguments)


def test_data_that_a_run_would_refuse_give_the_exit_code_of_the_run(data):
    table = data / "labels.csv"
    table.write_text(table.read_text().replace("3.jpg,23", "3.jpg,old"))
    ended = check_data(data, "--json")
    report = json.loads(ended.stdout)
    assert ended.returncode == 4
    assert report["refused"] == {"age_not_a_number": 1}
    assert report["first_refused"]["age_not_a_number"][0]["line"] == 5
    assert ended.stderr == "".join(f"customer-age: {line}\n" for line in report["stops"])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (None, "no label table; expected labels.csv"),
        ("name,real_age\na.jpg,30\n", "no column 'file_name'"),
        ('file_name,real_age\n"0.jpg,20\n1.jpg,21\n', "line 2"),
    ],
    ids=["no table", "a column is missing", "a quote is never closed"],
)
def test_unreadable_data_are_wrong_usage(data, table, expected):
    (data / "labels.csv").unlink()
    if table is not None:
        (data / "labels.csv").write_text(table)
    ended = check_data(data)
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert expected in line


def test_a_name_cannot_steer_the_terminal(data):
    with (data / "labels.csv").open("a") as table:
        table.write("\x1b[31m[bold]x.jpg,30\n")
    ended = check_data(data, "--set", "data.max_refused_share=1")
    assert ended.returncode == 0
    line = r"line 14: \x1b[31m[bold]x.jpg: the name holds a control character"
    assert line in ended.stdout
