"""`make attacks`: everything that attacks the platform in a test, in one run; a table by class, and var/reports/attacks.json.

`python -m tests.attacks.run [WORD]` runs the classes whose name holds the word only.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.attacks.suite import SUITE

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "var" / "reports" / "attacks.json"
ROW = "{:<50} {:>8} {:>10} {:>9}"
# What pytest ends with when tests have failed, and when none has: anything else is no result.
RAN = {0, 1}


def main() -> int:
    """Exit code 1 when an attack got through, or nothing could be said."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.run", description=__doc__)
    parser.add_argument("word", nargs="?", default="")
    word = parser.parse_args().word
    chosen = {name: paths for name, paths in SUITE.items() if word in name}
    paths = [path for some in chosen.values() for path in some]
    with tempfile.TemporaryDirectory(prefix="yingda-attacks-") as folder:
        told = Path(folder) / "told.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q"]
        ended = subprocess.run([*command, f"--junitxml={told}", *paths], cwd=ROOT, check=False)
        if ended.returncode not in RAN:
            return 1
        # Our own pytest has just written it.
        found = by_class(ET.parse(told).getroot(), chosen)  # noqa: S314
    print_table(found)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"attacks": found}, ensure_ascii=False, indent=2) + "\n")
    return 0 if all(row["tests"] and not row["got_through"] for row in found) else 1


def by_class(
    told: ET.Element, chosen: Mapping[str, Sequence[str]]
) -> list[dict[str, str | int | list[str]]]:
    """Each class with its tests, and the names of those that failed."""
    rows: list[dict[str, str | int | list[str]]] = []
    cases = [
        (case.get("classname", ""), case.get("name", ""), has_failed(case))
        for case in told.iter("testcase")
    ]
    for name, paths in chosen.items():
        modules = tuple(path.removesuffix(".py").replace("/", ".") for path in paths)
        mine = [case for case in cases if case[0].startswith(modules)]
        failed = [f"{module}::{test}" for module, test, bad in mine if bad]
        rows.append({"class": name, "tests": len(mine), "got_through": failed})
    return rows


def has_failed(case: ET.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def print_table(found: Sequence[Mapping[str, str | int | list[str]]]) -> None:
    print("\n" + ROW.format("attack", "tests", "withstood", "verdict"))
    for row in found:
        failed, count = row["got_through"], row["tests"]
        assert isinstance(failed, list)
        assert isinstance(count, int)
        verdict = "FAILED" if failed or not count else "ok"
        print(ROW.format(row["class"], count, count - len(failed), verdict))
        for each in failed:
            print(f"  {each}")


if __name__ == "__main__":
    sys.exit(main())
