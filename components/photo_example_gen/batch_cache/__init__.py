"""Batches as they were ingested, kept from run to run, and a run's examples put together of them.

Outsiders use the names below: who forgets a person has to look into the cache, and into shards.
"""

from ..tfrecord_shards import records
from .cache import BatchCache, CachedBatch
from .index import Entry
from .sweep import sweep

__all__ = ["BatchCache", "CachedBatch", "Entry", "records", "sweep"]
