"""The demo shop's orders, and what its order system does with them. Nobody in it exists."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CUSTOMER, STRANGER = "c-1001", "c-2002"
STATUS = {
    "unpaid": ("待付款", "awaiting payment"),
    "packed": ("已打包，待揽收", "packed, waiting for the courier"),
    "shipping": ("运输中", "on its way"),
    "delivering": ("派送中", "out for delivery"),
    "received": ("已签收", "delivered"),
    "cancelled": ("已取消", "cancelled"),
}
BEFORE_LEAVING = ("unpaid", "packed")


class Refused(Exception):
    """The shop does not do it: an HTTP status, a code, and a sentence in Chinese and English."""

    def __init__(self, status: int, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.status, self.code, self.zh, self.en = status, code, zh, en


@dataclass(slots=True)
class Order:
    """An order; `customer` is empty for one bought without an account, which its number alone opens."""

    number: str
    customer: str
    status: str
    item: tuple[str, str]
    quantity: int
    amount: str
    placed_hours_ago: float
    courier: tuple[str, str] = ("", "")
    tracking: str = ""
    receiver: str = ""
    phone: str = ""
    address: str = ""
    arrives_in_days: int = 2
    # (hours ago, Chinese, English), the oldest first.
    events: tuple[tuple[float, str, str], ...] = ()
    urged: int = 0


PACKED = (
    (20.0, "订单已确认，正在备货", "Confirmed, being prepared"),
    (6.0, "商品已打包，等待快递员揽收", "Packed, waiting for the courier"),
)
LEFT = (
    *PACKED,
    (4.0, "快递员已揽收", "Collected by the courier"),
    (1.5, "离开【杭州转运中心】，下一站【上海转运中心】", "Left Hangzhou hub for Shanghai hub"),
)
LAMP = ("栖光台灯 雾白", "Dusk desk lamp, fog")
MUG = ("山雾手作马克杯", "Mountain mist mug")
BLANKET = ("亚麻盖毯 松绿", "Linen throw, pine")
HOME = "杭州市西湖区文三路90号东部软件园2幢301室"
ORDERS = (
    Order("20240501123", "", "packed", LAMP, 1, "329.00", 21, ("顺丰速运", "SF Express"), "SF1402938475610", events=PACKED, address=HOME, receiver="林小满", phone="13800138000"),
    Order("20240502456", "", "shipping", MUG, 2, "118.00", 40, ("中通快递", "ZTO Express"), "ZTO7731120456789", arrives_in_days=1, events=LEFT, address=HOME, receiver="林小满", phone="13800138000"),
    Order("20240420789", CUSTOMER, "received", BLANKET, 1, "269.00", 170, ("圆通速递", "YTO Express"), "YT2203948571634", arrives_in_days=0,
          events=(*LEFT, (0.5, "已签收，签收人：前台", "Delivered, signed by reception")), address=HOME, receiver="林小满", phone="13800138000"),
    Order("20240503321", CUSTOMER, "unpaid", LAMP, 1, "329.00", 2, address=HOME, receiver="林小满", phone="13800138000"),
    Order("20240504777", CUSTOMER, "packed", BLANKET, 2, "538.00", 9, ("顺丰速运", "SF Express"), "SF1402938475777", events=PACKED, address=HOME, receiver="林小满", phone="13800138000"),
    Order("20240501888", STRANGER, "shipping", MUG, 1, "59.00", 30, ("中通快递", "ZTO Express"), "ZTO7731120400888", events=LEFT,
          receiver="周远山", phone="13900139000", address="成都市武侯区人民南路四段11号"),
)  # fmt: skip


@dataclass(slots=True)
class OrderBook:
    """All orders as they are now. Every act takes the customer the caller speaks for, empty for none."""

    now: Callable[[], datetime]
    orders: dict[str, Order] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.orders = {order.number: copy.deepcopy(order) for order in ORDERS}
        self.returns = {}

    def find(self, number: str, *, customer: str) -> Order:
        """The order, if the customer may see it. Raises Refused."""
        order = self.orders.get(number)
        if order is None:
            raise Refused(404, "no_such_order", "没有找到这个订单", "There is no such order")
        if order.customer and order.customer != customer:
            raise Refused(403, "not_yours", "这不是您的订单", "This order is not yours")
        return order

    def get_order(self, number: str, *, customer: str, language: int) -> dict[str, Any]:
        order = self.find(number, customer=customer)
        return {
            "order_number": order.number,
            "customer_id": order.customer,
            "status": order.status,
            "status_text": STATUS[order.status][language],
            "item": {"title": order.item[language], "quantity": order.quantity},
            "amount": order.amount,
            "currency": "CNY",
            "placed_at": self.at(order.placed_hours_ago),
            "receiver": {"name": order.receiver, "phone": order.phone, "address": order.address},
        }

    def get_logistics(self, number: str, *, customer: str, language: int) -> dict[str, Any]:
        order = self.find(number, customer=customer)
        events = [
            {"at": self.at(hours), "text": (zh, en)[language]} for hours, zh, en in order.events
        ]
        if not events:
            events = [
                {
                    "at": self.at(order.placed_hours_ago),
                    "text": ("订单还没有发货", "Not shipped yet")[language],
                }
            ]
        arrival = self.now() + timedelta(days=order.arrives_in_days)
        return {
            "order_number": order.number,
            "customer_id": order.customer,
            "status": order.status,
            "status_text": STATUS[order.status][language],
            "courier": order.courier[language],
            "tracking_number": order.tracking,
            "latest": events[-1],
            "events": events[::-1],
            "arrives_on": arrival.strftime("%Y-%m-%d"),
        }

    def change_address(
        self, number: str, body: Mapping[str, Any], *, customer: str, language: int
    ) -> dict[str, Any]:
        order = self.find(number, customer=customer)
        if order.status not in BEFORE_LEAVING:
            raise Refused(
                409,
                "already_shipped",
                "订单已发出，不能再改地址",
                "The parcel has left, its address cannot change any more",
            )
        order.address = str(body["address"])
        order.receiver = str(body.get("name") or order.receiver)
        order.phone = str(body.get("phone") or order.phone)
        return {"order_number": order.number, "customer_id": order.customer, "changed": True}

    def urge_delivery(self, number: str, *, customer: str, language: int) -> dict[str, Any]:
        order = self.find(number, customer=customer)
        if order.status in ("received", "cancelled"):
            raise Refused(
                409,
                "nothing_to_urge",
                "订单已完成，不需要催促",
                "The order is finished, there is nothing to hurry up",
            )
        order.urged += 1
        return {
            "order_number": order.number,
            "customer_id": order.customer,
            "ticket": f"U{number[-4:]}-{order.urged}",
            "times": order.urged,
        }

    def create_return(
        self, body: Mapping[str, Any], *, customer: str, language: int
    ) -> dict[str, Any]:
        number = str(body["order_number"])
        order = self.find(number, customer=customer)
        if order.status != "received":
            raise Refused(
                409, "not_received", "签收后才能申请退货", "It can be returned once it is delivered"
            )
        ticket = self.returns.setdefault(number, f"R{number[-6:]}")
        return {
            "order_number": number,
            "customer_id": order.customer,
            "return_number": ticket,
            "status_text": ("已受理，请等待上门取件", "accepted, a courier will collect it")[
                language
            ],
        }

    def cancel_order(self, number: str, *, customer: str, language: int) -> dict[str, Any]:
        order = self.find(number, customer=customer)
        if order.status not in BEFORE_LEAVING:
            raise Refused(
                409,
                "already_shipped",
                "订单已发出，不能取消；可以拒收或签收后退货",
                "The parcel has left; refuse it, or return it",
            )
        order.status = "cancelled"
        return {
            "order_number": order.number,
            "customer_id": order.customer,
            "status_text": STATUS["cancelled"][language],
            "refund": order.amount,
        }

    def at(self, hours_ago: float) -> str:
        return (self.now() - timedelta(hours=hours_ago)).strftime("%Y-%m-%d %H:%M")
