"""What staff do to a running platform: press buttons in the admin; and its rows, read by the database's own clock.

Used by rollback and peak. What a visitor cannot see and no page shows is read, and prepared, by SQL.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx
import psycopg
from psycopg.rows import dict_row

from config import embedded
from tests.bench.stack import BenchError, Platform

Row = dict[str, Any]


class Staff:
    """An administrator who is logged in: `with Staff(platform) as staff: staff.press("prompts/canary/1/start/")`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._http = httpx.Client(base_url=f"{platform.url}/admin/", timeout=30)

    def __enter__(self) -> Self:
        password = (self._platform.home / "admin_password").read_text().strip()
        self._http.get("login/")
        self.press("login/", username="admin", password=password)
        if "sessionid" not in self._http.cookies:
            raise BenchError("the admin does not let us in")
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def press(self, path: str, **fields: str) -> None:
        """Posts a form. Raises BenchError unless the page sends us on, as it does when it is done."""
        token = self._http.cookies["csrftoken"]
        reply = self._http.post(path, data={"csrfmiddlewaretoken": token, **fields})
        if not reply.is_redirect:
            raise BenchError(f"POST admin/{path}: HTTP {reply.status_code}")


class Rows:
    """The platform's database."""

    def __init__(self, platform: Platform) -> None:
        url = embedded.database_url(platform.home)
        self._connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, query: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        return self._connection.execute(query.encode(), values).fetchall()

    def change(self, query: str, values: Mapping[str, Any] | None = None) -> int:
        return self._connection.execute(query.encode(), values).rowcount

    def now(self) -> Any:
        return self.read("SELECT clock_timestamp() AS now")[0]["now"]

    def set_thresholds(
        self, enter: Sequence[float], leave: Sequence[float], *, hold_seconds: float
    ) -> None:
        """The load policy; every process has it within the age of a snapshot."""
        self.change("DELETE FROM prompts_loadpolicy")
        self.change(
            "INSERT INTO prompts_loadpolicy (id, enter_light, enter_sop, enter_queue, leave_light, leave_sop,"
            " leave_queue, hold_seconds, mean_seconds) VALUES"
            " (1, %(e0)s, %(e1)s, %(e2)s, %(l0)s, %(l1)s, %(l2)s, %(hold)s, 3)",
            {
                **{f"e{step}": value for step, value in enumerate(enter)},
                **{f"l{step}": value for step, value in enumerate(leave)},
                "hold": hold_seconds,
            },
        )

    def set_policy(self, content: Mapping[str, Any]) -> None:
        """A route policy that is active at once."""
        self.change("UPDATE prompts_routepolicy SET active = false")
        self.change(
            "INSERT INTO prompts_routepolicy (number, content, note, active, created_at)"
            " SELECT coalesce(max(number), 0) + 1, %(content)s, 'bench', true, now()"
            " FROM prompts_routepolicy",
            {"content": json.dumps(content)},
        )
