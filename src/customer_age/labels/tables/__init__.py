"""Label tables: texts and Parquet, each row as it is written, or with what is wrong with it."""

from .description import TableDescription
from .label_table import LabelTable, digest_of
from .table_names import SUFFIXES

__all__ = ["SUFFIXES", "LabelTable", "TableDescription", "digest_of"]
