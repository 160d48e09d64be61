"""Words of the pages of route policies, and a policy told in words. Used by prompts.admin.policies."""

from collections.abc import Mapping
from typing import Any

from prompts.admin.wording import both, in_chinese, pick
from prompts.llm.conditions import FIELDS
from prompts.llm.router import Policy

NUMBERS = {
    "quality_standard": (
        both("普通顾客", "Standard customers"),
        both(
            "模型至少要有多大把握答好，0 到 1",
            "How likely an endpoint must be to answer well, 0 to 1",
        ),
    ),
    "quality_vip": (both("VIP 顾客", "VIP customers"), both("0 到 1", "0 to 1")),
    "quality_angry_adds": (
        both("顾客愤怒时提高", "Angry customers add"),
        both("加到上面的要求上，0 到 1", "Added to either, 0 to 1"),
    ),
    "latency_weight": (
        both("每秒延迟值多少钱", "What a second is worth"),
        both(
            "首字 p95 每多一秒折合的费用（元）；0：不看延迟",
            "Money (CNY) per second of p95 to the first token; 0: speed does not count",
        ),
    ),
    "uncertain_margin": (
        both("拿不准的幅度", "Unsure below"),
        both(
            "意图领先幅度低于它时，先问分诊模型", "An intent that leads by less asks a dispatcher"
        ),
    ),
    "epsilon": (
        both("视为同价", "Counts as the same price"),
        both("两个候选的费用相差不到这个比例", "Two costs that differ by less than this share"),
    ),
    "dispatch_share": (
        both("最多分诊比例", "Most dispatched turns"),
        both("占全部轮次的比例，0 到 1", "As a share of all turns, 0 to 1"),
    ),
    "explore": (
        both("探索比例", "Exploration"),
        both(
            "有多少轮次会试用别的模型，0 到 1", "Share of turns that try another endpoint, 0 to 1"
        ),
    ),
    "prior_mass": (
        both("预期的分量", "Weight of what is expected"),
        both("相当于多少次观察", "In observations"),
    ),
    "answer_tokens": (
        both("通常的回答长度", "Usual answer"),
        both("token 数，用来估算费用", "In tokens, for estimating costs"),
    ),
}
STICKY = (
    both("会话沿用同一模型", "Conversations keep their model"),
    both("只要它仍然够好", "As long as it is good enough"),
)
RULES = (
    both("规则", "Rules"),
    both("从上到下依次判断。", "Asked from top to bottom."),
)
WORDS = {
    "numbers": both("数值", "Numbers"),
    "rules": RULES[0],
    "no_rules": both("没有规则。", "No rules."),
    "when": both("当", "When"),
    "then": both("则", "then"),
    "activate": both("启用这个版本…", "Activate this version…"),
    "activate_sure": both(
        "所有进程会在几秒内改用它。随时可以启用旧版本退回。",
        "All processes follow within seconds. Activating an older version goes back.",
    ),
    "activate_yes": both("确认启用", "Yes, activate"),
    "is_active": both("生效中", "active"),
    "based_on": both("以它为基础新建版本", "New version based on this one"),
    "unreadable": both("这个版本的内容无法读取：", "This version cannot be read: "),
    "add_hint": both(
        "已填入生效中的版本。保存后得到一个新版本，启用后才生效。",
        "Filled in from the active version. Saving makes a new version; it counts once it is activated.",
    ),
}
EDITOR = {
    "rule": both("规则", "Rule"),
    "name": both("名称", "Name"),
    "up": both("上移", "Move up"),
    "down": both("下移", "Move down"),
    "remove": both("删除", "Remove"),
    "add_rule": both("添加规则", "Add a rule"),
    "new_rule": both("新规则", "New rule"),
    "when": both("当", "When"),
    "all": both("全部满足", "all of these hold"),
    "any": both("任一满足", "any of these holds"),
    "none": both("都不满足", "none of these holds"),
    "always": both("没有条件：总是成立", "No condition: always holds"),
    "add_test": both("添加条件", "Add a condition"),
    "add_group": both("添加分组", "Add a group"),
    "field": both("字段", "Field"),
    "operator": both("运算符", "Operator"),
    "value": both("值", "Value"),
    "values": both("值，用逗号分开", "Values, separated by commas"),
    "group": both("分组", "Group"),
    "yes": both("是", "yes"),
    "no": both("否", "no"),
    "then": both("则", "Then"),
    "pin": both("指定", "Pin"),
    "pin_nothing": both("不指定", "nothing"),
    "strengths": both("强度", "Strength"),
    "light": both("轻量", "light"),
    "standard": both("标准", "standard"),
    "strong": both("强", "strong"),
    "endpoints": both("模型", "Endpoint"),
    "unknown": both("不存在", "does not exist"),
    "q_min": both("质量至少（0 到 1）", "Quality at least (0 to 1)"),
    "offer_human": both("主动提供人工", "Offer a person"),
    "as_json": both("直接编辑 JSON", "Edit as JSON"),
    "as_form": both("返回编辑器", "Back to the editor"),
    "not_json": both(
        "这不是规则列表，编辑器无法显示。", "This is no list of rules the editor can show."
    ),
    "moved": both("已移动到第", "moved to place"),
    "removed": both("已删除", "removed"),
    "kept": both("编辑器不认识，原样保留", "unknown to the editor, kept as it is"),
}
SIGNS = {
    "$eq": "=",
    "$ne": "≠",
    "$gt": ">",
    "$gte": "≥",
    "$lt": "<",
    "$lte": "≤",
    "$in": "∈",
    "$nin": "∉",
}
STRENGTHS = {name: EDITOR[name] for name in ("light", "standard", "strong")}


