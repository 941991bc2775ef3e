"""Photos' statistics and anomalies, written as TFDV's components write them."""

import numpy as np
import pandas as pd
import pytest

from customer_age.schema import features

GROUPS = {"0-12": 0, "13-17": 13, "18-24": 18, "25-34": 25, "35-44": 35, "45-54": 45, "55-64": 55}
GROUPS |= {"65+": 65}

SPLITS = {"train": 400, "valid": 130, "test": 200}

# No photo is a PNG, and some people are older: two anomalies in each split.
SCHEMA = """
    feature { name: "image/format" type: BYTES domain: "formats" presence { min_fraction: 1 } }
    feature { name: "image/mode" type: BYTES }
    feature { name: "image/width" type: INT }
    feature { name: "image/height" type: INT }
    feature { name: "image/byte_size" type: INT }
    feature { name: "image/squareness" type: FLOAT }
    feature { name: "image/brightness" type: FLOAT }
    feature { name: "image/sharpness" type: FLOAT }
    feature { name: "real_age" type: FLOAT float_domain { min: 0 max: 60 } }
    feature { name: "age_group" type: BYTES }
    string_domain { name: "formats" value: "PNG" }
    """


def photos_of(split: str) -> pd.DataFrame:
    photos = SPLITS[split]
    draw = np.random.default_rng(photos)
    ages = np.clip(draw.gamma(5.2, 6.4, photos), 1, 95).round()
    width = draw.integers(180, 1400, photos)
    square = draw.random(photos) < 0.7
    height = np.where(square, width, (width * draw.uniform(1.05, 1.5, photos)).astype(int))
    places = np.searchsorted(list(GROUPS.values()), ages, "right") - 1
    return pd.DataFrame(
        {
            features.IMAGE_FORMAT: "JPEG",
            features.IMAGE_MODE: np.where(np.arange(photos) % 50 > 0, "RGB", "L"),
            features.IMAGE_WIDTH: width,
            features.IMAGE_HEIGHT: height,
            features.IMAGE_BYTE_SIZE: width * height // 8,
            features.IMAGE_SQUARENESS: width / height,
            features.IMAGE_BRIGHTNESS: np.clip(draw.normal(118, 32, photos), 12, 240),
            features.IMAGE_SHARPNESS: draw.gamma(2.0, 260.0, photos),
            features.REAL_AGE: ages,
            features.AGE_GROUP: np.array(list(GROUPS))[places],
        }
    )


@pytest.fixture(scope="session")
def frames() -> dict[str, pd.DataFrame]:
    return {split: photos_of(split) for split in SPLITS}


@pytest.fixture(scope="session")
def statistics_uris(tmp_path_factory: pytest.TempPathFactory, frames) -> dict[str, str]:
    """Folders of statistics and anomalies."""
    import tensorflow_data_validation as tfdv
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.utils import writer_utils

    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    root = tmp_path_factory.mktemp("statistics_and_anomalies")
    for split, frame in frames.items():
        statistics = tfdv.generate_statistics_from_dataframe(frame)
        file = root / f"statistics/Split-{split}/FeatureStats.pb"
        file.parent.mkdir(parents=True)
        file.write_bytes(statistics.SerializeToString())
        anomalies = root / f"anomalies/Split-{split}/SchemaDiff.pb"
        anomalies.parent.mkdir(parents=True)
        writer_utils.write_anomalies(str(anomalies), tfdv.validate_statistics(statistics, schema))
    return {key: str(root / key) for key in ("statistics", "anomalies")}
