"""`customer-age`, whose report after a signal may take longer than a busy machine allows.

`tests/pipeline/running/test_interruption.py` tests the time limit.
"""

from customer_age.pipeline.cli import cli
from customer_age.pipeline.running import ending

if __name__ == "__main__":
    ending.SECONDS = 45.0
    cli.main()
