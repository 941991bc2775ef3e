"""The settings for preparing a photo, shared by ingestion and prediction."""

from pydantic import Field, ValidationInfo, field_validator

from customer_age.schema.strict_model import StrictModel


class PhotoSpec(StrictModel):
    """Settings of `prepare_photo`."""

    stored_size: int = Field(256, ge=32, le=2048)
    """Pixels; a photo is shrunk to this length of its shorter side once, at ingestion."""
    min_size: int = Field(32, ge=1, le=2048, validate_default=True)
    """Pixels; a photo with a shorter side below this is refused."""
    jpeg_quality: int = Field(92, ge=50, le=100)

    @staticmethod
    def within(wider: "PhotoSpec") -> "PhotoSpec":
        """Return only these settings of a class that inherits them."""
        return PhotoSpec(**{name: getattr(wider, name) for name in PhotoSpec.model_fields})

    @field_validator("min_size")
    @classmethod
    def _sizes_fit(cls, min_size: int, info: ValidationInfo) -> int:
        if min_size > info.data.get("stored_size", min_size):
            raise ValueError(
                f"{min_size} is above stored_size {info.data['stored_size']}: "
                "every photo would be refused or enlarged"
            )
        return min_size
