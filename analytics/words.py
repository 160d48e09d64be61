"""Sentences of the pages in the two languages staff read."""

from prompts.bilingual import both

DEMO = both(
    "模型由演示服务扮演：回答、速度和费用都不是真实模型的。",
    "The demo provider plays the models: answers, times and costs are not those of real ones.",
)
WORDS = {
    "demo": DEMO,
    "analytics": both("数据分析", "Analytics"),
    "live": both("实时", "Live"),
    "exports": both("导出", "Exports"),
    "comparison": both("模型对比", "Model comparison"),
    "loadtests": both("压测", "Load tests"),
    "pages": both("数据分析页面", "Pages of analytics"),
    "filters": both("筛选", "Filters"),
    "from": both("从", "From"),
    "to": both("到", "To"),
    "days": both("日期", "Days"),
    "inbox": both("接入点", "Inbox"),
    "channel": both("渠道", "Channel"),
    "intent": both("意图", "Intent"),
    "tier": both("客户等级", "Tier"),
    "release": both("发布", "Release"),
    "model": both("模型", "Model"),
    "all": both("全部", "All"),
    "apply": both("应用", "Apply"),
    "clear": both("清除筛选", "Clear the filters"),
    "print": both("打印", "Print"),
    "compared": both("与之前同样天数相比", "Compared with as many days before"),
    "before": both("之前", "before"),
    "filled": both("数据截至", "Figures up to"),
    "unfilled": both(
        "还没有统计过。后台任务每 10 秒统计一次；如果一直如此，请检查 beat 和 default 进程。",
        "Nothing was counted yet. The background task counts every ten seconds; if this stays, look at beat and the default worker.",
    ),
    "means": both("定义", "What it means"),
    "behind": both("查看会话", "Conversations"),
    "numbers": both("查看数字", "The numbers"),
    "day": both("日期", "Day"),
    "nothing": both("这些天里没有数据。", "Nothing on these days."),
    "more": both("另有", "and"),
    "more_rows": both("行未显示", "more rows"),
    "unread": both(
        "看不懂这个日期，显示默认日期：", "These days could not be read, the usual ones are shown: "
    ),
    "no_inbox": both(
        "你还没有可以查看的接入点。请管理员在「接入点权限」里添加。",
        "There is no inbox whose figures you may see. Ask an administrator for inbox access.",
    ),
    "list": both("会话列表", "The conversations"),
    "behind_trait": both("符合：", "With: "),
    "no_trait": both("全部会话", "All conversations"),
    "drop_trait": both("显示全部", "Show all"),
    "begun": both("开始", "Began"),
    "ending": both("结局", "Ended"),
    "agent": both("坐席", "Agent"),
    "lines": both("消息 顾客/机器人/坐席", "Lines customer/bot/agent"),
    "mood": both("情绪", "Mood"),
    "rating": both("评分", "Rating"),
    "cost": both("费用", "Cost"),
    "next": both("更早的会话", "Earlier ones"),
    "no_list": both("没有符合条件的会话。", "No conversation matches."),
}
LIVE = {
    "title": both("实时", "Live"),
    "intro": both(
        "每 3 秒更新一次，直接来自当前数据。",
        "Renewed every three seconds, straight from the rows.",
    ),
    "at": both("更新于", "As of"),
    "stale": both("连接中断，数字可能已过时", "No connection: the figures may be old"),
    "active": both("活跃会话", "Active conversations"),
    "active_said": both(
        "最近 5 分钟内有人说过话。", "Somebody spoke within the last five minutes."
    ),
    "waiting": both("排队中", "Waiting"),
    "waiting_said": both("正在等待坐席的会话。", "Conversations that wait for an agent."),
    "waited": both("最长等待", "Longest wait"),
    "waited_said": both("等得最久的顾客已等多久。", "How long the first in the queue has waited."),
    "served": both("坐席接待中", "With an agent"),
    "served_said": both(
        "由坐席接待、最近一小时有动静的会话。",
        "Conversations an agent has, with a line in the last hour.",
    ),
    "answering": both("正在回答", "Being answered"),
    "answering_said": both(
        "机器人正在处理或等待处理的轮次。", "Turns the bot works on or has before it."
    ),
    "agents_online": both("在线坐席", "Agents online"),
    "agents_online_said": both("状态为在线的坐席。", "Agents whose presence is online."),
    "turns": both("最近 5 分钟轮次", "Turns in five minutes"),
    "turns_said": both(
        "最近 5 分钟排入的机器人轮次。", "Turns of the bot queued in the last five minutes."
    ),
    "failed": both("其中失败", "Failed of them"),
    "failed_said": both("其中以失败告终的。", "Those of them that failed."),
    "p50": both("回答用时 p50", "Time to answer p50"),
    "p50_said": both("其中一半不超过此值。", "Half of them took no longer."),
    "p95": both("回答用时 p95", "Time to answer p95"),
    "p95_said": both("其中 95% 不超过此值。", "95 % of them took no longer."),
}
REPORTS = {
    "lang": both("zh-CN", "en"),
    "day": both("应答日报", "Yingda, the day"),
    "week": both("应答周报", "Yingda, the week"),
    "about": both("顾客服务总览：", "How customers were served:"),
    "against": both("对比：", "Compared with:"),
    "before": both("之前", "before"),
    "nothing": both(
        "你还没有可以查看的接入点，请管理员在「接入点权限」里添加。",
        "There is no inbox whose figures you may see. Ask an administrator for inbox access.",
    ),
    "more": both("打开数据分析：", "Open analytics:"),
    "off": both("不再接收（关闭「启用」）：", "To get no more, switch off Enabled:"),
    "off_here": both(
        "不再接收：在后台「邮件报告」中关闭「启用」。",
        "To get no more: switch off Enabled under Mailed reports in the admin.",
    ),
}
LOADTESTS = {
    "title": both("压测", "Load tests"),
    "intro": both(
        "每一次 make loadtest 的结果：顾客通过真实的 WebSocket 提问，直到收到完整回答。",
        "What each make loadtest found: customers ask over real sockets and wait for the whole answer.",
    ),
    "none": both("还没有压测结果。运行一次：", "No load test was kept yet. Run one:"),
    "by_model": both("按模型", "By model"),
    "all": both("全部压测", "All load tests"),
    "run": both("压测", "Load test"),
    "more": both("更早的压测未显示。", "Earlier ones are not shown."),
    "against": both("对比同样的压测", "against the same test of"),
    "failed": both("失败：", "Failed:"),
    "success": both("成功率", "Success"),
    "mean_ms": both("平均响应", "Average"),
    "p50_ms": both("响应 P50", "Answer P50"),
    "p95_ms": both("响应 P95", "Answer P95"),
    "p99_ms": both("响应 P99", "Answer P99"),
    "first_p50_ms": both("首字 P50", "First token P50"),
    "means": both(
        "时间从问题应当发出的时刻算到完整回答到达；失败的不计入时间，只计入成功率。模型是最后作答的模型端点，Token 是这一轮全部模型调用的平均值。并发用户：收到回答后立刻再问；开环：无论回答快慢，问题按到达率到来，来不及接待的等待也计入时间。",
        "Times run from the moment a question was due to the whole of its answer; those that failed count in the success rate only. "
        "The model is the endpoint that answered last; tokens are those of all calls for a turn, on average. Users at a time ask again "
        "as soon as they are answered; in an open loop questions arrive at their rate whatever the answers do, and waiting for a free socket counts.",
    ),
}
EXPORTS = {
    "title": both("导出", "Exports"),
    "intro": both(
        "每段会话一行：时间、结局、等待、评分、费用等，不含任何聊天内容。文件保留 7 天，只有你能下载。",
        "A row for each conversation: times, outcome, waits, rating, cost; nothing that was said. Kept for seven days, for you alone.",
    ),
    "none": both(
        "还没有导出。在「会话」页的列表上方可以导出。",
        "None yet. The list on the page of conversations has the buttons.",
    ),
    "asked": both("时间", "Asked for"),
    "kind": both("格式", "Format"),
    "state": both("进度", "Progress"),
    "rows": both("行", "rows"),
    "fetch": both("下载", "Download"),
    "waiting": both("等待中", "waiting"),
    "running": both("正在写入", "being written"),
    "done": both("完成", "done"),
    "failed": both("失败，请重试", "failed, please ask again"),
    "enough": both(
        "已有 3 个导出未完成，请等其中一个完成后再试。",
        "Three exports are not finished yet. Please wait for one of them.",
    ),
    "as": both("导出这些会话", "Export these"),
    "most": both("最多 100,000 行", "100,000 rows at most"),
}
