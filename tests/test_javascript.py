"""The widget's own tests, run by the Node that comes inside the browser driver's wheel."""

import subprocess
from pathlib import Path

from tests.javascript_types import node

ROOT = Path(__file__).resolve().parent.parent


def test_javascript_passes() -> None:
    files = sorted(map(str, (ROOT / "tests" / "js").glob("*.test.js")))

    run = subprocess.run(
        [str(node()), "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=100
    )

    assert files
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
