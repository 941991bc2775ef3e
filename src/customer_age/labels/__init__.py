"""Label tables, and the data sets that they form together with their photos."""

from .batches import COMPLETE, open_batch, open_data_sets
from .data_set import DataSet, open_data_set
from .rows import LabelRow, age_of
from .spec import LabelSpec
from .splits import SplitSpec, split_of
from .tables import LabelTable
from .tombstones import Forgotten

__all__ = [
    "COMPLETE",
    "DataSet",
    "Forgotten",
    "LabelRow",
    "LabelSpec",
    "LabelTable",
    "SplitSpec",
    "age_of",
    "open_batch",
    "open_data_set",
    "open_data_sets",
    "split_of",
]
