"""Coverage-guided fuzzing of the readers: `python -m fuzz.run FOLDER -runs=100000`, and flags as of libFuzzer.

The first byte of an input chooses the reader. FOLDER holds the inputs that reached something new; what breaks a reader
is printed, written to `crash-…`, and ends the run with an exit code.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["deskbell.rules", "deskbell.outbound", "deskbell.sdk"]):
    from fuzz.targets import SEEDS, TARGETS


def one_input(data: bytes) -> None:
    """One reader, one input."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def main() -> None:
    """Plant the seeds, run."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for at, target in enumerate(TARGETS):
        for number, seed in enumerate(SEEDS[target.__name__]):
            (folder / f"{target.__name__}-{number}").write_bytes(bytes((at,)) + seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
