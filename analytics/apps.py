"""Registers the app with Django, and says what its rows are called."""

from django.apps import AppConfig
from typing_extensions import override

from prompts.bilingual import both, name_rows

NAMES = {
    "InboxAccess": ("接入点权限", "inbox access", "inbox access"),
    "ReportSubscription": ("邮件报告", "mailed report", "mailed reports"),
    "LoadTest": ("压测", "load test", "load tests"),
    "Comparison": ("模型对比", "comparison", "comparisons"),
    "ComparedAnswer": ("对比的回答", "compared answer", "compared answers"),
}


class AnalyticsConfig(AppConfig):
    name = "analytics"
    verbose_name = both("数据分析", "Analytics")

    @override
    def ready(self) -> None:
        name_rows(self, NAMES)
