"""What the pages of releases say, in Chinese and English."""

from prompts.admin.wording import both

STATUSES = {
    "draft": both("草稿", "draft"),
    "canary": both("灰度中", "on canary"),
    "published": both("已发布", "published"),
    "superseded": both("已被取代", "superseded"),
    "rolled_back": both("已回滚", "rolled back"),
}
COLOURS = {
    "canary": "warning",
    "published": "success",
    "rolled_back": "danger",
    "superseded": "info",
    "draft": "info",
}
WORDS = {
    "status": both("状态", "Status"),
    "range": both("尾号范围", "Tails"),
    "reason": both("原因", "Reason"),
    "holds": both("包含的内容", "What it holds"),
    "sops": both("标准应答（创建时冻结）", "SOPs as they were when it was made"),
    "sops_kept": both("标准应答：沿用线上的", "SOPs: those in force"),
    "examples": both("示例（创建时冻结）", "Examples as they were when it was made"),
    "examples_live": both("示例：随编辑生效", "Examples: as they are edited"),
    "example_drift": both("与现在编辑的示例不同", "Examples that say something else now"),
    "policy_kept": both("沿用线上策略", "the policy in force"),
    "drift": both("与现在编辑的标准应答不同", "SOPs that say something else now"),
    "drift_help": both(
        "听到这个发布的顾客按冻结的内容回答；要带上这些改动，请新建一个发布。",
        "Who hears this release is answered by what is frozen in it; make another release to take the changes along.",
    ),
    "more": both("还有", "more:"),
    "moves": both("经过", "What happened"),
    "by_itself": both("系统自动", "by itself"),
    "gate": both("发布门槛", "Gate"),
    "evaluate": both("运行评测", "Run its evaluation set"),
    "set": both("评测集", "Evaluation set"),
    "not_run": both("还没有对这个发布运行过评测。", "Its set has not run on this release yet."),
    "gate_open": both("评测达到门槛，可以发布。", "The evaluation reached its threshold."),
    "gate_shut": both(
        "评测未达到门槛，发布被拦下。", "The evaluation is below its threshold: it is held."
    ),
    "gate_changed": both(
        "评测集在评测之后改过（用例、阈值或评判），请重新运行评测。",
        "The set has changed since it ran (cases, threshold or judge): run it again.",
    ),
    "loosened": both(
        "上次发布之后，门槛被放宽过", "Made easier to pass since the last release went out"
    ),
    "alone": both(
        "你放宽过门槛或解除过把关：需要另一个人发布，或两人同意跳过门槛。",
        "You have made the gate easier to pass, or taken the hold away: somebody else has to publish it, or two people "
        "agree to go without the gate.",
    ),
    "in_force_now": both("线上是", "In force now:"),
    "newer": both("较新", "newer"),
    "newer_over": both("确认用旧版本取代：", "Yes, go back behind"),
    "newer_unconfirmed": both(
        "线上有更新的版本，发布会退回旧版本：请在发布时逐个确认。",
        "A newer version is in force, and publishing goes back behind it: confirm that where you publish.",
    ),
    "stage_newer": both(
        "线上有更新的版本，需要手动发布并确认",
        "a newer version is in force: publish by hand, and confirm that",
    ),
    "gate_overridden": both("由两人同意跳过门槛：", "Two people agreed to go without: "),
    "override": both("申请跳过门槛…", "Ask to go without…"),
    "override_help": both(
        "需要另一位有发布权限的人同意。", "Another person who may publish has to agree."
    ),
    "override_asked": both("申请跳过门槛：", "asks to go without: "),
    "ask": both("申请", "Ask"),
    "agree": both("同意跳过门槛", "Agree"),
    "start": both("开始灰度…", "Start the canary…"),
    "start_sure": both(
        "这个范围的会话将使用这个发布。随时可以回滚。",
        "Conversations in the range hear this release. It can be rolled back at any time.",
    ),
    "start_yes": both("确认开始", "Yes, start"),
    "widen": both("调整范围…", "Change the range…"),
    "widen_yes": both("调整", "Change"),
    "first": both("起始尾号", "First tail"),
    "last": both("结束尾号", "Last tail"),
    "publish": both("全量发布…", "Publish to all…"),
    "publish_sure": both(
        "所有会话几秒内使用这个发布。", "Within seconds everybody hears this release."
    ),
    "publish_yes": both("确认发布", "Yes, publish"),
    "roll_back": both("回滚", "Roll back"),
    "shadow": both("影子", "Shadow"),
    "shadow_help": both(
        "在真实轮次的一部分上悄悄再答一遍，顾客看不到，不计入任何指标。",
        "Answers a share of live turns once more, silently: no customer sees it, and no figure counts it.",
    ),
    "shadow_percent": both("轮次比例（%）", "Percent of turns"),
    "shadow_per_day": both("每天最多费用（元）", "CNY a day at most"),
    "shadow_set": both("保存", "Save"),
    "shadow_board": both("查看影子对比", "Compare the answers"),
    "arms": both("发布组与其他", "Release and everybody else"),
    "uncompared": both(
        "数据暂时读不出来（可能是数据库繁忙）。发布和回滚不受影响，请稍后刷新。",
        "The figures cannot be read at the moment; the database may be busy. Publishing and rolling back work all the same.",
    ),
    "arms_help": both(
        "灰度期间的全部会话；护栏、调用失败与费用看最近 24 小时，轮次不够时看整个灰度。结论按「顺利结束」判断：10 分钟没有新回答，"
        "没有转人工、差评、低分或未解决，最后一轮情绪不差。同时听到两边的会话不计。",
        "All conversations of its canary; guard, failed calls and cost look at the last 24 hours, or at all its time "
        "where these are too few turns. The verdict counts what ended well: quiet for ten minutes, without a takeover, a thumb down, a low rating "
        "or “not resolved”, the last mood not negative. Conversations that heard both are left out.",
    ),
    "verdict": both("结论", "Verdict"),
    "stages": both("灰度阶段", "Stages"),
    "stage_all": both("全量", "all"),
    "stage_now": both("现在", "now"),
    "stage_since": both("开始于", "Since"),
    "stage_due": both("最早推进时间", "Goes on at the earliest"),
    "paused": both("已暂停", "paused"),
    "stage_turns": both("本阶段轮次", "Turns of this stage"),
    "stage_hold": both("停留时间已到", "its hold is over"),
    "stage_enough": both("样本足够", "turns are enough"),
    "stage_guard": both("护栏正常", "the guard is not broken"),
    "stage_broken": both("护栏被突破", "the guard is broken"),
    "stage_unjudged": both("护栏还没有判断本阶段", "the guard has not judged this stage yet"),
    "stage_verdict": both("结论不是「变差」", "the verdict is not “worse”"),
    "stage_free": both("尾号未被其他发布占用", "no other release has the tails"),
    "stage_taken": both("下一阶段的尾号被占用：", "the next stage's tails are held by"),
    "stage_gate": both("评测门槛已通过", "the gate is open"),
    "start_taken": both(
        "现在还不能开始灰度，尾号被占用：", "The canary cannot start yet: its tails are held by"
    ),
    "stage_needs": both("推进条件", "To go on"),
    "pause": both("暂停推进", "Pause"),
    "resume": both("继续推进", "Resume"),
    "by_hand": both("手动推进", "moved by hand"),
    "widen_ends": both(
        "手动调整后不再自动推进。", "Its stages end when the range is changed by hand."
    ),
    "empty": both(
        "请选择提示词版本，或冻结标准应答。",
        "Choose versions of prompts, or freeze the SOPs with it.",
    ),
    "stages_unread": both(
        "看不懂。请写成 5% 30m, 20% 2h（m 分钟，h 小时）。",
        "Not understood: write it as 5% 30m, 20% 2h (m minutes, h hours).",
    ),
    "stages_range": both(
        "最多 8 个阶段，每个 1 分钟到 14 天。", "At most 8 stages, each from 1 minute to 14 days."
    ),
    "stages_order": both(
        "比例要逐步变大，在 1% 到 99% 之间。", "Percents have to grow, from 1 % to 99 %."
    ),
    "stages_beyond": both(
        "从起始尾号起放不下最大的比例。", "The largest share does not fit behind the first tail."
    ),
    "measure": both("指标", "Measure"),
    "arm": both("发布组", "Release"),
    "control": both("其他", "Others"),
    "guard_ok": both("护栏正常。", "The guard is not broken."),
    "guard_unjudged": both(
        "护栏还没有判断，已有轮次", "The guard has not judged yet; turns so far"
    ),
    "guard_broken": both("护栏被突破：", "The guard is broken: "),
}
MOVES = {
    "make": both("创建", "made"),
    "override_asked": both("申请跳过门槛", "asked to go without the gate"),
    "override_agreed": both("同意跳过门槛", "agreed to go without the gate"),
    "start": both("开始灰度", "canary started"),
    "widen": both("手动调整范围", "range changed by hand"),
    "stage": both("进入下一阶段", "next stage"),
    "pause": both("暂停推进", "stages paused"),
    "resume": both("继续推进", "stages resumed"),
    "shadow": both("调整影子", "shadow set"),
    "publish": both("全量发布", "published to all"),
    "supersede": both("被新发布取代", "superseded by"),
    "restore": both("恢复（之后的发布被回滚）", "in force again: rolled back was"),
    "roll_back": both("回滚", "rolled back"),
    "follow_edits": both("标准应答改为随编辑生效", "SOPs hold as they are edited again"),
}
DIFFERENCES = {
    "added": both("新增", "added"),
    "changed": both("已改", "changed"),
    "removed": both("已移除", "taken away"),
}
LABELS = {
    "stages": both("灰度阶段", "Stages"),
    "stage_samples": both("每阶段最少轮次", "Least turns of a stage"),
    "freeze_sops": both("冻结标准应答", "Freeze the SOPs with it"),
    "name": both("名称", "Name"),
    "note": both("为什么", "Why"),
    "versions": both("提示词版本", "Prompt versions"),
    "policy": both("路由策略", "Route policy"),
    "eval_set": both("评测集", "Evaluation set"),
    "first_bucket": both("灰度起始尾号", "Canary from tail"),
    "last_bucket": both("灰度结束尾号", "Canary to tail"),
    "automatic": both("自动回滚", "Roll back by itself"),
    "min_samples": both("最少样本", "Least samples"),
    "max_error_points": both("失败率最多高出（百分点）", "Failed calls, points above"),
    "max_negative_points": both("负面情绪最多高出（百分点）", "Negative moods, points above"),
    "max_takeover_points": both("人工接管率最多高出（百分点）", "Takeovers, points above"),
    "max_p99_factor": both("p99 最多几倍", "p99, times the others'"),
}
HELP = {
    "stages": both(
        "比例与停留时间，如 5% 30m, 20% 2h：先 5% 停 30 分钟，再 20% 停 2 小时，然后全量。护栏正常、样本足够且结论不是"
        "「变差」时自动推进。留空：手动。",
        "Percent and hold, as 5% 30m, 20% 2h: 5 % for half an hour, 20 % for two hours, then all. It goes on by itself "
        "while the guard holds, turns are enough and the verdict is not “worse”. Empty: by hand.",
    ),
    "stage_samples": both("不够就继续等", "It waits until there are as many"),
    "freeze_sops": both(
        "发布带上此刻的全部标准应答：听到它的顾客按这一份回答，之后的编辑等下一个发布。不选：沿用线上的。",
        "It takes all SOPs along as they are now: who hears it is answered by these, later edits wait for another "
        "release. Not chosen: those in force stay.",
    ),
    "name": both("字母、数字、连字符", "Letters, digits, hyphens"),
    "versions": both(
        "每个提示词最多一个版本；冻结了标准应答时可以不选",
        "One version of a prompt at most; none, where only SOPs go out",
    ),
    "policy": both("不选：沿用线上策略", "None: the policy in force stays"),
    "last_bucket": both(
        "订单号末两位，包含在内；写了阶段时由第一个阶段决定",
        "Last two digits of the order number, included; with stages the first of them decides",
    ),
}
