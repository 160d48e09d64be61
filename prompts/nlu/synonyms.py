"""The word lists of prompts.nlu.segment: what says little, what means the same, which characters are variants.

Data, kept by hand. Of a line of synonyms the first word stands for all.
"""

STOP_WORD_TEXT_ZH = """
的 了 吗 呢 吧 啊 呀 哦 嘛 哈 嗯 呗 啦 么 得 地 着 过 是 我 你 您 他 她 它 咱 我们 你们 他们 咱们 人家 自己
这 那 这个 那个 这些 那些 这样 那样 这么 那么 个 一个 一下 一点 一些 点 些 下 次 都 也 就 还 又 很 太 挺 真 再 才 只
请 请问 问 你好 您好 亲 亲爱 和 与 或 或者 跟 给 把 被 让 对 为 以 在 从 到 向 往 要 想 想要
可以 能 会 该 应该 需要 有 没 没有 不 不是 是不是 有没有 不能 怎么 为什么 时候 什么 哪里 多少 谁 几
知道 说 看 来 去 做 弄 用 之前 之后 以后 以前 后 前 里 上 中 现在 已经 但 但是 因为 所以 如果 的话 而且 然后 今天 昨天
"""

STOP_WORD_TEXT_EN = """
a an the i im ive id ill me my mine we our us you your it its this that these those is are was were be been am
do does did dont doesnt didnt have has had havent hasnt can cant could would will wont should may might must
to of in on for from with at by about as and or but if so not no please pls hi hello hey dear thanks thank
want wanted need like know tell help get got getting how what when where why who which there here any some
just still yet already now then also too very really one ones up out go going let see there theres whats
"""

STOP_WORDS_ZH = frozenset(STOP_WORD_TEXT_ZH.split())
STOP_WORDS_EN = frozenset(STOP_WORD_TEXT_EN.split())

SYNONYM_LINES = """
怎么 如何 怎样 咋 咋样 怎么样 怎么办 怎么弄 咋办 怎么着
为什么 为啥 为何 干嘛 怎么回事 原因
时候 啥时候 何时 几时 多久 多长时间 几点 几天 多会儿
哪里 哪儿 哪 何处
什么 啥 哪些
不能 无法 没法 不了 不让 不行
没有 没 未
可以 能 是否 能否 可否 能够 可不可以
物流 快递 包裹 快件 运单
发货 出货 寄出 发出
送达 送到 到货 收到 到达 抵达 收货
配送 派送 送货 投递
退款 退钱 退回 返还 退还 退费
退货 退掉
换货 调换 更换
修改 更改 改 变更 改成 改为 更正
取消 撤销 撤单 撤回 作废
地址 住址
发票 开票 票据 税票
优惠券 券 优惠卷 代金券
便宜 降价 打折 折扣
差价 保价 补差
支付 付款 付钱 结账 缴费 交钱
失败 出错 错误 报错 异常
损坏 坏 坏掉 破 破损 破碎 烂 碎 裂 裂开 压坏 摔坏
维修 修 保修 质保 返修 修理
人工 真人 专员 客服
投诉 举报
账号 帐号 账户 帐户
登录 登陆
注销 销户
手机号 电话 号码 手机号码 联系电话 联系方式
绑定 绑 关联
提高 提升 增加 上调
开通 打开 开启 启用 激活
查询 查 查看 查找
催 催促 加急 快点 尽快 抓紧 赶紧 赶快
下单 拍 购买 买 订购 买入
订单 单子 订单号
会员 vip
借款 贷款 借钱
还款
额度 限额
钱 金额 款项 资金
审核 审批
申请 申办 办理
运费 邮费 快递费
尺码 尺寸 码数 大小
保质期 有效期 过期
parcel package shipment
deliver delivery ship arrive arrival dispatch
refund reimburse reimbursement
exchange swap replace replacement
cancel cancellation void revoke
change modify edit update amend alter switch correct
invoice bill
coupon voucher promo discount
cost charge fee
buy purchase
pay payment paid
fail failure decline reject unsuccessful
damage broken defective faulty crack
wrong incorrect
warranty guarantee repair
agent human person representative operator
complain complaint
account profile
password passcode
delete remove close deactivate
late delay
track locate trace
lose lost missing miss
"""

# Characters of customers who write traditional Chinese, as far as shopping needs them.
SIMPLIFIED = str.maketrans(
    "訂單貨發票運費錢買賣換壞壓錯誤還沒嗎麼們個這裡點寄時間問題請謝優惠賬號帳戶電話碼開關證實無法應該會員積分價差額"
    "減據質變長樣為從後過給聯繫絡營業務處訴說話讀寫選擇網頁頭圖種類類產廠裝箱殘損傷漏報銷稅紙張銀現餘卡綁驗簽達遞"
    "達慢緊趕進與對動態狀況總結檢測試認識讓許諾賠償賞紅黃藍綠顏邊輕輛車鐘週歲歷曆幾數據條約",
    "订单货发票运费钱买卖换坏压错误还没吗么们个这里点寄时间问题请谢优惠账号帐户电话码开关证实无法应该会员积分价差额"
    "减据质变长样为从后过给联系络营业务处诉说话读写选择网页头图种类类产厂装箱残损伤漏报销税纸张银现余卡绑验签达递"
    "达慢紧赶进与对动态状况总结检测试认识让许诺赔偿赏红黄蓝绿颜边轻辆车钟周岁历历几数据条约",
)
