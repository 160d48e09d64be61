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
