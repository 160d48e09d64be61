"""What vendors say, row by row, and what it becomes; hints to wait in all their forms."""

import json
import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm import classify
from prompts.llm.errors import ErrorClass, ModelError

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
RATE_LIMIT, TIMEOUT, UNAVAILABLE, QUOTA_AUTH, CONTENT, BAD_REQUEST, OVERFLOW, BAD_OUTPUT = (
    ErrorClass.RATE_LIMIT,
    ErrorClass.TIMEOUT,
    ErrorClass.UNAVAILABLE,
    ErrorClass.QUOTA_AUTH,
    ErrorClass.CONTENT,
    ErrorClass.BAD_REQUEST,
    ErrorClass.OVERFLOW,
    ErrorClass.BAD_OUTPUT,
)

STATUSES = {
    400: BAD_REQUEST,
    401: QUOTA_AUTH,
    402: QUOTA_AUTH,
    403: QUOTA_AUTH,
    404: BAD_REQUEST,
    408: TIMEOUT,
    409: BAD_REQUEST,
    413: BAD_REQUEST,
    422: BAD_REQUEST,
    429: RATE_LIMIT,
    500: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: TIMEOUT,
    524: TIMEOUT,
    529: UNAVAILABLE,
    302: UNAVAILABLE,
    200: UNAVAILABLE,
    None: UNAVAILABLE,
}

# Status, code, type, words, and the class: OpenAI and its kin, Anthropic, DashScope, others in China.
SIGNS: list[tuple[int | None, str, str, str, ErrorClass]] = [
    (429, "insufficient_quota", "insufficient_quota", "You exceeded your quota", QUOTA_AUTH),
    (429, "rate_limit_exceeded", "requests", "Rate limit reached", RATE_LIMIT),
    (429, "", "tokens", "Rate limit reached", RATE_LIMIT),
    (400, "context_length_exceeded", "invalid_request_error", "", OVERFLOW),
    (400, "", "BadRequestError", "This model's maximum context length is 8192 tokens", OVERFLOW),
    (400, "content_filter", "", "", CONTENT),
    (400, "content_policy_violation", "invalid_request_error", "", CONTENT),
    (401, "invalid_api_key", "invalid_request_error", "", QUOTA_AUTH),
    (403, "unsupported_country", "invalid_request_error", "", QUOTA_AUTH),
    (404, "model_not_found", "invalid_request_error", "", BAD_REQUEST),
    (200, "", "server_error", "", UNAVAILABLE),
    (200, "", "invalid_request_error", "", BAD_REQUEST),
    (200, "rate_limit_exceeded", "", "", RATE_LIMIT),
    (400, "", "invalid_request_error", "prompt is too long: 203412 tokens", OVERFLOW),
    (400, "", "invalid_request_error", "Your credit balance is too low", QUOTA_AUTH),
    (402, "", "billing_error", "", QUOTA_AUTH),
    (200, "", "overloaded_error", "Overloaded", UNAVAILABLE),
    (200, "", "rate_limit_error", "", RATE_LIMIT),
    (200, "", "timeout_error", "", TIMEOUT),
    (200, "", "authentication_error", "", QUOTA_AUTH),
    (200, "", "permission_error", "", QUOTA_AUTH),
    (200, "", "api_error", "", UNAVAILABLE),
    (200, "", "not_found_error", "", BAD_REQUEST),
    (408, "", "invalid_request_error", "", TIMEOUT),
    (413, "", "request_too_large", "", BAD_REQUEST),
    (429, "Throttling", "", "", RATE_LIMIT),
    (200, "Throttling.RateQuota", "", "", RATE_LIMIT),
    (429, "Throttling.AllocationQuota", "", "Allocated quota exceeded", RATE_LIMIT),
    (429, "Throttling.AllocationQuota", "", "Free allocated quota exceeded.", QUOTA_AUTH),
    (403, "AllocationQuota.FreeTierOnly", "", "", QUOTA_AUTH),
    (400, "Arrearage", "", "Access denied", QUOTA_AUTH),
    (200, "Arrearage", "", "", QUOTA_AUTH),
    (401, "InvalidApiKey", "", "", QUOTA_AUTH),
    (403, "AccessDenied.Unpurchased", "", "", QUOTA_AUTH),
    (400, "DataInspectionFailed", "", "", CONTENT),
    (200, "DataInspectionFailed", "", "", CONTENT),
    (400, "data_inspection_failed", "data_inspection_failed", "", CONTENT),
    (400, "InvalidParameter", "", "Range of input length should be [1, 30720]", OVERFLOW),
    (400, "InvalidParameter", "", "Temperature should be in [0.0, 2.0)", BAD_REQUEST),
    (200, "InvalidParameter", "", "", BAD_REQUEST),
    (200, "InternalError", "", "", UNAVAILABLE),
    (500, "InternalError.Timeout", "", "", TIMEOUT),
    (503, "ModelServingError", "", "Too many requests for the capacity", UNAVAILABLE),
    (200, "RequestTimeOut", "", "", TIMEOUT),
    # Alibaba in the dress of OpenAI says "quota" for tokens a minute.
    (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota. See https://host/model-studio/error-code#token-limit",
        RATE_LIMIT,
    ),
    (429, "1302", "", "您的账户已达到速率限制,请您控制请求频率", RATE_LIMIT),
    (429, "1305", "", "该模型当前访问量过大,请您稍后再试", RATE_LIMIT),
    (200, "1302", "", "", RATE_LIMIT),
    (429, "1113", "", "您的账户已欠费,请充值后重试", QUOTA_AUTH),
    (400, "1301", "", "系统检测到输入或生成内容可能包含不安全或敏感内容", CONTENT),
    (400, "1261", "", "Prompt 超长", OVERFLOW),
    (429, "", "", "账户余额不足", QUOTA_AUTH),
    (200, "", "", "余额不足,请充值", QUOTA_AUTH),
    (200, "", "", "请求过于频繁,请稍后再试", RATE_LIMIT),
    (400, "", "", "触发限流", RATE_LIMIT),
    (402, "", "unknown_error", "Insufficient Balance", QUOTA_AUTH),
    (429, "", "exceeded_current_quota_error", "", QUOTA_AUTH),
    (429, "", "engine_overloaded_error", "", RATE_LIMIT),
    (403, "AccountOverdueError", "", "", QUOTA_AUTH),
    (400, "SensitiveContentDetected", "", "", CONTENT),
    (400, "InputTextSensitiveContentDetected", "", "", CONTENT),
    (429, "RateLimitExceeded.EndpointTPMExceeded", "", "", RATE_LIMIT),
    (403, "", "", "The balance is insufficient", QUOTA_AUTH),
    (400, "tokens_too_long", "invalid_request_error", "Prompt tokens too long", OVERFLOW),
    (400, "", "invalid_request_error", "Your request exceeded model token limit: 8192", OVERFLOW),
]


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
def test_status_alone_gives_a_class(status: int | None, expected: ErrorClass) -> None:
    assert classify.classify(status) == expected


