"""The widget's files: small enough, complete, and still what was written once the comments are gone."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client

from chat import assets
from tests.factories import InboxFactory
from tests.javascript_types import node

EMBED_BYTES = 6 * 1024
WIDGET_BYTES = 40 * 1024
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["'`]\./([^"'`]+)["'`]""")


def test_embed_script_is_small() -> None:
    assert len(assets.embed().body) <= EMBED_BYTES


@pytest.mark.parametrize("language", ["zh", "tw", "en"])
def test_the_whole_frame_is_small(language: str) -> None:
    """Everything one visitor can come to load: page, styles, all modules and a language."""
    files = assets.widget().files
    wanted = {*assets.STYLES, *assets.widget().modules(), f"texts_{language}.js", "icon.svg"}
    sizes = {name: len(files[name].body) for name in wanted}

    assert sum(sizes.values()) <= WIDGET_BYTES, sizes


def test_nothing_but_languages_and_previews_is_left_out_of_that() -> None:
    files = assets.widget().files
    left = {*files} - {*assets.widget().modules(), *assets.STYLES}

    assert left == {"icon.svg", "preview.js", "texts_en.js", "texts_tw.js", "texts_zh.js"}


def test_where_the_library_is_missing_files_are_longer_and_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    short = assets.shorten({"a.js": "  // why\n  f(1);\n", "a.css": "/* why */\na {\n}\n"})

    assert short == {"a.js": "f(1);\n", "a.css": "a {\n}\n"}


def test_every_style_and_every_import_is_there() -> None:
    files = assets.widget().files
    imported = {
        name
        for asset in files.values()
        if asset.content_type.startswith("text/javascript")
        for name in IMPORTED.findall(asset.plain.decode())
    }

    assert {*assets.STYLES} == {name for name in files if name.endswith(".css")}
    assert "store.js" in imported
    assert imported <= {*files}


def test_no_comment_is_left_and_what_is_left_parses(tmp_path: Path) -> None:
    scripts = {"embed.mjs": assets.embed()} | {
        name.replace(".js", ".mjs"): asset
        for name, asset in assets.widget().files.items()
        if name.endswith(".js")
    }
    for name, asset in scripts.items():
        path = tmp_path / name
        path.write_bytes(asset.plain)
        run = subprocess.run([str(node()), "--check", str(path)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert "@param" not in asset.plain.decode()
    assert len(scripts) > 10


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("  // said once\nconst a = 1;\n", "const a = 1;\n"),
        ("/** @type {A} */ (a).b();\n", "(a).b();\n"),
        ('const a = "https://a.example";\n', 'const a = "https://a.example";\n'),
        ("a();\n  // first\n  // second\n  b();\n", "a();\nb();\n"),
    ],
)
def test_only_comments_and_indentation_go(source: str, left: str) -> None:
    assert assets.slim(source, ".js") == left


@pytest.mark.django_db
def test_frame_names_files_that_are_kept_for_ever() -> None:
    browser = Client()
    inbox = InboxFactory.create()
    page = browser.get(f"/widget/{inbox.key}/").content.decode()
    addresses = re.findall(r'(?:href|src)="(/widget/files/[^"]+)"', page)

    assert len(addresses) > 20
    for address in addresses:
        response = browser.get(address, headers={"accept-encoding": "gzip, br"})
        asset = assets.widget().files[address.rpartition("/")[2]]
        assert gzip.decompress(response.content) == asset.plain
        assert response["Cache-Control"] == "public, max-age=31536000, immutable"
        assert response["Content-Type"] == asset.content_type
        assert "Accept-Encoding" in response["Vary"]


def test_a_reader_without_gzip_gets_plain_text() -> None:
    version = assets.widget().version
    response = Client().get(f"/widget/files/{version}/store.js")

    assert response.content == assets.widget().files["store.js"].plain
    assert "Content-Encoding" not in response


def test_files_of_another_version_are_not_kept() -> None:
    assert Client().get("/widget/files/older/store.js")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fembed.js", "__init__.py"])
def test_there_are_no_other_files(name: str) -> None:
    assert Client().get(f"/widget/files/x/{name}").status_code == 404
