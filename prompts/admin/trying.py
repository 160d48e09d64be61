"""The page on which staff ask every endpoint a question and see what it says, takes and costs."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from unfold.admin import ModelAdmin

from prompts import controls, snapshot, trials
from prompts.admin.wording import as_money, as_ms, both, pick
from prompts.models import ModelEndpoint

QUESTION = "我的订单怎么还没到？"
QUESTION_CHARS = 500
WORDS = {
    "title": both("试一试模型", "Try the models"),
    "intro": both(
        "每次提问都会真实调用服务商并记入账本，可能产生费用。",
        "Every question is a real call to the vendor: it is written to the ledger and may cost money.",
    ),
    "question": both("要问的问题", "Question"),
    "try": both("试一试", "Try"),
    "try_all": both("全部试一试", "Try all"),
    "first_token": both("首字", "First token"),
    "total": both("总时长", "Total"),
    "tokens_in": both("输入 token", "Tokens in"),
    "tokens_out": both("输出 token", "Tokens out"),
    "cost": both("费用", "Cost"),
    "answer": both("回答", "Answer"),
    "not_yet": both("还没有试过", "Not tried yet"),
    "running": both("正在等待回答…", "Waiting for the answer…"),
    "done": both("完成", "Done"),
    "failed": both("失败", "Failed"),
    "unreachable": both(
        "没有连上本平台。请检查网络后再试。",
        "This platform did not answer. Check the connection and try again.",
    ),
    "signed_out": both(
        "登录已失效或权限不足，请刷新页面。",
        "You are signed out or not allowed to. Reload the page.",
    ),
    "has_key": both("有密钥", "key present"),
    "no_key": both("没有密钥", "no key"),
    "set_key": both("请设置环境变量", "Set the variable"),
    "back": both("返回模型列表", "Back to the models"),
    "none": both("没有启用的模型。", "No model is enabled."),
}
BREAKERS = {
    "closed": both("正常", "healthy"),
    "half_open": both("试探中", "being probed"),
    "open": both("已熔断", "cut off"),
}
ERRORS = {
    "no_key": both("没有密钥：请设置环境变量。", "There is no key: set the variable."),
    "rate_limit": both(
        "服务商限流：请求太多。稍等一分钟再试。",
        "The vendor limits us: too many requests. Wait a minute and try again.",
    ),
    "timeout": both("等了太久没有回答。", "No answer came in time."),
    "unavailable": both(
        "服务商出错或连不上。请检查服务地址，或稍后再试。",
        "The vendor failed or cannot be reached. Check the base URL, or try again later.",
    ),
    "quota_auth": both(
        "密钥被拒绝，或额度已用完。请检查密钥与账户余额。",
        "The key was refused or the quota is used up. Check the key and the account.",
    ),
    "content": both(
        "服务商的内容审核拒绝了这个问题或回答。",
        "The vendor's content filter refused the question or the answer.",
    ),
    "bad_request": both(
        "服务商不接受这个请求。请检查模型名称与能力设置。",
        "The vendor does not accept the request. Check the model's name and its capabilities.",
    ),
    "overflow": both(
        "问题对这个模型来说太长。", "The question is too long for this model's window."
    ),
    "bad_output": both("回答不完整或格式不对。", "The answer was cut off or malformed."),
}


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Lists the enabled endpoints with their key and breaker. Asks nobody."""
    breakers = controls.board().breakers
    rows = [
        as_card(row, breaker=breakers.get(row.name, "closed"))
        for row in ModelEndpoint.objects.filter(enabled=True)
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": WORDS["title"],
        "t": WORDS,
        "rows": rows,
        "question": QUESTION,
        "question_chars": QUESTION_CHARS,
    }
    return render(request, "admin/prompts/modelendpoint/try.html", context)


def as_card(row: ModelEndpoint, *, breaker: str) -> dict[str, Any]:
    return {
        "row": row,
        "has_key": row.provider == "sop" or bool(snapshot.key_of(row)),
        "breaker": breaker,
        "breaker_text": BREAKERS.get(breaker, breaker),
    }


def try_one(request: HttpRequest, model_admin: ModelAdmin, *, pk: int) -> HttpResponse:
    """Asks one endpoint the posted question and replies as JSON. Raises PermissionDenied."""
    row = get_object_or_404(ModelEndpoint, pk=pk)
    if not model_admin.has_change_permission(request, row):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    question = request.POST.get("question", "").strip()
    if not question or len(question) > QUESTION_CHARS:
        sentence = pick(
            f"请填写问题，最多 {QUESTION_CHARS} 个字。",
            f"Write a question of at most {QUESTION_CHARS} characters.",
        )
        return JsonResponse({"ok": False, "error": "question", "sentence": sentence}, status=400)
    return JsonResponse(as_reply(trials.try_endpoint(row, question)))


def as_reply(trial: Any) -> dict[str, Any]:
    """A trial as the page shows it: texts in the language of the request, and no number without its unit."""
    about = pick("（估计）", " (estimated)") if trial.estimated else ""
    cost = (
        as_money(trial.cost, trial.currency)
        if trial.has_price
        else pick("未设置价格", "no price set")
    )
    return {
        "ok": not trial.error_class,
        "first_token": as_ms(trial.first_token_ms),
        "total": as_ms(trial.total_ms),
        "tokens_in": f"{trial.input_tokens}{about}",
        "tokens_out": f"{trial.output_tokens}{about}",
        "cost": cost,
        "answer": trial.text,
        "error": trial.error_class,
        "sentence": str(ERRORS.get(trial.error_class, "")),
        "detail": trial.detail,
    }
