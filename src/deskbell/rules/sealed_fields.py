"""Every sealed field of every table, in one list: what re-encryption walks, and what keeps a key from being dropped.

A model that gains a sealed field gains a line here; the tests find those that were forgotten. A field is sealed when
its type is `bytes` and it holds a record of rules/sealing.py under the additional data named here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from deskbell.model.account import Account
from deskbell.model.sign_on import SignOn
from deskbell.model.webhook import Secret, Webhook
from deskbell.rules.sealing import Keyring, aad_field, aad_secret, record_key_id

URL_FIELD = "receiver_url"
TOTP_FIELD = "totp"
AUTH_FIELD = "auth"
CERTIFICATE_FIELD = "client_certificate"
CLIENT_SECRET_FIELD = "client_secret"  # noqa: S105  # a name

Each = Callable[[bytes, bytes], bytes]
"""What is done with a field: record and additional data to the record that takes its place."""


@dataclass(frozen=True, kw_only=True)
class SealedTable:
    """One table whose rows hold sealed fields."""

    table: str
    type: type
    key: tuple[str, ...]  # columns that, after the site, name a row
    fields: frozenset[str]  # members of the model that are sealed, `Class.member`
    walk: Callable[[Any, Each], Any]  # the row with each of its sealed fields replaced
    numbers: frozenset[str] = frozenset()  # columns of the key that are numbers


def header_field(name: str) -> str:
    """What the additional data of an own header's value names."""
    return f"header:{name.lower()}"


def _webhook(row: Webhook, each: Each) -> Webhook:
    url = row.receiver_url
    sealed = each(url.sealed, aad_field(row.site, row.id, URL_FIELD))
    headers = {
        name: each(value, aad_field(row.site, row.id, header_field(name))) for name, value in row.headers.items()
    }
    auth, certificate = row.auth, row.client_certificate
    if auth is not None:
        auth = replace(auth, sealed=each(auth.sealed, aad_field(row.site, row.id, AUTH_FIELD)))
    if certificate is not None:
        record = each(certificate.sealed, aad_field(row.site, row.id, CERTIFICATE_FIELD))
        certificate = replace(certificate, sealed=record)
    return replace(
        row, receiver_url=replace(url, sealed=sealed), headers=headers, auth=auth, client_certificate=certificate
    )


def _secret(row: Secret, each: Each) -> Secret:
    return replace(row, sealed=each(row.sealed, aad_secret(row.site, row.webhook_id, row.id)))


def _sign_on(row: SignOn, each: Each) -> SignOn:
    return replace(row, client_secret=each(row.client_secret, aad_field(row.site, row.id, CLIENT_SECRET_FIELD)))


def _account(row: Account, each: Each) -> Account:
    aad, factor = aad_field(row.site, row.id, TOTP_FIELD), row.second_factor
    return replace(
        row,
        second_factor=None if factor is None else replace(factor, sealed=each(factor.sealed, aad)),
        enrolling=None if row.enrolling is None else each(row.enrolling, aad),
    )


_OF_WEBHOOK = frozenset({"SealedUrl.sealed", "Webhook.headers", "SealedAuth.sealed", "SealedCertificate.sealed"})

SEALED = (
    SealedTable(table="webhook", type=Webhook, key=("id",), fields=_OF_WEBHOOK, walk=_webhook),
    SealedTable(
        table="webhook_version",
        type=Webhook,
        key=("id", "version"),
        fields=_OF_WEBHOOK,
        walk=_webhook,
        numbers=frozenset({"version"}),
    ),
    SealedTable(
        table="secret", type=Secret, key=("webhook_id", "id"), fields=frozenset({"Secret.sealed"}), walk=_secret
    ),
    SealedTable(table="sign_on", type=SignOn, key=("id",), fields=frozenset({"SignOn.client_secret"}), walk=_sign_on),
    SealedTable(
        table="user",
        type=Account,
        key=("id",),
        fields=frozenset({"SecondFactor.sealed", "Account.enrolling"}),
        walk=_account,
    ),
)


def key_ids(table: SealedTable, row: Any) -> frozenset[str]:
    """The keys that a row needs. Raises KeyringFault when a field is no record."""
    found: set[str] = set()

    def look(record: bytes, _aad: bytes) -> bytes:
        found.add(record_key_id(record))
        return record

    table.walk(row, look)
    return frozenset(found)


def resealed(table: SealedTable, row: Any, keyring: Keyring, nonce: Callable[[], bytes]) -> Any:
    """The row with each field that another key sealed sealed by the writing one. Raises KeyringFault."""

    def renew(record: bytes, aad: bytes) -> bytes:
        if record_key_id(record) == keyring.ids[0]:
            return record
        return keyring.seal(keyring.open(record, aad), aad, nonce())

    return table.walk(row, renew)
