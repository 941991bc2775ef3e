"""Where a container finds the files of an artifact.

On Kubeflow the back end's launcher copies every input from the object store into a folder before
the container's command runs, and uploads what that left in the folder of each output; the folder
follows from the URI (LocalPathForURI in backend/src/v2/component/launcher_v2.go).
Vertex mounts all of Cloud Storage under the same folder `/gcs`. So an executor works on local
files in both places, with every store, and what can open no URI (Pillow, SQLite) works too.

Where artifacts are on Cloud Storage they may also be opened in place, by TFX's own file system:
workers of Dataflow see no container's folders. An artifact that is opened in place costs the
launcher nothing more to upload (its folder is there, and empty: `executor_output`), but Kubeflow's
still downloads the inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import SettingsError

_FOLDERS = {"gs": "gcs", "s3": "s3", "minio": "minio"}

_OPENED_IN_PLACE = "gs://"


@dataclass(frozen=True)
class LauncherPaths:
    """From the URIs of artifacts to what a process of this container opens.

    Attributes:
        root: what the launcher's folders lie in: `/`, but for tests.
        in_place: beginnings of URIs that are opened as they are.
    """

    root: Path = Path("/")
    in_place: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: str, in_place: str) -> "LauncherPaths":
        """Read the options of the entry point.

        Args:
            root: a folder.
            in_place: beginnings of URIs, with commas between; may be empty.

        Raises:
            SettingsError: TFX cannot open such URIs.
        """
        beginnings = tuple(one.strip() for one in in_place.split(",") if one.strip())
        for beginning in beginnings:
            if not beginning.startswith(_OPENED_IN_PLACE):
                raise SettingsError(
                    f"--in_place={beginning}: only {_OPENED_IN_PLACE} can be opened in place; "
                    "leave it out, and the artifacts are opened where the launcher put them"
                )
        return cls(Path(root), beginnings)

    def opened(self, uri: str) -> str:
        """What an executor opens for an artifact: a local path, or the URI itself."""
        return uri if self.is_in_place(uri) else self.local(uri)

    def local(self, uri: str) -> str:
        """Where the launcher looks for the files of an artifact; another URI is itself."""
        scheme, separator, key = uri.partition("://")
        if not separator or scheme not in _FOLDERS:
            return uri
        return str(self.root / _FOLDERS[scheme] / key)

    def is_in_place(self, uri: str) -> bool:
        """Whether an artifact is opened where it lies."""
        return uri.startswith(self.in_place) if self.in_place else False

    def output_file(self, named: str) -> str:
        """Where the executor's output is to be written.

        Args:
            named: by the back end: a URI on Vertex, and a path on Kubeflow, which is under
                `/tmp` or, since 2.6, in the launcher's folder of the task.
        """
        in_launchers = named.startswith(tuple(f"/{folder}/" for folder in _FOLDERS.values()))
        return str(self.root / named[1:]) if in_launchers else self.opened(named)


def with_original_uris(text: str, originals: Mapping[str, str]) -> str:
    """Name artifacts by their URIs in a text that names them by what was opened.

    Args:
        text: any.
        originals: what was opened to the URI of the artifact.
    """
    for opened in _longest_first(list(originals)):
        text = text.replace(opened, originals[opened])
    return text


def _longest_first(paths: Sequence[str]) -> list[str]:
    """So that no path is taken for the beginning of another."""
    return sorted(paths, key=len, reverse=True)
