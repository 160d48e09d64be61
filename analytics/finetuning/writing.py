"""Puts the files of a data set where they were asked for: all of them or none, readable by their owner only."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from analytics.finetuning import formats
from analytics.finetuning.sample import Sample, Split

CARD = "README.md"


class Occupied(Exception):
    """There is something where the files were to go."""


def check_free(folder: Path) -> None:
    """Raises Occupied."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Occupied(f"{folder} is there already and not empty")


def write(folder: Path, splits: Mapping[Split, Sequence[Sample]], *, form: str, card: str) -> None:
    """Raises Occupied, OSError."""
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it gets there by one rename.
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for split, samples in splits.items():
            write_lines(partial / formats.file_name(split), samples, form=form)
        (partial / CARD).write_text(card, encoding="utf-8")
        if form == "sharegpt":
            (partial / "dataset_info.json").write_text(formats.described(), encoding="utf-8")
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def write_lines(path: Path, samples: Sequence[Sample], *, form: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        for sample in samples:
            file.write(json.dumps(formats.FORMATS[form](sample), ensure_ascii=False) + "\n")
