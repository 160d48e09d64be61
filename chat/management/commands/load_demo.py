"""Creates the demo shop's inbox once, with the tools of its order system, so that there is a page to try."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from chat.management import demo_tools
from chat.models import Inbox

DEMO_KEY = "ib_demo"
QUICK_QUESTIONS = {
    "zh-CN": ["我的订单怎么还没到？", "怎么申请退款？", "可以改收货地址吗？"],
    "zh-TW": ["我的訂單怎麼還沒到？", "怎麼申請退款？", "可以改收貨地址嗎？"],
    "en": ["Where is my order?", "How do I get a refund?", "Can I change the address?"],
}
RATING_TAGS = {
    "zh-CN": ["回复快", "态度好", "解决了问题", "答非所问", "等待太久"],
    "zh-TW": ["回覆快", "態度好", "解決了問題", "答非所問", "等待太久"],
    "en": ["Quick", "Friendly", "Solved it", "Off the point", "Long wait"],
}


class Command(BaseCommand):
    help = "Creates the demo shop's inbox unless there is one."

    def handle(self, *args: Any, **options: Any) -> None:
        inbox, created = Inbox.objects.get_or_create(
            key=DEMO_KEY,
            defaults={
                "name": "在线客服",
                "shop_name": "山野杂货",
                "quick_questions": QUICK_QUESTIONS,
                "rating_tags": RATING_TAGS,
            },
        )
        self.stdout.write("demo inbox added" if created else "demo inbox kept")
        if settings.DEMO_SHOP_URL:
            made = demo_tools.load(inbox, shop_url=settings.DEMO_SHOP_URL)
            self.stdout.write(f"demo tools added: {made}")
