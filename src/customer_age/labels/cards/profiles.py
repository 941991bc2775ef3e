"""Profiles of loyalty cards: from a table, or from any SQL database.

A profile is a dict of texts: `date_of_birth`, `consent`, and `updated_at`, which may be empty. Only
the month of a date of birth is kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from customer_age.errors import SettingsError
from customer_age.files import DataUnavailable, addresses, folders

from ..tables import SUFFIXES, LabelTable
from ..tables.table_names import WORKBOOKS, not_read
from ..tables.values import text_of
from .ages import day_of, middle_of_month

if TYPE_CHECKING:
    import sqlalchemy

COLUMNS = {"person": "card_id", "date_of_birth": "date_of_birth", "consent": "consent"}
OPTIONAL = {"updated_at": "updated_at"}

DEFAULT_TABLE = "cards"
"""The table of a database if the setting names none."""

_FILE_SCHEMES = ("", "gs", "s3")
_CARDS_IN_QUERY = 500

Profile = dict[str, str]


class Profiles(Protocol):
    """A source of profiles."""

    def of(self, cards: Set[str]) -> dict[str, list[Profile]]:
        """Find the profiles of cards.

        Args:
            cards: their numbers.

        Returns:
            The profiles of each card that has any: one, or several that contradict each other.
            A date of birth is the middle of its month, or an empty text if it is not a date.

        Raises:
            SettingsError: the profiles cannot be read, or a column is missing.
        """


@dataclass(frozen=True)
class TableProfiles:
    """Profiles in a table of any format that is read for label tables."""

    table: LabelTable

    def of(self, cards: Set[str]) -> dict[str, list[Profile]]:
        """Find the profiles of cards; raise an error for a malformed row of any card."""
        return _by_card(row for row in self._rows() if row["person"] in cards)

    def _rows(self) -> Iterator[Profile]:
        for line, row in self.table.rows():
            if "problem" in row:
                # The row may withdraw a consent, which must not be ignored.
                raise SettingsError(
                    f"{self.table.path}: line {line}: {row['detail']}; fix this row"
                )
            yield row


@dataclass(frozen=True)
class DatabaseProfiles:
    """Profiles in a table of an SQL database.

    Attributes:
        url: SQLAlchemy's URL without a password, such as `postgresql+psycopg://shop@host/crm`.
        table: its name, with the schema's name and a dot in front if it has one.
        columns: our name of each column to the table's.
    """

    url: str
    table: str
    columns: Mapping[str, str]

    def of(self, cards: Set[str]) -> dict[str, list[Profile]]:
        """Find the profiles of cards; the query selects only the rows of these cards."""
        import sqlalchemy  # Slow, and most profiles are tables.

        try:
            # A query's parameters are card numbers: no message may show them.
            engine = sqlalchemy.create_engine(self.url, hide_parameters=True)
        except sqlalchemy.exc.ArgumentError as error:
            raise self._error(str(error)) from error
        except ImportError as error:
            raise DataUnavailable(str(self._error(str(error)))) from error
        try:
            with engine.connect() as connection:
                return _by_card(self._rows(connection, cards))
        except sqlalchemy.exc.NoSuchTableError as error:
            raise self._error(
                f"there is no table {self.table!r}; name it after #, as in …/crm#cards"
            ) from (error)
        except sqlalchemy.exc.OperationalError as error:
            raise DataUnavailable(str(self._error(str(error.orig)))) from error
        except sqlalchemy.exc.SQLAlchemyError as error:
            # The error's own message may repeat the card numbers.
            raise self._error(f"{type(error).__name__} of the database") from None
        finally:
            engine.dispose()

    def _rows(self, connection: "sqlalchemy.Connection", cards: Set[str]) -> Iterator[Profile]:
        import sqlalchemy

        schema, _, name = self.table.rpartition(".")
        table = sqlalchemy.Table(
            name, sqlalchemy.MetaData(), schema=schema or None, autoload_with=connection
        )
        wanted = {**self.columns}
        missing = [theirs for theirs in self.columns.values() if theirs not in table.columns]
        if missing:
            raise self._error(
                f"table {self.table}: no column {' and no column '.join(map(repr, missing))}; "
                f"there are: {', '.join(table.columns.keys())}"
            )
        for ours, theirs in OPTIONAL.items():
            if ours not in wanted and theirs in table.columns:
                wanted[ours] = theirs
        columns = [table.columns[theirs].label(ours) for ours, theirs in wanted.items()]
        number = table.columns[self.columns["person"]]
        known = iter(_as_the_column_has_them(cards, number.type))
        while chunk := list(islice(known, _CARDS_IN_QUERY)):
            for row in connection.execute(sqlalchemy.select(*columns).where(number.in_(chunk))):
                yield {**dict.fromkeys(OPTIONAL, ""), **_texts(row._asdict())}

    def _error(self, message: str) -> SettingsError:
        first = " ".join(message.partition("\n")[0].split())
        return SettingsError(f"data.profiles: {self.url}: {first}")


def open_profiles(address: str, columns: Mapping[str, str]) -> Profiles:
    """Open what the setting `data.profiles` names.

    Args:
        address: a table's path or address in an object store, or a database's SQLAlchemy URL,
            followed by `#table`.
        columns: `person`, `date_of_birth` and `consent` to the names of the columns.

    Raises:
        SettingsError: it is not a table, or there is no client for the store.
    """
    if urlsplit(address).scheme not in _FILE_SCHEMES:
        url, _, table = address.partition("#")
        return DatabaseProfiles(url, table or DEFAULT_TABLE, columns)
    folder, name = addresses.split(address)
    if name.lower().endswith(WORKBOOKS):
        raise SettingsError(f"data.profiles: {address}: {not_read(name)}")
    if not name.lower().endswith(SUFFIXES):
        raise SettingsError(
            f"data.profiles: {address}: a table's name must end in {', '.join(SUFFIXES)}"
        )
    return TableProfiles(LabelTable(folders.reach(folder), name, columns, OPTIONAL, None, ""))


def _by_card(rows: Iterator[Profile]) -> dict[str, list[Profile]]:
    profiles: dict[str, list[Profile]] = defaultdict(list)
    for row in rows:
        card, profile = row["person"], {**row}
        del profile["person"]
        # Here the day is dropped, before dates of birth are compared, hashed or used for ages.
        born = day_of(profile["date_of_birth"])
        profile["date_of_birth"] = middle_of_month(born).isoformat() if born else ""
        if profile not in profiles[card]:
            profiles[card].append(profile)
    return dict(profiles)


def _as_the_column_has_them(cards: Set[str], kind: "sqlalchemy.types.TypeEngine") -> list[Any]:
    """Return numbers if the column holds numbers: PostgreSQL cannot compare them with text."""
    try:
        numbers = kind.python_type in (int, Decimal)
    except NotImplementedError:
        numbers = False
    if not numbers:
        return sorted(cards)
    return sorted(int(card) for card in cards if card.isdigit() and str(int(card)) == card)


def _texts(row: Mapping[str, Any]) -> Profile:
    texts = {name: text_of(value) for name, value in row.items()}
    number = row["person"]
    if isinstance(number, Decimal) and number == int(number):
        # Oracle's NUMBER and similar types also hold whole numbers, which are exact.
        texts["person"] = str(int(number))
    return texts
