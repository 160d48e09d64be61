"""What the pages of evaluation sets say, in Chinese and English."""

from prompts.admin.wording import both

WORDS = {
    "run": both("运行评测", "Run"),
    "run_of": both("评测对象", "What speaks"),
    "in_force": both("线上版本", "what customers hear"),
    "cost": both(
        "每个用例都会真实调用模型，可能产生费用。",
        "Every case is a real call to a model and may cost money.",
    ),
    "import": both("导入用例（JSONL）", "Import cases (JSONL)"),
    "import_help": both(
        "每行一个用例，如",
        "One case a line, as",
    ),
    "import_go": both("导入", "Import"),
    "export": both("导出 JSONL", "Export JSONL"),
    "cases": both("用例", "Cases"),
    "add_case": both("新增用例", "Add a case"),
    "runs": both("最近的评测", "Latest runs"),
    "no_runs": both("还没有运行过。", "It has not run yet."),
    "no_cases": both(
        "还没有用例：手工新增、导入文件，或在消息列表里把差评回答加进来。",
        "There are no cases yet: write one, import a file, or take a bad answer from the list of messages.",
    ),
    "state": both("状态", "State"),
    "passed": both("通过", "Passed"),
    "failed": both("未通过", "Failed"),
    "result": both("结果", "Result"),
    "interval": both("95% 区间", "95% interval"),
    "threshold": both("门槛", "Threshold"),
    "critical": both("关键用例未通过", "Critical cases failed"),
    "started": both("开始", "Begun"),
    "by": both("操作人", "By"),
    "cancel": both("取消", "Cancel"),
    "again": both("再次触发", "Ring again"),
    "stuck": both("一直没有动静？", "Nothing happens?"),
    "stale": both("暂时连不上本平台，会自动重试。", "The platform does not answer; trying again."),
    "rows": both("个用例", "cases"),
    "progress": both("进度", "Progress"),
    "all": both("全部", "All"),
    "changed": both("与上次不同", "Changed"),
    "broke": both("新失败", "newly failed"),
    "mended": both("已修复", "mended"),
    "case": both("用例", "Case"),
    "answer": both("回答", "Answer"),
    "failures": both("未通过的检查", "Checks that failed"),
    "wanted": both("期望", "wanted"),
    "found": both("实际", "found"),
    "compared": both("对比：第", "Compared with run #"),
    "no_rows": both("没有这样的用例。", "There is no such case."),
    "back": both("返回评测集", "Back to the set"),
    "critical_mark": both("关键", "critical"),
    "previous": both("上一页", "Previous"),
    "next": both("下一页", "Next"),
    "gate_open": both("达到门槛", "Reaches the threshold"),
    "gate_shut": both("未达到门槛", "Below the threshold"),
    "called": both("调用了", "Called"),
    "approves": both("裁判通过", "The judge approves"),
    "spent": both("费用（其中裁判）", "Cost (the judge's part)"),
}
STATES = {
    "waiting": both("等待中", "waiting"),
    "running": both("进行中", "running"),
    "done": both("已完成", "done"),
    "cancelled": both("已取消", "cancelled"),
}
SOURCES = {
    "hand": both("手写", "by hand"),
    "file": both("来自文件", "from a file"),
    "message": both("差评回答", "from a bad answer"),
    "agent": both("坐席改正", "from an agent's correction"),
}
CHECKS = {
    "answered": both("有回答", "Answered"),
    "tool": both("调用工具", "Tool called"),
    "judge": both("裁判", "Judge"),
    "intent": both("意图", "Intent"),
    "emotion": both("情绪", "Mood"),
    "slots": both("槽位", "Slots"),
    "sop": both("命中标准应答", "SOP found"),
    "must_contain": both("必须包含", "Must contain"),
    "must_not_contain": both("不得包含", "Must not contain"),
    "max_chars": both("字数上限", "Length"),
    "valid_json": both("合法 JSON", "Valid JSON"),
    "apology_first": both("先道歉", "Apology first"),
    "no_personal_data": both("无个人信息", "No personal data"),
}
# Why a case has no answer, or no verdict.
REASONS = {
    "all_failed": both("没有任何模型应答", "nobody answered"),
    "model_failed": both("模型没有应答", "no model answered"),
    "no_inbox": both("没有这个接入点", "there is no such inbox"),
    "broken": both("这个用例出错了", "the case failed with an error"),
    "no_verdict": both("没有可用的结论", "no usable verdict"),
}
LABELS = {
    "name": both("标识", "Name"),
    "title": both("标题", "Title"),
    "threshold": both("通过门槛（%）", "Threshold (%)"),
    "set": both("评测集", "Set"),
    "key": both("编号", "Key"),
    "language": both("语言", "Language"),
    "history": both("之前的对话", "History"),
    "text": both("顾客的话", "What the customer says"),
    "critical": both("关键用例：未通过则发布被拦下", "Critical: a release is held when it fails"),
    "enabled": both("启用", "Enabled"),
    "inbox": both("店铺（接入点 key）", "Shop (inbox key)"),
    "judge_blocks": both("裁判可以否决", "The judge may block"),
    "tool_arguments": both("工具参数", "Arguments of the tool"),
    "rubric": both("评判要求", "What the judge looks for"),
    "reference": both("参考回答", "Reference answer"),
    **{name: CHECKS[name] for name in CHECKS if name != "answered"},
    "judge": both("裁判模型", "Judge"),
}
HELP = {
    "threshold": both("发布前至少要通过的比例", "Share of cases a release must pass"),
    "history": both(
        "每句一行，「顾客：」或「客服：」开头；没有就留空",
        "A line each, beginning with “Customer:” or “Bot:”; empty for none",
    ),
    "slots": both('如 {"order_number": "20260131001"}', 'As {"order_number": "20260131001"}'),
    "must_contain": both("每行一条", "One a line"),
    "must_not_contain": both("每行一条", "One a line"),
    "sop": both("标准应答的编号", "The SOP's key"),
    "inbox": both(
        "用这个店铺的工具和标准应答来问；留空则不带店铺和工具。查询类工具会真实调用，写操作只记录、绝不执行。",
        "Its cases are asked with this shop's tools and SOPs; empty: without. Tools that read are really called, "
        "writes are noted and never done.",
    ),
    "judge": both(
        "由这个模型按「评判要求」评判回答，会产生费用；留空则不评判。",
        "This endpoint judges the answers of cases that have a rubric, at its usual price; empty: nobody does.",
    ),
    "judge_blocks": both(
        "关键用例只有裁判不通过时，也算关键失败。关闭时，模型的意见不会单独拦下发布。",
        "A critical case of which only the judge disapproves counts as failed, too. Else a model's opinion alone holds no release.",
    ),
    "tool": both(
        "应当调用的工具名，如 get_logistics",
        "The name of a tool that is to be called, as get_logistics",
    ),
    "tool_arguments": both(
        '至少要有的参数，如 {"order_number": "20240502456"}',
        'What its arguments are at least, as {"order_number": "20240502456"}',
    ),
    "rubric": both(
        "写给裁判模型：好回答要做到什么。评测集没有裁判时不检查。",
        "For the judge: what a good answer does. Not checked where the set has no judge.",
    ),
    "reference": both(
        "人工给出的好回答，供裁判对照；保存时自动脱敏",
        "A person's good answer, for the judge; personal data is masked when it is saved",
    ),
    "text": both("保存时自动脱敏", "Personal data is masked when it is saved"),
    "apology_first": both(
        "顾客情绪为负面时，第一句要道歉", "To a negative mood, the first sentence apologises"
    ),
}
