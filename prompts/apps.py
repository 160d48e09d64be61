"""Registers the app with Django, and says what its rows are called."""

from django.apps import AppConfig
from typing_extensions import override

from prompts.bilingual import both, name_rows

NAMES = {
    "AuditEntry": ("审计记录", "change", "audit"),
    "PromptDraft": ("提示词草稿", "prompt draft", "prompt drafts"),
    "Prompt": ("提示词", "prompt", "prompts"),
    "PromptVersion": ("提示词版本", "prompt version", "prompt versions"),
    "PublishRequest": ("发布申请", "publish request", "publish requests"),
    "FewShotExample": ("示例对话", "few-shot example", "few-shot examples"),
    "Sop": ("标准应答 SOP", "SOP", "SOPs"),
    "SopFinding": ("重复或冲突的 SOP", "SOP finding", "SOP findings"),
    "SopImport": ("SOP 导入", "SOP import", "SOP imports"),
    "SopQuestion": ("SOP 问法", "SOP question", "SOP questions"),
    "ModelEndpoint": ("模型端点", "model endpoint", "model endpoints"),
    "ModelCall": ("模型调用", "model call", "model calls"),
    "Budget": ("预算", "budget", "budgets"),
    "QualityCell": ("质量统计", "quality cell", "quality cells"),
    "RoutePolicy": ("路由策略", "route policy", "route policies"),
    "Canary": ("灰度", "canary", "canaries"),
    "LoadPolicy": ("负载策略", "load policy", "load policy"),
    "Intent": ("意图", "intent", "intents"),
    "IntentExample": ("例句", "intent example", "intent examples"),
    "Candidate": ("候选例句", "candidate", "candidates"),
    "EvalSet": ("评测集", "evaluation set", "evaluation sets"),
    "EvalCase": ("评测用例", "evaluation case", "evaluation cases"),
    "EvalResult": ("评测结果", "evaluation result", "evaluation results"),
    "EvalRun": ("评测", "evaluation run", "evaluation runs"),
    "Release": ("发布", "release", "releases"),
    "ReleaseMove": ("发布经过", "release step", "release steps"),
    "SopSet": ("标准应答集", "SOP set", "SOP sets"),
    "SopVersion": ("SOP 版本", "SOP version", "SOP versions"),
    "SopVersionQuestion": (
        "SOP 版本问法",
        "question of an SOP version",
        "questions of SOP versions",
    ),
    "NluModel": ("分类器", "classifier", "classifiers"),
}


class PromptsConfig(AppConfig):
    name = "prompts"
    verbose_name = both("提示词与模型", "Prompts and models")

    @override
    def ready(self) -> None:
        # Inline: it knows rows, which are there once Django is set up.
        from prompts import audit  # noqa: PLC0415

        name_rows(self, NAMES)
        audit.listen()
