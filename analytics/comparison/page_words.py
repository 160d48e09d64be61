"""Sentences of the comparison's pages in the two languages staff read."""

from prompts.bilingual import both

PAGE = {
    "title": both("模型对比", "Model comparison"),
    "intro": both(
        "每个模型端点回答同样的问题，由规则（而不是模型）评分，每个数字都附 95% 置信区间。",
        "Every endpoint answers the same questions; rules, not models, grade them; each figure has its 95 % interval.",
    ),
    "new": both("新的对比", "A new comparison"),
    "runs": both("历次对比", "Comparisons so far"),
    "no_runs": both(
        "还没有做过对比。在上面选择端点和指标，先看看费用估算。",
        "Nothing was compared yet. Choose endpoints and measures, and look at the estimate first.",
    ),
    "no_runs_viewer": both("还没有做过对比。", "Nothing was compared yet."),
    "no_endpoints": both(
        "没有可用的模型端点：请在「模型端点」中启用一个，并在环境变量里设置它的密钥。",
        "There is no endpoint to ask: enable one under Model endpoints, and set its key in the environment.",
    ),
    "endpoints": both("模型端点", "Endpoints"),
    "measures": both("指标", "Measures"),
    "more": both("更多选项", "More options"),
    "samples": both("每项最多题数", "Items of each at most"),
    "samples_said": both(
        "留空：全部。题越少越快，也越不准。", "Empty: all. Fewer are quicker, and less sure."
    ),
    "rate": both("负载（请求/秒）", "Load, requests/s"),
    "window_tokens": both("窗口最多测到（token）", "Window tried up to, tokens"),
    "seed": both("随机种子", "Seed"),
    "seed_said": both("同一种子问同样的题。", "The same seed asks the same."),
    "max_cny": both("费用上限（元）", "Cost at most, CNY"),
    "max_calls": both("调用次数上限", "Calls at most"),
    "optional": both("可不填", "optional"),
    "estimate": both("估算费用", "What would it take?"),
    "begin": both("开始对比", "Compare"),
    "costs": both(
        "会真实调用模型并产生费用。", "Models are really asked, and cost what they cost."
    ),
    "estimated": both("费用估算", "About what it takes"),
    "tokens_in": both("输入 token", "Tokens read"),
    "tokens_out": both("输出 token", "Tokens written"),
    "calls": both("调用次数", "Calls"),
    "together": both("合计约", "Together about"),
    "cny": both("元", "CNY"),
    "no_price": both("未填价格", "no price known"),
    "nothing_asked": both("还没有发出任何请求。", "Nothing was asked yet."),
    "busy": both(
        "已有一个对比在进行，同时做会互相影响时间。请等它结束或先取消它。",
        "A comparison is on its way already, and two would be in each other's times. Wait for it, or cancel it.",
    ),
    "mend": both("请改正下面标出的项。", "Mend what is marked below."),
    "run": both("对比", "Comparison"),
    "made_on": both("日期", "Date"),
    "by": both("发起人", "By"),
    "command": both("命令行", "command line"),
    "state": both("状态", "State"),
    "spent": both("花费（元）", "Spent, CNY"),
    "answers": both("个回答", "answers"),
    "cancel": both("取消", "Cancel"),
    "resume": both("继续", "Go on"),
    "raise": both("上限加倍并继续", "Double the cap and go on"),
    "back": both("全部对比", "All comparisons"),
    "with": both("与另一次比较", "Beside another run"),
    "show": both("显示", "Show"),
    "nobody": both("不比较", "none"),
    "then": both("另一次", "other run"),
    "better": both("更好", "better"),
    "worse": both("更差", "worse"),
    "differs_said": both(
        "只有两次的置信区间互不重叠时才标「更好」或「更差」；价格按当时的端点设置。",
        "Better and worse are said only where the two intervals do not meet; prices are those of the endpoint's row at the time.",
    ),
    "empty": both(
        "还没有结果，稍候会自动更新。", "Nothing was measured yet; this page renews itself."
    ),
    "stale": both("暂时无法更新", "Cannot be renewed at the moment"),
    "interval": both("95% 区间", "95 % interval"),
    "all": both("全部", "all"),
    "as_json": both("JSON", "JSON"),
    "as_markdown": both("Markdown", "Markdown"),
}
