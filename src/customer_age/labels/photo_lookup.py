"""Look the photo up that a row of a table names."""

from collections.abc import Mapping

from customer_age.files import Entry, file_names
from customer_age.files.file_names import FileNames
from customer_age.schema.refusals import NO_FILE, Reason


class PhotoLookup:
    """The photos of a data set, by the names that tables give them."""

    def __init__(self, listing: Mapping[str, Entry], face_crops: bool) -> None:
        """Construct from what is listed.

        Args:
            listing: name relative to the data folder to what is known of the file.
            face_crops: whether `<file_name>_face.jpg` is taken where it stands beside a photo.
        """
        self._listing = listing
        self._face_crops = face_crops
        self._names = FileNames(listing)

    def find(self, photos: str, file_name: str) -> Entry | None:
        """The file that a name means: its face crop, or itself, or None.

        Another form of Unicode counts where the exact name is absent and one file has it.

        Args:
            photos: the sub-folder of the table's photos.
            file_name: as the table has it.
        """
        photo = file_names.relative(photos, file_name)
        if self._face_crops and (crop := self._crop(f"{photo}_face.jpg")) is not None:
            return crop
        return self._listing.get(photo) or self._same(photo)

    def why_missing(self, photos: str, file_name: str, elsewhere: bool) -> str:
        """Say that there is no such photo, and what file may be meant.

        Args:
            photos: the sub-folder of the table's photos.
            file_name: as the table has it.
            elsewhere: whether a file in another folder may be named, which where persons are known
                could be named after another one.
        """
        photo = file_names.relative(photos, file_name)
        sentence = NO_FILE[Reason.FILE_MISSING]
        if self._names.same_as(photo):
            return f"{sentence} by exactly this name, and several whose names look the same"
        near = self._names.near(photo, elsewhere)
        if near is None:
            return sentence
        return f"{sentence}; there is {near.removeprefix(f'{photos}/')}"

    def _crop(self, name: str) -> Entry | None:
        # Few photos have one: names that have no other form are not looked for by it.
        return self._listing.get(name) or (None if name.isascii() else self._same(name))

    def _same(self, name: str) -> Entry | None:
        same = self._names.same_as(name)
        return self._listing[same[0]] if len(same) == 1 else None
