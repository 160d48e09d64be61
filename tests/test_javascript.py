"""The widget's own tests, run by the Node that comes inside the browser driver's wheel."""

import subprocess
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_javascript_passes() -> None:
    found = find_spec("playwright")
    assert found is not None
    assert found.origin is not None
    node = Path(found.origin).parent / "driver" / "node"
    files = sorted(map(str, (ROOT / "tests" / "js").glob("*.test.js")))

    run = subprocess.run(
        [str(node), "--test", *files], cwd=ROOT, capture_output=True, text=True, timeout=100
    )

    assert files
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
