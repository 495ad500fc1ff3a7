"""The second factor: time-based codes of RFC 6238 (SHA-1, 6 digits, 30 s), and recovery codes of 80 bits."""

import base64
import hashlib
import hmac
import re

import pyotp

STEP_S = 30
SECRET_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_RECOVERY_CHARS = 16
_GROUP = 4


def totp_secret(random20: bytes) -> str:
    """The text key that a person may also type: 160 bits in base 32."""
    return base64.b32encode(random20).decode()


def totp_uri(secret: str, email: str, issuer: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=email, issuer_name=issuer)


def code_at(secret: str, unix_s: float) -> str:
    """The code of a moment."""
    return pyotp.TOTP(secret, interval=STEP_S).generate_otp(int(unix_s) // STEP_S)


def step_of(secret: str, code: str, unix_s: float, last_step: int) -> int | None:
    """The time step whose code this is: now, one before or one after, and later than any that was taken before."""
    plain = code.replace(" ", "")
    if not _CODE.fullmatch(plain):
        return None
    now, totp, found = int(unix_s) // STEP_S, pyotp.TOTP(secret, interval=STEP_S), None
    for step in (now - 1, now, now + 1):
        if hmac.compare_digest(totp.generate_otp(step), plain) and step > last_step:
            found = step
    return found


def recovery_code(random10: bytes) -> str:
    """80 bits in four groups, in letters and digits that are told apart."""
    text = base64.b32encode(random10).decode().lower()
    return "-".join(text[n : n + _GROUP] for n in range(0, _RECOVERY_CHARS, _GROUP))


def recovery_hash(code: str) -> str | None:
    """What is stored of a recovery code, however it was typed; None when it has not the form of one."""
    plain = re.sub(r"[\s-]", "", code.lower())
    if len(plain) != _RECOVERY_CHARS or not plain.isascii() or not plain.isalnum():
        return None
    return hashlib.sha256(plain.encode()).hexdigest()
