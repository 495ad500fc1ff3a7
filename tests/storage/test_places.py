"""Where a database may lie."""

from pathlib import Path

import pytest

from deskbell.model.errors import StoreBroken
from deskbell.storage.sqlite import SqliteStore, places

TOLD = r"""
/dev/vda / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
filer:/desk /srv/desk nfs4 rw,vers=4.2 0 0
//filer/share /srv/desk\040two cifs rw 0 0
/dev/vdb /srv/desk/local xfs rw 0 0
host /mnt/c 9p rw 0 0
ann@far: /home/ann/far fuse.sshfs rw 0 0
odd
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/deskbell", "ext4"),
        ("/srv/desk", "nfs4"),
        ("/srv/desk/data", "nfs4"),
        ("/srv/desk two/data", "cifs"),
        ("/srv/desk/local/data", "xfs"),
        ("/srv/desktop", "ext4"),
        ("/mnt/c/data", "9p"),
        ("/home/ann/far", "fuse.sshfs"),
    ],
)
def test_file_system_is_that_of_the_deepest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, kind: str
) -> None:
    """Names that only begin alike are something else; spaces are written as codes."""
    (tmp_path / "mounts").write_text(TOLD)
    monkeypatch.setattr(places, "MOUNTS", tmp_path / "mounts")
    assert places.file_system(Path(folder))[0] == kind
    assert (kind in places.NETWORK) == (kind not in {"ext4", "xfs"})


async def test_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made there, and the refusal says what to do."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "mounts").write_text(f"/dev/vda / ext4 rw 0 0\nfiler:/x {data} nfs rw 0 0\n")
    monkeypatch.setattr(places, "MOUNTS", tmp_path / "mounts")
    with pytest.raises(StoreBroken, match=r"network file system \(nfs at .*local disk, or use PostgreSQL"):
        SqliteStore.open(data / "deskbell.db")
    assert list(data.iterdir()) == []
    monkeypatch.setattr(places, "MOUNTS", tmp_path / "no such file")  # another system than Linux
    await SqliteStore.open(data / "deskbell.db").close()
