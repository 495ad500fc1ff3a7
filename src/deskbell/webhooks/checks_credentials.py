"""Faults of a webhook's credentials, against its other settings and the Operator's policy."""

from collections.abc import Iterable, Iterator, Mapping

from deskbell.model.errors import FaultAt
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.rules.credentials import AUTH, CERTIFICATE, check_auth, read_certificate
from deskbell.rules.limits import Limits
from deskbell.rules.urls import UrlPolicy, UrlRefused, parse_receiver_url
from deskbell.webhooks.kinds import Kind
from deskbell.webhooks.spec import WebhookSpec


def check_credentials(
    spec: WebhookSpec,
    site: Site,
    policy: UrlPolicy,
    limits: Limits,
    kinds: Mapping[str, Kind],
    *,
    now: Instant,
    scheme: str,
    header_names: Iterable[str],
    keeps_auth: bool = False,
    keeps_certificate: bool = False,
) -> Iterator[FaultAt]:
    """`scheme` and `header_names` are those that the webhook will have; what is kept is judged again with them."""
    has_auth = spec.auth is not None or keeps_auth
    has_certificate = spec.client_certificate is not None or keeps_certificate
    kind = kinds.get(spec.kind)
    if (has_auth or has_certificate) and kind is not None and not kind.signed:
        pointer = AUTH if has_auth else CERTIFICATE
        yield FaultAt(pointer=pointer, code="kind", detail="This receiver kind takes no credential but its URL.")
    if spec.auth is not None:
        yield from _check_auth(spec.auth, site, policy, limits)
    if has_auth and any(name.lower() == "authorization" for name in header_names):
        detail = "There is an own header Authorization already. Remove it, or leave this out."
        yield FaultAt(pointer=AUTH, code="header_twice", detail=detail)
    if spec.client_certificate is not None:
        read = read_certificate(spec.client_certificate, now, limits)
        if isinstance(read, FaultAt):
            yield read
    if has_certificate and scheme == "http":
        detail = "A client certificate is shown in a TLS handshake only. Use an https:// URL."
        yield FaultAt(pointer=CERTIFICATE, code="scheme", detail=detail)


def _check_auth(auth: Mapping[str, object], site: Site, policy: UrlPolicy, limits: Limits) -> Iterator[FaultAt]:
    faults = check_auth(auth, limits)
    yield from faults
    url = auth.get("tokenUrl")
    if not faults and isinstance(url, str):
        found = parse_receiver_url(url, policy, site=site.site, allowed_receivers=site.allowed_receivers, limits=limits)
        if isinstance(found, UrlRefused):
            yield FaultAt(pointer=f"{AUTH}/tokenUrl", code=found.code, detail=found.detail)
