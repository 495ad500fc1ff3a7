"""Shards: 256 groups of webhooks, each sent by the one process that owns it; ownership is a lease with a fence."""

from dataclasses import dataclass

SHARDS = 256
"""How many there are; a webhook's is stored in its row."""


@dataclass(frozen=True, kw_only=True)
class ShardRow:
    """One shard: who owns it, until when. The fence goes up at each change of owner."""

    shard: int  # 0..255
    owner: str | None  # a node's name; None: nobody, or the lease has ended
    fence: int  # 0: never owned
    left_s: float = 0.0  # what is left of the lease, seconds on the database's clock; 0 when free


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Who is alive and who owns what, as the database saw it at one moment."""

    nodes: tuple[str, ...]  # nodes that deliver and have been heard within a lease, in order of name
    rows: tuple[ShardRow, ...]  # all 256, by number
