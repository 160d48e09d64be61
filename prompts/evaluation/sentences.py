"""What can be wrong with a file of cases, in the two languages staff read."""

from collections.abc import Mapping
from typing import Any

from prompts.bilingual import in_chinese

# By reason; those of a field carry pydantic's names for what its value is not. Gaps take the values that come with them.
REASONS: Mapping[str, tuple[str, str]] = {
    "file": ("请选择不超过 {mb} MB 的文件", "a file of {mb} MB at most is wanted"),
    "encoding": ("不是 UTF-8 编码", "not UTF-8"),
    "twice": ("编号 {key} 出现了两次", "the key {key} stands there twice"),
    "many": ("超过 {most} 个用例", "more than {most} cases"),
    "empty": ("里面没有用例", "there is no case in it"),
    "unexamined": ("无法检查个人信息", "could not be examined for personal data"),
    "json_invalid": ("不是 JSON", "is no JSON"),
    "model_type": ("要的是「字段: 值」的对象", "an object of fields is wanted"),
    "missing": ("缺少这个字段", "is missing"),
    "extra_forbidden": ("用例没有这个字段", "is no field of a case"),
    "string_type": ("要的是文字", "a text is wanted"),
    "string_too_short": ("不能为空", "is empty"),
    "string_too_long": ("最多 {max_length} 个字", "at most {max_length} characters"),
    "string_pattern_mismatch": ("不能有空格", "must not hold blanks"),
    "literal_error": ("只能是 {expected}", "must be {expected}"),
    "bool_type": ("要的是 true 或 false", "true or false is wanted"),
    "int_type": ("要的是整数", "a whole number is wanted"),
    "list_type": ("要的是列表", "a list is wanted"),
    "tuple_type": ("要的是列表", "a list is wanted"),
    "dict_type": ("要的是「名称: 值」的对象", "an object of values is wanted"),
    "too_long": ("最多 {max_length} 项", "at most {max_length} of them"),
    "too_short": ("至少 {min_length} 项", "at least {min_length} of them"),
    "greater_than_equal": ("至少是 {ge}", "must be at least {ge}"),
    "less_than_equal": ("最多是 {le}", "must be at most {le}"),
}
OTHERWISE = ("不是这里能用的值", "is no value for it")


def sentence(reason: str, values: Mapping[str, Any]) -> str:
    """What is wrong, with its field in front where it is a field's."""
    known = REASONS.get(reason, OTHERWISE)
    text = known[0] if in_chinese() else known[1]
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    field = values.get("field", "")
    return f"{field}: {text}" if field else text
