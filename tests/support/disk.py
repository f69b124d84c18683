"""A disk that can be filled: a small file system, or where none may be mounted, PostgreSQL's own words."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.installation import Installation, wait_until

_SIZE_MIB = 320
_CHUNK_BYTES = 2**20
_BLOCK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MountedDisk:
    """A file system of its own for a database."""

    folder: Path

    def fill(self, installation: Installation) -> None:
        """Takes all the space that is left."""
        with (self.folder / "ballast").open("wb", buffering=0) as file:
            for size in (_CHUNK_BYTES, _BLOCK_BYTES):
                piece = os.urandom(size)
                try:
                    while file.write(piece) == size:
                        pass
                except OSError:
                    continue

    def clear(self, installation: Installation) -> None:
        """Gives the space back, and starts PostgreSQL where it has ended for want of it."""
        (self.folder / "ballast").unlink()
        installation.start_database()


@dataclass(frozen=True, slots=True)
class RefusingTable:
    """The stand-in: PostgreSQL refuses rows of the ledger with the error of a full disk, after those of
    other tables were written in the same transaction."""

    folder: Path

    def fill(self, installation: Installation) -> None:
        """Begins to refuse."""
        installation.fetch(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$"
        )
        installation.fetch(
            "CREATE TRIGGER refuse BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    def clear(self, installation: Installation) -> None:
        """Ends it."""
        installation.fetch("DROP TRIGGER refuse ON entries")


@contextmanager
def small_disk() -> Iterator[MountedDisk | RefusingTable]:
    """A disk for a database, in a temporary folder. What works on it has to end first."""
    folder = Path(tempfile.mkdtemp(prefix="rocket-test-"))
    try:
        if not _mount(folder):
            yield RefusingTable(folder)
            return
        try:
            yield MountedDisk(folder)
        finally:
            wait_until(lambda: _succeeds("umount", str(folder)), 20, "the users of the disk to end")
    finally:
        shutil.rmtree(folder)


def _mount(folder: Path) -> bool:
    options = f"size={_SIZE_MIB}m,mode=755"
    return os.geteuid() == 0 and _succeeds("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))


def _succeeds(program: str, *arguments: str) -> bool:
    path = shutil.which(program)
    return bool(path) and subprocess.run([str(path), *arguments], check=False).returncode == 0