@pytest.mark.parametrize(("status", "code", "kind", "words", "expected"), SIGNS)
def test_signs_give_a_class(
    status: int | None, code: str, kind: str, words: str, expected: ErrorClass
) -> None:
    assert classify.classify(status, code=code, kind=kind, words=words) == expected


@pytest.mark.parametrize("words", ["余额不足", "我的账户欠费了", "insufficient balance"])
def test_customer_who_is_quoted_shuts_no_endpoint(words: str) -> None:
    """Servers that validate a request quote it in their complaint."""
    assert classify.classify(400, words=f"input_value='{words}'") == BAD_REQUEST
    assert classify.classify(422, words=f"input_value='{words}'") == BAD_REQUEST


@given(st.none() | st.integers(0, 999), st.text(), st.text(), st.text())
def test_anything_has_a_class(status: int | None, code: str, kind: str, words: str) -> None:
    assert classify.classify(status, code=code, kind=kind, words=words) in ErrorClass


# --- bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": "insufficient_quota", "message": "x"}}, QUOTA_AUTH),
        ({"code": "insufficient_quota", "type": None, "message": "x"}, QUOTA_AUTH),
        ({"type": "error", "error": {"type": "overloaded_error"}}, UNAVAILABLE),
        ({"code": "Throttling", "message": "x", "request_id": "y"}, RATE_LIMIT),
        ({"code": 1302, "msg": "x"}, RATE_LIMIT),
        ({"error": "账户余额不足"}, QUOTA_AUTH),
        ({"object": "error", "type": "BadRequestError", "code": 400, "message": "x"}, BAD_REQUEST),
        ({"object": "error", "type": "InternalServerError", "code": 500}, UNAVAILABLE),
        ({"error": {"code": None, "type": None, "message": None}}, UNAVAILABLE),
        ("您的请求触发限流", RATE_LIMIT),
        ('event:error\n:HTTP_STATUS/429\ndata:{"code":"Throttling","message":"x"}\n\n', RATE_LIMIT),
        (b'{"error": {"type": "authentication_error"}}', QUOTA_AUTH),
        (b"\xff\xfe", UNAVAILABLE),
        (None, UNAVAILABLE),
        ([], UNAVAILABLE),
    ],
    ids=repr,
)
def test_body_in_any_shape_declares_its_class(body: object, expected: ErrorClass) -> None:
    assert classify.declared(body, status=200).kind == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error": {"message": "x"}}', True),
        (b'{"error": "x"}', True),
        (b'{"code": "Throttling", "message": "x"}', True),
        (b'{"error": null, "choices": []}', False),
        (b'{"code": 0, "message": "ok"}', False),
        (b"<html>502</html>", False),
        (b"[1]", False),
        (b"", False),
    ],
)
def test_body_of_an_error_is_told_from_others(body: bytes, expected: bool) -> None:
    assert classify.is_error(body) is expected


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"code": "Throttling.RateQuota", "message": "秘密"}, "status 429 Throttling.RateQuota"),
        ({"error": {"code": "1302", "message": "秘密"}}, "status 429 1302"),
        ({"error": {"type": "rate_limit_error"}}, "status 429 rate_limit_error"),
        ({"error": {"code": "sk-9f8e7d6c5b4a39281706", "type": "电话13812345678"}}, "status 429"),
        ({"error": {"code": "a" * 60}}, "status 429"),
    ],
    ids=repr,
)
def test_detail_repeats_a_plain_name_and_nothing_else(body: object, detail: str) -> None:
    assert classify.declared(body, status=429).detail == detail


