"""The report of a trained classifier as its page shows it. Used by prompts.admin.understanding."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompts import understanding
from prompts.admin.candidates import MOODS
from prompts.admin.wording import as_percent, both, in_chinese, pick
from prompts.models import Intent, IntentExample

WORDS = {
    "train_title": both("训练", "Training"),
    "train": both("立即训练", "Train now"),
    "train_help": both(
        "用全部启用的例句训练，需要几十秒。不比生效中的差，就自动生效；更差时由人决定。",
        "From all enabled examples, in some tens of seconds. It is put in force by itself unless it is worse "
        "than the one in force; then a person decides.",
    ),
    "candidates": both("条候选例句等待确认", "candidate examples wait to be accepted"),
    "progress": both("训练进度", "Progress of the training"),
    "stale": both("暂时读不到进度，正在重试…", "No fresh progress, trying again…"),
    "state": both("状态", "State"),
    "active": both("生效中", "in force"),
    "idle": both("未生效", "not in force"),
    "examples": both("例句数", "Examples"),
    "accuracy": both("准确率（交叉验证）", "Accuracy, by cross-validation"),
    "macro_f1": both("宏平均 F1", "Macro F1"),
    "emotion": both("情绪准确率", "Accuracy of the mood"),
    "calibration": both("概率误差", "Calibration error"),
    "seconds": both("训练用时", "Took"),
    "activate": both("启用这个版本…", "Put in force…"),
    "activate_sure": both(
        "几秒内，所有进程都会改用这个版本。想退回时，在旧版本的页面上同样操作。",
        "Every process uses this version within seconds. To go back, do the same on the page of the older one.",
    ),
    "activate_worse": both(
        "它比生效中的版本差。确定要启用吗？",
        "It is worse than the version in force. Put it in force anyway?",
    ),
    "activate_yes": both("确认启用", "Yes, put it in force"),
    "intents": both("各意图", "By intent"),
    "emotions": both("各情绪", "By mood"),
    "label": both("标签", "Label"),
    "rows": both("条数", "Rows"),
    "precision": both("精确率", "Precision"),
    "recall": both("召回率", "Recall"),
    "f1": both("F1", "F1"),
    "confusions": both("最常混淆的", "Confused most often"),
    "taken_for": both("被当成", "Taken for"),
    "none": both("没有。", "None."),
    "doubtful": both("有分歧的例句", "Examples that disagree"),
    "doubtful_help": both(
        "没有见过它们的模型很肯定它们属于别处：也许标签错了。",
        "Models that had not seen them are sure that they belong elsewhere: perhaps the label is wrong.",
    ),
    "example": both("例句", "Example"),
    "sureness": both("把握", "Sure by"),
    "gone": both("例句已删除", "The example was removed"),
}
STEPS = {
    understanding.QUEUED: both("排队中…", "Waiting for a worker…"),
    "reading examples": both("正在读取例句…", "Reading examples…"),
    "fitting": both("正在训练与交叉验证…", "Fitting and cross-validating…"),
    understanding.FAILED: both("训练失败，原因见日志。", "The training failed; the log says why."),
    understanding.NOT_ENOUGH: both(
        "例句太少：至少要有两个意图的例句。",
        "Too few examples: at least two intents with examples are needed.",
    ),
}
OVER = {understanding.FAILED, understanding.NOT_ENOUGH}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An example beside what unseeing models take it for; `row` is None once it was removed."""

    row: IntentExample | None
    label: str
    taken_for: str
    sureness: str


def figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report as texts and tables; what an older report does not have is left empty."""
    called = titles()
    return {
        "classes": [score_line(one, called) for one in report.get("classes", [])],
        "emotion_classes": [score_line(one, MOODS) for one in report.get("emotion_classes", [])],
        "confusions": [named(one, called) for one in report.get("confusions", [])],
        "doubtful": disagreements(report.get("doubtful", []), called),
        "emotion": as_percent(report.get("emotion_accuracy")),
        "calibration": as_percent(report.get("calibration_error")),
    }


def titles() -> dict[str, str]:
    """Every intent's name with its title."""
    return {intent.name: with_title(intent) for intent in Intent.objects.all()}


def with_title(intent: Intent) -> str:
    """ "refund 退款"; in English only where the title says more than the name."""
    title = intent.title_zh if in_chinese() else intent.title_en
    plain = intent.name.replace("_", " ")
    return intent.name if not title or title.lower() == plain else f"{intent.name} {title}"


def named(row: Mapping[str, Any], called: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{key: called.get(row[key], row[key]) for key in ("label", "taken_for")}}


def score_line(score: Mapping[str, Any], called: Mapping[str, Any]) -> dict[str, Any]:
    shares = {name: as_percent(score[name]) for name in ("precision", "recall", "f1")}
    label = called.get(score["label"], score["label"])
    return {"label": label, "rows": score["rows"], **shares}


def disagreements(
    doubtful: Sequence[Mapping[str, Any]], called: Mapping[str, str]
) -> list[Disagreement]:
    keys = [one["example"] for one in doubtful if "example" in one]
    rows = IntentExample.objects.in_bulk(keys)
    return [
        Disagreement(
            rows.get(one.get("example")),
            called.get(one["label"], one["label"]),
            called.get(one["taken_for"], one["taken_for"]),
            as_percent(one["p"], digits=0),
        )
        for one in doubtful
    ]


def standing() -> dict[str, Any]:
    """How the training is, for the page that asks every second."""
    told = understanding.progress()
    what = told.get("what", "")
    return {
        "running": bool(what) and what not in OVER,
        "failed": what in OVER,
        "text": str(STEPS.get(what, what))
        if what
        else pick("没有训练在进行。", "No training runs."),
        "done": int(told.get("done", 0)),
        "steps": int(told.get("steps", 0)),
    }
