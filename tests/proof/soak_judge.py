"""What a soak came to: losses, and whether memory, descriptors and queue stayed flat."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from proof.soak_receivers import Seen

if TYPE_CHECKING:
    from proof.soak import Soak

GROWTH_MB, GROWTH_SHARE = 16.0, 0.10
"""Memory may differ by so much between the second and the last quarter of the undisturbed life."""
DESCRIPTORS = 50
SAMPLES_LEAST = 12  # fewer say nothing about growth
UNHEARD = ("gone",)  # disabled soon: what is published then is not for it
IN_FLIGHT = 40  # per webhook at a kill: without an answer, and answered but not recorded


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look at the process."""

    at_s: float
    life: int  # how many times it had been restarted
    memory_mb: float
    descriptors: int
    queue: int
    database_mb: float
    acknowledged: int


def losses(
    acknowledged: Mapping[str, set[int]],
    hooks: Mapping[str, tuple[tuple[str, ...], Any]],
    seen: Mapping[str, Seen],
    ended_in_sight: int,
) -> dict[str, int]:
    """Everything that should be 0; deliveries that ended where a person sees them are not lost."""
    missing = unexpected = 0
    for name, (types, _) in hooks.items():
        wanted = {n for one in types for n in acknowledged.get(one, ())}
        arrived = set(seen[name].events) if name in seen else set()
        if name not in UNHEARD:
            missing += len(wanted - arrived)
        unexpected += len(arrived - wanted)
    every = seen.values()
    return {
        "lost": max(0, missing - ended_in_sight),
        "unexpected": unexpected,
        "altered": sum(one.altered for one in every),
        "twice": sum(one.twice for one in every),
        "disordered": seen["ordered"].disordered if "ordered" in seen else 0,
    }


def quarters(samples: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """The second and the last quarter of the last life; empty when it is too short to say anything."""
    last = [one for one in samples if one.life == samples[-1].life] if samples else []
    quarter = len(last) // 4
    return (last[quarter : 2 * quarter], last[-quarter:]) if len(last) >= SAMPLES_LEAST else ((), ())


def growth(samples: Sequence[Sample], what: str) -> tuple[float, float] | None:
    """The median of something in the second and in the last quarter of the last life."""
    second, fourth = quarters(samples)
    if not second:
        return None
    return median(getattr(one, what) for one in second), median(getattr(one, what) for one in fourth)


def judged(soak: "Soak", faults: Mapping[str, int], *, quiet_s: float, exit_code: int) -> dict[str, Any]:
    """Figures, samples, and notes: what was found wrong."""
    samples, found = soak.samples, growth(soak.samples, "memory_mb")
    opened = growth(soak.samples, "descriptors")
    last = [one for one in samples if one.life == soak.life]
    duplicates = sum(one.duplicates for one in soak.receivers.seen.values())
    notes = [f"{count} {what}" for what, count in faults.items() if count]
    figures: dict[str, Any] = {
        "minutes": soak.minutes,
        "acknowledged": sum(len(one) for one in soak.load.acknowledged.values()),
        **faults,
        "duplicates": duplicates,
        "kills": soak.kills,
        "restarts": soak.life,
        "requests": sum(one.requests for one in soak.receivers.seen.values()),
        **{what.replace(" ", "_"): count for what, count in sorted(soak.load.done.items())},
        "quiet_s": round(quiet_s, 1),
        "descriptors_max": max((one.descriptors for one in samples), default=0),
        "queue_max": max((one.queue for one in samples), default=0),
        "database_mb": samples[-1].database_mb if samples else 0,
    }
    if found is not None:
        early, late = found
        figures |= {"memory_mb_early": early, "memory_mb_late": late, "memory_mb_max": max(s.memory_mb for s in last)}
        is_flat = late - early <= max(GROWTH_MB, GROWTH_SHARE * early)
        figures["memory"] = "flat" if is_flat else "grows"
        if not is_flat:
            notes.append(f"memory grew from {early} to {late} MB")
    if opened is not None and opened[1] > opened[0] + DESCRIPTORS:
        notes.append(f"descriptors grew from {opened[0]:g} to {opened[1]:g}")
    if duplicates > soak.kills * IN_FLIGHT * len(soak.hooks):
        notes.append(f"{duplicates} duplicates")
    if exit_code != 0:
        notes.append(f"the last SIGTERM ended with {exit_code}")
    return {"figures": figures, "samples": [asdict(one) for one in samples], "notes": notes}
