"""Checks a model's answer while it streams: own placeholders become values again, other people's data is hidden.

What cannot be the beginning of anything goes out at once; the rest is held back until prompts.redaction.doubt says that
its end has come, and is then examined. Whatever way the answer is cut in pieces, the same text comes out. Called by
prompts.screen, for each answer anew.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from prompts.redaction.doubt import Doubt
from prompts.redaction.engine import Language, find
from prompts.redaction.placeholders import SEPARATORS, restore
from prompts.redaction.spans import Span, Type

# Whatever is in doubt is looked at when so many characters are held, and then at every STEP more; all but KEEP go out.
HOLD_CHARS, KEEP_CHARS, STEP_CHARS = 32, 20, 12
# After so many characters an address has no further part.
TOWN_CHARS = 16
# A word without end, such as a link, is held no longer than this.
WORD_CHARS = 160
# What went out just before still says what follows: "电话:" or "Mr.".
CONTEXT_CHARS = 40
# An answer is full of products; what only might be a name stays readable there.
NAME_SCORE_MIN = 0.57
# No cut between two of these: words, numbers, mail addresses, links, placeholders.
GLUED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@.%+_<>-/:")
HIDDEN: dict[Language, dict[Type, str]] = {
    "zh": {
        "PHONE": "[电话已隐藏]",
        "ID_CARD": "[证件号已隐藏]",
        "BANK_CARD": "[卡号已隐藏]",
        "IBAN": "[账号已隐藏]",
        "EMAIL": "[邮箱已隐藏]",
        "NAME": "[姓名已隐藏]",
        "ADDRESS": "[地址已隐藏]",
        "PLATE": "[车牌已隐藏]",
        "PASSPORT": "[证件号已隐藏]",
        "COURIER": "[单号已隐藏]",
        "IP": "[IP已隐藏]",
    },
    "en": {
        "PHONE": "[phone number hidden]",
        "ID_CARD": "[ID number hidden]",
        "BANK_CARD": "[card number hidden]",
        "IBAN": "[account number hidden]",
        "EMAIL": "[e-mail hidden]",
        "NAME": "[name hidden]",
        "ADDRESS": "[address hidden]",
        "PLATE": "[plate hidden]",
        "PASSPORT": "[ID number hidden]",
        "COURIER": "[tracking number hidden]",
        "IP": "[IP hidden]",
    },
}


class Scanner:
    """`feed` pieces of the answer and send what it returns; `flush` once at the end, and send that too.

    Both raise RedactionFailed: then nothing more of this answer may be sent. `hidden` counts by kind what was hidden.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        *,
        language: Language,
        allowed: Collection[str],
        public: Sequence[str] = (),
        not_personal: Sequence[re.Pattern[str]] = (),
    ) -> None:
        """`values` are the placeholders of the conversation and what they stand for, `allowed` those of the reader.

        `public` is what the shop itself publishes, its hotline and where to send returns: never hidden.
        """
        self._values = values
        self._allowed = frozenset(allowed)
        self._language = language
        self._not_personal = not_personal
        sayable = [*public, *(values[name] for name in self._allowed if name in values)]
        self._sayable = [plain(text) for text in sayable]
        self._doubt = Doubt(language=language)
        self.hidden: Counter[Type] = Counter()
        self._context = ""
        self._held = ""

    def feed(self, piece: str) -> str:
        return "".join(filter(None, map(self._next, piece)))

    def flush(self) -> str:
        return self._release(len(self._held), ends=True)

    def _next(self, character: str) -> str:
        self._held += character
        doubt = self._doubt
        doubt.read(character)
        if doubt.is_seen:
            if doubt.is_settled:
                until = max(0, len(self._held) - (doubt.come - doubt.going_on))
                return self._release(until, ends=doubt.is_ended)
        elif doubt.is_ended:
            return self._pass(len(self._held))
        elif (free := len(self._held) - (doubt.come - doubt.free)) > 0:
            return self._pass(free)
        held = len(self._held)
        if held < HOLD_CHARS or (held - HOLD_CHARS) % STEP_CHARS:
            return ""
        return self._release(held - KEEP_CHARS, ends=False)

    def _pass(self, until: int) -> str:
        """Sends out what is the beginning of nothing."""
        said = self._held[:until]
        self._context = (self._context + said)[-CONTEXT_CHARS:]
        self._held = self._held[until:]
        self._doubt.examined(rest=len(self._held))
        return self._restored(said)

    def _release(self, until: int, *, ends: bool) -> str:
        """Sends out the first `until` of the held characters, or fewer, so that nothing is cut in two."""
        text = self._context + self._held
        begin = len(self._context)
        spans = [span for span in self._foreign(text) if span.end > begin] if self._held else []
        if not ends:
            until = self._safe_cut(until, spans=spans, begin=begin)
        end = begin + until
        said = self._said(text, begin=begin, end=end, spans=spans)
        self._context = text[:end][-CONTEXT_CHARS:]
        self._held = text[end:]
        self._doubt.examined(rest=len(self._held))
        return said

    def _safe_cut(self, until: int, *, spans: list[Span], begin: int) -> int:
        """The nearest place before `until` that is inside nothing; the very end where there is none for too long."""
        cut = until
        length = begin + len(self._held)
        moved = True
        while moved and cut > 0:
            moved = False
            for span in spans:
                # What reaches the end of what has come may go on; an address does so after a comma.
                reach = span.end + (TOWN_CHARS if span.type == "ADDRESS" else 1)
                if span.start < begin + cut < span.end or (
                    span.start < begin + cut and reach > length
                ):
                    cut, moved = max(0, span.start - begin), True
            while 0 < cut < len(self._held) and is_glued(self._held, cut):
                cut, moved = cut - 1, True
        return len(self._held) if cut == 0 and len(self._held) >= WORD_CHARS else cut

    def _foreign(self, text: str) -> list[Span]:
        found = find(text, language=self._language, not_personal=self._not_personal)
        return [
            span
            for span in found
            if (span.type != "NAME" or span.score >= NAME_SCORE_MIN)
            and not any(plain(text[span.start : span.end]) in said for said in self._sayable)
        ]

    def _said(self, text: str, *, begin: int, end: int, spans: list[Span]) -> str:
        pieces: list[str] = []
        at = begin
        for span in spans:
            if at <= span.end and span.start < end:
                pieces.append(self._restored(text[at : max(at, span.start)]))
                pieces.append(HIDDEN[self._language][span.type])
                self.hidden[span.type] += 1
                at = min(span.end, end)
        return "".join([*pieces, self._restored(text[at:end])])

    def _restored(self, text: str) -> str:
        return restore(text, self._values, allowed=self._allowed)


def is_glued(text: str, at: int) -> bool:
    """Whether a cut before character `at` would go through a word, or through a number written with blanks."""
    left, right = text[at - 1], text[at]
    if left in GLUED and right in GLUED:
        return True
    if right == " ":
        return left.isdigit() and text[at + 1 : at + 2].isdigit()
    return left == " " and right.isdigit() and text[at - 2 : at - 1].isdigit()


def plain(text: str) -> str:
    return SEPARATORS.sub("", unicodedata.normalize("NFKC", text).casefold())
