"""Runs one scenario inside the namespace: `inside.py SCENARIO FOLDER`; the findings are the last line of its output."""

import importlib
import json
import sys
from pathlib import Path

from guard import laboratory


def main() -> None:
    """Lay the ground, run, tell."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    scenario = importlib.import_module(f"guard.{name}")
    made = laboratory.make(folder, hosts=getattr(scenario, "HOSTS", ""))
    scenario.run(made, folder)
    made.figures["packets"] = made.counter.packets
    lost = made.counter.lost()
    sys.stdout.write(json.dumps({"faults": made.faults, "figures": made.figures, "lost": lost}) + "\n")


if __name__ == "__main__":
    main()
