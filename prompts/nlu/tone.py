"""Tones of voice by word lists and patterns: anger, sarcasm, haste, thanks, insistence, a wish for a person.

Used by prompts.nlu.features (each tone is one feature of the trained models) and by prompts.nlu.emotion, which reads
irony by its context. Patterns are for normalised text, see prompts.nlu.normalise. Plain Python, no state.
"""

import re

TONE_LINES = {
    "anger": (
        r"气死|气人|生气|火大|恼火|愤怒|忍无可忍|受够|无语|离谱|过分|欺负|坑人|坑爹|坑我|骗子|骗人|忽悠|欺骗|欺诈|糊弄|敷衍|耍我|耍人|玩我|"
        r"恶心|垃圾(?!袋|桶|处理)|太烂|真烂|狗屁|放屁|他妈的|tmd|(?<![我他她你老干婆姑爸])妈的|尼玛|傻[逼bx]|\bsb\b|滚蛋|滚吧|混蛋|不要脸|无耻|流氓|奇葩|可恶|缺德|黑心|眼瞎|(?:听|看)不懂(?:中文|人话|中国话)|骗鬼|有(?:完没完|没有完)|买罪受|找罪受|陪你们?(?:耗|玩|磨)|"
        r"scam|fraud|ridiculous|unacceptable|disgust|terrible|awful|horrible|pathetic|useless|garbage|rubbish|worst|furious|"
        r"fed up|sick of|joke|wtf|bullshit|damn|hell\b|crap|angry|annoy|outrag|disgrac|liar|lying|lied"
    ),
    "disappointment": (
        r"失望|不(?:太|怎么|是很|大|够)?(?:满意|高兴|开心|舒服|舒心|厚道|地道)|体验(?:感)?(?:不|很|太|真|极|非常)(?:好|差|烂|糟)|糟糕|糟心|闹心|差劲|太差|真差|好差|很差|差评|最差|越来越差|不满(?!N|Y|足|减)|不靠谱|不负责|没诚意|没人管|没人理|不理人|不理我|不管|态度|什么态度|什么服务|"
        r"什么破|破东西|什么玩意|什么鬼|后悔|再也不|以后不|不会再(?:买|来|信|光顾|相信)|最后一次|寒心|心寒|心累|太慢|真慢|好慢|这么慢|那么慢|有点慢|慢死|慢得|太久|这么久|那么久|花儿都谢|无奈|遥遥无期|耽误|等了(?:好|这么|那么|很)|白等|浪费|黄花菜|菜都凉|等(?:得|到|的)?花|等了个寂寞|乌龟|蜗牛|"
        r"disappoint|poor service|bad service|bad experience|never again|never (?:buy|order|shop)|waste|too slow|so slow|let down|unhappy|not happy|fail"
    ),
    "threat": (
        r"投诉|举报|曝光|消协|消费者协会|工商|法[院庭]|打官司|维权|起诉|(?:发|挂|放|传)(?:到)?(?:网上|抖音|微博|朋友圈|小红书|群里)|律师|(?<!直)(?<!在)(?<!器)报警(?!器)|媒体|微博|差评|退一赔|赔偿|给个说法|给我个说法|讨个?说法|"
        r"lawyer|sue\b|court|legal|report you|complain|bbb|chargeback|(?:call|contact|tell)(?:ing)? my bank|money back or\b|social media|bad review|trading standards"
    ),
    "sarcasm": (
        r"你们?(?:可)?真(?:是)?(?:行|牛|会|棒|厉害|可以|能)|真有(?:你们?|您)的|真有一套|服了|佩服|呵呵|嗬嗬|好得很|好的很呐|厉害了|真厉害|真牛|牛[逼b啊批]|"
        r"真是(?:好|绝|开了眼|长见识|涨知识)|长见识|开眼|谢谢你(?:们)?(?:全家|八辈)|也是没谁|没谁了|(?<!拒)(?<!谢)绝了|醉了|好一个|不愧是|可真(?:行|是|快|好|会)|"
        r"真(?:快|及时|准时|负责|专业|贴心|周到)(?:啊|呀|呢|哈)|逗我|逗我呢|搞笑|笑死|笑话|真逗|真搞|了不起|大公司就是|这就是你们|就这(?:服务|态度|效率|质量|速度)|"
        r"你们?(?:赢|高兴就好|开心就好)|随便你们|爱咋咋|爱退不退|当我(?:傻|是傻|没说)|猴年马月|等到(?:花|过年|明年|天荒)|过年再|明年(?:再|能)|"
        r"great job|nice job|well done|bravo|thanks for nothing|how nice|wonderful service|good for you|oh great|oh wow|slow clap|brilliant|fantastic service|what a service|just great"
    ),
    "blame": (
        r"不是(?:说|都说|说好)(?!这|这个|我要).{1,12}[吗嘛么]|怎么还(?:没|不|在)|怎么(?:又|老|总|这么|那么|能这|可以这|搞的|做事)|为什么(?:又|老|总|这么|还要)|凭什么|凭啥|到底|究竟|难道|居然|竟然|说好的|承诺|答应(?:过|了|好)|言而无信|出尔反尔|"
        r"说话不算|谁知道|谁的(?:错|责任)|也太|太.{1,5}了吧|这也|有(?:你们|这)(?:这样|么)|哪有(?:这|你)|你们(?:自己|就|都|是不是|这|的错|的问题|不是)|亏(?:了|大)|劣质|质量(?:太|真|这么|好)?差|"
        r"搞什么|搞毛|除了(?:会)?.{1,8}还会|你不能|能不能别|要么.{1,14}要么|什么(?:也|都)没(?:有)?(?:做|办|干|解决)|没(?:时间|功夫|空)陪|耐心(?:了$|有限|都)|做了什么|凑合|不合理|不像话|太不|良心|不敢(?:再)?(?:买|信)|错在|怪我|why (?:is|are|do|does|did|cant|hasnt|havent)|supposed to|promised|your (?:fault|mistake|problem)|how (?:can|could) you|how hard (?:can|is|could)|do you even|does anyone even|what kind of (?:shop|service|company|store)"
    ),
    "delay": (
        r"都(?:.{0,4})(?:天|周|月|小时|礼拜|星期|年|趟|遍|次)了|好几(?:天|次|趟|遍|周|个)|几天了|多久了|多少天了|几次了|第[二三四五六七八九N]次|说了?(?:几|多少|N)[次遍]|一(?:直|次次|拖再拖)|拖(?:了|着|到|延)|昨天说.{0,4}(?:今天|明天)|今天(?:说|推)?明天.{0,3}(?:明天|后天)|一天推一天|天天说|每次(?:都)?说|"
        r"推(?:来推去|卸|诿|迟)|倒来倒去|踢皮球|还要(?:等|我|多久)|等了|又(?:是|不|没|要|出|坏|来|等|拖|错)|半天|天天|N天(?:了|还|都)|N(?:个)?(?:月|周|小时)(?:了|还|都)|"
        r"still (?:no|not|hasnt|havent|waiting)|how long|how many times|again\b|(?:second|third|fourth|Nrd|Nth|Nnd) time|keeps? (?:say|tell|ask)|been waiting|days? (?:now|late|and)|weeks? (?:now|late|and)|for (?:N|days|weeks)"
    ),
    "neglect": (
        r"没人(?:管|理|接|回|来|处理|联系)|不理|不管|没反应|不(?:处理|解决|作为|回复|回话|接电话|负责|认账|承认)|不给(?:我)?(?:退|换|办|安装|处理|送|解决|说法)|联系不(?:上|到)|打不通|"
        r"连(?:个|一|.{1,2}都).{0,6}|一点.{0,4}(?:都|也)(?:没|不)|根本|完全(?:没|不)|什么都(?:没|不)|(?:谁|哪里|哪儿)都|查都不|没(?:一个|有一个)|nobody|no one|ignor|never (?:reply|replied|called|got|received)|no (?:reply|response|answer)|wont (?:help|respond|reply|answer)"
    ),
    "waiting": r"还(?:是)?没|还不|到现在|仍然?|依然|still|yet\b",
    "haste": r"急|赶紧|赶快|快点|快些|马上|立刻|立即|尽快|抓紧|催|加急|速度|等着用|来不及|asap|urgent|hurry|immediately|right now|quickly|as soon as",
    "thanks": (
        r"谢谢|谢了|谢啦|感谢|多谢|谢谢你|辛苦|麻烦你了|拜拜|再见|么么|好评|thanks|thank you|thx|\bty\b|cheers|appreciate|bye\b"
    ),
    "praise": (
        r"(?<!也)不错|很好|真好|太好|挺好|(?<!不)(?<!不太)(?<!不够)(?<!不是很)(?<!不怎么)满意|(?<!不)(?<!不太)喜欢|给力|贴心|耐心|(?<!不)态度好|(?<!不)服务好|很快|(?<!不)好用|点赞|赞一个|棒|靠谱|完美|(?<!不)放心|(?<!不)(?<!不太)(?<!很不)(?:开心|高兴)|爱了|五星|nice|great|awesome|perfect|love|"
        r"amazing|excellent|helpful|wonderful|fantastic|happy|best|lovely|kind\b"
    ),
    "friendly": r"亲亲?|小姐姐|小哥哥|美女|帅哥|哈哈|嘻嘻|嘿嘿|么么哒|[😊😄😁😀😍🥰😘👍🙏❤💕🌹😃😆🤗🎉]|:\)|lol|haha",
    "upset": r"[😡😠🤬😤👎💢😒🙄😑😞😢😭🤮😩😫💔]|哎|唉|呜|我晕|晕死|郁闷|头疼|(?<!麻)烦|崩溃|忍受|受不了|着急|抓狂|:\(|ugh|sigh|argh",
    "person": (
        r"人工|真人|转人|转接|找.{0,3}客服|换.{0,3}客服|客服呢|叫.{0,4}(?:经理|主管|领导|负责人|老板)|(?:经理|主管|领导|负责人|店长)|机器人|活人|"
        r"(?:打|回)(?:个|我)?电话|回电|电话联系|给我打|real person|human|agent|representative|supervisor|manager|operator|call me|talk to (?:someone|somebody)|speak (?:to|with)|live chat|\bbot\b|robot"
    ),
    "question": r"[?]|吗|呢|么$|怎么|什么|啥|几|多少|哪|谁|能不能|可不可以|是不是|有没有|会不会|要不要|如何|为何|\b(?:what|how|when|where|why|who|which|can|could|does|do|is|are|will)\b",
    "exclaim": r"!",
    "insistence": r"[!?]{2,}|[?!] [?!]",
    "trailing": r"\.\.$|~",
    "refusal": r"不要|不行|不用|不想|不能|不可以|不同意|不接受|拒绝|别|dont|wont|cant|cannot|never|refuse",
}
TONES = {name: re.compile(pattern) for name, pattern in TONE_LINES.items()}


def tones(text: str) -> list[str]:
    """The tones heard in a normalised text, once each, in the order of the lists."""
    return [name for name, pattern in TONES.items() if pattern.search(text)]
