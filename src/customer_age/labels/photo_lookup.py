"""Find the photo that a row of a table names."""

from collections.abc import Mapping

from customer_age.files import Entry, file_names
from customer_age.files.file_names import FileNames
from customer_age.schema.refusals import NO_FILE, Reason


class PhotoLookup:
    """Finds the photos of a data set by their names in tables."""

    def __init__(self, listing: Mapping[str, Entry], face_crops: bool) -> None:
        """Construct from a listing.

        Args:
            listing: the entry of each file by its name relative to the data folder.
            face_crops: whether to use `<file_name>_face.jpg` instead of a photo, if it exists.
        """
        self._listing = listing
        self._face_crops = face_crops
        self._names = FileNames(listing)

    def find(self, photos: str, file_name: str) -> Entry | None:
        """Return the file of a name: its face crop, or the photo itself, or None.

        If the exact name is missing, a name in another Unicode form is used if only one file has
        it.

        Args:
            photos: the sub-folder of the table's photos.
            file_name: as written in the table.
        """
        photo = file_names.relative(photos, file_name)
        if self._face_crops and (crop := self._crop(f"{photo}_face.jpg")) is not None:
            return crop
        return self._listing.get(photo) or self._same(photo)

    def why_missing(self, photos: str, file_name: str, elsewhere: bool) -> str:
        """Return a sentence that a photo is missing, with the name of a similar file.

        Args:
            photos: the sub-folder of the table's photos.
            file_name: as written in the table.
            elsewhere: whether to name a file in another folder. If persons are known, its name
                could contain another person's card number.
        """
        photo = file_names.relative(photos, file_name)
        sentence = NO_FILE[Reason.FILE_MISSING]
        if self._names.same_as(photo):
            return f"{sentence} with exactly this name, but several with names that look the same"
        near = self._names.near(photo, elsewhere)
        if near is None:
            return sentence
        return f"{sentence}; there is {near.removeprefix(f'{photos}/')}"

    def _crop(self, name: str) -> Entry | None:
        # Few photos have a crop, so ASCII names, which have one Unicode form, are not searched.
        return self._listing.get(name) or (None if name.isascii() else self._same(name))

    def _same(self, name: str) -> Entry | None:
        same = self._names.same_as(name)
        return self._listing[same[0]] if len(same) == 1 else None
