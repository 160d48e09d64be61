"""Words of Unfold's pages in Chinese: it ships no translations. Django's own words are Django's."""

import gettext

from django.utils.translation import trans_real
from typing_extensions import override

LANGUAGE = "zh-hans"
WORDS = {
    "Type to search": "输入以搜索", "Search apps and models...": "搜索应用和模型…", "Filters": "筛选", "Apply Filters": "应用筛选", "Clear all filters": "清除全部筛选",
    "Reset filters": "重置筛选", "Select value": "请选择", "Select record": "选择这一条", "Select action": "选择操作", "Select action to run": "选择要执行的操作",
    "Select format": "选择格式", "Select currency": "选择币种", "Select all rows": "选择全部行", "Run": "执行", "Run the selected action": "执行所选操作",
    "No results found": "没有内容", "No results matching your query": "没有符合条件的结果", "No data": "没有数据",
    "This page yielded into no results. Create a new item or reset your filters.": "这里还没有内容，或没有符合筛选条件的。",
    "No recent searches": "没有最近的搜索", "Recent searches": "最近的搜索", "Loading more results...": "正在加载更多…", "Show counts": "显示数量", "Hide counts": "隐藏数量",
    "General": "常规", "System": "跟随系统", "Light": "浅色", "Dark": "深色", "Go back": "返回", "Previous": "上一页", "Next": "下一页", "Submit": "提交", "Cancel": "取消",
    "More actions": "更多操作", "All applications": "全部应用", "Add row": "添加一行", "Expand row": "展开", "This item will be deleted.": "这一项将被删除。",
    "Click to cancel": "点击取消", "Click to download": "点击下载", "Record picture": "图片", "Unknown": "未知", "True": "是", "False": "否", "Value": "值",
    "From": "从", "To": "到", "Date from": "开始日期", "Date to": "结束日期", "Date": "日期", "Time": "时间", "and": "和", "Summary": "汇总", "Objects": "对象",
    "Welcome back to": "欢迎回到", "Return to site": "返回网站", "Log in again": "重新登录", "Toggle password visibility": "显示或隐藏密码", "Save and view": "保存并查看",
    "You have been successfully logged out from the administration": "你已退出管理后台",
    "After you've created a user, you’ll be able to edit more user options.": "创建用户后，可以继续填写更多选项。",
    "Choose file to upload": "选择要上传的文件",
    "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password using "
    '<a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.': (
        '不保存密码原文，因此无法查看。可以<a href="{}" class="text-primary-600 dark:text-primary-500 underline">在这里修改密码</a>。'
    ),
    "Choose an option": "请选择", "Close": "关闭", "Remove": "移除", "Unsaved changes": "有未保存的修改",
}  # fmt: skip


class UnfoldWords(gettext.NullTranslations):
    """Asked for what Django's own catalogue does not know."""

    @override
    def gettext(self, message: str) -> str:
        return WORDS.get(message, message)


def install() -> None:
    """Lets pages in Chinese find them, after Django's."""
    trans_real.translation(LANGUAGE).add_fallback(UnfoldWords())
