"""The paths of an artifact's files in a container.

On Kubeflow the back end's launcher copies every input from the object store to a folder before the
container's command runs, and uploads the folder of each output afterwards. The folder is derived
from the URI (LocalPathForURI in backend/src/v2/component/launcher_v2.go). Vertex mounts all of
Cloud Storage under the same folder `/gcs`. So an executor works on local files on both services,
with every store, and with libraries that cannot open a URI (Pillow, SQLite).

Artifacts on Cloud Storage may also be opened in place, by TFX's own file system, because Dataflow's
workers cannot open a container's folders. The launcher then uploads nothing (the local folder is
empty: `executor_output`), but Kubeflow's launcher still downloads the inputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from customer_age.errors import SettingsError

_FOLDERS = {"gs": "gcs", "s3": "s3", "minio": "minio"}

_OPENED_IN_PLACE = "gs://"


@dataclass(frozen=True)
class LauncherPaths:
    """Maps the URIs of artifacts to the paths that a process of this container opens.

    Attributes:
        root: parent of the launcher's folders: `/`, except in tests.
        in_place: prefixes of URIs that are opened in place.
    """

    root: Path = Path("/")
    in_place: tuple[str, ...] = ()

    @classmethod
    def of(cls, root: str, in_place: str) -> "LauncherPaths":
        """Read the options of the entry point.

        Args:
            root: a folder.
            in_place: comma-separated prefixes of URIs; may be empty.

        Raises:
            SettingsError: TFX cannot open such URIs.
        """
        beginnings = tuple(one.strip() for one in in_place.split(",") if one.strip())
        for beginning in beginnings:
            if not beginning.startswith(_OPENED_IN_PLACE):
                raise SettingsError(
                    f"--in_place={beginning}: only {_OPENED_IN_PLACE} can be opened in place; "
                    "leave the option out to open the launcher's copies"
                )
        return cls(Path(root), beginnings)

    def opened(self, uri: str) -> str:
        """Return what an executor opens for an artifact: a local path, or the URI itself."""
        return uri if self.is_in_place(uri) else self.local(uri)

    def local(self, uri: str) -> str:
        """Return the launcher's path for an artifact; other URIs are returned unchanged."""
        scheme, separator, key = uri.partition("://")
        if not separator or scheme not in _FOLDERS:
            return uri
        return str(self.root / _FOLDERS[scheme] / key)

    def is_in_place(self, uri: str) -> bool:
        """Return whether an artifact is opened in place."""
        return uri.startswith(self.in_place) if self.in_place else False

    def output_file(self, named: str) -> str:
        """Return the path of the executor's output file.

        Args:
            named: the back end's name of it: a URI on Vertex, and a path on Kubeflow, which is
                under `/tmp` or, since 2.6, in the launcher's folder of the task.
        """
        in_launchers = named.startswith(tuple(f"/{folder}/" for folder in _FOLDERS.values()))
        return str(self.root / named[1:]) if in_launchers else self.opened(named)


def with_original_uris(text: str, originals: Mapping[str, str]) -> str:
    """Replace opened paths by the URIs of their artifacts in a text.

    Args:
        text: any.
        originals: opened path to the URI of the artifact.
    """
    for opened in _longest_first(list(originals)):
        text = text.replace(opened, originals[opened])
    return text


def _longest_first(paths: Sequence[str]) -> list[str]:
    """Sort paths so that a path comes before its own prefixes."""
    return sorted(paths, key=len, reverse=True)
