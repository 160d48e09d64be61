"""What can be wrong with a file of SOPs, in the two languages staff read."""

from collections.abc import Mapping
from typing import Any

from prompts.bilingual import in_chinese

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
    "aliases": ("第 {number} 行：YAML 里不能用 & 和 * 引用。", "Line {number}: anchors and aliases (& and *) are not allowed in YAML."),
    "changed": ("检查之后标准应答有变动，没有导入。下面是按现在内容重新检查的结果。", "The SOPs changed since the check, and nothing was imported. Below is a new check."),
    "database": ("数据库没有接受，什么都没有改（{detail}）。请重新上传。", "The database did not take it, and nothing has changed ({detail}). Upload it again."),
    "failed": ("出错了，什么都没有改（{detail}）。请检查文件，或联系技术人员。", "It failed, and nothing has changed ({detail}). Look at the file, or ask your engineers."),
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
    "placeholder": ("含有占位符 {names}，请改成对所有顾客都成立的话", "holds {names}: write what is true for every customer"),
    "doubled_key": ("这个字段在同一条里出现了两次（第 {line} 行）", "the field is there twice (line {line})"),
    "tag": ("第 {number} 行有 YAML 标签 {detail}，不允许使用。", "Line {number} has a YAML tag ({detail}); tags are not allowed."),
    "depth": ("第 {number} 行嵌套太深。", "Line {number} is nested too deep."),
    "yaml_key": ("第 {number} 行的字段名要是普通的词。", "In line {number} a field's name must be a plain word."),
    "yaml": ("第 {number} 行不是 YAML（{detail}）。", "Line {number} is no YAML ({detail})."),
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
