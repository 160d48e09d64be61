"""The rules of docs/architecture.md and docs/development.md that a program can check."""

import ast
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
APPS = ("config", "prompts", "chat", "analytics")
SOURCES = (".py", ".js", ".css", ".html")
LINES_MAX, TEST_LINES_MAX = 400, 600
FUNCTION_LINES_MAX, FUNCTION_LINES_P90, FUNCTION_LINES_MEDIAN = 60, 30, 10
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "services", "managers", "misc"}
READERS = {"text", "number", "flag", "listed", "networks", "patterns"}
# They hand their own environment on to the processes they start, and read nothing in it for us.
HANDS_ON = {"config/supervisor/crew.py", "config/bootstrap.py"}
# `text("NAME")` and its like, and endings such as `*_API_KEY`, in the first cell of a table's row.
DOCUMENTED = re.compile(r"`(\*?[A-Z][A-Z0-9_]+|\*_[A-Z_]+)`")
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[0-9][0-9a-z.]*( *; \S.*)? +# \S.{6,}")


def files(*folders: str, endings: tuple[str, ...] = (".py",)) -> list[Path]:
    """The files we wrote, migrations and vendored or hidden folders aside."""
    found = (p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in endings)
    skipped = {"migrations", "node_modules", "vendor", "__pycache__"}
    return sorted(p for p in found if not skipped & set(p.parts))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def trees(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for path in files(*folders):
        yield name(path), ast.parse(path.read_text(encoding="utf-8"))


def too_long(paths: list[Path], *, most: int) -> dict[str, int]:
    lines = {name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in paths}
    return {path: count for path, count in lines.items() if count > most}


def function_lines(*folders: str) -> dict[str, int]:
    """Lines of every function, its decorators aside and its docstring included."""
    return {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in trees(*folders)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@contextmanager
def enabled_loggers() -> Iterator[None]:
    """import-linter sets up its own logging and silences every logger there is, also for the tests that follow."""
    loggers = [
        each
        for each in logging.root.manager.loggerDict.values()
        if isinstance(each, logging.Logger)
    ]
    before = [(logger, logger.disabled) for logger in loggers]
    yield
    for logger, disabled in before:
        logger.disabled = disabled


def test_import_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with enabled_loggers():
        status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_file_is_too_long() -> None:
    ours = files(*APPS, "templates", endings=SOURCES)
    assert too_long(ours, most=LINES_MAX) == {}
    assert too_long(files("tests", endings=SOURCES), most=TEST_LINES_MAX) == {}


def test_no_function_is_too_long() -> None:
    lines = function_lines(*APPS, "tests")
    assert {f: count for f, count in lines.items() if count > FUNCTION_LINES_MAX} == {}


def test_functions_are_short_as_a_rule() -> None:
    lines = list(function_lines(*APPS).values())
    assert median(lines) <= FUNCTION_LINES_MEDIAN
    assert quantiles(lines, n=10)[-1] <= FUNCTION_LINES_P90


def test_modules_are_named_for_an_act_or_a_thing() -> None:
    named = {name(p): {p.stem, *p.relative_to(ROOT).parts} for p in files(*APPS)}
    assert [path for path, names in named.items() if names & FORBIDDEN_NAMES] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [p for p, tree in trees(*APPS, "tests") if tree.body and not ast.get_docstring(tree)]
    assert silent == []


# --- settings --------------------------------------------------------------------------------------


def settings_read() -> set[str]:
    """The variables that config/settings.py reads: their names, and the endings it goes by as *_ENDING."""
    tree = ast.parse((ROOT / "config/settings.py").read_text(encoding="utf-8"))
    found = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        wanted = call.args[0] if call.args else None
        if not (isinstance(wanted, ast.Constant) and isinstance(wanted.value, str)):
            continue
        if isinstance(call.func, ast.Name) and call.func.id in READERS:
            found.add(wanted.value)
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "endswith":
            found.add(f"*{wanted.value}")
    return found


def settings_documented() -> set[str]:
    rows = (ROOT / "docs/settings.md").read_text(encoding="utf-8").splitlines()
    cells = [row.split("|")[1] for row in rows if row.startswith("|")]
    return {found for cell in cells for found in DOCUMENTED.findall(cell)}


def test_every_setting_is_documented_and_no_other() -> None:
    read, documented = settings_read(), settings_documented()
    assert sorted(read - documented) == [], "missing in docs/settings.md"
    by_ending = tuple(found.removeprefix("*") for found in read if found.startswith("*"))
    unread = {found for found in documented - read if not found.endswith(by_ending)}
    assert sorted(unread) == [], "read by nobody"


def test_only_settings_read_the_environment() -> None:
    readers = [
        f"{path}: {ast.unparse(node)}"
        for path, tree in trees(*APPS)
        if path != "config/settings.py" and path not in HANDS_ON
        for node in environment_uses(tree)
    ]
    assert readers == []


def environment_uses(tree: ast.Module) -> Iterator[ast.AST]:
    """`os.environ` and `os.getenv`, except where Django is told which settings to load."""
    naming = [
        call.func.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "setdefault"
        and isinstance(call.args[0], ast.Constant)
        and call.args[0].value == "DJANGO_SETTINGS_MODULE"
    ]
    for node in ast.walk(tree):
        environment = isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
        if environment and ast.unparse(node).startswith("os.") and node not in naming:
            yield node


# --- requirements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_has_a_reason(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert len(wanted) > 10
    assert [line for line in wanted if not REQUIREMENT.fullmatch(line)] == []
