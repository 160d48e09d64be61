"""Where in a text that is still coming something personal may be beginning.

Cheap rules that look at the last few characters only; whether it really is personal data, find() says. Called by
prompts.redaction.stream for every character of an answer.
"""

import re
import unicodedata
from functools import cache

from prompts.redaction import addresses_zh, names_zh, surnames
from prompts.redaction.addresses_en import FUNCTION_WORDS, SUFFIX
from prompts.redaction.names_en import PARTICLES, TITLES
from prompts.redaction.normal import ODD, SAME_WIDTH
from prompts.redaction.patterns import AT_SIGNS
from prompts.redaction.presidio import INTRODUCTION
from prompts.redaction.regions import PROVINCE_OF, PROVINCES
from prompts.redaction.words_en import COMMON, GIVEN_NAMES

# Combining, invisible and compatibility characters: part of whatever stands beside them.
GLUE = "\x1a"
TAIL_CHARS = 64
CLAUSE_ENDS = frozenset(",;!?、。\n")
NUMERALS = "零〇一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖"
HAN = re.compile("[\u4e00-\u9fff]")

# What goes on to the end of what has come.
WORD_CHARACTERS = "A-Za-z0-9@.%+_:/<'’\\-" + GLUE
NUMBER = rf"[(+]{{0,2}}(?:\d|{GLUE})(?:[ ._·()-]{{0,3}}[\d{GLUE}])*[ ._·()-]{{0,3}}"
SPOKEN = rf"[0-9{NUMERALS}十百]+"
PLATE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
OPEN = re.compile(
    rf"(?:[{WORD_CHARACTERS}(\[]+(?: ?[\[(@][A-Za-z]{{0,3}}[\])]?[{WORD_CHARACTERS}点]*)? ?|{NUMBER}|{SPOKEN}"
    rf"|[A-Za-z]{{2}}\d{{2}}(?: ?[A-Za-z0-9]{{1,4}})* ?|{PLATE}(?:[A-Za-z][ ·-]?[A-Za-z0-9]{{0,7}})?)\Z"
)
# Words and numbers that are looked at: seven digits, a mail address, a plate, an address of the internet.
LONG = re.compile(
    rf"(?:\d[ ._·()/-]{{0,3}}){{7}}\Z|[{SPOKEN[1:-2]}]{{8}}\Z|{PLATE}[A-Za-z][ ·-]?[A-Za-z0-9]{{4,7}}\Z"
    rf"|\d(?:\.\d{{1,3}}){{3}}\Z|(?:[0-9A-Fa-f]{{0,4}}:){{2}}[0-9A-Fa-f]*\Z|1Z[0-9A-Z]{{8}}\Z|{GLUE}\Z"
)
NUMBER_ENDS = frozenset("0123456789:" + NUMERALS + GLUE)

REGIONS = frozenset([*PROVINCE_OF, *PROVINCES])
REGION_BEGINNINGS = frozenset(name[:n] for name in REGIONS for n in range(1, len(name)))
REGION_CHARS = 5
PART_ENDS = frozenset(
    "区州县省市旗处道镇乡社村庄屯街同路口巷弄园苑厦楼场墅馆庭居城中心商学院校店司厂舍所站门室院栋幢座层期组铺户排#号元"
)
PART_CHARS = 16
STOP = re.compile(rf"(?:{addresses_zh.STOP})\Z")
# A place is named after these.
PLACE_CUE = re.compile(
    r"(?:地址|住址|住在|家住|寄到|寄往|送到|位于|寄至|送至)(?:[:：]|[是为在])?\Z"
)
PLACE_CUE_ENDS = frozenset("址在住到往于至:：是为")
PLACE_CHARS = 8
# How many characters after a finding still say what it is and where it ends.
AFTER_NUMBER, AFTER_NAME, AFTER_PLACE, AFTER_STREET = 8, 4, 17, 30

SUFFIXES = frozenset(SUFFIX.removeprefix("(?:").removesuffix(")").replace("s?", "").split("|")) | {
    "gardens"
}
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*(?=.\Z)", re.DOTALL)
SMALL_CUE = re.compile(
    r"\b(?:names?(?: is| was|'s|:)|recipient:|consignee:|called|(?:liv|resid)\w* in|born in|grew up in|corner of|"
    r"address(?: is|:)|p\.?o\.? box)\W*\Z",
    re.IGNORECASE,
)
SMALL_CUE_ENDS = frozenset(
    {
        "is",
        "was",
        "name's",
        "name",
        "names",
        "recipient",
        "consignee",
        "called",
        "in",
        "of",
        "address",
        "box",
    }
)
WORDS_AFTER_CUE, WORDS_AFTER_NUMBER, WORD_CHARS = 4, 5, 24
HOUSE = re.compile(r"\d{1,5}(?:-\d{1,4})?[A-Za-z]?")
ABBREVIATED = re.compile(r"(?:\b[A-Z][A-Za-z]{0,3}|\b[Nn]o)\. \Z")


