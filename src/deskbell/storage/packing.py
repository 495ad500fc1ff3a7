"""Large values at rest: packed when there is time for it, and summed when what they hold is sent or obeyed.

A marker byte tells; no JSON or array begins with one. Packed: half the bytes in the file for about 15 µs each, with a
small window and the fastest level; under load, when many changes share a commit, speed comes first and the bytes stay
plain. Summed: a checksum in front, so that a damaged file is never taken for what was written.
"""

import zlib

from deskbell.model.errors import Quarantined

_MARKER = b"\x01"
_SUMMED = b"\x02"
_SUM_BYTES = 4
_FORMER = (b"{", b"[", _MARKER)
"""How values of the time before sums begin: JSON or packed. No single bit makes one of these from the mark of sums."""
_SIZE_MIN = 256
_WINDOW = -12  # raw deflate, 4 KiB
_MEMORY_LEVEL = 5


CHANGES_MAX = 48
"""In a group of more changes than this nothing is packed."""


def packed(plain: bytes, *, has_time: bool = True) -> bytes:
    """What is stored."""
    if (len(plain) < _SIZE_MIN or not has_time) and not plain.startswith(_MARKER):
        return plain
    work = zlib.compressobj(1, zlib.DEFLATED, _WINDOW, _MEMORY_LEVEL)
    small = _MARKER + work.compress(plain) + work.flush()
    return small if len(small) < len(plain) or plain.startswith(_MARKER) else plain


def unpacked(stored: bytes) -> bytes:
    """What was handed in."""
    return zlib.decompress(stored[1:], _WINDOW) if stored.startswith(_MARKER) else stored


def summed(stored: bytes, *names: object) -> bytes:
    """With a checksum of it and of the names that it goes with: its row's key, and what else is sent of the row."""
    return _SUMMED + _sum(stored, names) + stored


def unsummed(stored: bytes, *names: object) -> bytes:
    """What was handed in. Raises Quarantined when it, or one of its names, is not what was written."""
    if stored.startswith(_SUMMED):
        start = len(_SUMMED) + _SUM_BYTES
        plain = stored[start:]
        if stored[len(_SUMMED) : start] != _sum(plain, names):
            raise Quarantined("a stored row is damaged: its checksum is wrong")
        return plain
    if stored and not stored.startswith(_FORMER):
        raise Quarantined("a stored row is damaged: its mark is unknown")
    return stored


def _sum(stored: bytes, names: tuple[object, ...]) -> bytes:
    start = zlib.crc32("\n".join(map(str, names)).encode()) if names else 0
    return zlib.crc32(stored, start).to_bytes(_SUM_BYTES, "big")
