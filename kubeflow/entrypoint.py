"""The entry point of pipelines that customer-age 0.1 compiled; it only reports an error."""

import sys

from customer_age.errors import SettingsError


def main() -> None:
    """Print in one line what to do: the modules that such a pipeline names were moved."""
    print(
        "customer-age: this pipeline was compiled by customer-age 0.1, and the image is newer; "
        "compile it again with the version of the image",
        file=sys.stderr,
    )
    sys.exit(SettingsError.exit_code)


if __name__ == "__main__":
    main()