class Doubt:
    """`read` each character; then ask what may go out. Positions count characters of the whole answer."""

    def __init__(self, *, language: str) -> None:
        self.english = language == "en"
        self.tail = ""
        self.come = 0
        self.open = self.before = 0
        """Where that begins which may still become anything; `come` when nothing does."""
        self.is_seen = False
        """Something must be examined before it goes out."""
        self.is_ended = False
        """Nothing that has come can go on."""
        self.seen_at = self.wait = self.place = self.words = 0
        self.run = self.is_chinese = False
        self.run_at = 0

    def read(self, character: str) -> None:
        plain = plain_of(character)
        self.tail = self.tail[1 - TAIL_CHARS :] + plain
        self.come += 1
        if (
            self.open < self.come - 1
            and plain in LETTERS
            and self.tail[-2] in LETTERS
            and self.come > OPENING_CHARS
        ):
            # A word goes on.
            self.is_ended = False
            return
        self.before, self.open = self.open, self.come
        if plain.isascii() or plain in OTHER:
            self.read_mark(plain)
        else:
            self.read_letter(plain)
        if self.open <= self.come - TAIL_CHARS:
            # It began before what is remembered.
            self.open = min(self.before, self.open)
        self.is_ended = self.ends(character, plain)
        if self.is_ended:
            self.open = self.come
            self.place = self.words = 0
            self.run = False

    @property
    def free(self) -> int:
        """How far the answer is the beginning of nothing; 0 while something may go on."""
        return 0 if self.is_seen or self.place or self.run or self.words else self.open

    @property
    def going_on(self) -> int:
        """Where that begins which goes on or may do so; what was seen before it can be examined."""
        return min(self.open, self.run_at) if self.run else self.open

    @property
    def is_settled(self) -> bool:
        """Whether what was seen has an end, and what stands behind it is known."""
        return self.is_ended or self.come >= self.wait

    def examined(self, *, rest: int) -> None:
        """So many characters were kept. They are looked at again where they hold more than what is just beginning."""
        kept_from = self.come - rest
        self.is_seen = kept_from < self.open or kept_from < self.seen_at
        self.wait = self.come + AFTER_NAME

    def ends(self, character: str, plain: str) -> bool:
        if character in SENTENCE_ENDS:
            return True
        if character == " " and self.tail[-2:-1] == ".":
            return not (self.english and ABBREVIATED.search(self.tail))
        return plain in CLAUSE_ENDS and not self.is_read_in_english()

    def see(self, after: int) -> None:
        self.is_seen = True
        self.seen_at = self.come
        self.wait = max(self.wait, self.come + after)

    def read_letter(self, plain: str) -> None:
        """A letter that is not ASCII: mostly Han."""
        self.is_chinese = self.is_chinese or HAN.match(plain) is not None
        if not self.english and (self.run or self.words):
            self.run, self.words, self.wait = False, 0, self.come + AFTER_NAME
        self.open = min(self.open_mark(plain), self.open_name(plain), self.open_region())
        if plain in NUMBER_ENDS and LONG.search(self.tail):
            self.see(AFTER_NUMBER)
        if plain in PART_ENDS and self.is_part():
            self.see(AFTER_PLACE)
        if self.place:
            self.place = 0 if STOP.search(self.tail, max(0, len(self.tail) - 2)) else self.place - 1
        self.read_cue(plain)

    def read_mark(self, plain: str) -> None:
        if not plain.isalnum():
            self.read_word(plain)
        if plain in NUMBER_ENDS and LONG.search(self.tail):
            self.see(AFTER_NUMBER)
        if plain == "@" or (plain in "])" and self.tail.lower().endswith(AT_SIGNS)):
            self.see(AFTER_NAME)
        self.read_cue(plain)
        self.open = self.open_mark(plain)

    def read_cue(self, plain: str) -> None:
        if plain in PLACE_CUE_ENDS and PLACE_CUE.search(self.tail):
            self.place = PLACE_CHARS

    def open_mark(self, plain: str) -> int:
        if plain.isascii() or plain in PLATES or plain in NUMERALS or plain in "点·":
            match = OPEN.search(self.tail, max(0, len(self.tail) - self.come + self.before))
            if match is not None and not self.is_opening():
                return self.come - len(self.tail) + match.start()
        return self.come

    def is_opening(self) -> bool:
        """The first word of an answer, when everybody says it: nobody's address begins so."""
        return self.come == len(self.tail) and self.tail in OPENINGS

    def open_region(self) -> int:
        for length in range(min(REGION_CHARS, len(self.tail)), 0, -1):
            piece = self.tail[-length:]
            if piece in REGIONS:
                self.see(AFTER_PLACE)
            if piece in REGIONS or piece in REGION_BEGINNINGS:
                return self.come - length
        return self.come

    def is_part(self) -> bool:
        piece = self.tail[-PART_CHARS:]
        return any(match.end() == len(piece) for match in addresses_zh.PART.finditer(piece))

    def open_name(self, plain: str) -> int:
        start = self.come
        if plain in FIRST:
            start -= 1
        at = len(self.tail) - 1
        if at >= 1 and self.tail[at - 1] in FIRST and (hope := self.hope(at - 1, at)) is not None:
            if hope:
                self.see(AFTER_NAME)
            start = self.come - 2
        if at >= 2 and self.tail[at - 2] in FIRST and self.hope(at - 2, at):
            self.see(AFTER_NAME)
            start = self.come - 3
        return start

    def hope(self, at: int, last: int) -> bool | None:
        """Whether a surname at `at` and what follows may be a name: yes, None for no, False for not yet."""
        given = self.tail[at + 1 : last + 1]
        if self.tail[at : at + 2] in surnames.DOUBLE_SURNAMES:
            return True
        left = self.tail[at - 1 : at]
        bonus = (
            names_zh.WEIGHTS["before"]
            if names_zh.BEFORE.search(self.tail, max(0, at - 10), at)
            else 0.0
        )
        best = bonus + (
            0.0 if not HAN.match(left) else -1.69 if left in names_zh.FUNCTION_LEFT else -2.15
        )
        base = best + names_zh.WEIGHTS[names_zh.kind_of_surname(self.tail[at])]
        if base + given_weight(given) + (BEST_ONE if len(given) == 1 else BEST_TWO) > 0:
            return True
        if len(given) == 1 and base + given_weight(given + FAVOURITE) + BEST_TWO > 0:
            return False
        return None

    def is_read_in_english(self) -> bool:
        return self.english or not self.is_chinese or INTRODUCTION.search(self.tail) is not None

    def read_word(self, plain: str) -> None:
        """A word of Latin letters or a number has come to its end before `plain`."""
        match = WORD.search(self.tail, max(0, len(self.tail) - WORD_CHARS))
        if match is None or plain in GLUED_MARKS or not self.is_read_in_english():
            return
        word = match.group()
        lower = word.lower()
        if is_name_like(word, lower) or (self.run and lower in PARTICLES):
            if not self.run:
                self.run_at = self.come - len(self.tail) + match.start()
            self.run = True
            self.see(AFTER_STREET)
        elif self.run and not word.isdigit():
            self.run = False
            self.wait = self.come
        self.count(word, lower)

    def count(self, word: str, lower: str) -> None:
        """How many words a street may go on, or the name in small letters that was announced."""
        if self.words:
            self.words -= 1
            if lower in SUFFIXES:
                self.see(AFTER_STREET)
            elif self.words == 0 or (lower in FUNCTION_WORDS and not self.is_seen):
                self.words, self.wait = 0, self.come
        if self.english and HOUSE.fullmatch(word):
            self.words = WORDS_AFTER_NUMBER
        if lower in SMALL_CUE_ENDS and SMALL_CUE.search(self.tail):
            self.words = WORDS_AFTER_CUE
            self.see(AFTER_STREET)