# --- exceptions -------------------------------------------------------------------------------------


class StatusError(Exception):
    """What the exceptions of the three SDKs have in common."""

    def __init__(self, status_code: int, body: object, headers: dict[str, str]) -> None:
        self.status_code, self.body, self.headers = status_code, body, headers


class ReadTimeout(Exception): ...


class RemoteProtocolError(Exception): ...


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ReadTimeout(), TIMEOUT),
        (TimeoutError(), TIMEOUT),
        (RemoteProtocolError(), UNAVAILABLE),
        (ConnectionResetError(), UNAVAILABLE),
        (json.JSONDecodeError("x", "秘密", 0), BAD_OUTPUT),
        (UnicodeEncodeError("ascii", "秘密", 0, 1, "x"), BAD_REQUEST),
        (RuntimeError("秘密"), UNAVAILABLE),
    ],
    ids=repr,
)
def test_exception_is_told_by_its_name_alone(error: Exception, expected: ErrorClass) -> None:
    told = classify.converted(error, now=NOW)

    assert (told.kind, told.detail) == (expected, type(error).__name__)


def test_exception_with_a_status_is_read_like_a_body() -> None:
    error = StatusError(429, {"error": {"code": "insufficient_quota"}}, {"retry-after": "7"})

    told = classify.converted(error, now=NOW)

    assert (told.kind, told.retry_after_seconds) == (QUOTA_AUTH, 7.0)


def test_error_crosses_processes() -> None:
    told = pickle.loads(pickle.dumps(ModelError(RATE_LIMIT, "x")))  # noqa: S301 - our own

    assert (told.kind, told.detail) == (RATE_LIMIT, "x")


# --- the end of an answer -----------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["stop", "end_turn", "stop_sequence", "tool_calls", "tool_use"])
def test_answer_that_came_to_its_end_is_whole(reason: str) -> None:
    classify.check_end(reason)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("", BAD_OUTPUT),
        ("length", BAD_OUTPUT),
        ("max_tokens", BAD_OUTPUT),
        ("pause_turn", BAD_OUTPUT),
        ("anything else", BAD_OUTPUT),
        ("content_filter", CONTENT),
        ("refusal", CONTENT),
        ("sensitive", CONTENT),
        ("model_context_window_exceeded", OVERFLOW),
        ("insufficient_system_resource", UNAVAILABLE),
        ("network_error", UNAVAILABLE),
    ],
)
def test_answer_that_was_stopped_is_not(reason: str, expected: ErrorClass) -> None:
    with pytest.raises(ModelError) as caught:
        classify.check_end(reason)

    assert caught.value.kind == expected
    assert not reason or reason not in caught.value.detail


# --- hints to wait ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "-4"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "inf"}, 0),
        ({"retry-after": "1e300"}, 86_400),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=20), usegmt=True)}, 20),
        ({"retry-after": "Fri, 27 Nov 2026 12:00:20"}, 20),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=20), usegmt=True)}, 0),
        ({"retry-after": "Fri, 27 Nov 9999 99:99:99 GMT"}, 0),
        ({"retry-after": "tomorrow"}, 0),
    ],
    ids=repr,
)
def test_hint_to_wait_is_read_in_all_its_forms(headers: dict[str, str], seconds: float) -> None:
    assert classify.retry_after_seconds(headers, now=NOW) == seconds


HINTS = st.text() | st.floats().map(str) | st.datetimes().map(format_datetime)


@given(st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), HINTS))
def test_hint_to_wait_is_sensible_whatever_is_sent(headers: dict[str, str]) -> None:
    assert 0 <= classify.retry_after_seconds(headers, now=NOW) <= classify.LONGEST_WAIT_SECONDS
