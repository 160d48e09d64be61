"""Words in the two languages staff read, and the names of rows in both. Used by the admin and by every app's config."""

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.db.models import Field, Model
from django.utils.functional import Promise, lazy
from django.utils.translation import get_language


def in_chinese() -> bool:
    """Whether the request at hand is answered in Chinese, the default."""
    return (get_language() or "zh").startswith("zh")


def pick(zh: str, en: str) -> str:
    """The sentence in the language of the request at hand."""
    return zh if in_chinese() else en


# The same, decided when it is shown: for labels that are made once, at import.
both: Any = lazy(pick, str)


# What fields of that name are called in Chinese, whatever row they belong to; in English they go by their name.
FIELDS = {
    "name": "名称", "title": "标题", "text": "文本", "note": "备注", "number": "编号", "version": "版本", "key": "标识",
    "language": "语言", "locale": "语言", "intent": "意图", "emotion": "情绪", "enabled": "启用", "active": "生效", "state": "状态",
    "status": "状态", "source": "来源", "created_at": "创建时间", "created_by": "创建者", "updated_at": "更新时间", "at": "时间",
    "examples": "例句数", "accuracy": "准确率", "macro_f1": "宏平均 F1", "seconds": "用时（秒）", "digest": "指纹", "report": "报告",
    "inbox": "接入点", "visitor": "访客", "conversation": "会话", "agent": "坐席", "user": "用户", "turn": "应答轮次", "tier": "客户等级",
    "owner": "归属", "last_seq": "最后序号", "last_activity_at": "最近活动", "resolved_at": "结束时间", "role": "角色", "seq": "序号",
    "author": "署名", "ai": "由 AI 说", "attempt": "第几次", "queued_at": "排队时间", "started_at": "开始时间", "finished_at": "完成时间",
    "error": "错误", "first_seq": "起始序号", "epoch": "归属版本", "worker": "工作进程", "timings": "用时", "decision": "路由决策",
    "score": "评分", "resolved": "已解决", "comment": "评语", "presence": "在线状态", "reception": "接待方式", "shop_name": "店铺名称",
    "bot_name": "机器人名称", "purpose": "用途", "category": "分类", "answer": "回答", "steps": "步骤", "tool": "工具", "endpoint": "模型端点",
    "model": "模型", "provider": "供应商接口", "priority": "优先级", "strength": "档位", "cost": "费用", "currency": "币种",
    "error_class": "错误类别", "total_ms": "总时长（毫秒）", "first_token_ms": "首字（毫秒）", "per_day": "每天上限", "size": "提问数", "conversations": "会话数", "label": "名称", "stop": "用完即停",
    "questions": "问法", "messages": "对话", "tags": "标签", "rules": "规则", "persona": "人设", "slots_block": "槽位段", "slots": "槽位",
    "emotion_addendum": "情绪补充", "privacy_line": "隐私提示", "resume_text": "续聊文本", "variables": "变量", "current": "生效版本",
    "prompt": "提示词", "prompt_version": "提示词版本", "versions": "版本", "policy": "路由策略", "eval_set": "评测集", "set": "评测集",
    "threshold": "通过线", "judge": "裁判模型", "judge_blocks": "裁判可阻断", "subject": "评测对象", "total": "用例数", "passed": "通过", "critical": "关键",
    "valid_from": "生效时间", "valid_to": "失效时间", "review_on": "复核日期", "required_slots": "必填槽位", "shops": "店铺", "skus": "SKU 编号",
    "channels": "渠道", "content": "内容", "first_bucket": "起始尾号", "last_bucket": "结束尾号", "reason": "原因", "ended_at": "结束时间",
    "groups": "角色", "permissions": "权限", "user_permissions": "单独的权限", "password": "密码", "is_staff": "员工", "is_superuser": "超级用户",
    "is_active": "可登录", "username": "用户名", "override_reason": "放行理由", "override_asked_by": "申请放行", "override_by": "同意放行",
    "must_contain": "必须包含", "must_not_contain": "不能包含", "max_chars": "字数上限", "history": "前文", "masked": "已脱敏",
    "apology_first": "先道歉", "no_personal_data": "无隐私数据", "valid_json": "有效 JSON", "tool_arguments": "工具参数", "rubric": "评分标准",
    "reference": "参考回答", "sop": "标准应答", "release": "发布", "trace_id": "轮次编号", "opinions": "各方判断",
    "identity_secret": "身份密钥", "identity_secret_before": "旧身份密钥", "identity_before_until": "旧身份密钥有效至", "allowed_domains": "允许的网站",
    "sop_set": "冻结的标准应答", "based_on": "基于版本", "example_mode": "示例方式", "example_keys": "示例", "example_tags": "示例标签",
    "example_limit": "示例上限", "example_tokens": "示例 token", "max_output_tokens": "输出上限", "order": "顺序", "theme": "外观", "sound": "提示音",
    "color": "颜色", "logo": "标志", "position": "位置", "ai_label": "AI 标识", "uploads": "允许发图", "quick_questions": "快捷问题", "texts": "文案",
    "hours": "服务时间", "prechat": "接待前表单", "rating_tags": "评价标签", "greetings": "欢迎语",
    "automatic": "自动回滚", "min_samples": "最少样本", "max_error_points": "错误率上限（百分点）", "max_json_points": "无效 JSON 上限（百分点）",
    "max_takeover_points": "接管率上限（百分点）", "max_negative_points": "负面情绪上限（百分点）", "max_p99_factor": "p99 倍数上限",
    "stages": "阶段", "stage": "当前阶段", "stage_since": "阶段开始时间", "stage_samples": "每阶段样本", "paused_at": "暂停时间", "published_at": "发布时间",
    "shadow_percent": "影子比例（%）", "shadow_per_day": "影子每天上限", "guarded_by": "把关评测集", "by_release_only": "只随发布生效",
    "kind": "类型", "other": "另一条", "wording": "问法", "other_wording": "另一问法", "answers_alike": "回答相似度", "ignored": "已忽略", "found_at": "发现时间",
    "wait_ms": "尝试前等待（毫秒）", "input_tokens": "输入 token", "output_tokens": "输出 token", "cached_tokens": "缓存读取 token",
    "cache_write_tokens": "缓存写入 token", "reasoning_tokens": "推理 token", "usage": "供应商用量", "usage_estimated": "用量为估算", "wants_json": "要求 JSON",
    "length": "长度", "canary": "灰度", "bucket": "尾号", "bucket_source": "尾号来源", "taken_over": "被接管", "feedback": "反馈", "alert_percent": "提醒比例（%）",
    "good": "好评数", "n": "样本数", "p95_ms": "p95（毫秒）", "quality": "预期质量", "dispatcher": "可作调度", "base_url": "接口地址", "api_key_env": "密钥变量名",
    "capabilities": "能力", "context_tokens": "上下文 token", "tokens_per_minute": "每分钟 token", "timeout_seconds": "超时（秒）", "deadline_seconds": "总时限（秒）",
    "price_in": "输入价", "price_out": "输出价", "price_cached": "缓存读取价", "price_cache_write": "缓存写入价", "price_since": "查价日期",
    "enter_light": "轻档起点", "enter_sop": "标准应答起点", "enter_queue": "排队起点", "leave_light": "轻档终点", "leave_sop": "标准应答终点", "leave_queue": "排队终点",
    "hold_seconds": "保持（秒）", "mean_seconds": "平均窗口（秒）", "forced_level": "手动档位", "forced_until": "手动至",
    "title_zh": "中文名称", "title_en": "英文名称", "hand_over_at": "转人工分数", "offer_at": "提议分数", "furious_from": "暴怒起点", "points": "分值",
    "restricted": "敏感词", "amount_limit": "金额上限", "opened_at": "开始时间", "reasons": "原因", "end": "结果",
    "description_zh": "中文说明", "description_en": "英文说明", "effect": "作用", "method": "请求方法", "url": "网址", "auth_env": "密钥变量名", "schema": "参数结构",
    "intents": "意图", "sources": "参数来源", "personal": "隐私参数", "needs_verified": "须验明身份", "needs_confirmation": "须顾客确认", "owner_path": "归属路径",
    "shown": "展示字段", "reply_zh": "中文回复", "reply_en": "英文回复", "card": "卡片", "asked_by": "发起者", "arguments": "参数", "message_seq": "消息序号",
    "expires_at": "过期时间", "result": "结果", "status_code": "状态码", "duration_ms": "耗时（毫秒）", "avatar": "头像", "seen_at": "最近在线", "capacity": "接待上限",
    "misses": "连续未接", "customer_id": "客户编号", "profile": "身份资料", "attributes": "页面资料", "team": "团队", "dialogue": "对话状态", "context": "页面上下文",
    "form": "表单回答", "read_seq": "顾客读到", "agent_read_seq": "坐席读到", "waiting_since": "等待起点", "summary": "小结", "snoozed": "已搁置", "snoozed_until": "搁置至",
    "searched_seq": "已收录到", "lease_until": "占用至", "not_before": "不早于", "rendering": "模型所读", "html": "排版", "client_id": "客户端编号", "meta": "附加信息",
    "placeholder": "占位符", "search": "查找", "terms": "关键词", "coherence": "一致度", "takeovers": "接管数", "answers": "人工回答",
    "asked": "问题", "said": "实际回答", "would_say": "影子回答", "similarity": "相似度", "differs": "差异", "folder": "文件夹", "agents": "坐席",
    "mode": "分配方式", "paused": "暂停进线", "ring_seconds": "振铃（秒）", "misses_most": "未接上限", "affinity": "老顾客优先", "over_capacity": "转交可超上限",
    "events": "事件", "event": "事件", "secret": "密钥", "paused_until": "暂停至", "body": "内容", "next_at": "下次发送",
    "actor": "操作人", "object_pk": "对象编号", "act": "操作", "changes": "改动", "together": "同一操作", "weights": "权重", "previous": "之前",
}  # fmt: skip


def name_rows(app: AppConfig, names: Mapping[str, tuple[str, str, str]]) -> None:
    """Calls an app's models by (Chinese, English, English plural) wherever the admin names them.

    Not in their Meta: what stands there is frozen into migrations, in one language.
    """
    for model, (chinese, one, many) in names.items():
        options = app.get_model(model)._meta
        options.verbose_name = both(chinese, one)
        options.verbose_name_plural = both(chinese, many)
    for each in app.get_models():
        name_fields(each)


def name_fields(model: type[Model]) -> None:
    for field in model._meta.get_fields():
        chinese = FIELDS.get(field.name)
        if chinese and isinstance(field, Field) and not isinstance(field.verbose_name, Promise):
            field.verbose_name = both(chinese, str(field.verbose_name))
