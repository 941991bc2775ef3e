"""The settings of the model: how it is trained and tuned, and when it may be published."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, field_validator

from customer_age.errors import SettingsError
from customer_age.schema import age_groups
from customer_age.schema.strict_model import MOST, StrictModel

from .cluster import GpuSettings

MOST_EPOCHS = 10_000
MOST_MINUTES = 60 * 24 * 365
WEIGHTS_KEYWORDS = ("imagenet", "champion", "none")
TUNED = ("learning_rate", "weight_decay", "dropout")
"""Settings of `trainer` that the tuner can choose."""


class TrainerSettings(StrictModel):
    """The ResNet50 regressor and how it is trained."""

    weights: str = Field("imagenet", min_length=1)
    """`imagenet` (downloaded by Keras), `champion`, `none` (random), or a `.weights.h5` file."""
    input_size: int = Field(96, ge=32, le=1024)
    """Width and height of the network's input, in pixels."""
    batch_size: int = Field(32, ge=1, le=65_536)
    """Photos per step, over all GPUs."""
    head_epochs: int = Field(1, ge=0, le=MOST_EPOCHS)
    """Epochs of the output layer alone; skipped if the weights are random."""
    epochs: int = Field(10, ge=1, le=MOST_EPOCHS)
    """Epochs of the whole network; fewer only with `patience`."""
    head_learning_rate: float = Field(1e-3, gt=0, le=1)
    learning_rate: float = Field(5e-4, gt=0, le=1)
    """Peak learning rate of the whole network: linear warm-up, then cosine decay."""
    weight_decay: float = Field(1e-4, ge=0, le=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    patience: int | None = Field(None, ge=1, le=MOST_EPOCHS)
    """Epochs without a better `valid` MAE after which training stops early. By default it does not:
    the last epochs, whose learning rate is lowest, are usually the best."""
    augmentation: bool = True
    """Whether to change each photo slightly and randomly in each epoch."""
    mirror: bool = True
    """Whether the served age is the mean of the predictions for a photo and its mirror image: more
    accurate, but twice the computation."""
    photo_cache_mb: int = Field(1024, ge=0, le=2**24)
    """MiB of memory for decoded photos during training (some 40 kB each at 96 pixels); photos that
    do not fit are decoded again in each epoch."""
    seed: int = Field(0, ge=0, le=2**32 - 1)
    """Random seed, in NumPy's range."""
    gpu: GpuSettings | None = None
    """GPUs on a cluster. A local run uses the GPUs that TensorFlow detects."""


_Number = TypeVar("_Number")


def _in_order(bounds: tuple[float, float]) -> tuple[float, float]:
    lowest, highest = bounds
    if lowest >= highest:
        raise ValueError(
            f"the lowest value, {lowest:g}, must be below the highest, {highest:g}; null uses "
            "the value in trainer"
        )
    return bounds


_Range = Annotated[tuple[_Number, _Number], AfterValidator(_in_order)]
"""The lowest and the highest value to try."""


class TunerSettings(StrictModel):
    """What `customer-age tune` tries; if a range is null, the value in `trainer` is used."""

    minutes: float = Field(60, gt=0, le=MOST_MINUTES)
    """Time budget of all trials together. A started trial is always finished. A new one starts only
    if the longest trial so far would still fit; the first one always starts."""
    max_trials: int = Field(100, ge=1, le=1000)
    learning_rate: _Range[Annotated[float, Field(gt=0, le=1)]] | None = (1e-4, 2e-3)
    weight_decay: _Range[Annotated[float, Field(gt=0, le=1)]] | None = (1e-5, 1e-2)
    dropout: _Range[Annotated[float, Field(ge=0, lt=1)]] | None = (0.0, 0.6)

    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """Return the lowest and highest value of each setting of `trainer` that is tuned."""
        ranges = {name: getattr(self, name) for name in TUNED}
        return {name: bounds for name, bounds in ranges.items() if bounds is not None}

    def require_range(self) -> None:
        """Check that there is something to tune.

        Raises:
            SettingsError: all ranges are null.
        """
        if not self.ranges():
            raise SettingsError("tuner: all ranges are null, so there is nothing to tune; set one")


class GateSettings(StrictModel):
    """The results on `test`, measured by TFMA, that a model needs to be published."""

    max_mae: float = Field(8.0, gt=0, le=age_groups.OLDEST)
    """Highest mean absolute error, in years, inclusive."""
    min_test_photos: int = Field(100, ge=1, le=MOST)
    champion_tolerance: float = Field(0.2, ge=0, le=age_groups.OLDEST)
    """Years by which the champion's MAE may be lower. A first model must beat the median
    predictor."""
    age_groups: tuple[str, ...] = (
        "0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+",
    )  # fmt: skip
    """The slices of the evaluation. Predictions may use other age groups."""
    gpu: GpuSettings | None = None
    """GPUs of the Evaluator on a cluster."""

    @field_validator("age_groups")
    @classmethod
    def _groups_parse(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        age_groups.parse(list(groups))
        return groups


class CanarySettings(StrictModel):
    """The limits for a model in a fresh process on the CPU; a model above them is refused."""

    max_seconds_per_photo: float = Field(2.0, gt=0, le=3600)
    """Seconds for one photo alone, and on average in a batch of 64."""
    max_memory_mb: int = Field(4096, ge=1, le=2**24)
    """Peak memory of the process: TensorFlow, the weights, 64 photos and one of 12 megapixels."""
    timeout_seconds: int = Field(300, ge=1, le=86_400)
    """Time limit for all requests of the canary; a model that hangs is then refused."""
