"""Sentences of the pages on which files of SOPs come in: states, fates, and what can be wrong with a file or a cell."""

from collections.abc import Mapping
from typing import Any

from prompts.admin.wording import both, in_chinese

WORDS = {
    "import": both("导入标准应答", "Import SOPs"),
    "import_help": both(
        "先检查，什么都不改；看过每一行的结果再导入。要么全部导入，要么一条也不动。",
        "The file is checked first, which changes nothing. You see what would become of every row, then import: all of it or none.",
    ),
    "file": both("文件", "File"),
    "check": both("上传并检查", "Upload and check"),
    "formats": both("CSV、XLSX、JSONL 或 YAML，最多", "CSV, XLSX, JSONL or YAML, at most"),
    "rows": both("行", "rows"),
    "columns": both("列", "Columns"),
    "columns_help": both(
        "已有的条目只改文件里出现的列。列表（问法、步骤等）在单元格里一行一个。编码 UTF-8 或 GBK。",
        "Of SOPs that are there only the columns in the file change. Lists, as questions, stand one to a line in their cell. UTF-8 or GBK.",
    ),
    "sample": both("导出现有内容当模板", "Export what is there as a template"),
    "latest": both("最近的导入", "Latest imports"),
    "by": both("上传者", "By"),
    "at": both("时间", "At"),
    "state": both("状态", "State"),
    "row": both("行", "Row"),
    "fate": both("结果", "Fate"),
    "sop": both("标准应答", "SOP"),
    "about": both("说明", "Details"),
    "all": both("全部", "All"),
    "apply": both("导入", "Import"),
    "apply_sure": both("确认导入这些改动？", "Import these changes?"),
    "apply_yes": both("确认导入", "Yes, import"),
    "fix": both(
        "请先改正文件里有误的行，再重新上传。",
        "Correct the refused rows in the file and upload it again.",
    ),
    "nothing": both(
        "文件与现有内容一致，没有要导入的。",
        "The file says what is there already: nothing to import.",
    ),
    "again": both("再试一次", "Try again"),
    "stuck": both("一直没有进展？", "No progress?"),
    "changed": both("改动", "changes"),
    "upload_other": both("上传另一个文件", "Upload another file"),
    "back": both("返回标准应答", "Back to the SOPs"),
    "none": both("还没有导入过。", "Nothing has been imported yet."),
    "no_rows": both("没有这样的行。", "There are no such rows."),
    "previous": both("上一页", "Previous"),
    "next": both("下一页", "Next"),
    "progress": both("进度", "Progress"),
    "stale": both("暂时读不到进度，正在重试…", "No fresh progress, trying again…"),
}
STATES = {
    "waiting": both("正在检查", "being checked"),
    "checked": both("已检查，等待导入", "checked, waiting for you"),
    "applying": both("正在导入", "being imported"),
    "done": both("已导入", "imported"),
    "failed": both("没有成功", "failed"),
}
FATES = {
    "added": both("新增", "added"),
    "updated": both("修改", "updated"),
    "unchanged": both("不变", "unchanged"),
    "refused": both("有误", "refused"),
}
# What can be wrong, in Chinese and English, with gaps for the values that come with it.
REASONS: Mapping[str, tuple[str, str]] = {
    "kind": ("不认识 .{kind} 文件。请用 CSV、XLSX、JSONL 或 YAML。", "A .{kind} file is not understood. Use CSV, XLSX, JSONL or YAML."),
    "file_bytes": ("文件太大，最多 {mb} MB。", "The file is too large; at most {mb} MB."),
    "empty": ("文件是空的。", "The file is empty."),
    "encoding": ("认不出文件的编码。请另存为 UTF-8 或 GBK。", "The encoding of the file is not known. Save it as UTF-8 or GBK."),
    "broken": ("文件损坏或格式不对（{detail}）。", "The file is broken or malformed ({detail})."),
    "bomb": ("文件解压后超过 {mb} MB，已拒绝。", "Unpacked the file would exceed {mb} MB: refused."),
    "columns": ("列太多，最多 {most} 列。", "Too many columns; at most {most}."),
    "doubled": ("这些列出现了两次：{names}", "These columns are there twice: {names}"),
    "headers": ("第一行要有列名，至少有 key。可用：{names}", "The first row names the columns, key among them. There are: {names}"),
    "rows": ("行太多，最多 {most} 行。", "Too many rows; at most {most}."),
    "line": ("第 {number} 行不是 JSON：{detail}", "Line {number} is not JSON: {detail}"),
    "no_object": ("第 {number} 条不是「字段: 值」的形式。", "Entry {number} is no object of fields."),
    "no_list": ("要的是列表。", "A list is wanted."),
    "aliases": ("YAML 里不能用 & 和 * 引用。", "Anchors and aliases (& and *) are not allowed in YAML."),
    "changed": ("检查之后标准应答有变动，没有导入。下面是按现在内容重新检查的结果。", "The SOPs changed since the check, and nothing was imported. Below is a new check."),
    "database": ("数据库没有接受，什么都没有改（{detail}）。请重新上传。", "The database did not take it, and nothing has changed ({detail}). Upload it again."),
    "missing": ("不能为空", "is missing"),
    "long": ("太长：{has} 个字，最多 {most} 个", "too long: {has} characters, at most {most}"),
    "many": ("太多：{has} 项，最多 {most} 项", "too many: {has}, at most {most}"),
    "language": ("「{given}」不是语言，请写 zh 或 en", "“{given}” is no language: write zh or en"),
    "spaces": ("不能有空格", "holds blanks"),
    "no_text": ("要的是文字", "a text is wanted"),
    "characters": ("含有不能保存的字符", "holds characters that cannot be stored"),
    "html": ("含有 HTML 标签 {tag}，请改成纯文字", "holds HTML ({tag}): write plain text"),
    "moment": ("「{given}」不是日期，请写成 2026-12-31 或 2026-12-31 18:00", "“{given}” is no date: write 2026-12-31 or 2026-12-31 18:00"),
    "switch": ("「{given}」请改为 是/否 或 true/false", "“{given}”: write true or false"),
    "owner": ("没有「{given}」这个员工账号", "there is no member of staff “{given}”"),
    "range": ("失效时间早于生效时间", "it ends before it begins"),
    "twice": ("与第 {row} 行重复", "is the same as in row {row}"),
    "doubled_key": ("这个字段在同一条里出现了两次", "the field is there twice"),
}  # fmt: skip


def sentence(problem: Mapping[str, Any]) -> str:
    """What a problem says, in the language of the request; its name where it is not known."""
    known = REASONS.get(problem["reason"])
    if known is None:
        return str(problem["reason"])
    # Filled by name only: what a file says is a value and never a format.
    text = known[0] if in_chinese() else known[1]
    for name, value in problem.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
