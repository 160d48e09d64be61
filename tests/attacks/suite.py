"""Which tests are attacks, by the class of attack: paths as pytest takes them. Read by tests.attacks.run."""

from collections.abc import Mapping

SUITE: Mapping[str, tuple[str, ...]] = {
    "tools: addresses, bodies, redirects": (
        "tests/chat/tools/test_addresses.py",
        "tests/chat/tools/test_calling.py",
        "tests/chat/tools/test_attacks.py",
    ),
    "tools: confirmations, arguments, other customers": (
        "tests/chat/tools/test_models.py",
        "tests/chat/tools/test_running.py",
        "tests/chat/tools/test_turns.py",
        "tests/chat/tools/test_identities.py",
    ),
    "webhooks": ("tests/chat/test_webhooks.py",),
    "sockets and frames": (
        "tests/chat/test_consumers_bad_input.py",
        "tests/chat/test_consumers_privacy.py",
        "tests/chat/test_protocol.py",
    ),
    "identities and sessions": (
        "tests/chat/test_auth.py",
        "tests/chat/test_identity.py",
        "tests/chat/test_views.py",
    ),
    "limits": ("tests/chat/test_limits.py",),
    "images": ("tests/chat/test_images.py",),
    "markup in pages": ("tests/e2e/test_payloads.py",),
    "personal data": (
        "tests/chat/test_canary_identities.py",
        "tests/chat/test_vault.py",
        "tests/prompts/test_redact.py",
        "tests/prompts/redaction",
    ),
    "takeover against a late answer": ("tests/chat/test_invariants.py",),
}
