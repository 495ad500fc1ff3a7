"""Secrets at rest open only where they were sealed."""

import base64

import pytest

from deskbell.model.errors import KeyringFault
from deskbell.rules.sealing import (
    Keyring,
    KeyringEntry,
    aad_field,
    aad_secret,
    keyring_faults,
    new_keyring,
    parse_keyring,
    record_key_id,
)

OLD = KeyringEntry(id="k1", key=b"1" * 32)
NEW = KeyringEntry(id="k2", key=b"2" * 32)
NONCE = bytes(range(12))
AAD = aad_secret("dd", "whk_1", "sec_1")


def test_record_has_the_stated_form() -> None:
    """Version, key id, nonce, then ciphertext with its tag."""
    record = Keyring((OLD,)).seal(b"secret", AAD, NONCE)
    assert record[:16] == b"\x01\x02k1" + NONCE
    assert len(record) == 16 + len(b"secret") + 16
    assert b"secret" not in record
    assert record_key_id(record) == "k1"


def test_first_key_writes_and_every_key_reads() -> None:
    """After a new key comes first, old records still open."""
    record = Keyring((OLD,)).seal(b"text", AAD, NONCE)
    both = Keyring((NEW, OLD))
    assert both.open(record, AAD) == b"text"
    assert record_key_id(both.seal(b"text", AAD, NONCE)) == "k2"


@pytest.mark.parametrize(
    "aad",
    [
        aad_secret("other", "whk_1", "sec_1"),
        aad_secret("dd", "whk_2", "sec_1"),
        aad_secret("dd", "whk_1", "sec_2"),
        aad_field("dd", "whk_1", "receiverUrl"),
    ],
)
def test_a_moved_record_does_not_open(aad: bytes) -> None:
    """Another site, webhook, secret or field is refused."""
    ring = Keyring((OLD,))
    with pytest.raises(KeyringFault, match="another row"):
        ring.open(ring.seal(b"text", AAD, NONCE), aad)


def test_every_changed_byte_is_noticed() -> None:
    """No byte of a record can be changed, and no length cut, without a KeyringFault."""
    ring = Keyring((OLD, NEW))
    record = ring.seal(b"text", AAD, NONCE)
    spoilt = [bytes([*record[:at], record[at] ^ 0x81, *record[at + 1 :]]) for at in range(len(record))]
    for one in [*spoilt, *(record[:length] for length in range(len(record)))]:
        with pytest.raises(KeyringFault):
            ring.open(one, AAD)


def test_a_missing_key_is_named() -> None:
    """The fault says which key is lacking."""
    record = Keyring((OLD,)).seal(b"text", AAD, NONCE)
    with pytest.raises(KeyringFault, match="'k1'"):
        Keyring((NEW,)).open(record, AAD)


def test_keyring_text_goes_both_ways() -> None:
    """Lines, commas, comments and blanks read; what is written reads the same."""
    ring = Keyring((NEW, OLD))
    assert parse_keyring(ring.format()).entries == ring.entries
    loose = "# the ring\n\n" + ",".join(ring.format().split())
    assert parse_keyring(loose).entries == ring.entries


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("# nothing", "empty"),
        ("k1", "32 bytes|has 0 bytes|must have"),
        ("k1:???", "Entry 1"),
        ("k1:" + base64.b64encode(b"1" * 16).decode(), "'k1' has 16 bytes"),
        (":" + base64.b64encode(b"1" * 32).decode(), "key id"),
        ("k 1:" + base64.b64encode(b"1" * 32).decode(), "key id"),
        (Keyring((OLD,)).format() * 2, "twice"),
    ],
)
def test_bad_keyrings_are_refused_without_showing_keys(text: str, told: str) -> None:
    """The fault names the entry and never shows the key."""
    with pytest.raises(KeyringFault, match=told) as raised:
        parse_keyring(text)
    assert "MTEx" not in str(raised.value)


def test_check_records_tell_missing_and_wrong_keys() -> None:
    """A lacking id and another key under a known id are told; a fitting ring has no faults."""
    stored = Keyring((OLD,)).check_records()
    assert keyring_faults(Keyring((NEW, OLD)), stored) == ()
    (missing,) = keyring_faults(Keyring((NEW,)), stored)
    (wrong,) = keyring_faults(Keyring((KeyringEntry(id="k1", key=b"x" * 32),)), stored)
    assert "lacks the key k1" in missing
    assert "another key under the id k1" in wrong


def test_fingerprints_are_keyed_and_found_after_rotation() -> None:
    """Equal texts are recognised by a ring with the key that wrote, and only by it."""
    written = Keyring((OLD,)).fingerprint("https://a.example/x")
    assert written in Keyring((NEW, OLD)).fingerprints("https://a.example/x")
    assert written not in Keyring((NEW, OLD)).fingerprints("https://a.example/y")
    other = Keyring((KeyringEntry(id="k1", key=b"3" * 32),))
    assert written not in other.fingerprints("https://a.example/x")


def test_keys_do_not_show() -> None:
    """Printing a ring or an entry shows ids alone."""
    ring = new_keyring(b"1" * 32)
    assert repr(ring) == "Keyring(k1)"
    assert "1111" not in repr(ring.entries[0])


def test_nonces_have_twelve_bytes() -> None:
    """A nonce of another size is a programming error."""
    with pytest.raises(ValueError, match="12"):
        new_keyring(b"1" * 32).seal(b"", AAD, b"short")
