"""The default classifier, trained once for all processes of a run and kept until examples or code change."""

import hashlib
import json
from pathlib import Path

from filelock import FileLock

from prompts import understanding
from prompts.models import NluModel
from prompts.understanding import Learned

NLU = Path(__file__).resolve().parents[2] / "prompts" / "nlu"


def put_in_force(folder: Path) -> NluModel:
    """Trains on the rows, as the first start does, or takes what `folder` holds of an earlier training on the same."""
    return understanding.keep(learned(folder), user_id=None, note="default")


def learned(folder: Path) -> Learned:
    kept = folder / f"{digest()}.json"
    with FileLock(kept.with_suffix(".lock")):
        if not kept.exists():
            write(understanding.learn(), kept)
    return read(kept)


def digest() -> str:
    """Of what a training reads: the rows, and the code of prompts.nlu."""
    rows = [
        [row.text, row.intent.name, row.emotion, row.language] for row in understanding.usable()
    ]
    code = [path.read_text() for path in sorted(NLU.glob("*.py"))]
    return hashlib.sha256(json.dumps([rows, code]).encode()).hexdigest()[:32]


def write(found: Learned, kept: Path) -> None:
    kept.with_suffix(".weights").write_bytes(found.weights)
    kept.write_text(json.dumps([found.report, found.examples, found.seconds]))


def read(kept: Path) -> Learned:
    report, examples, seconds = json.loads(kept.read_text())
    return Learned(kept.with_suffix(".weights").read_bytes(), report, examples, seconds)
