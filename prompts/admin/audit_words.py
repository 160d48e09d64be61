"""Words of the pages on who changed what."""

from prompts.admin.wording import both

ACTS = {
    "added": both("新增", "added"),
    "changed": both("修改", "changed"),
    "deleted": both("删除", "deleted"),
}
COLOURS = {"added": "success", "changed": "info", "deleted": "danger"}
DAYS = {1: both("一天内", "one day"), 7: both("7 天内", "7 days"), 30: both("30 天内", "30 days"), 90: both("90 天内", "90 days")}  # fmt: skip
WORDS = {
    "intro": both(
        "提示词、示例、标准应答、评测集、发布、灰度、路由、接入点、工具和角色的每一次改动，包括批量操作和导入，都记在这里，谁也不能改。密钥与隐私数据不显示。",
        "Every change of prompts, examples, SOPs, sets, releases, canaries, policies, inboxes, tools and roles, in bulk and by files "
        "included. Nobody can change what is written here. Secrets and personal data are not shown.",
    ),
    "kind": both("对象", "Object"),
    "who": both("操作人", "Person"),
    "when": both("时间", "Time"),
    "act": both("操作", "Act"),
    "fields": both("字段", "Fields"),
    "platform": both("平台自动", "the platform"),
    "before": both("之前", "Before"),
    "after": both("之后", "After"),
    "open": both("打开这个对象", "Open the object"),
    "history": both("它的全部改动", "All its changes"),
    "earlier": both("← 上一次改动", "← the change before"),
    "later": both("下一次改动 →", "the change after →"),
    "together": both("同一次操作还改了", "Changed in the same act"),
    "back": both("返回审计", "Back to the audit"),
    "nothing": both("没有字段变化", "No field changed"),
}