def shown(content: Any) -> dict[str, Any]:
    """A stored policy for reading: its numbers with their names, its rules in words."""
    stored = {**Policy().as_json(), **(content if isinstance(content, Mapping) else {})}
    rules = stored["rules"]
    labels = {**{name: label for name, (label, _) in NUMBERS.items()}, "sticky": STICKY[0]}
    return {
        "numbers": [(label, value_text(stored[name])) for name, label in labels.items()],
        "rules": [rule_text(rule) for rule in rules if isinstance(rule, Mapping)]
        if isinstance(rules, list)
        else [],
    }


def rule_text(rule: Mapping[str, Any]) -> dict[str, str]:
    effect = rule.get("effect")
    return {
        "name": str(rule.get("name", "")),
        "when": tree_text(rule.get("when")) or pick("总是", "always"),
        "then": effect_text(effect if isinstance(effect, Mapping) else {}),
    }


def effect_text(effect: Mapping[str, Any]) -> str:
    """What a rule does, as "pins strong, quality ≥ 95%"."""
    found = []
    if effect.get("endpoint"):
        found.append(pick(f"指定模型 {effect['endpoint']}", f"pins {effect['endpoint']}"))
    if effect.get("strength"):
        strength = STRENGTHS.get(effect["strength"], effect["strength"])
        found.append(pick(f"指定{strength}模型", f"pins a {strength} endpoint"))
    if effect.get("q_min"):
        found.append(pick(f"质量 ≥ {effect['q_min']}", f"quality ≥ {effect['q_min']}"))
    if effect.get("offer_human"):
        found.append(pick("主动提供人工", "offers a person"))
    return pick("、", ", ").join(found) or "—"


def tree_text(tree: Any) -> str:
    """A condition in words; empty for one that always holds."""
    if not isinstance(tree, Mapping):
        return ""
    return pick(" 且 ", " and ").join(part_text(str(key), value) for key, value in tree.items())


def part_text(key: str, value: Any) -> str:
    if key in {"$and", "$or"} and isinstance(value, list):
        word = pick(" 且 ", " and ") if key == "$and" else pick(" 或 ", " or ")
        return f"({word.join(tree_text(part) for part in value)})"
    if key == "$not":
        return pick("非", "not ") + f"({tree_text(value)})"
    asked = value if isinstance(value, Mapping) else {"$eq": value}
    tests = [
        f"{label_of(key)} {SIGNS.get(op, op)} {value_text(want)}" for op, want in asked.items()
    ]
    return pick(" 且 ", " and ").join(tests)


def label_of(name: str) -> str:
    if name not in FIELDS:
        return name
    return FIELDS[name].label_zh if in_chinese() else FIELDS[name].label_en


def value_text(value: Any) -> str:
    if isinstance(value, bool):
        return pick("是", "yes") if value else pick("否", "no")
    if isinstance(value, list):
        return "{" + ", ".join(map(value_text, value)) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)
