"""Where the database lies: on a network file system locks and syncs cannot be trusted, so it is refused there."""

from collections.abc import Iterator
from pathlib import Path

from deskbell.model.errors import StoreBroken

MOUNTS = Path("/proc/self/mounts")
"""What is mounted where, as Linux tells it."""

NETWORK = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph", "fuse.davfs2", "fuse.glusterfs",
        "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "pvfs2",
        "smb3", "smbfs",
    }
)  # fmt: skip
"""Types of file systems that are elsewhere."""


def refuse_network(database: Path) -> None:
    """Raises StoreBroken when the database would lie on a network file system."""
    kind, place = file_system(database.parent.resolve())
    if kind in NETWORK:
        raise StoreBroken(
            f"{database.parent} is on a network file system ({kind} at {place}), where SQLite can lose data: "
            "choose a data directory on a local disk, or use PostgreSQL (DESKBELL_DATABASE_URL)"
        )


def file_system(folder: Path) -> tuple[str, str]:
    """The type of a folder's file system and where it is mounted; empty when the system does not tell."""
    found = ("", "")
    for place, kind in _mounts():
        if len(place) >= len(found[1]) and folder.is_relative_to(place):  # the deepest, of equal ones the last
            found = (kind, place)
    return found


def _mounts() -> Iterator[tuple[str, str]]:
    try:
        text = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:  # no Linux
        return
    for line in text.splitlines():
        parts = line.split(" ")
        if len(parts) >= 3:
            yield _plain(parts[1]), parts[2]


def _plain(place: str) -> str:
    r"""Spaces and their like are written as `\040`."""
    for code in ("040", "011", "012", "134"):
        place = place.replace(f"\\{code}", chr(int(code, 8)))
    return place
