"""Images of customers on disk: cleaned before they are kept, read by signed addresses only.

Called by actions, api and views; transcript signs the addresses. Nothing here trusts what a browser says of a file:
its name and type are never looked at.
"""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageOps

from chat.models import Attachment

log = structlog.get_logger(__name__)

TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}
SIDE_MOST, PIXELS_MOST, KEPT_SIDE = 12_000, 25_000_000, 2560
QUALITY = 85
URL_SECONDS = 600
UNSENT_HOURS = 24
SWEPT_AT_ONCE = 1000
SALT = "chat.media"
LOGOS = "logos"


class Refused(Exception):
    """The file is no image we take; says why in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An image written anew: nothing but pixels is left of the file it came from."""

    body: bytes
    type: str
    width: int
    height: int


def clean(data: bytes, *, side: int = KEPT_SIDE) -> Cleaned:
    """The picture in `data`, at most `side` pixels wide and high; of an animation the first. Raises Refused."""
    if len(data) > settings.UPLOAD_MAX_BYTES:
        most = settings.UPLOAD_MAX_BYTES // 1024 // 1024
        raise Refused(f"图片不能超过 {most} MB。", f"An image may have at most {most} MB.")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            check_size(*opened.size)
            opened.draft("RGB", (side, side))
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((side, side))
            return written(upright)
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001
        # Decoders fail in many ways on files that are made to break them; none of them is news.
        log.info("image_refused", error=type(error).__name__)
        raise Refused(
            "请上传 JPEG、PNG、WebP 或 GIF 图片。", "Send a JPEG, PNG, WebP or GIF image."
        ) from None


def check_size(width: int, height: int) -> None:
    """Before a pixel is decoded: a small file may unpack to gigabytes."""
    if max(width, height) > SIDE_MOST or width * height > PIXELS_MOST:
        raise Refused("图片尺寸太大。", "The image has too many pixels.")


def written(image: Image.Image) -> Cleaned:
    """Only the pixels are carried over to a new image: no metadata, profile, comment or trailing bytes."""
    transparent = image.has_transparency_data
    mode = "RGBA" if transparent else "RGB"
    fresh = Image.new(mode, image.size)
    fresh.paste(image.convert(mode))
    body = BytesIO()
    if transparent:
        fresh.save(body, "PNG", optimize=False)
    else:
        fresh.save(body, "JPEG", quality=QUALITY)
    type_ = "image/png" if transparent else "image/jpeg"
    return Cleaned(body.getvalue(), type_, *image.size)


def store(cleaned: Cleaned, *, folder: str = "") -> str:
    """Writes the image under a name nobody can guess; its path under the media folder. Raises OSError."""
    name = secrets.token_hex(16)
    path = f"{folder or name[:2]}/{name}.{ENDINGS[cleaned.type]}"
    target = settings.MEDIA_ROOT / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(cleaned.body)
    return path


def read(path: str) -> bytes | None:
    """The file of a row, or None when it is gone."""
    try:
        return (settings.MEDIA_ROOT / path).read_bytes()
    except FileNotFoundError:
        return None


def remove(paths: Iterable[str]) -> None:
    """Deletes files; those that are gone already are no matter."""
    for path in paths:
        try:
            (settings.MEDIA_ROOT / path).unlink(missing_ok=True)
        except OSError as error:
            log.error("image_not_removed", error=type(error).__name__)


def strays(*, older_than: float) -> list[Path]:
    """Files that were last written before `older_than`, a Unix time; some of them may have no row."""
    files = settings.MEDIA_ROOT.glob("[0-9a-f][0-9a-f]/*")
    return [path for path in files if path.stat().st_mtime < older_than]


def fields(attachment: Attachment) -> dict[str, object]:
    """What a message keeps of an image, so that it is shown without a query."""
    return {
        "id": str(attachment.pk),
        "type": attachment.type,
        "width": attachment.width,
        "height": attachment.height,
        "bytes": attachment.bytes,
    }


def url(attachment_id: str) -> str:
    """An address that shows one image for URL_SECONDS, to whoever has it."""
    token = signing.TimestampSigner(salt=SALT).sign(UUID(attachment_id).hex)
    return reverse("media", args=[token])


def opened(token: str) -> UUID | None:
    """The image a signed address names, unless it is forged or too old."""
    try:
        return UUID(signing.TimestampSigner(salt=SALT).unsign(token, max_age=URL_SECONDS))
    except (signing.BadSignature, ValueError):
        return None


def sweep() -> int:
    """Removes images that were never sent, and those older than the shop keeps them; how many."""
    now = timezone.now()
    unsent = Attachment.objects.filter(
        message=None, created_at__lt=now - timedelta(hours=UNSENT_HOURS)
    )
    old = Attachment.objects.filter(created_at__lt=now - timedelta(days=settings.IMAGE_DAYS))
    gone = 0
    for rows in (unsent, old):
        paths = dict(rows.values_list("pk", "path")[:SWEPT_AT_ONCE])
        remove(paths.values())
        gone += Attachment.objects.filter(pk__in=paths).delete()[0]
    remove_strays(now.timestamp() - UNSENT_HOURS * 3600)
    return gone


def remove_strays(older_than: float) -> None:
    """Files without a row: a process died between the two."""
    for path in strays(older_than=older_than)[:SWEPT_AT_ONCE]:
        name = f"{path.parent.name}/{path.name}"
        if not Attachment.objects.filter(path=name).exists():
            remove([name])
