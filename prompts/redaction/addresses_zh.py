"""Chinese addresses by their structure: 省 市 区 镇 路 号 楼 室, whatever of it is there.

A single part says little ("朝阳区", "3号"), so parts that follow each other are added up, and only a chain of enough
weight is an address. Called by prompts.redaction.presidio; takes normalised text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prompts.redaction.districts import DISTRICTS_OF
from prompts.redaction.regions import PROVINCE_OF, PROVINCES
from prompts.redaction.spans import Span

THRESHOLD = 2.0
WHOLE_REGION = 3.0
GAP_CHARS = 14
TAIL_CHARS = 20
NAME_CHARS = 6
PARTS_MAX = 24

# Words of the sentence around an address; hardly a place has one of them in its name.
STOP = (
    "[某是在到送寄去给为的了我你您他她它这那请把帮改换吗呢吧啊哦呀啦嘛么就也很没什怎谢从问往仅住忘等]|"
    "(?<=[改换])[成为]|都[是要没可不]|可以|能[不送]|要[求改]|想要|不[能是用要会]|已经|地[址点]|收[货件]|[发送]货|电[话联]|联系|派送|配送|准备|"
    "如果|麻烦|先生|女士|小姐|附近|客服|现在|今天|昨天|明天|[两一]?个区|原路|半路|跨区|隔壁|目前|整个|单位|全国|自提"
)
HAN = "\u4e00-\u9fff〇"
NAME = rf"(?:(?!{STOP})[{HAN}])"
NUMERAL = "0-9一二三四五六七八九十百零〇"

# The look-aheads keep words such as 路由器, 区别, 市场价 out.
ADMIN = r"自治区|自治州|自治县|开发区|新区|市(?![场面价民])|区(?![别域间分])|省|县|旗"
TOWN = r"街道办事处|街道|镇(?!定)|乡(?!下)|社区|行政村|新村|村|庄(?!重)|屯"
ROAD = r"大道|大街|胡同|路口|路(?![由线过途程上])|街(?![拍道])|巷|弄(?=\d)|道(?=\d)"
SITE = (
    "小区|花园|家园|花苑|公寓|大厦|大楼|广场|别墅|[名佳嘉]?苑|公馆|豪庭|雅居|华庭|花城|中心|园区|科技园|"
    "(?:工业|产业|创业|物流)园|工业区|功能区|市场|商城|商场|大学|学院|[中小]学|学校|幼儿园|医院|酒店|宾馆|公司|工厂|厂|宿舍|"
    "派出所|驿站|丰巢|菜鸟|门卫室?|传达室"
)
NUMBERED = (
    rf"(?<![\d.:月年-])(?:[A-Za-z]?[{NUMERAL}]{{1,6}}(?:[~-][A-Za-z]?\d{{1,5}}){{0,3}}[A-Za-z]?|[A-Za-z])"
    r"(?:号楼|号院|号门|号(?!码)|栋|幢|座|单元|室|层|楼|弄|期(?!免)|组|巷|街|区|铺|户|门|排|#)"
)
STREETS = rf"[东西南北中]?[一二三四]?(?:{ROAD}|{TOWN}|{SITE})"
PROVINCE = rf"(?:{'|'.join(PROVINCES)})(?!{STREETS})(?:省|市|(?:壮族|回族|维吾尔)?自治区)?"
CITY = rf"(?:{'|'.join(PROVINCE_OF)})(?!{STREETS})(?:市(?![场面价民])|地区|自治州)?"
REGION = re.compile(rf"(?P<province>{PROVINCE})|(?P<city>{CITY})")
PART = re.compile(
    rf"(?P<numbered>{NUMBERED})"
    rf"|{NAME}{{1,{NAME_CHARS}}}?(?:(?P<site>{SITE})|(?P<town>{TOWN})|(?P<road>{ROAD})|(?P<admin>{ADMIN}))"
)
WEIGHTS = {
    "province": 1.0,
    "city": 1.0,
    "admin": 1.0,
    "town": 1.0,
    "road": 1.0,
    "numbered": 1.0,
    "site": 0.6,
}
# Districts and whole cities identify nobody: a chain needs one of these.
PRECISE = frozenset({"town", "road", "numbered", "site"})
REGIONS = frozenset({"province", "city", "admin"})
BUILDING = re.compile("[栋幢室]|单元")
GAP = re.compile(rf"(?:{NAME}|[\w()#-]){{0,{GAP_CHARS}}} ?")
TAIL = re.compile(rf"(?:{NAME}|[A-Za-z#()-]|\d(?!\d{{6}})){{0,{TAIL_CHARS}}}")
LEAD = re.compile("(?:中国|地[址点]|家里|修改|备注|新的|以下|下面|如下)+")
TRIGGER = re.compile("[路街道巷弄村镇乡区县市省幢栋室苑厦楼号座]")


@dataclass(frozen=True, slots=True)
class Part:
    kind: str
    start: int
    end: int
    text: str


def find(text: str) -> list[Span]:
    """Addresses in normalised `text`; the score grows with the number of parts."""
    if TRIGGER.search(text) is None:
        return []
    return [span for chain in chains(text) if (span := judged(chain, text)) is not None]


def chains(text: str) -> Iterator[list[Part]]:
    """Parts that follow each other with nothing but a short name between them."""
    chain: list[Part] = []
    for part in parts(text):
        if chain and (len(chain) == PARTS_MAX or not continues(chain, part, text)):
            yield chain
            chain = []
        chain.append(part)
    if chain:
        yield chain


def parts(text: str) -> Iterator[Part]:
    """Regions first: what stands between two of them never takes a piece of their names."""
    at = 0
    for region in REGION.finditer(text):
        yield from map(part_of, PART.finditer(text, at, region.start()))
        yield part_of(region)
        at = region.end()
    yield from map(part_of, PART.finditer(text, at))


def part_of(match: re.Match[str]) -> Part:
    return Part(match.lastgroup or "", *match.span(), match.group())


def continues(chain: list[Part], part: Part, text: str) -> bool:
    if GAP.fullmatch(text, chain[-1].end, part.start) is None:
        return False
    precise = any(p.kind in PRECISE for p in chain)
    if part.kind not in {"province", "city"}:
        return not (precise and part.kind == "admin" and text[part.start - 1] == " ")
    # A region after a street, or another province, opens the next address.
    provinces = {province_of(p) for p in chain} - {None}
    return not precise and provinces <= {province_of(part)}


def province_of(part: Part) -> str | None:
    if part.kind == "province":
        return next(name for name in PROVINCES if part.text.startswith(name))
    if part.kind == "city":
        return next(
            PROVINCE_OF[part.text[:n]] for n in (5, 4, 3, 2) if part.text[:n] in PROVINCE_OF
        )
    return None


def judged(chain: list[Part], text: str) -> Span | None:
    chain = without_bare_region(chain)
    kinds = {part.kind for part in chain}
    weight = sum(WEIGHTS[part.kind] for part in chain)
    if weight < THRESHOLD:
        return None
    if kinds == {"numbered"} and not any(BUILDING.search(part.text) for part in chain):
        return None
    end = end_of(chain, text)
    # 浙江省嘉兴市秀洲区 is an address only with a name after it: 巴黎都市.
    named = weight > WHOLE_REGION or (weight == WHOLE_REGION and end - chain[-1].end > 1)
    if kinds <= REGIONS and not named:
        return None
    return Span(start_of(chain[0], text), end, "ADDRESS", min(0.89, 0.5 + weight / 10))


def start_of(first: Part, text: str) -> int:
    lead = LEAD.match(text, first.start, first.end)
    return first.start if lead is None or lead.end() == first.end else lead.end()


def end_of(chain: list[Part], text: str) -> int:
    tail = TAIL.match(text, chain[-1].end)
    return chain[-1].end if tail is None else tail.end()


def without_bare_region(chain: list[Part]) -> list[Part]:
    """Drops "广西" before a street: on its own it identifies nobody, and tells the model where a parcel goes."""
    first, *rest = chain
    if rest and is_bare(first) and not holds(first, rest[0]):
        return without_bare_region(rest)
    return chain


def is_bare(part: Part) -> bool:
    return part.text in PROVINCE_OF or part.text in PROVINCES


def holds(outer: Part, inner: Part) -> bool:
    """Whether `inner` is known to lie in the region `outer`."""
    if inner.kind == "city":
        return province_of(inner) == province_of(outer)
    if inner.kind != "admin":
        return False
    cities = [outer.text, *CITIES_OF.get(outer.text, ())]
    return any(inner.text in DISTRICTS_OF.get(city, ()) for city in cities)


CITIES_OF = {
    province: [city for city, whose in PROVINCE_OF.items() if whose == province]
    for province in PROVINCES
}
