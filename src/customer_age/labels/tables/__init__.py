"""Label tables, text and Parquet: read each row as it is written, or with a problem."""

from .description import TableDescription
from .label_table import LabelTable, digest_of
from .table_names import SUFFIXES

__all__ = ["SUFFIXES", "LabelTable", "TableDescription", "digest_of"]
