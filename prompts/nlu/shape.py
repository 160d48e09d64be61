"""How Chinese looks: characters that are written for one another, so that 发贷, 己经 and 退歀 are 发货, 已经 and 退款.

Used by prompts.nlu.normalise. A word is mended only where the written one is no word at all: 贷款 stays a loan, and the
自己 in 自己经常 stays what it is. Plain Python; the table is built on first use.
"""

import re
from collections.abc import Iterator
from functools import cache
from operator import add

import rjieba

from prompts.nlu.concepts import CONCEPTS
from prompts.nlu.segment import SYNONYMS

# Characters that look alike, a group each.
GROUP_LINES = """
己已巳 未末 侯候 帐账 货贷 运远 订钉盯 拆折析 洒酒 收攻牧改 快块怏 换唤焕 催摧 址扯 查杳 优忧 惠慧 券卷劵 票栗 坏杯怀 碎粹
损捐 尺尽 码妈 验险检脸捡 密蜜 登蹬 录绿 拒柜 延廷 赔陪培 差羞 赠增 积织 抬拾 税说锐 装袋 假暇 骗编偏 投没 诉拆
仓仑 库厍 预顶 约钓 工土 号亏 物吻 问间 今令 天夫 早旱 晚挽 久欠 处外 理埋 洗冼 充允 幕墓 消悄 提堤 付忖 支枝 额颔 客容 服报
款歀 递涕 期斯 质贡 保堡 修俢 维唯 发友 签笺 鞋靴 屏屛 派脉 降隆 寄奇 价阶 截载 享亨 免兔
"""
# Words of no list of ours that are often written with the wrong character.
WORD_LINES = """
已经 时候 什么时候 还未 未收到 未发货 从未 自己 已收到 已付款 已签收 已发货 时间 问题 请问 今天 明天 现在 处理 发货 收货 到货
退货 货物 商品 客服 快点 尽快 催单 价格 质量 检测 保险 运费险 拆开 折扣 打折 折叠 酒 白酒 红酒
"""
# Written so often that dictionaries have them as words of their own.
ALWAYS = {
    "时侯": "时候", "帐号": "账号", "帐户": "账户", "帐单": "账单", "到帐": "到账", "转帐": "转账",
    "优惠卷": "优惠券", "代金卷": "代金券", "运费卷": "运费券", "抵用卷": "抵用券", "领卷": "领券", "用卷": "用券",
    "贷物": "货物", "优惠劵": "优惠券", "京劵": "京券", "用劵": "用券", "领劵": "领券", "东劵": "东券",
}  # fmt: skip
HAN_RUN = re.compile("[\u4e00-\u9fff]+")
SHORTEST, LONGEST = 2, 4


def mended(text: str) -> str:
    """The text with miswritten words as they are meant; as long as the text given."""
    if not suspects().isdisjoint(map(add, text, text[1:])):
        return HAN_RUN.sub(lambda run: mended_run(run[0]), text)
    return text


def mended_run(run: str) -> str:
    for wrong, right in ALWAYS.items():
        run = run.replace(wrong, right)
    edges: set[int] | None = None
    place = 0
    while place < len(run) - 1:
        right, size = meant_at(run, place)
        if right:
            edges = boundaries(run) if edges is None else edges
            if place in edges and place + size in edges:
                run = run[:place] + right + run[place + size :]
                place += size - 1
        place += 1
    return run


def meant_at(run: str, place: int) -> tuple[str, int]:
    table = wrongly_written()
    for size in range(min(LONGEST, len(run) - place), SHORTEST - 1, -1):
        right = table.get(run[place : place + size])
        if right:
            return right, size
    return "", 0


def boundaries(run: str) -> set[int]:
    """Where the words of a run begin and end."""
    found, at = {0}, 0
    for word in rjieba.cut(run, hmm=False):
        at += len(word)
        found.add(at)
    return found


@cache
def suspects() -> frozenset[str]:
    """The pairs of characters with which a miswritten word begins: most messages have none of them."""
    return frozenset(wrong[:SHORTEST] for wrong in (*wrongly_written(), *ALWAYS))


@cache
def wrongly_written() -> dict[str, str]:
    """Each look-alike spelling of a known word that is no word itself, and the word meant."""
    known = {
        word
        for word in {*CONCEPTS, *SYNONYMS, *WORD_LINES.split()}
        if HAN_RUN.fullmatch(word) and SHORTEST <= len(word) <= LONGEST
    }
    found: dict[str, str] = {}
    for word in sorted(known):
        for wrong in look_alikes(word):
            if wrong not in known and len(rjieba.cut(wrong, hmm=False)) > 1:
                found.setdefault(wrong, word)
    return found


def look_alikes(word: str) -> Iterator[str]:
    groups = alike()
    for place, character in enumerate(word):
        for other in groups.get(character, ""):
            yield word[:place] + other + word[place + 1 :]


@cache
def alike() -> dict[str, str]:
    found: dict[str, str] = {}
    for group in GROUP_LINES.split():
        for character in group:
            found[character] = found.get(character, "") + group.replace(character, "")
    return found
