"""The reasons why a row of a label table is refused and becomes no example."""

import enum
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """The reason codes. To add one, add a line here and raise `PhotoRefused` with it."""

    ROW_MALFORMED = "row_malformed"
    FILE_MISSING = "file_missing"
    FILE_EMPTY = "file_empty"
    FILE_TOO_LARGE = "file_too_large"
    FILE_UNREADABLE = "file_unreadable"
    OUTSIDE_DATA_FOLDER = "outside_data_folder"
    NOT_AN_IMAGE = "not_an_image"
    FORMAT_UNSUPPORTED = "format_unsupported"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    AGE_MISSING = "age_missing"
    AGE_NOT_A_NUMBER = "age_not_a_number"
    AGE_OUT_OF_RANGE = "age_out_of_range"
    SPLIT_UNKNOWN = "split_unknown"
    CARD_UNKNOWN = "card_unknown"
    CARD_AMBIGUOUS = "card_ambiguous"
    NO_CONSENT = "no_consent"
    BIRTH_UNKNOWN = "birth_unknown"
    BORN_AFTER_CAPTURE = "born_after_capture"
    CAPTURE_UNKNOWN = "capture_unknown"
    CAPTURED_IN_FUTURE = "captured_in_future"
    BORN_TOO_EARLY = "born_too_early"
    PROFILE_STALE = "profile_stale"
    TOO_MANY_OF_CARD = "too_many_of_card"
    PERSON_IN_TWO_SPLITS = "person_in_two_splits"
    FORGOTTEN = "forgotten"
    SAME_NAME_OTHER_AGE = "same_name_other_age"
    SAME_PHOTO_OTHER_AGE = "same_photo_other_age"
    DUPLICATE = "duplicate"


NO_AGE = -1.0
"""The age that a served model returns together with a reason. JSON has no NaN; TensorFlow Serving
writes it nevertheless, and a strict parser then rejects the whole answer."""

FORGOTTEN = "erased at the person's request, or older than the photos that are kept"
"""The detail for a photo that no run may train on."""

NO_FILE = {
    Reason.ROW_MALFORMED: "its row and the header have different numbers of cells",
    Reason.FILE_MISSING: "there is no such photo",
    Reason.OUTSIDE_DATA_FOLDER: "the name leads out of the data folder",
}
"""Why the file of a name may not be read; one sentence for each reason."""


class PhotoRefused(Exception):
    """One photo, or its row, cannot be used.

    Attributes:
        reason: the reason code for counts.
        detail: a sentence for people, without the file's name.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, order=True)
class Refusal:
    """A line of `refused.csv`; the order of the fields is the order of its columns."""

    table: str
    line: int
    file_name: str
    reason: str
    detail: str

    def sentence(self) -> str:
        """Return the refusal as one line of text."""
        name = " ".join(self.file_name.split()) or "(no name)"
        return f"{self.table}, line {self.line}: {name}: {self.detail}"
