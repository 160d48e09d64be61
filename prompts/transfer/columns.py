"""The columns of a file of SOPs, the names people give them, and cells that a spreadsheet must not run."""

import re
from typing import Any

COLUMNS = (
    "key", "language", "title", "questions", "answer", "steps", "required_slots", "tool", "intent", "category",
    "shops", "skus", "channels", "valid_from", "valid_to", "owner", "review_on", "enabled",
)  # fmt: skip
NEEDED = ("key", "language", "title", "answer", "intent", "category")
LISTS = frozenset({"questions", "steps", "required_slots", "shops", "skus", "channels"})
# What Chinese spreadsheets call them.
ALSO = {
    "编号": "key", "语言": "language", "标题": "title", "问法": "questions", "相似问": "questions", "回答": "answer",
    "答案": "answer", "步骤": "steps", "必填槽位": "required_slots", "槽位": "required_slots", "工具": "tool",
    "意图": "intent", "分类": "category", "店铺": "shops", "sku": "skus", "商品": "skus", "渠道": "channels",
    "生效时间": "valid_from", "失效时间": "valid_to", "负责人": "owner", "复核日期": "review_on", "启用": "enabled",
}  # fmt: skip
# A cell that begins so is a formula, or starts one, in some spreadsheet. The apostrophe that keeps it a text is
# taken off again when the file comes back.
RUNS = re.compile(r"[=+\-@\t\r']")

# What no workbook holds: control characters other than tab and line ends, and what is no character in XML.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def column_of(header: str) -> str:
    """The column a header means; empty for none."""
    name = " ".join(str(header).split()).lower().replace(" ", "_")
    return name if name in COLUMNS else ALSO.get(name, "")


def inert(cell: str) -> str:
    """The cell as a text that no spreadsheet runs."""
    return f"'{cell}" if RUNS.match(cell) else cell


def writable(cell: str) -> str:
    """The cell as a workbook holds it: a blank where it cannot hold a character."""
    return UNWRITABLE.sub(" ", cell)


def as_written(cell: str) -> str:
    """The cell without the apostrophe that kept it a text."""
    return cell[1:] if cell.startswith("'") and RUNS.match(cell[1:]) else cell


def lines(value: Any) -> Any:
    """A list of what stands on lines of their own; a list stays one."""
    if not isinstance(value, str):
        return value
    return [line.strip() for line in value.splitlines() if line.strip()]
