"""The Celery app: `turns` runs on threads, `default` takes the rest.

A task is a doorbell: its loss, repetition or reordering changes nothing, so nothing is acknowledged late,
stored or retried here. The sweeper finds what a lost doorbell left behind.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yingda")
app.conf.update(
    task_default_queue="default",
    task_routes={"chat.tasks.run_turn": {"queue": "turns"}},
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
        "sweep": {"task": "chat.tasks.sweep", "schedule": 2.0, "options": {"expires": 4}},
        "guard-canaries": {
            "task": "prompts.tasks.guard_canaries",
            "schedule": 5.0,
            "options": {"expires": 10},
        },
        "count-qualities": {
            "task": "prompts.tasks.count_qualities",
            "schedule": 300.0,
            "options": {"expires": 600},
        },
    },
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
