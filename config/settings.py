"""Django settings, and the only reader of the environment.

Everything else reads `django.conf.settings` at run time. docs/settings.md lists every variable; a test keeps
it true. All state lives under YINGDA_HOME.
"""

import base64
import hashlib
import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import structlog
from csp.constants import NONCE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.templatetags.static import static

from config import embedded

VAULT_KEY_BYTES = 32
BASE_DIR = Path(__file__).resolve().parent.parent


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def number(name: str, default: float) -> float:
    value = text(name, str(default))
    try:
        return float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}: a number is wanted") from None


def flag(name: str, default: str = "0") -> bool:
    return text(name, default).lower() in {"1", "true", "yes", "on"}


def listed(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str, default: str = "") -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part, strict=False) for part in listed(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def stored_secret(home: Path) -> str:
    """The key that `manage.py up` wrote; a process started without one gets a key of its own."""
    try:
        return (home / "secret_key").read_text().strip()
    except OSError:
        return get_random_secret_key()


def patterns(name: str) -> list[str]:
    found = text(name).split()
    for pattern in found:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ImproperlyConfigured(f"{name}: {pattern}: {error}") from None
    return found


def vault_key(value: str) -> bytes:
    try:
        key = base64.b64decode(value, altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    if len(key) != VAULT_KEY_BYTES:
        raise ImproperlyConfigured("YINGDA_VAULT_KEYS: a key is 32 bytes in base64") from None
    return key


def derived_vault_key(secret: str) -> bytes:
    return hashlib.sha256(b"yingda vault" + secret.encode()).digest()


# --- where things live ---------------------------------------------------------------------------
YINGDA_HOME = Path(text("YINGDA_HOME", str(BASE_DIR / "var"))).expanduser().resolve()
PORT = int(number("PORT", 8000))
HOST = text("YINGDA_HOST", "127.0.0.1")
PUBLIC_URL = text("YINGDA_PUBLIC_URL").rstrip("/")
SERVER = text("YINGDA_SERVER", "daphne")
DEMO_PROVIDER = flag("YINGDA_DEMO_PROVIDER")
ADMIN_PASSWORD = text("YINGDA_ADMIN_PASSWORD")
DATABASE_URL = text("DATABASE_URL", embedded.database_url(YINGDA_HOME))
REDIS_URL = text("REDIS_URL", embedded.redis_url(YINGDA_HOME))
DATABASE_EMBEDDED = not text("DATABASE_URL")
REDIS_EMBEDDED = not text("REDIS_URL")

# --- security ------------------------------------------------------------------------------------
SECRET_KEY = text("YINGDA_SECRET_KEY") or stored_secret(YINGDA_HOME)
# The first key seals personal data, all of them open it. Without one it is derived from the secret key.
VAULT_KEYS = [*map(vault_key, listed("YINGDA_VAULT_KEYS")), derived_vault_key(SECRET_KEY)]
DEBUG = flag("YINGDA_DEBUG")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
# Loopback always: the supervisor and probes on the machine ask /readyz there.
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    *listed("YINGDA_ALLOWED_HOSTS"),
    *([PUBLIC_HOST] if PUBLIC_HOST else []),
]
HTTPS = PUBLIC_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if flag("YINGDA_BEHIND_PROXY") else None
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
METRICS_TOKEN = text("YINGDA_METRICS_TOKEN")
# Only these may say, in X-Forwarded-For, whom they speak for.
TRUSTED_PROXIES = networks("YINGDA_TRUSTED_PROXIES")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [SELF],
    }
}

# --- Django --------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.forms",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "ninja",
    "csp",
    "config",
    "prompts",
    "chat",
    "analytics",
]
MIDDLEWARE = [
    "config.problems.ApiProblems",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.acting.NamesActor",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.admin_policy.AdminPolicy",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]
