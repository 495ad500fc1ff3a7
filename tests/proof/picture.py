"""The memory of a soak as a small picture; text and lines only."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 240, 56, 16, 36, 34
GRID = 4


def memory_svg(samples: Sequence[Mapping[str, Any]]) -> str:
    """Memory over time; a restart interrupts the line."""
    end_s = max((one["at_s"] for one in samples), default=1.0) or 1.0
    most = max((one["memory_mb"] for one in samples), default=1.0)
    top = max(20.0, -(-most // 20) * 20)

    def place(sample: Mapping[str, Any]) -> str:
        x = LEFT + sample["at_s"] / end_s * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - sample["memory_mb"] / top * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<title>{escape("Memory over the soak")}</title><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" font-weight="600">Memory of the process, MB</text>',
    ]
    for step in range(GRID + 1):
        y = HEIGHT - BOTTOM - step / GRID * (HEIGHT - TOP - BOTTOM)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{top * step / GRID:g}</text>')
        x = LEFT + step / GRID * (WIDTH - LEFT - RIGHT)
        minutes = end_s * step / GRID / 60
        lines.append(f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle" fill="#555">{minutes:.1f} min</text>')
    for life in sorted({one["life"] for one in samples}):
        points = " ".join(place(one) for one in samples if one["life"] == life)
        lines.append(f'<polyline points="{points}" fill="none" stroke="#1a5fb4" stroke-width="1.5"/>')
    return "\n".join([*lines, "</svg>", ""])
