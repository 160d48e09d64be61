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
# What columns are called that have no name of their own elsewhere.
ALSO = {
    "questions": "问法", "messages": "对话", "tags": "标签", "rules": "规则", "persona": "人设", "slots_block": "槽位段",
    "emotion_addendum": "情绪补充", "privacy_line": "隐私提示", "resume_text": "续聊文本", "variables": "变量", "current": "生效版本",
    "prompt": "提示词", "versions": "版本", "policy": "路由策略", "eval_set": "评测集", "set": "评测集", "threshold": "通过线",
    "valid_from": "生效时间", "valid_to": "失效时间", "review_on": "复核日期", "required_slots": "必填槽位", "shops": "店铺",
    "skus": "SKU", "channels": "渠道", "content": "内容", "first_bucket": "起始尾号", "last_bucket": "结束尾号", "reason": "原因",
    "groups": "角色", "permissions": "权限", "user_permissions": "权限", "password": "密码", "is_staff": "员工", "is_superuser": "超级用户",
    "is_active": "可登录", "username": "用户名", "override_reason": "放行理由", "override_asked_by": "申请放行", "override_by": "同意放行",
    "must_contain": "必须包含", "must_not_contain": "不能包含", "max_chars": "字数上限", "history": "前文", "masked": "已脱敏",
    "identity_secret": "身份密钥", "identity_secret_before": "旧身份密钥", "allowed_domains": "允许的网站", "sop_set": "冻结的标准应答",
    "ended_at": "结束时间", "based_on": "基于版本", "example_mode": "示例方式", "example_keys": "示例", "example_tags": "示例标签",
    "example_limit": "示例上限", "example_tokens": "示例 token", "max_output_tokens": "输出上限", "order": "顺序", "theme": "外观", "sound": "提示音",
}  # fmt: skip
