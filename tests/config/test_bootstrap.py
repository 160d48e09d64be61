"""What the bootstrap decides: which Python, whether there is something to install, what to tell uv and the operator."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from config import bootstrap

SOURCE = Path(bootstrap.__file__)


def run_as_python(version: str) -> "subprocess.CompletedProcess[str]":
    pretend = f"import sys; sys.version_info = {version}; exec(open({str(SOURCE)!r}).read())"
    return subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with requirement files and an empty environment."""
    for name in bootstrap.FILES["dev"]:
        (tmp_path / name).write_text(f"# {name}")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "PYTHON", python)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "installed.json")
    return tmp_path


def test_old_python_is_named_in_one_line() -> None:
    done = run_as_python("(3, 9, 18, 'final', 0)")
    assert done.returncode == 1
    assert done.stderr == "Yingda needs Python 3.11 or newer, this is 3.9\n"


def test_old_python_can_parse_it() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 4))


@pytest.mark.parametrize("words", [[], ["everything"], ["dev", "runtime"]])
def test_unknown_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="usage: "):
        bootstrap.main(words)


def test_fresh_environment_needs_an_installation(project: Path) -> None:
    assert not bootstrap.is_installed("runtime")


def test_dev_installation_covers_the_runtime(project: Path) -> None:
    bootstrap.stamp("dev")
    assert bootstrap.is_installed("dev")
    assert bootstrap.is_installed("runtime")


def test_runtime_installation_is_not_enough_for_dev(project: Path) -> None:
    bootstrap.stamp("runtime")
    assert bootstrap.is_installed("runtime")
    assert not bootstrap.is_installed("dev")


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt"])
def test_changed_pins_need_an_installation(project: Path, name: str) -> None:
    bootstrap.stamp("dev")
    (project / name).write_text("something==2")
    assert not bootstrap.is_installed("runtime")


def test_environment_whose_python_vanished_needs_an_installation(project: Path) -> None:
    bootstrap.stamp("dev")
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.symlink_to(project / "gone")
    assert not bootstrap.is_installed("runtime")


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_broken_stamp_needs_an_installation(project: Path, content: str) -> None:
    bootstrap.STAMP.write_text(content)
    assert not bootstrap.is_installed("runtime")


def test_uv_is_told_what_pip_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, _ in bootstrap.UV_NAMES.values():
        monkeypatch.delenv(name, raising=False)
    environment = bootstrap.uv_environment(
        ":env:.find-links='/wheels'\n"
        "global.extra-index-url='https://one.test/simple\\nhttps://two.test/simple'\n"
        "global.find-links='/ignored'\n"
        "global.index-url='https://three.test/simple'\n"
        "global.no-index='true'\n"
        "list.format='columns'\n"
    )
    assert environment == {
        "UV_DEFAULT_INDEX": "https://three.test/simple",
        "UV_EXTRA_INDEX_URL": "https://one.test/simple https://two.test/simple",
        "UV_FIND_LINKS": "/wheels",
        "UV_NO_INDEX": "1",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_setting_for_uv_itself_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine.test/simple")
    assert "UV_DEFAULT_INDEX" not in bootstrap.uv_environment(
        "global.index-url='https://pip.test/simple'"
    )


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (
            "ERROR: No matching distribution found for nh3==0.3.8\n",
            "no wheel of nh3==0.3.8 for Python ",
        ),
        (
            "ERROR: Cannot install nh3==0.3.8 because these\nERROR: help",
            "no wheel of nh3==0.3.8 for Python ",
        ),
        (
            "WARNING: Retrying: NewConnectionError\nERROR: No matching distribution found for a",
            "the package index ",
        ),
        (
            "one\n\nERROR: No space left on device\n",
            "cannot install the packages: ERROR: No space left on device",
        ),
        ("", "cannot install the packages: no reason given"),
    ],
)
def test_failed_installation_is_told_in_one_line(output: str, expected: str) -> None:
    reason = bootstrap.reason_of(output)
    assert reason.startswith(expected)
    assert "\n" not in reason


def test_python_without_venv_is_told_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.PYTHON.unlink()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"^yingda: .*apt-get install python3\.\d+-venv"):
        bootstrap.ensure_venv()


def test_missing_browser_names_the_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="install the packages chromium fonts-noto-cjk"):
        bootstrap.ensure_browser()


def test_command_that_does_not_exist_counts_as_failed() -> None:
    code, output = bootstrap.run(["/no/such/command"])
    assert code == 127
    assert "/no/such/command" in output