def is_name_like(word: str, lower: str) -> bool:
    if lower in TITLES and word[0].isupper():
        return True
    base = lower.removesuffix("'s")
    return base not in COMMON and (word[0].isupper() or base in GIVEN_NAMES)


@cache
def plain_of(character: str) -> str:
    """The one character that rules read: ASCII where it has the width of a Han character, GLUE for what is odd."""
    if character.isascii():
        return character
    simple = SAME_WIDTH.get(character, character)
    if simple == ".":
        return "。"
    if simple.isdecimal():
        return str(unicodedata.decimal(simple))
    if ODD.match(simple) or unicodedata.combining(simple) or unicodedata.category(simple) == "Cs":
        return GLUE
    return simple if unicodedata.is_normalized("NFKC", simple) else GLUE


@cache
def given_weight(given: str) -> float:
    return names_zh.WEIGHTS[f"given{len(given)}"] + names_zh.given_name(given)


# The most that the neighbours of a name and the dictionary add where both edges are free.
BEST_ONE, BEST_TWO = 4.87, 4.36
FAVOURITE = next(iter(sorted(surnames.GIVEN)))
FIRST = names_zh.SURNAMES | {name[0] for name in surnames.DOUBLE_SURNAMES}
PLATES = frozenset(PLATE)
OTHER = frozenset("。，、；：！？（）《》“”‘’—…·")
LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
GLUED_MARKS = frozenset("@'’-_%+/")
SENTENCE_ENDS = frozenset("。！？!?；;\n")
OPENING_CHARS = 13
OPENINGS_TEXT = """
I OK No Of Oh Hi Yes You Your We The This That Sure Sorry Thanks Thank Please Hello Absolutely Happy Got Let Don Great If It
In On To For Not All Most Once When Just There Here So Understood Certainly Good Our My Each Free Delivery Refunds Returns
Orders Items Unfortunately Right Okay
"""
OPENINGS = frozenset(OPENINGS_TEXT.split())
