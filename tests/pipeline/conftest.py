from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def batch_folder(tmp_path) -> Callable[..., Path]:
    """Put a batch into the inbox: as many photos, whose bytes the seed decides."""

    def write(
        name: str, photos: int = 3, seed: str | None = None, complete: bool = True, table: str = ""
    ) -> Path:
        folder = tmp_path / "inbox" / name
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        rows = ["file_name,card_id,captured_at"]
        for number in range(photos):
            rows.append(f"{number}.jpg,{number + 1000},2026-03-01T10:15")
            content = f"{seed or name} {number}".encode()
            (folder / "photos" / f"{number}.jpg").write_bytes(content)
        (folder / "photos.csv").write_text(table or "\n".join(rows))
        if complete:
            (folder / "_SUCCESS").write_bytes(b"")
        return folder

    return write