# Widgets of our own are templates like all others.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = text("YINGDA_TIME_ZONE", "Asia/Shanghai")
STATIC_URL = "/static/"
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- Postgres: the truth -------------------------------------------------------------------------
# Timeouts and the pool size are those of the durability design: no statement may hold a row for long.
DATABASES: dict[str, dict[str, Any]] = {"default": dict(dj_database_url.parse(DATABASE_URL))}
DATABASES["default"].update(
    CONN_MAX_AGE=0,
    CONN_HEALTH_CHECKS=True,
    OPTIONS={
        **DATABASES["default"].get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": int(number("YINGDA_DATABASE_POOL", 20)),
            "timeout": 5,
            "max_idle": 60,
        },
        "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000"
        # Compiling a statement takes longer than ours run.
        " -c jit=off",
    },
)

# --- Redis: doorbells, frames, dialogue state; may be wiped at any time --------------------------
# A short timeout: a Redis that hangs costs a visitor seconds, never a message.
REDIS_TIMEOUT_SECONDS = 2.0
CHANNEL_PREFIX = "yingda"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": CHANNEL_PREFIX},
    }
}
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://").replace(
    "?db=", "?virtual_host="
)

# --- chat ----------------------------------------------------------------------------------------
READY_SECONDS = number("YINGDA_READY_SECONDS", 60)
TURN_THREADS = int(number("YINGDA_TURN_THREADS", 32))
LEASE_SECONDS = 15.0
LEASE_HEARTBEAT_SECONDS = 5.0
SWEEP_SECONDS = 1.0
TURN_ATTEMPTS = 3
TURN_DEADLINE_SECONDS = number("YINGDA_TURN_DEADLINE_SECONDS", 60)
DELTA_SECONDS = 0.04
HEARTBEAT_SECONDS = number("YINGDA_HEARTBEAT_SECONDS", 20)
CATCH_UP_SECONDS = 5.0
HELLO_SECONDS = 5.0
VISITOR_TOKEN_SECONDS = 24 * 3600
DIALOGUE_TTL_SECONDS = int(number("YINGDA_DIALOGUE_TTL_SECONDS", 1800))
FRAMES_PER_SECOND = number("YINGDA_FRAMES_PER_SECOND", 10)
FRAMES_BURST = int(number("YINGDA_FRAMES_BURST", 40))
# Messages over all sockets and requests of one visitor, and of one address: many customers share one behind NAT.
MESSAGES_PER_MINUTE = number("YINGDA_MESSAGES_PER_MINUTE", 60)
MESSAGES_BURST = int(number("YINGDA_MESSAGES_BURST", 60))
ADDRESS_MESSAGES_PER_MINUTE = number("YINGDA_ADDRESS_MESSAGES_PER_MINUTE", 600)
ADDRESS_MESSAGES_BURST = int(number("YINGDA_ADDRESS_MESSAGES_BURST", 300))
# Images of customers: how large a file may be, how many a visitor may send, how long they are kept.
UPLOAD_MAX_BYTES = int(number("YINGDA_UPLOAD_MAX_MB", 8) * 1024 * 1024)
UPLOADS_PER_MINUTE = int(number("YINGDA_UPLOADS_PER_MINUTE", 10))
# What an agent may have written by a model: drafts, summaries, their words anew.
SUGGESTIONS_PER_MINUTE = number("YINGDA_SUGGESTIONS_PER_MINUTE", 20)
SUGGESTIONS_BURST = int(number("YINGDA_SUGGESTIONS_BURST", 10))
IMAGE_DAYS = int(number("YINGDA_IMAGE_DAYS", 180))
# How long the silent answers of a release that shadows are kept.
SHADOW_DAYS = int(number("YINGDA_SHADOW_DAYS", 30))
MEDIA_ROOT = YINGDA_HOME / "media"
UNLIMITED_ADDRESSES = networks("YINGDA_UNLIMITED_ADDRESSES", "127.0.0.0/8,::1")
ADDRESS_SESSIONS_PER_MINUTE = number("YINGDA_ADDRESS_SESSIONS_PER_MINUTE", 120)
ADDRESS_SESSIONS_BURST = int(number("YINGDA_ADDRESS_SESSIONS_BURST", 240))
# While Redis is away each process judges by itself, with its part of the rates.
WEB_PROCESSES = int(number("YINGDA_WEB_PROCESSES", 1))
SOCKET_BACKLOG_FRAMES = 256
SOCKET_MAX_BYTES = 64 * 1024

