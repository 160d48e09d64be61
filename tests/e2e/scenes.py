"""States of the widget that take a shop, its people and its hours to come about: what the server would send in each.

The frames are played into the real widget on the real page; only the far end of its socket is scripted.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from playwright.sync_api import BrowserContext, Error, Route, WebSocketRoute

Scene = Mapping[str, Any]


def line(seq: int, role: str, text: str, **more: Any) -> dict[str, Any]:
    at = f"2026-01-31T08:{seq:02}:00.000Z"
    fields = {"seq": seq, "id": f"m{seq}", "role": role, "text": text, "at": at}
    return fields | ({"ai": True} if role == "bot" else {}) | more


ORDER = {
    "kind": "order",
    "title": "订单 20260131-1",
    "lines": [{"label": "商品", "value": "台灯 ×1"}, {"label": "金额", "value": "¥329.00"}],
    "buttons": [{"label": "查物流", "value": "track"}],
}
TRACK = {
    "kind": "logistics",
    "title": "运单",
    "lines": [
        {"label": "今天 08:12", "value": "派送中"},
        {"label": "昨天 21:40", "value": "已到达"},
    ],
}
CONFIRM = {
    "kind": "confirm",
    "title": "把收货地址改成这里？",
    "lines": [{"label": "新地址", "value": "文三路 90 号"}],
    "buttons": [
        {"label": "确认修改", "value": "yes:1", "style": "primary"},
        {"label": "不改了", "value": "no:1"},
    ],
}
REPLIES = {"kind": "replies", "title": "接下来", "buttons": [{"label": "退货流程", "value": "a"}]}
HTML = "<p>已<strong>发货</strong>：</p><ul><li>今天送达</li></ul>"
ASKED = line(1, "visitor", "我的订单呢？")
FORM = [
    {"name": "name", "label": "称呼", "kind": "text", "required": True},
    {
        "name": "topic",
        "label": "咨询什么",
        "kind": "select",
        "required": False,
        "options": ["售前"],
    },
]

SCENES: dict[str, Scene] = {
    "empty": {},
    "resume": {"resume_prompt": "如需继续上次查询，请回复1"},
    "form": {"form": True, "inbox": {"prechat": FORM}},
    "choose": {"inbox": {"reception": "choose"}},
    "cards": {
        "messages": [
            ASKED,
            line(
                2,
                "bot",
                "已**发货**",
                html=HTML,
                cards=[ORDER, TRACK],
                citations=[{"id": 1, "title": "物流时效"}],
            ),
        ]
    },
    "confirm": {
        "messages": [ASKED, line(2, "bot", "请确认", cards=[CONFIRM])],
        "inbox": {"upload": {"max_bytes": 5_000_000, "types": ["image/png", "image/jpeg"]}},
    },
    "replies": {"messages": [ASKED, line(2, "bot", "还需要什么？", cards=[REPLIES])]},
    "thinking": {
        "messages": [ASKED],
        "then": [{"type": "turn", "turn_id": "t1", "state": "running"}],
    },
    "streaming": {
        "messages": [ASKED],
        "partial": {"turn_id": "t1", "offset": 0, "text": "您好，七天内"},
    },
    "queued": {
        "messages": [ASKED],
        "state": "queued",
        "owner": "queue",
        "queue": {"position": 4, "eta_seconds": 320},
    },
    "unstaffed": {
        "messages": [ASKED, line(2, "system", "抱歉，现在没有客服在线。")],
        "state": "queued",
        "owner": "queue",
        "queue": {"position": 1, "eta_seconds": None, "staffed": False},
        "inbox": {"hours_text": "周一至周五 9:00–18:00", "hours_zone": "Pacific/Kiritimati"},
    },
    "agent": {
        "messages": [ASKED, line(2, "agent", "您好", author={"name": "小禾"})],
        "state": "agent",
        "owner": "agent",
        "agent": {"name": "小禾"},
        "read": {"agent": 1},
        "then": [{"type": "typing", "who": "小禾", "on": True}],
    },
    "resolved": {"messages": [ASKED, line(2, "bot", "再见")], "state": "resolved"},
    "closed": {
        "messages": [ASKED],
        "inbox": {"open": False, "hours_text": "周一至周五 9:00–18:00"},
    },
    "error": {
        "messages": [ASKED],
        "then": [{"type": "error", "code": "rate_limited", "message": "请稍等"}],
    },
}


def play(context: BrowserContext, scene: Scene) -> list[dict[str, Any]]:
    """Plays a scene to every widget opened in the context; returns the list its frames are added to."""
    sent: list[dict[str, Any]] = []
    own = {"inbox", "then"}

    def session(route: Route) -> None:
        with suppress(Error):  # the page is gone by the time its answer comes
            response = route.fetch()
            body = response.json()
            body["inbox"].update(scene.get("inbox", {}))
            route.fulfill(response=response, json=body)

    def socket(route: WebSocketRoute) -> None:
        def receive(payload: str | bytes) -> None:
            frame = json.loads(payload)
            sent.append(frame)
            if frame["type"] != "hello":
                return
            messages = scene.get("messages", [])
            ready = {"type": "ready", "conversation_id": "c1", "seq": len(messages)}
            state = {"state": "bot", "owner": "bot", "messages": messages}
            told = {key: value for key, value in scene.items() if key not in own}
            route.send(json.dumps(ready | state | told))
            for later in scene.get("then", []):
                route.send(json.dumps(later))

        route.on_message(receive)

    context.route("**/api/v1/client/sessions", session)
    context.route_web_socket("**/ws/client/", socket)
    return sent
