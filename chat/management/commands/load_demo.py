"""Creates the demo shop's inbox once, so that a fresh installation has a page to try."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.models import Inbox

DEMO_KEY = "ib_demo"
QUICK_QUESTIONS = ["我的订单怎么还没到？", "怎么申请退款？", "可以改收货地址吗？"]


class Command(BaseCommand):
    help = "Creates the demo shop's inbox unless there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        _, created = Inbox.objects.get_or_create(
            key=DEMO_KEY,
            defaults={
                "name": "在线客服",
                "shop_name": "山野杂货",
                "quick_questions": QUICK_QUESTIONS,
            },
        )
        self.stdout.write("demo inbox added" if created else "demo inbox kept")