# What the shop's order numbers look like; such numbers are no personal data. Several are separated by blanks.
ORDER_NUMBER_PATTERNS = patterns("YINGDA_ORDER_NUMBER_PATTERNS")

# Where the classifier's lead is smaller than this, a model is asked for a second opinion; 0: never.
SECOND_OPINION_MARGIN = number("YINGDA_SECOND_OPINION_MARGIN", 0.15)

# --- models --------------------------------------------------------------------------------------
# Endpoint rows name a variable, never a key; every *_API_KEY of the environment can be named.
MODEL_API_KEYS = {k: v for k, v in os.environ.items() if k.endswith("_API_KEY") and v}
MODEL_BASE_URLS = {k: v for k, v in os.environ.items() if k.endswith("_BASE_URL") and v}
# Further servers that an endpoint row may send a key to.
MODEL_HOSTS = listed("YINGDA_MODEL_HOSTS")
# Costs of several currencies are compared, and budgets kept, in CNY.
CNY_PER = {"CNY": 1.0, "USD": number("YINGDA_CNY_PER_USD", 7.1)}

# --- tools ---------------------------------------------------------------------------------------
# Tool rows name a variable, never a key; every *_TOOL_KEY of the environment can be named.
TOOL_KEYS = {k: v for k, v in os.environ.items() if k.endswith("_TOOL_KEY") and v}
# Hosts that tools may call though their addresses are internal, and that may be sent a key: host or host:port.
TOOL_HOSTS = listed("YINGDA_TOOL_HOSTS")
DEMO_SHOP = flag("YINGDA_DEMO_SHOP", "1")
DEMO_SHOP_URL = text("YINGDA_DEMO_SHOP_URL")

# --- mail: reports of analytics; without a host none is sent -------------------------------------
EMAIL_HOST = text("YINGDA_EMAIL_HOST")
EMAIL_PORT = int(number("YINGDA_EMAIL_PORT", 587))
EMAIL_HOST_USER = text("YINGDA_EMAIL_USER")
EMAIL_HOST_PASSWORD = text("YINGDA_EMAIL_PASSWORD")
EMAIL_SECURITY = text("YINGDA_EMAIL_SECURITY", "starttls")
if EMAIL_SECURITY not in {"starttls", "tls", "none"}:
    raise ImproperlyConfigured("YINGDA_EMAIL_SECURITY: starttls, tls or none")
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = text("YINGDA_EMAIL_FROM", EMAIL_HOST_USER or "yingda@localhost")

# --- logs ----------------------------------------------------------------------------------------
LOG_LEVEL = text("YINGDA_LOG_LEVEL", "INFO")
LOG_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "events": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False)
                if text("YINGDA_LOG_FORMAT", "text") == "json"
                else structlog.processors.KeyValueRenderer(
                    key_order=["timestamp", "level", "event"]
                ),
            ],
            "foreign_pre_chain": LOG_SHARED,
        }
    },
    "filters": {
        # 503 is how /readyz and the API say "not now"; that is an answer, not an error of ours.
        "expected": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        }
    },
    "handlers": {
        "stream": {
            "class": "logging.StreamHandler",
            "formatter": "events",
            "filters": ["expected"],
        }
    },
    "root": {"handlers": ["stream"], "level": LOG_LEVEL},
    "loggers": {
        # Vendor clients log requests and bodies at their lower levels: customers' words must not reach a log.
        name: {"level": "WARNING"}
        for name in (
            "openai",
            "anthropic",
            "dashscope",
            "httpx",
            "httpx2",
            "httpcore",
            "daphne",
            "asyncio",
        )
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *LOG_SHARED,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)

# --- admin ---------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "应答 Yingda",
    "SITE_HEADER": "应答 Yingda",
    "SITE_SYMBOL": "forum",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("prompts/lists.css")],
    "SCRIPTS": [lambda request: static("prompts/selects.js")],
    "DASHBOARD_CALLBACK": "config.admin_home.context",
    "SITE_DROPDOWN": [
        {"icon": "monitoring", "title": "数据分析 Analytics", "link": "/analytics/"},
        {"icon": "support_agent", "title": "工作台 Console", "link": "/console/"},
    ],
}
