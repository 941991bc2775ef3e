"""The cache of ingested batches, and the assembly of a run's examples from them.

Other rooms use the names below: to forget a person, they must read the cache and its shards.
"""

from ..tfrecord_shards import records
from .cache import BatchCache, CachedBatch
from .index import Entry
from .sweep import sweep

__all__ = ["BatchCache", "CachedBatch", "Entry", "records", "sweep"]
