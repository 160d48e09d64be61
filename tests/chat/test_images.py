"""Images: what is taken, what is left of it, who may see it, and how it goes away."""

import uuid
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image, PngImagePlugin

from chat import auth, media
from chat.actions import privacy
from chat.actions import visitor as actions
from chat.models import Attachment, Inbox, Message, Visitor
from tests.factories import VisitorFactory

pytestmark = pytest.mark.django_db

UPLOAD = "/api/v1/client/attachments"
SECRET = b"GPS 31.2304 121.4737"


@pytest.fixture(autouse=True)
def media_root(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def visitor() -> Any:
    return VisitorFactory.create()


def bearer(visitor: Visitor) -> Client:
    return Client(headers={"authorization": f"Bearer {auth.issue(visitor).text}"})


def picture(kind: str = "JPEG", *, size: tuple[int, int] = (60, 40), **save: Any) -> bytes:
    body = BytesIO()
    Image.new("RGB", size, "#14665a").save(body, kind, **save)
    return body.getvalue()


def send(visitor: Visitor, data: bytes, *, name: str = "a.jpg", type_: str = "image/jpeg") -> Any:
    file = SimpleUploadedFile(name, data, content_type=type_)
    return bearer(visitor).post(UPLOAD, {"file": file}, headers={"accept-language": "en"})


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = 6  # turned by a quarter
    return picture(exif=exif, comment=SECRET)


def with_text() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode())
    return picture("PNG", pnginfo=info)


def animated() -> bytes:
    body = BytesIO()
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue", "green")]
    frames[0].save(body, "GIF", save_all=True, append_images=frames[1:])
    return body.getvalue()


def test_an_upload_has_the_documented_shape(visitor: Any, media_root: Path) -> None:
    response = send(visitor, picture())

    body = response.json()
    row = Attachment.objects.get()
    assert response.status_code == 201
    assert set(body) == {"id", "url", "type", "width", "height", "bytes"}
    assert (body["id"], body["type"], body["width"], body["height"]) == (
        str(row.pk), "image/jpeg", 60, 40,
    )  # fmt: skip
    file = media_root / row.path
    assert file.stat().st_mode & 0o777 == 0o600
    assert body["bytes"] == file.stat().st_size


@pytest.mark.parametrize("make", [with_exif, with_text])
def test_metadata_is_gone_and_the_picture_upright(visitor: Any, make: Any) -> None:
    before = make()
    assert SECRET in before
    send(visitor, before)

    kept = media.read(Attachment.objects.get().path) or b""
    assert SECRET not in kept
    assert not Image.open(BytesIO(kept)).getexif()
    if make is with_exif:
        assert Image.open(BytesIO(kept)).size == (40, 60)


def test_what_hides_behind_a_picture_is_cut_off(visitor: Any) -> None:
    polyglot = picture() + b"<script>alert(1)</script><?php system($_GET[0]); ?>PK\x03\x04"
    response = send(visitor, polyglot, name="a.php.jpg")

    kept = media.read(Attachment.objects.get().path) or b""
    assert response.status_code == 201
    assert b"script" not in kept
    assert b"PK\x03\x04" not in kept


def test_an_animation_becomes_its_first_picture(visitor: Any) -> None:
    send(visitor, animated())

    kept = Image.open(BytesIO(media.read(Attachment.objects.get().path) or b""))
    assert getattr(kept, "n_frames", 1) == 1
    assert kept.convert("RGB").getpixel((5, 5))[0] > 200  # type: ignore[index]


def test_a_large_picture_is_made_smaller(visitor: Any) -> None:
    send(visitor, picture(size=(4000, 1000)))

    row = Attachment.objects.get()
    assert (row.width, row.height) == (2560, 640)


def test_transparency_is_kept(visitor: Any) -> None:
    body = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(body, "PNG")

    assert send(visitor, body.getvalue()).json()["type"] == "image/png"


