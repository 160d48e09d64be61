"""The mood of a message: what the trained words say, what irony turns round, what the conversation makes likely.

Used by the analysis step of a turn and by the batch commands. Plain Python, no state.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prompts.nlu.normalise import normalise
from prompts.nlu.tone import tones

Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")
NEGATIVE, NEUTRAL, POSITIVE = LABELS

# Praise that is meant as such only when something went well.
IRONY = re.compile(
    r"你们?(?:可)?真(?:是)?(?:行|牛|会|棒|厉害|可以|能)|^行[ ,]*你们行|真有(?:你们?|您)的?|服了|佩服|呵呵|嗬嗬|好得很|好的很$|厉害了?|真?牛[逼b啊批]?$|可以的?$|可以[ ,]*真可以|可以啊|行吧$|真行|真可以|"
    r"谢谢(?:你|您|你们|您们)(?:全家|啊|了啊|哦)|也是没谁|没谁了|(?<!拒)(?<!谢)绝了|醉了|好一个|不愧是|长见识|开眼|了不起|(?:真|太)(?:快|及时|准时|负责|专业|贴心|周到|好)了?(?:啊|呀|呢|哈)?$|"
    r"真可以|真快|^great$|^nice$|good job|great job|nice job|well done|bravo|thanks for nothing|oh great|just great|wow|brilliant|fantastic|how nice|good for you|amazing$"
)
# Words that hardly anybody means well, whatever came before.
BITTER = re.compile(
    r"你们真行|你们可真|真有你们?的|^服了|我(?:也是|真是|真的?)?服了|谢谢你们全家|呵呵|好得很|也是没谁|没谁了|thanks for nothing|slow clap"
)
# Who asks where to complain has not yet complained.
ASKS_HOW = re.compile(
    r"(?:怎么|怎样|如何|在?哪里?|哪儿|电话|渠道|入口|进度|结果|撤销|取消).{0,8}(?:投诉|差评|举报|维权|赔偿?)|(?:投诉|差评|举报|赔偿?).{0,6}(?:电话|在哪|怎么|渠道|入口|进度|结果|撤销|标准|多少|流程)"
    r"|how (?:do|can|to).{0,12}complain|where.{0,12}complain"
)
CALM = re.compile(r"谢谢|感谢|解决了|好了|收到了|可以了|thank|solved|works now|got it")
NEGATIVE_TONES = frozenset({"anger", "disappointment", "threat", "upset"})
HOSTILE_TONES = NEGATIVE_TONES | {"sarcasm", "blame", "delay", "neglect"}
# In nats, set on sentences labelled by hand that are in none of the sets we report.
AFTER_NEGATIVE, IRONY_AFTER_NEGATIVE, BITTER_ALONE = 0.5, 4.0, 2.0
SOLVED, PRAISED, CALM_TONE, TONE = -2.5, -7.0, -1.0, 0.75
"""After a solution; for words of irony then; when no tone is hostile; for each harsh tone."""
TOGETHER = 0.5
"""For each hostile tone beside another: 都几天了 alone may be a calm question, with 到底 and !! it is none."""
NEGATIVE_FROM = 0.55
"""Set on 330 lines of real shop customers that were labelled for it and are in none of the sets we report."""
RECENT = 3
FADING = 0.6


@dataclass(frozen=True, slots=True)
class Mood:
    label: Label
    score: float
    """How likely that mood is, 0 to 1."""

    @property
    def valence(self) -> float:
        """-1 for surely negative, 0 for neutral, 1 for surely positive."""
        return {NEGATIVE: -self.score, NEUTRAL: 0.0, POSITIVE: self.score}[self.label]


def mood(
    text: str,
    *,
    chances: Mapping[str, float],
    earlier: Sequence[Mood] = (),
    solved: bool = False,
) -> Mood:
    """The mood of a message. `chances` are the classifier's (Found.moods), `earlier` the customer's moods
    before, oldest first; `solved` says that the problem was just solved: then 厉害了 and 服了 are no complaint.
    """
    said = normalise(text)
    negative, neutral, positive = (math.log(max(chances.get(label, 0.0), 1e-4)) for label in LABELS)
    negative += pull(said, earlier=earlier, solved=solved)
    if IRONY.search(said) and not solved and upset(earlier):
        positive -= IRONY_AFTER_NEGATIVE
    scores = softmax([negative, neutral, positive])
    # Displeasure is said when it is likely, not when it is merely likelier than calm.
    said_first = 0 if scores[0] >= NEGATIVE_FROM else 1
    best = max(range(said_first, len(LABELS)), key=scores.__getitem__)
    return Mood(label=LABELS[best], score=scores[best])


def pull(said: str, *, earlier: Sequence[Mood], solved: bool) -> float:
    """What speaks for displeasure besides the trained words, in nats."""
    heard = frozenset(tones(said))
    hostile, harsh = heard & HOSTILE_TONES, heard & NEGATIVE_TONES
    if harsh <= {"threat", "disappointment"} and ASKS_HOW.search(said):
        hostile, harsh = hostile - harsh, frozenset()
    if solved and not harsh:
        return PRAISED if IRONY.search(said) else SOLVED
    pulled = TONE * len(harsh) + (TOGETHER * (len(hostile) - 1) if hostile else CALM_TONE)
    if upset(earlier):
        pulled += AFTER_NEGATIVE if not CALM.search(said) else 0.0
        pulled += IRONY_AFTER_NEGATIVE if IRONY.search(said) else 0.0
    elif BITTER.search(said) and not content(earlier):
        pulled += BITTER_ALONE
    return pulled


def upset(earlier: Sequence[Mood]) -> bool:
    return any(one.label == NEGATIVE for one in earlier[-2:])


def content(earlier: Sequence[Mood]) -> bool:
    return bool(earlier) and earlier[-1].label == POSITIVE


def trend(moods: Sequence[Mood]) -> float:
    """Where the mood goes, -2 to 2: the last valences, the newest counting most, less what they were before."""
    if len(moods) < 2:
        return 0.0
    recent, before = moods[-RECENT:], moods[:-RECENT] or moods[:1]
    return round(weighted(recent) - weighted(before), 4)


def weighted(moods: Sequence[Mood]) -> float:
    shares = [FADING**age for age in range(len(moods))]
    return sum(s * one.valence for s, one in zip(shares, reversed(moods), strict=True)) / sum(
        shares
    )


def softmax(logits: Sequence[float]) -> list[float]:
    most = max(logits)
    parts = [math.exp(number - most) for number in logits]
    return [part / sum(parts) for part in parts]
