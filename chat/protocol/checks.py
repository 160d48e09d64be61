"""What may be in a frame: texts, ids, links; and the errors that say what may not."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
)

SUBPROTOCOL = "yingda.v1"
TEXT_MAX_CHARS = 4000
ATTACHMENTS_MOST = 4
CLOSE_INVALID, CLOSE_UNAUTHORIZED, CLOSE_ORIGIN = 4400, 4401, 4403
CLOSE_FLOODING = 4429  # 4408 and 1012 are sent by the server underneath, see config.web

# C0 and C1 controls except tab, newline and carriage return; also the two noncharacters.
FORBIDDEN_CHARS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")

LINK = re.compile(r"(https?://|/(?!/))[^\s<>\"']*")

ErrorCode = Literal[
    "unauthorized",
    "forbidden_origin",
    "identity_invalid",
    "invalid_frame",
    "too_long",
    "rate_limited",
    "conflict",
    "not_found",
    "unavailable",
]

ERROR_TEXTS: dict[ErrorCode, tuple[str, str]] = {
    "unauthorized": ("会话已失效，请刷新页面", "Your session has ended. Please reload the page."),
    "forbidden_origin": ("此网站未获授权使用客服", "This site may not use this chat."),
    "identity_invalid": ("身份信息无效", "The identity is not valid."),
    "invalid_frame": ("消息格式有误，未发送", "The message was malformed and was not sent."),
    "too_long": (
        f"消息过长，请控制在{TEXT_MAX_CHARS}字以内",
        f"The message is too long. Please keep it under {TEXT_MAX_CHARS:,} characters.",
    ),
    "rate_limited": ("发送太快了，请稍后再试", "You are sending too fast. Please wait a moment."),
    "conflict": ("消息重复，未发送", "That message conflicts with an earlier one."),
    "not_found": ("没有找到对应的会话", "That conversation was not found."),
    "unavailable": (
        "服务暂时不可用，请稍后重试",
        "The service is unavailable. Please try again shortly.",
    ),
}


class ProtocolError(Exception):
    """A frame or body that cannot be accepted; carries what the sender needs to be told."""

    def __init__(
        self,
        code: ErrorCode,
        *,
        client_id: UUID | None = None,
        retry_after_ms: int | None = None,
        detail: tuple[str, str] | None = None,
    ) -> None:
        """`detail` says more than the code does, in Chinese and in English."""
        super().__init__(code)
        self.code: ErrorCode = code
        self.detail = detail
        self.client_id = client_id
        self.retry_after_ms = retry_after_ms


def check_text(text: str) -> str:
    """`text` as it may be stored: something visible, no control characters, encodable, not too long.

    Raises ProtocolError with `too_long` or `invalid_frame`.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise ProtocolError("too_long")
    if not text.strip() or not storable(text):
        raise ProtocolError("invalid_frame")
    return text


def storable(text: str) -> bool:
    """False for control characters and for what UTF-8 cannot carry."""
    return not FORBIDDEN_CHARS.search(text) and encodable(text)


def as_storable(text: str) -> str:
    if not storable(text):
        raise ValueError("control characters")
    return text


def encodable(text: str) -> bool:
    """False for lone surrogates, which JSON can carry and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_uuid(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str):
        raise ValueError("a UUID string is wanted")
    return UUID(value)


def as_text(value: object) -> object:
    """Numbers, as prices are, become text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def as_link(text: str) -> str:
    """A web address, or a path of the page's own site."""
    if not LINK.fullmatch(text):
        raise ValueError("no web address")
    return text


def else_none(value: object, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        if isinstance(value, dict):
            return None
        raise


Words = Annotated[str, AfterValidator(as_storable)]
ClientId = Annotated[UUID, BeforeValidator(as_uuid)]
Seq = Annotated[int, Field(ge=0, le=2**53)]
Label = Annotated[Words, BeforeValidator(as_text), Field(min_length=1, max_length=200)]
Link = Annotated[Words, AfterValidator(as_link), Field(max_length=500)]
