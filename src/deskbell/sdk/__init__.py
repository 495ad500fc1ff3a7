"""For programs that receive what Deskbell sends: verify, sign for tests, and guard an ASGI or WSGI app.

Standard library only. Verify the raw body before parsing it.
"""

from deskbell.sdk.asgi_wsgi import receiver
from deskbell.sdk.signatures import SeenIds, SignatureRefused, sign, verify

__all__ = ["SeenIds", "SignatureRefused", "receiver", "sign", "verify"]
