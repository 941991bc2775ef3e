"""TFDV's statistics and anomalies of the photos, read from their files.

The files are parsed as protobuf messages, which takes a tenth of a second. TFDV's own readers would
import TensorFlow and Beam, which the report of a run that stopped early does not need.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from customer_age.files import store
from customer_age.schema.features import SPLITS


class Count(NamedTuple):
    """A number of photos, and whether it was counted or estimated from a histogram."""

    photos: int
    exact: bool


@dataclass(frozen=True)
class Histogram:
    """Counts of photos in adjacent bins.

    Attributes:
        edges: in the feature's unit, one more than there are counts.
        counts: photos in each bin; estimates from TFDV's sketch, not always whole numbers.
    """

    edges: tuple[float, ...]
    counts: tuple[float, ...]


@dataclass(frozen=True)
class Spread:
    """The distribution of one numeric feature over the photos of one split.

    Attributes:
        photos: number of photos with a value.
        minimum: exact, in the feature's unit.
        median: TFDV's estimate.
        maximum: exact.
        histogram: bins of equal width.
        quantiles: bins of equal count.
        mean: exact.
        deviation: the standard deviation, exact.
        missing: number of photos without a value.
    """

    photos: int
    minimum: float
    median: float
    maximum: float
    histogram: Histogram
    quantiles: Histogram
    mean: float = math.nan
    deviation: float = math.nan
    missing: int = 0

    def below(self, limit: float) -> Count:
        """Return the number of photos below a limit; it is exact if none or all are below."""
        if limit <= self.minimum:
            return Count(0, exact=True)
        if limit > self.maximum:
            return Count(self.photos, exact=True)
        knots = sorted(
            (edge, share)
            for bins in (self.histogram, self.quantiles)
            if bins.counts
            for edge, share in zip(
                bins.edges, np.cumsum([0.0, *bins.counts]) / sum(bins.counts), strict=True
            )
        )
        edges, shares = zip(*knots, strict=True)
        # The two histograms estimate one rising curve, and may contradict each other slightly.
        share = float(np.interp(limit, edges, np.maximum.accumulate(shares)))
        # At least one photo is below, because the smallest value is, and at least one above.
        return Count(min(self.photos - 1, max(1, round(share * self.photos))), exact=False)


@dataclass(frozen=True)
class SplitStatistics:
    """The photos of one split.

    Attributes:
        photos: number of photos.
        spreads: the distributions by the name of a numeric feature.
        words: by the name of a text feature, the number of photos with each value.
    """

    photos: int
    spreads: dict[str, Spread] = field(default_factory=dict)
    words: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Anomaly:
    """A violation of the schema, with TFDV's own sentence."""

    split: str
    feature: str
    sentence: str


def read_statistics(uri: str) -> dict[str, SplitStatistics]:
    """Read the output of StatisticsGen.

    Args:
        uri: of the ExampleStatistics artifact.

    Returns:
        Split to statistics, in the order train, valid, test; without the splits that are missing.

    Raises:
        ValueError: a file does not contain statistics.
    """
    splits = {}
    for split in SPLITS:
        message = _parse(
            f"{uri}/Split-{split}/FeatureStats.pb", statistics_pb2.DatasetFeatureStatisticsList()
        )
        if message is not None and message.datasets:
            splits[split] = _of_dataset(message.datasets[0])
    return splits


def read_anomalies(uri: str) -> tuple[Anomaly, ...] | None:
    """Read the output of ExampleValidator.

    Args:
        uri: of the ExampleAnomalies artifact.

    Returns:
        Every anomaly of every split; None if no split was validated.

    Raises:
        ValueError: a file does not contain anomalies.
    """
    found: list[Anomaly] = []
    validated = False
    for split in SPLITS:
        message = _parse(f"{uri}/Split-{split}/SchemaDiff.pb", anomalies_pb2.Anomalies())
        if message is None:
            continue
        validated = True
        if message.data_missing:
            found.append(Anomaly(split, "", "The split has no photos."))
        if message.HasField("dataset_anomaly_info"):
            found.append(Anomaly(split, "", _words(message.dataset_anomaly_info)))
        found.extend(
            Anomaly(split, name.strip("'"), _words(info))
            for name, info in sorted(message.anomaly_info.items())
        )
    return tuple(found) if validated else None


def _words(info: Any) -> str:
    return " ".join((info.description or info.short_description).split())


def _parse(uri: str, message: Any) -> Any:
    """Fill a protobuf message from a file; return None if there is no file."""
    try:
        message.ParseFromString(store.read(uri))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except DecodeError as error:
        raise ValueError(f"{uri} is damaged: {error}") from error
    return message


def _of_dataset(dataset: Any) -> SplitStatistics:
    spreads, words = {}, {}
    for feature in dataset.features:
        name = feature.name or "/".join(feature.path.step)
        if feature.HasField("num_stats") and feature.num_stats.common_stats.num_non_missing:
            spreads[name] = _spread(feature.num_stats)
        elif feature.HasField("string_stats"):
            buckets = feature.string_stats.rank_histogram.buckets
            words[name] = {bucket.label: round(bucket.sample_count) for bucket in buckets}
    return SplitStatistics(int(dataset.num_examples), spreads, words)


def _spread(stats: Any) -> Spread:
    kinds = {bins.type: _histogram(bins.buckets) for bins in stats.histograms}
    empty = Histogram((), ())
    return Spread(
        photos=int(stats.common_stats.num_non_missing),
        minimum=stats.min,
        median=stats.median,
        maximum=stats.max,
        histogram=kinds.get(statistics_pb2.Histogram.STANDARD, empty),
        quantiles=kinds.get(statistics_pb2.Histogram.QUANTILES, empty),
        mean=stats.mean,
        deviation=stats.std_dev,
        missing=int(stats.common_stats.num_missing),
    )


def _histogram(buckets: Any) -> Histogram:
    edges = [bucket.low_value for bucket in buckets[:1]] + [b.high_value for b in buckets]
    return Histogram(tuple(edges), tuple(bucket.sample_count for bucket in buckets))
