"""The table of a load test, as articles on such systems show it, in Markdown, in Chinese and in English. Pure."""

from collections.abc import Iterable

from analytics.loadtests.record import Figures, Record, moment

DASH = "—"
HEADS = {
    "zh": ("模型", "请求数", "平均响应", "P50", "P95", "P99", "首字 P50", "成功率", "单轮 Token（输入+输出）"),
    "en": ("Model", "Requests", "Average", "P50", "P95", "P99", "First token P50", "Success", "Tokens a turn (in + out)"),
}  # fmt: skip
ALL = {"zh": "全部", "en": "All"}
NO_MODEL = {"zh": "无模型（SOP）", "en": "no model (SOP)"}
TITLES = {"zh": "压测", "en": "Load test"}
MODES = {
    ("closed", "zh"): "{users} 个并发用户，{seconds:g} 秒",
    ("closed", "en"): "{users} users at a time, {seconds:g} s",
    ("open", "zh"): "每秒到达 {rate:g} 个问题（开环），{seconds:g} 秒",
    ("open", "en"): "{rate:g} questions a second arriving (open loop), {seconds:g} s",
}
CORES = {"zh": "{cores} 核{shared}", "en": "{cores} cores{shared}"}
SHARED = {"zh": "（压测端同机）", "en": " shared with the load"}
FAILED = {"zh": "失败：", "en": "Failed: "}


def markdown(record: Record, language: str) -> str:
    """`language` is "zh" or "en". The record holds its figures."""
    rows = [] if record.whole is None else [*record.models, record.whole]
    names = [name_of(row, language) for row in record.models] + [ALL[language]]
    lines = [
        f"**{TITLES[language]}** {moment(record.at)} UTC · {shape(record, language)} · {machine(record, language)}",
        "",
        line(HEADS[language]),
        line(["---", *["---:"] * (len(HEADS[language]) - 1)]),
        *(line([name, *cells(row)]) for name, row in zip(names, rows, strict=True)),
    ]
    if record.errors:
        said = ", ".join(f"{word} {count}" for word, count in record.errors.items())
        lines += ["", FAILED[language] + said]
    return "\n".join(lines) + "\n"


def shape(record: Record, language: str) -> str:
    return MODES[record.mode, language].format(
        users=record.users, rate=record.rate, seconds=record.seconds
    )


def machine(record: Record, language: str) -> str:
    """Version and cores of what was under load."""
    platform = record.platform
    if platform is None:
        return DASH
    shared = SHARED[language] if record.shared else ""
    cores = CORES[language].format(cores=platform.cores, shared=shared)
    return f"{version(platform.version, platform.commit)} · {cores}"


def version(number: str, commit: str) -> str:
    return f"{number} ({commit})" if commit else number


def name_of(row: Figures, language: str) -> str:
    return row.model or NO_MODEL[language]


def cells(row: Figures) -> list[str]:
    """The figures of a row from the number of requests on, as they are shown."""
    times = (row.mean_ms, row.p50_ms, row.p95_ms, row.p99_ms, row.first_p50_ms)
    return [f"{row.sent:,}", *map(milliseconds, times), share(row), tokens(row)]


def milliseconds(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:.0f} ms" if value < 10_000 else f"{value / 1000:.1f} s"


def share(row: Figures) -> str:
    """Rounded down: only a run without a failure shows 100 %."""
    if row.success is None:
        return DASH
    return f"{int(row.success * 10_000) / 100:.2f}%"


def tokens(row: Figures) -> str:
    if row.tokens_in is None or row.tokens_out is None:
        return DASH
    return f"{row.tokens_in:.0f} + {row.tokens_out:.0f}"


def line(found: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in found)} |"
