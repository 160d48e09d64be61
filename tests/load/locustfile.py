"""Customers for locust: `locust -f tests/load/locustfile.py --host URL --headless -u 50 -r 25 --seconds 60`.

`make loadtest` starts it (tests.load.run). With `--arrivals 10` ten questions a second become due whatever the answers
do, and `-u` is how many sockets stand ready for them; without it each of the `-u` customers asks again when answered.
In one process: the schedule is shared.
"""

import itertools
import json
import logging
import os
import time
import uuid
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import httpx
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser

from tests.bench.load import QUESTIONS
from tests.load.course import Asked, Course
from tests.load.visitor import Answer, LostError, Visitor

FORMAT = 1
LOOK_SECONDS = 0.05
ENTRIES = 5
NOTE_CHARS = 200
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# It would say every request.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Run:
    """What all customers of this process share."""

    course: Course
    environment: Environment
    http: httpx.Client
    at: datetime
    numbers = itertools.count()

    def options(self) -> Any:
        return self.environment.parsed_options


RUN = Run()


@events.init_command_line_parser.add_listener
def add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--arrivals", type=float, default=0.0, help="questions a second; 0: a closed loop"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long questions become due")
    parser.add_argument("--inbox", default="ib_demo", help="key of the inbox")
    parser.add_argument("--patience", type=float, default=30.0, help="seconds an answer may take")
    parser.add_argument("--note", default="", help="a line to tell the run by")
    parser.add_argument("--result", default="", help="file to write what was measured to")


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    RUN.environment = environment
    options = RUN.options()
    RUN.course = Course(options.num_users, options.seconds, options.arrivals)
    RUN.http = httpx.Client(timeout=options.patience)
    RUN.at = datetime.now(UTC)
    RUN.numbers = itertools.count()
    gevent.spawn(end_when_answered)


def end_when_answered() -> None:
    options, runner = RUN.options(), RUN.environment.runner
    while not RUN.course.close(time.monotonic(), patience_seconds=options.patience):
        gevent.sleep(LOOK_SECONDS)
    if runner is not None:
        runner.quit()


@events.test_stop.add_listener
def write(environment: Environment, **_: Any) -> None:
    options = RUN.options()
    if not options.result or RUN.course.broken:
        return
    record = {
        "format": FORMAT,
        "run": str(uuid.uuid4()),
        "at": RUN.at.isoformat(),
        "mode": "open" if options.arrivals else "closed",
        "users": options.num_users,
        "rate": options.arrivals or None,
        "seconds": options.seconds,
        "generator_cores": os.cpu_count() or 1,
        "shared": urlsplit(environment.host or "").hostname in LOOPBACK,
        "note": options.note[:NOTE_CHARS],
        "turns": RUN.course.lines(),
    }
    Path(options.result).write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")


class Customer(User):
    """Asks what customers ask, a line at a time, and comes back as somebody new after the last of them."""

    def on_start(self) -> None:
        self.number = next(RUN.numbers)
        self.questions: list[str] = []
        try:
            self.visitor = self.enter()
        except StopUser:
            give_up()
            raise
        # What a first answer costs a platform that was just started is not what is measured.
        self.visitor.ask(QUESTIONS[0])
        RUN.course.note_warm(time.monotonic())
        while RUN.course.start is None:
            gevent.sleep(LOOK_SECONDS)

    def enter(self) -> Visitor:
        """A visitor who is there; it is tried a few times."""
        options = RUN.options()
        self.questions = [
            *QUESTIONS[self.number % len(QUESTIONS) :],
            *QUESTIONS[: self.number % len(QUESTIONS)],
        ]
        for _ in range(ENTRIES):
            visitor = Visitor(self.host or "", options.inbox, RUN.http, options.patience)
            began = time.monotonic()
            try:
                visitor.enter()
            except LostError as error:
                fire("enter", began, error=str(error))
                gevent.sleep(1)
            else:
                fire("enter", began)
                return visitor
        raise StopUser

    @task
    def ask(self) -> None:
        asked = RUN.course.next(self.number, time.monotonic())
        if asked is None:
            self.visitor.leave()
            raise StopUser
        gevent.sleep(max(0.0, asked.due_at - time.monotonic()))
        answer = self.visitor.ask(self.questions.pop())
        settle(asked, answer)
        if answer.error or not self.questions or self.visitor.state != "bot":
            self.visitor.leave()
            self.visitor = self.enter()


def give_up() -> None:
    """A run that cannot begin with everybody is none."""
    RUN.course.broken = True
    RUN.environment.process_exit_code = 1


def settle(asked: Asked, answer: Answer) -> None:
    asked.first_at, asked.final_at = answer.first_at, answer.final_at
    asked.turn_id, asked.error = answer.turn_id, answer.error
    fire("answer", asked.due_at, length=answer.chars, error=answer.error)


def fire(name: str, began: float, *, length: int = 0, error: str = "") -> None:
    """Tells locust's own table and pages."""
    RUN.environment.events.request.fire(
        request_type="WS",
        name=name,
        response_time=(time.monotonic() - began) * 1000,
        response_length=length,
        exception=LostError(error) if error else None,
        context={},
    )
