"""The bill of materials (CycloneDX) of what is locked, and what is known against it."""

import argparse
import json
import subprocess
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOCK = HERE / "server.lock"
"""All that a server can run: the core and every extra."""
VENDOR = HERE.parent / "src/deskbell/portal/static/vendor/VENDOR.toml"
BILL = HERE / "sbom.json"
ASK_S = 60


def tool(name: str) -> str:
    """A program of this environment."""
    return str(Path(sys.executable).parent / name)


def bill_of_materials() -> str:
    """CycloneDX JSON, the same for the same lock."""
    command = [tool("cyclonedx-py"), "requirements", str(LOCK), "--output-reproducible", "--of", "JSON", "-o", "-"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  a fixed command
    bill: dict[str, Any] = json.loads(made.stdout)
    for part in bill["components"]:
        part.pop("description", None)  # the number of the line in the lock
        part["bom-ref"] = part["purl"]
        part["licenses"] = [{"license": {"name": licence_of(part["name"])}}]
    bill["dependencies"] = [{"ref": part["bom-ref"]} for part in bill["components"]]
    bill["components"] += [vendored(name, one) for name, one in tomllib.loads(VENDOR.read_text()).items()]
    return json.dumps(bill, indent=1, sort_keys=True) + "\n"


def licence_of(name: str) -> str:
    """As the installed package says."""
    told = metadata(name)
    classified = (line.rpartition(" :: ")[2] for line in told.get_all("Classifier") or () if line.startswith("License"))
    return told.get("License-Expression") or ", ".join(classified) or told.get("License") or "see the package"


def vendored(file: str, one: dict[str, str]) -> dict[str, Any]:
    """A file of somebody else's that is kept in the repository."""
    return {
        "bom-ref": f"file:{file}",
        "type": "file",
        "name": one["name"],
        "version": one["version"],
        "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
        "licenses": [{"license": {"name": one["licence"]}}],
    }


def known_vulnerabilities() -> list[str] | None:
    """A line for each; None when nothing is known because the index tells nothing."""
    command = [tool("pip-audit"), "-r", str(LOCK), "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command += ["-f", "json", "--timeout", "10"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=ASK_S, check=False)  # noqa: S603  as above
        parts = json.loads(asked.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError):
        return None
    if all("skip_reason" in part for part in parts):
        return None
    return [
        f"{part['name']} {part['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version'}"
        for part in parts
        for one in part.get("vulns", ())
    ]


def main() -> int:
    """Exit code: 1 when the bill is of another lock or something is known against a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the bill is of another lock")
    wants_check = parser.parse_args().check
    bill = bill_of_materials()
    if wants_check and (not BILL.exists() or BILL.read_text() != bill):
        print("requirements/sbom.json is not of this lock. Run: scripts/supply", file=sys.stderr)
        return 1
    BILL.write_text(bill)
    found = known_vulnerabilities()
    if found is None:
        print("Known vulnerabilities: not checked, the package index has no such data or cannot be reached.")
        return 0
    print("\n".join(found) or "Known vulnerabilities: none.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
