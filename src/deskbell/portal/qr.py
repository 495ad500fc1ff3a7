"""QR codes as drawings within the page: no style, no script, dark on white in both themes."""

import segno
from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """The text as an SVG element."""
    made = segno.make(text, error="m", micro=False)
    return Markup(made.svg_inline(scale=4, border=4, dark="#000", light="#fff"))  # noqa: S704 - segno draws, the text is only dots
