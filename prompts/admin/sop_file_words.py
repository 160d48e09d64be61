"""Words of the pages on which files of SOPs come in: states and fates."""

from prompts.admin.wording import both
from prompts.transfer.sentences import sentence

__all__ = ["FATES", "STATES", "WORDS", "sentence"]

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
