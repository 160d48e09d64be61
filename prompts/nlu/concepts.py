"""What customers of shops speak about, by word lists: one concept for the many words that name it, in both languages.

Used by prompts.nlu.features: each concept, and each pair of them in one message, is a feature, so that a product or a
fault that no example names still counts as one. Data kept by hand, plain Python, no state.
"""

CONCEPT_LINES = {
    "goods": """
        手机 电脑 笔记本 平板 耳机 耳麦 充电器 充电宝 充电线 数据线 电池 键盘 鼠标 显示器 屏幕 电视 冰箱 冰柜 洗衣机 空调 热水器 油烟机 烟机
        燃气灶 灶具 微波炉 烤箱 电饭煲 电饭锅 压力锅 高压锅 炒锅 汤锅 锅 净水器 风扇 吹风机 剃须刀 音响 音箱 相机 镜头 手表 手环 打印机 墨盒 硒鼓
        路由器 硬盘 固态 内存条 显卡 主板 机箱 优盘 u盘 摄像头 投影仪 扫地机 吸尘器 加湿器 取暖器 电磁炉 豆浆机 榨汁机 洗碗机 消毒柜 饮水机 插座
        衣服 裤子 裙子 鞋子 鞋 外套 毛衣 羽绒服 内衣 袜子 帽子 围巾 书包 背包 包包 皮带 箱子 行李箱 拉杆箱 奶粉 纸尿裤 尿不湿 面膜 洗面奶 口红 香水
        护肤品 化妆品 洗发水 沐浴露 牙膏 牙刷 纸巾 卫生纸 洗衣液 大米 食用油 酱油 牛奶 白酒 红酒 啤酒 茶叶 咖啡 零食 坚果 饼干 月饼 水果 苹果 橙子 车厘子
        床垫 沙发 桌子 椅子 柜子 衣柜 枕头 被子 四件套 窗帘 台灯 灯具 书籍 图书 玩具 积木 轮胎 机油 口罩 杯子 保温杯 水杯 菜刀 雨伞 自行车 电动车 婴儿车
        安全座椅 猫粮 狗粮 猫砂 马桶 花洒 水龙头 门锁 手机壳 贴膜 钢化膜 自营 旗舰店 商品 产品 宝贝 东西 这款 那款 这个型号 机器 设备 配件 套餐 套装
        phone laptop tablet headphones charger cable battery keyboard monitor tv fridge washer oven shoes shirt dress jacket
        pants bag watch camera printer item product toy book perfume sofa mattress lamp blender earbuds console""",
    "trait": """
        颜色 色号 尺寸 尺码 码数 大小 型号 款式 材质 面料 功能 参数 配置 规格 容量 功率 电压 重量 长度 宽度 高度 厚度 续航 分辨率 运行内存 防水 防滑 正品 真假
        假货 行货 国行 港版 产地 生产日期 保质期 有效期 区别 差别 不同 一样吗 哪个好 哪款 推荐 适合 适用 兼容 支持 通用 能用 好用 耐用 味道 口味 甜吗 原装
        说明书 怎么用 如何使用 用法 怎么设置 怎么连接 多大 多重 多长 多高 几斤 几寸 几瓶 几个装 成分 配料 孕妇 宝宝 小孩 老人 掉色 起球 噪音 静音 耗电 质量怎么样
        质量好吗 效果 带不带 含不含 有没有带 是不是正品 自带 蓝牙 wifi 接口 双卡 全网通 几级 能效 色差 偏大 偏小 合适
        color colour size material spec weight capacity waterproof compatible genuine original ingredient expiry dimension
        fit authentic version model feature difference recommend""",
    "ship": "发货 出库 发出 寄出 打包 拣货 配货 仓库 揽收 出货 发走 发了没 发没发 库房 生产中 等待发货 ship shipped dispatch dispatched warehouse packed",
    "carry": """
        快递 物流 包裹 运输 运单 快递单 中转 分拣 配送 派送 派件 送货 送达 送到 送上门 快递员 配送员 送货员 师傅什么时候 站点 自提 驿站 丰巢 代收点 快递柜 取件码 提货码
        签收 妥投 收货 在途 顺丰 圆通 中通 申通 韵达 邮政 ems 运费 邮费 包邮 到哪 parcel package delivery courier tracking deliver delivered carrier arrive arrival locker transit""",
    "when": """什么时候 什么时侯 多久 几天 啥时候 几点 何时 哪天 几号 多长时间 多少天 多会 几时 大概要 when date how long""",
    "today": "今天 今晚 明天 后天 上午 下午 晚上 早上 中午 周末 周一 周六 周日 下周 这周 今日 明日 today tomorrow tonight weekend monday",
    "past": "昨天 前天 上周 上个月 几天了 好几天 好久了 一周了 半个月 那天 之前 yesterday ago last week",
    "receive": "收到 没收到 未收到 收货 到手 拿到 到货了 拆开 打开 开箱 received arrived opened",
    "hurry": "催 快点 尽快 加急 赶紧 抓紧 急用 着急 马上 快一点 快些 优先 hurry urgent asap faster expedite speed",
    "change": "改 修改 更改 变更 改成 改为 换成 改到 填错 写错 选错 弄错 重新填 change update edit modify correct",
    "place": "地址 收货人 收件人 收货信息 门牌 小区 街道 送货时间 配送时间 联系电话 收货电话 address recipient apartment postcode zip street",
    "number": "手机号 手机号码 号码 电话 电话号码 number mobile",
    "cancel": "取消 撤销 撤单 不要了 不想要 不想买 不买了 拍错 买错 重复下单 点错 下错 拦截 cancel cancelled cancellation",
    "order": "订单 下单 这单 单子 那单 拆单 我的订单 已完成 待付款 状态 显示 order orders placed status",
    "return": "退货 退回 寄回 取件 拒收 无理由 退换 退了 想退 要退 能退 可以退 退掉 服务单 上门取 return returned returning send it back",
    "swap": "换货 换一 调换 换新 换个 换大 换小 能换 想换 要换 可以换 换码 换颜色 exchange swap replace replacement",
    "refund": "退款 退钱 到账 到帐 返还 原路 退到 钱退 退给我 退了多少 退款进度 没退 refund refunded money back reimbursement credited",
    "repair": """
        维修 返修 保修 质保 售后 检测 修一下 修理 安装 师傅上门 故障 坏了 不能用 用不了 开不了机 开不开 没反应 死机 黑屏 花屏 闪屏 异响 漏水 漏电 不制冷 不制热 不转 充不进 充不上
        不亮 不出水 没声音 连不上 卡顿 发热 发烫 自动关机 重启 报错 打不开 不通电 不工作 失灵 延保 移机 拆机 上门安装 warranty repair broken fix faulty technician install installation
        not working stopped working wont turn on doesnt work defect""",
    "harm": """
        破损 碎 碎了 裂 裂了 破了 压坏 变形 少发 漏发 发错 错发 送错 寄错 缺件 少了 少一 没有配 漏了 脏 划痕 磕碰 变质 发霉 烂了 坏的 过期 临期 色差 瑕疵 污渍 掉漆 不符 不一样 空盒
        二手 拆过 用过 翻新 质量问题 damaged missing wrong item cracked scratched expired stained dented torn mouldy incomplete""",
    "invoice": "发票 开票 专票 普票 抬头 税号 增票 增值税 纸质发票 电子发票 报销 开具 收据 购货清单 invoice receipt vat tax",
    "offer": """
        优惠 优惠券 优惠卷 券 满减 折扣 打折 红包 积分 京豆 豆子 赠品 赠送 礼品 秒杀 拼购 抽奖 活动 便宜 促销 返现 返利 以旧换新 领取 使用条件 立减 凑单 双十一 双11 会员价 最低价 多少钱 价格
        coupon discount promo sale voucher gift points cheaper deal offer code price""",
    "drop": "价保 保价 价格保护 差价 降价 退差 便宜了 降了 补差 贵了 买贵 掉价 跌价 price drop price match price adjustment difference dropped lower price",
    "pay": """
        付款 支付 分期 白条 货到付款 刷卡 余额 定金 订金 尾款 银行卡 微信 支付宝 扣款 扣钱 信用卡 花呗 免息 利息 账单 还款 对公 转账 汇款 付不了 支付失败 代付 手续费
        pay payment paid card installment instalment charged deposit paypal balance""",
    "stock": "有货 没货 缺货 补货 库存 预售 预约 现货 上架 下架 无货 断货 还有吗 还有没 卖完 抢购 stock restock available sold out preorder availability",
    "account": """
        账号 帐号 账户 帐户 密码 登录 登陆 注销 绑定 解绑 会员 实名 认证 验证码 等级 昵称 个人信息 盗号 冻结 plus 注册 头像 续费 自动续费 account password login log in sign in
        membership verification profile username""",
    "agree": "好的 好吧 好滴 嗯嗯 嗯 恩 可以 行 是的 对的 对 没错 知道了 明白 了解 收到了 ok okay yes yeah sure right fine",
    "deny": "没有了 没了 不用了 不需要 不是 没有 不用 木有 nope no thanks not",
    "hello": "你好 您好 在吗 在么 亲 有人吗 哈喽 hello hi hey",
    "hand": "人工 客服 专员 经理 主管 电话联系 回电 agent human representative manager supervisor",
    "data": "截图 图片 照片 姓名 单号 订单号 编号 身份证 邮箱 税号 screenshot photo name email",
    "shop": "商家 店家 卖家 店铺 第三方 平台 你们家 seller shop store merchant",
}  # fmt: skip


def first_concepts() -> dict[str, str]:
    found: dict[str, str] = {}
    for concept, line in CONCEPT_LINES.items():
        for word in line.split():
            found.setdefault(word, concept)
    return found


CONCEPTS = first_concepts()
LONGEST = max(len(word) for word in CONCEPTS if not word.isascii())


def concepts(symbols: list[str]) -> list[str]:
    """The concepts of a message's symbols, each once, in the order met; the longest word at a place counts."""
    found: dict[str, None] = {}
    place, end = 0, len(symbols)
    while place < end:
        size = 1
        for length in range(min(LONGEST, end - place), 0, -1):
            concept = CONCEPTS.get("".join(symbols[place : place + length]))
            if concept:
                found[concept] = None
                size = length
                break
        place += size
    return list(found)
