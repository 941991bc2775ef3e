"""The drift of new photos from the photos that a model was trained on, measured by TFDV.

A version in the registry has histograms of its training photos as a tag, so that new photos can be
compared with them without the run's artifacts.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from customer_age.schema import features

from ..artifacts.statistics import Histogram, read_statistics

TAG = "training_histograms"
"""The version's tag with the histograms."""

FEATURES = (
    features.REAL_AGE,
    features.IMAGE_BRIGHTNESS,
    features.IMAGE_SHARPNESS,
    features.IMAGE_WIDTH,
    features.IMAGE_HEIGHT,
)

Histograms = Mapping[str, Histogram]


def training_histograms(statistics_uri: str) -> str:
    """Return the histograms of a version's training photos.

    Args:
        statistics_uri: of the ExampleStatistics artifact.

    Returns:
        JSON of about 1,000 characters, for the tag `TAG`: `edges` and `counts` by feature; edges
        in the feature's unit, one more than counts.

    Raises:
        ValueError: the statistics are damaged, or the split train has none.
    """
    splits = read_statistics(statistics_uri)
    if "train" not in splits:
        raise ValueError(f"{statistics_uri}: there are no statistics of the split train")
    spreads = splits["train"].spreads
    found = {name: spreads[name].histogram for name in FEATURES if name in spreads}
    return json.dumps(
        {
            name: {
                "edges": [float(f"{edge:.6g}") for edge in histogram.edges],
                "counts": [float(f"{count:.6g}") for count in histogram.counts],
            }
            for name, histogram in found.items()
        }
    )


def distances(new: Mapping[str, Sequence[float]], training: str) -> dict[str, float]:
    """Return the Jensen-Shannon divergence of new photos from training photos, as TFDV's drift.

    Args:
        new: feature name to its values, one for each photo.
        training: from `training_histograms`.

    Returns:
        Feature name to a distance from 0 (the same) to 1 (nothing in common), for each feature
        that both have.
    """
    import tensorflow_data_validation as tfdv  # the import takes seconds

    known = _read(training)
    names = [name for name in FEATURES if name in known and len(new.get(name, ()))]
    schema = schema_pb2.Schema()
    for name in names:
        feature = schema.feature.add(name=name, type=schema_pb2.FLOAT)
        # TFDV only reports a distance that it compares with a threshold.
        feature.drift_comparator.jensen_shannon_divergence.threshold = 0.0
    binned = {name: _on_the_same_edges(new[name], known[name]) for name in names}
    found = tfdv.validate_statistics(
        _statistics(binned),
        schema,
        previous_statistics=_statistics({name: known[name] for name in names}),
    )
    return {
        info.path.step[0]: measurement.value
        for info in found.drift_skew_info
        for measurement in info.drift_measurements
    }


def _read(training: str) -> dict[str, Histogram]:
    return {
        name: _with_width(Histogram(tuple(found["edges"]), tuple(found["counts"])))
        for name, found in json.loads(training).items()
        if found["counts"]
    }


def _with_width(histogram: Histogram) -> Histogram:
    """Widen the bin of a histogram in which all photos have the same value."""
    low, high = histogram.edges[0], histogram.edges[-1]
    if low < high:
        return histogram
    return Histogram((low - 0.5, high + 0.5), (sum(histogram.counts),))


def _on_the_same_edges(values: Sequence[float], histogram: Histogram) -> Histogram:
    """Count values in another histogram's bins, and in an additional bin at each end if needed.

    If the edges differ, TFDV spreads each bin's photos evenly: two samples of one long-tailed
    feature, such as sharpness, would then have a large distance.
    """
    edges = list(histogram.edges)
    if min(values) < edges[0]:
        edges.insert(0, float(min(values)))
    if max(values) > edges[-1]:
        edges.append(float(max(values)))
    counts, _ = np.histogram(values, edges)
    return Histogram(tuple(edges), tuple(map(float, counts)))


def _statistics(histograms: Histograms) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Return the parts of TFDV's statistics that its distance reads."""
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = statistics.datasets.add()
    for name, histogram in histograms.items():
        photos = round(sum(histogram.counts))
        dataset.num_examples = max(dataset.num_examples, photos)
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
        feature.path.step.append(name)
        common = feature.num_stats.common_stats
        common.num_non_missing = common.tot_num_values = photos
        common.min_num_values = common.max_num_values = 1
        feature.num_stats.min, feature.num_stats.max = histogram.edges[0], histogram.edges[-1]
        standard = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
        bins = zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True)
        for low, high, count in bins:
            standard.buckets.add(low_value=low, high_value=high, sample_count=count)
    return statistics
