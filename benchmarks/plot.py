"""The budgets as a picture: how far each figure is from its budget, on a logarithmic line."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH, ROW, LEFT, RIGHT, TOP = 860, 26, 330, 150, 44
SPAN = 1.2
"""Decades to each side of the budget."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One budget."""

    name: str
    value: float
    budget: float
    unit: str
    more_is_better: bool

    @property
    def met(self) -> bool:
        """Whether the budget is kept."""
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget

    @property
    def distance(self) -> float:
        """Decades from the budget, to the right when better."""
        if self.value <= 0 or self.budget <= 0:
            return SPAN
        found = log10(self.value / self.budget)
        return max(-SPAN, min(SPAN, found if self.more_is_better else -found))


def svg(title: str, bars: Sequence[Bar]) -> str:
    """The picture; text and shapes only."""
    height = TOP + ROW * len(bars) + 24
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    scale = (WIDTH - LEFT - RIGHT) / 2 / SPAN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif"'
        ' font-size="13">',
        f'<title>{escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="12" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    for n, bar in enumerate(bars):
        y = TOP + n * ROW
        end = middle + bar.distance * scale
        color = "#1a7f4b" if bar.met else "#b3402a"
        lines.append(f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(bar.name)}</text>')
        left, width = min(middle, end), abs(end - middle) or 1
        lines.append(f'<rect x="{left:.1f}" y="{y + 3}" width="{width:.1f}" height="16" fill="{color}"/>')
        words = f"{bar.value:,.4g} / {bar.budget:,.4g} {bar.unit}"
        lines.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y + 15}">{escape(words)}</text>')
    lines.append(f'<line x1="{middle}" x2="{middle}" y1="{TOP - 6}" y2="{height - 18}" stroke="#333"/>')
    lines.append(f'<text x="{middle}" y="{height - 6}" text-anchor="middle" fill="#555">budget; right is better</text>')
    return "\n".join([*lines, "</svg>", ""])
