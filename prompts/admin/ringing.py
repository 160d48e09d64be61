"""Ringing again for a job, and what is said where that is of no use. Used by the pages of jobs, chat's too."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone

from prompts.admin.wording import pick


def is_held(request: HttpRequest, until: datetime | None) -> bool:
    """Whether a worker has the job, or had it when it died; says until when, since a ring would change nothing."""
    if until is None or until <= timezone.now():
        return False
    at = timezone.localtime(until).strftime("%H:%M:%S")
    messages.info(
        request,
        pick(
            f"已有进程在处理。万一它停了，{at} 之后会自动接着做，不用再触发。",
            f"A worker is at it. Should it have died, another one goes on by itself after {at}; there is no need to ring.",
        ),
    )
    return True
