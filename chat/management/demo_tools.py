"""The demo shop's tools as rows. Called by the command load_demo, and by tests that need a shop."""

from pathlib import Path
from typing import Any

import yaml

from chat.models import Inbox, Tool

FILE = Path(__file__).with_name("demo_tools.yaml")
KEY_VARIABLE = "DEMO_SHOP_TOOL_KEY"
ORDER_NUMBER = {
    "type": "string",
    "description": "Order number",
    "maxLength": 32,
    "pattern": "^[0-9A-Za-z-]+$",
}


def load(inbox: Inbox, *, shop_url: str) -> int:
    """Makes the tools the inbox lacks, and points those it has at `shop_url`, which is another at every start.

    What staff edited stays. Returns how many were made.
    """
    made = 0
    for entry in yaml.safe_load(FILE.read_text(encoding="utf-8")):
        fields = fields_of(entry, shop_url=shop_url)
        tool, created = Tool.objects.get_or_create(inbox=inbox, name=entry["name"], defaults=fields)
        if not created and tool.url.endswith(entry["path"]) and tool.auth_env == KEY_VARIABLE:
            Tool.objects.filter(pk=tool.pk).update(url=fields["url"])
        made += created
    return made


def fields_of(entry: dict[str, Any], *, shop_url: str) -> dict[str, Any]:
    """A Tool's fields. All of them allow an anonymous visitor: the demo's orders were bought without an account."""
    own = {"path", "properties", "required"}
    return {
        **{name: value for name, value in entry.items() if name not in own},
        "url": shop_url.rstrip("/") + entry["path"],
        "auth_env": KEY_VARIABLE,
        "needs_verified": False,
        "owner_path": "customer_id",
        "schema": {
            "type": "object",
            "properties": {"order_number": ORDER_NUMBER, **entry.get("properties", {})},
            "required": entry.get("required", ["order_number"]),
        },
    }
