"""`manage.py rotate_vault`: seals every entry of the vault with the first of YINGDA_VAULT_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm
from typing_extensions import override

from chat import identity, vault, webhooks
from chat.models import Inbox, VaultEntry, WebhookEndpoint
from prompts.redaction.vault import VaultError


class Command(BaseCommand):
    help = (
        "Seals every vault entry with the first key; safe to run again and while the platform runs."
    )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        entries = VaultEntry.objects.all()
        changed = lost = 0
        for entry in tqdm(entries.iterator(), total=entries.count(), unit="entry"):
            try:
                changed += vault.rotate(entry)
            except VaultError:
                lost += 1
        changed += sum(map(identity.rotate, Inbox.objects.exclude(identity_secret="")))
        for endpoint in WebhookEndpoint.objects.exclude(secret=""):
            try:
                changed += webhooks.rotate(endpoint)
            except VaultError:
                lost += 1
        self.stdout.write(f"{changed} sealed anew, {lost} cannot be opened by any key")
        if lost:
            raise CommandError("keep the old keys until nothing is sealed with them")
