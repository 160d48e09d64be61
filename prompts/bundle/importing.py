"""A bundle carried out: every object in one transaction, or none."""

from django.db import connection, transaction

from prompts import snapshot
from prompts.bundle.comparing import Plan, compare
from prompts.bundle.kinds import KINDS
from prompts.bundle.walking import Directory
from prompts.locks import Lock


class Refused(Exception):
    """Something of the bundle is wrong, and nothing has changed; `plan` says what."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"{len(plan.refused)} problems")
        self.plan = plan


def apply(directory: Directory, *, publish: bool = False) -> Plan:
    """Makes the database say what the bundle does; what only the database has stays. Raises Refused, BundleError.

    Of two that run at once the second one finds what the first one did.
    """
    with transaction.atomic():
        alone()
        plan = compare(directory, publish=publish)
        if plan.refused:
            raise Refused(plan)
        for name, kind in KINDS.items():
            changes = [i.change for i in plan.items if i.kind == name and i.change is not None]
            if changes:
                kind.store(changes)
        snapshot.announce()
    return plan


def alone() -> None:
    """Until the transaction ends nobody else imports a bundle or a file of SOPs."""
    with connection.cursor() as cursor:
        # Between two statements thousands of objects are compared, and another import may take as long.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '300s'")
        cursor.execute("SET LOCAL lock_timeout = '300s'")
        cursor.execute("SET LOCAL statement_timeout = '300s'")
        for lock in (Lock.IMPORTING_SOPS, Lock.IMPORTING_BUNDLE):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
