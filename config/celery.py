"""The Celery app: `turns` runs on threads, `default` takes the rest, and `shadow` what may be left out.

A task is a doorbell: its loss, repetition or reordering changes nothing, so nothing is acknowledged late,
stored or retried here. The sweeper finds what a lost doorbell left behind.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# Task, seconds from one ring to the next, and after how many a ring that nobody took is no longer wanted.
BEAT: dict[str, tuple[str, float, int]] = {
    "sweep": ("chat.tasks.sweep", 2.0, 4),
    "sweep-rings": ("chat.tasks.sweep_rings", 1.0, 2),
    "sweep-images": ("chat.tasks.sweep_images", 3600.0, 3000),
    "sweep-webhooks": ("chat.tasks.sweep_webhooks", 5.0, 10),
    "index-conversations": ("chat.tasks.index_conversations", 3.0, 6),
    "wake-conversations": ("chat.tasks.wake_conversations", 5.0, 10),
    "forget-suggestions": ("chat.tasks.forget_suggestions", 60.0, 120),
    "forget-webhooks": ("chat.tasks.forget_webhooks", 3600.0, 3000),
    "forget-shadows": ("chat.tasks.forget_shadows", 3600.0, 3000),
    "guard-canaries": ("prompts.tasks.guard_canaries", 5.0, 10),
    "resume-jobs": ("prompts.tasks.resume_jobs", 30.0, 60),
    "resume-searches": ("chat.tasks.resume_searches", 30.0, 60),
    "count-qualities": ("prompts.tasks.count_qualities", 300.0, 600),
    "fill-analytics": ("analytics.tasks.fill", 10.0, 20),
    "recheck-analytics": ("analytics.tasks.recheck", 24 * 3600.0, 3600),
    "send-reports": ("analytics.tasks.send_reports", 600.0, 500),
    "resume-comparisons": ("analytics.tasks.resume_comparisons", 30.0, 60),
    "look-for-clashes": ("prompts.tasks.look_for_clashes", 24 * 3600.0, 3600),
}

app = Celery("yingda")
app.conf.update(
    task_default_queue="default",
    # Giving out what waits is not to stand behind exports and webhooks.
    task_routes={
        "chat.tasks.run_turn": {"queue": "turns"},
        "chat.tasks.assign": {"queue": "turns"},
        "chat.tasks.sweep_rings": {"queue": "turns"},
        "chat.tasks.shadow_turn": {"queue": "shadow"},
    },
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    # Concerns late acknowledgements only, and there are none; unset, Celery warns at every lost connection.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    broker_connection_retry_on_startup=True,
    # No retries: a visitor waits while the doorbell is rung, and the sweep makes up for one that was not.
    # No acknowledgements: a doorbell that dies with its worker is found by the sweep, and the bookkeeping
    # would cost more than the rest of the hop.
    broker_transport_options={
        "ack_emulation": False,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        "max_retries": 0,
        "interval_start": 0,
        "interval_step": 0,
        "interval_max": 0,
    },
    timezone="UTC",
    beat_schedule={
        name: {"task": task, "schedule": seconds, "options": {"expires": expires}}
        for name, (task, seconds, expires) in BEAT.items()
    },
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def ring_for_the_first_classifier(sender: Any, **_: Any) -> None:
    """A fresh installation learns to understand in the background, without being asked."""
    if "default" in sender.app.amqp.queues.consume_from:
        sender.app.send_task("prompts.tasks.train_first")


@worker_shutting_down.connect
def stop_training(**_: Any) -> None:
    """A training that is under way must not hold up the end of its worker; nothing of it is kept."""
    # Inline: it reads models, which are there only once Django is set up.
    from prompts import understanding  # noqa: PLC0415

    understanding.APART.stop()