def huge_claim() -> bytes:
    """A PNG of a few hundred bytes whose header claims 60,000 by 60,000 pixels."""
    data = bytearray(picture("PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    crc = __import__("zlib").crc32(bytes(data[12:29]))
    data[29:33] = crc.to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.jpg"),
        (b"\xff\xd8\xff", "cut.jpg"),
        (picture()[:200], "half.jpg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg"),
        (b"<html><script>alert(1)</script></html>", "a.png"),
        (b"GIF89a<script>alert(1)</script>", "a.gif"),
        (b"%PDF-1.7 " * 50, "a.pdf"),
        (picture("BMP"), "a.bmp"),
        (picture("TIFF"), "a.tiff"),
        (huge_claim(), "bomb.png"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_no_picture_we_take_is_refused_clearly(
    visitor: Any, data: bytes, name: str, media_root: Path
) -> None:
    response = send(visitor, data, name=name)

    body = response.json()
    assert (response.status_code, body["code"]) == (422, "invalid_frame")
    assert "image" in body["detail"]
    assert not Attachment.objects.exists()
    assert not list(media_root.rglob("*.*"))


def test_a_file_that_is_too_large_is_refused(visitor: Any, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    response = send(visitor, picture() + b"x" * 1000)

    assert response.status_code == 422
    assert "at most" in response.json()["detail"]


def test_uploads_are_limited_per_visitor(visitor: Any, settings: Any) -> None:
    settings.UPLOADS_PER_MINUTE = 3
    statuses = [send(visitor, picture()).status_code for _ in range(5)]

    assert statuses == [201, 201, 201, 429, 429]
    assert send(VisitorFactory.create(inbox=visitor.inbox), picture()).status_code == 201


def test_uploading_needs_a_token_and_an_inbox_that_takes_images(visitor: Any) -> None:
    file = SimpleUploadedFile("a.jpg", picture())
    assert Client().post(UPLOAD, {"file": file}).status_code == 401
    Inbox.objects.update(uploads=False)
    assert send(visitor, picture()).status_code == 404
    assert bearer(visitor).post(UPLOAD, {}).status_code in {404, 422}


# --- who sees it -----------------------------------------------------------------------------------


def test_the_address_shows_the_picture_locked_down(visitor: Any) -> None:
    url = send(visitor, picture()).json()["url"]

    response = Client().get(url)

    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(response.content)).size == (60, 40)
    assert response["Content-Disposition"].startswith("attachment; filename=")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cache-Control"].startswith("private")
    assert "Set-Cookie" not in response


def test_an_address_ends_and_cannot_be_made(visitor: Any) -> None:
    url = send(visitor, picture()).json()["url"]
    forged = f"{url[:-5]}{'AAAA' if url[-5:-1] != 'AAAA' else 'BBBB'}/"

    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert Client().get(url).status_code == 404
    assert Client().get(forged).status_code == 404
    assert Client().get(f"/media/{Attachment.objects.get().pk.hex}/").status_code == 404
    assert Client().get("/media/../settings.py/").status_code == 404


def test_only_its_visitor_gets_a_fresh_address(visitor: Any) -> None:
    pk = send(visitor, picture()).json()["id"]
    stranger = VisitorFactory.create(inbox=visitor.inbox)

    assert bearer(visitor).get(f"{UPLOAD}/{pk}").status_code == 200
    assert bearer(stranger).get(f"{UPLOAD}/{pk}").status_code == 404
    assert bearer(visitor).get(f"{UPLOAD}/{uuid.uuid4()}").status_code == 404


# --- in a conversation -----------------------------------------------------------------------------


def post(visitor: Visitor, *ids: str, text: str = "", client_id: Any = None) -> Any:
    body = {"client_id": str(client_id or uuid.uuid4()), "text": text, "attachments": list(ids)}
    return bearer(visitor).post("/api/v1/client/messages", body, content_type="application/json")


def test_a_line_shows_its_pictures(visitor: Any) -> None:
    sent = send(visitor, picture()).json()

    assert post(visitor, sent["id"]).status_code == 202

    frame = bearer(visitor).get("/api/v1/client/conversation").json()["messages"][0]
    assert (frame["text"], frame["html"]) == ("", "")
    assert frame["attachments"][0] | {"url": ""} == sent | {"url": ""}
    assert Client().get(frame["attachments"][0]["url"]).status_code == 200
    assert Message.objects.get().text == "[图片]"


def test_the_same_line_again_is_one_line(visitor: Any) -> None:
    pk, client_id = send(visitor, picture()).json()["id"], uuid.uuid4()

    first = post(visitor, pk, text="看图", client_id=client_id).json()

    assert post(visitor, pk, text="看图", client_id=client_id).json() == first
    assert Message.objects.count() == 1


def test_a_line_takes_only_own_unsent_pictures(visitor: Any) -> None:
    mine = send(visitor, picture()).json()["id"]
    theirs = send(VisitorFactory.create(inbox=visitor.inbox), picture()).json()["id"]
    assert post(visitor, theirs).status_code == 404
    assert post(visitor, mine, mine).status_code in {404, 422}
    assert post(visitor, str(uuid.uuid4())).status_code == 404
    assert not Message.objects.exists()
    assert post(visitor, mine).status_code == 202
    assert post(visitor, mine).status_code == 404


def test_erasing_a_visitor_removes_the_pictures(visitor: Any, media_root: Path) -> None:
    sent = send(visitor, picture()).json()
    post(visitor, sent["id"], text="看")
    send(visitor, picture())
    assert len(privacy.export(visitor)["images"]) == 2

    counts = privacy.erase(visitor)

    assert counts["images"] == 2
    assert not list(media_root.rglob("*.*"))
    assert Client().get(sent["url"]).status_code == 404


def test_unsent_and_old_pictures_and_strays_are_swept(
    visitor: Any, settings: Any, media_root: Path
) -> None:
    settings.IMAGE_DAYS = 30
    kept = send(visitor, picture()).json()["id"]
    post(visitor, kept, text="看")
    send(visitor, picture())
    stray = media_root / "ab" / "stray.jpg"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"x")
    assert media.sweep() == 0

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert media.sweep() == 1
    assert [str(row.pk) for row in Attachment.objects.all()] == [kept]
    assert not stray.exists()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert media.sweep() == 1
    assert not list(media_root.rglob("*.*"))
    assert Message.objects.count() == 1


def test_an_inbox_says_what_it_takes(visitor: Any, settings: Any) -> None:
    body = (
        Client()
        .post(
            "/api/v1/client/sessions", {"inbox": visitor.inbox.key}, content_type="application/json"
        )
        .json()
    )

    assert body["inbox"]["upload"] == {
        "max_bytes": settings.UPLOAD_MAX_BYTES,
        "types": ["image/jpeg", "image/png", "image/webp", "image/gif"],
    }


def test_a_full_disk_is_an_error_of_the_upload_only(
    visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.open", full)

    assert send(visitor, picture()).status_code == 503
    assert actions.enter(visitor).last_seq == 0
