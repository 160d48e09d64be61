"""Capitalised English words that are nobody's name, and familiar names: data for prompts.redaction.names_en.

General knowledge, kept by hand; all in lower case.
"""

# Words that begin sentences, stand in headings, or name things of a shop.
COMMON_TEXT = """
a about above accepted account address adidas adjust after again against agent ago agreed ah air airport album
aldi alexa alibaba aliexpress alipay all allow allowed almost alone along already also alternate although
always am amazon amex among amount an and android another answer any anybody anyone anything anyway apologise
apologize app apple applicable application apply appointment approved apr april apt are aren't around arrived
arriving article as ask assistant association asus at attach attached attention audi aug august available
avenue awaiting award away back bag balance band bank based basic battery be beauty because bed been before
began being below best better between bill billing birth birthday black blocked blue bluetooth bmw board body
book booking border bosch bot both bottle box boy brand bread bridge bring broken brown budget building bulk
business but button buy by cable call called calm came camera can can't cancel canceled cancelled cannot canon
car card care case cash cat cause center centre certificate chair change charge charger chat check checked
child choose christmas chrome church cisco city class classic clean click client close closed clothes club co
coca code coffee cola collect collected color colour column come coming comment commission committee company
compare compatible complaint complete completed computer concert confirm confirmation confirmed congress
consider contact contract conversation copy corner corp corporation correct cost costco could couldn't council
count counted country coupon court cover cpu credit cup currency current currently customer customers daily
damaged damages dark data date day deal dear debit dec december declined defects degree delayed delays deliver
delivered delivery dell denied department description desk desktop details device dhl did didn't digital
dinner director discount discover disney disputed disputes district division do does doesn't dog doing dollar
domain don't done door double down download dr dress drive driver driving due duplicate during dvd dyson each
early earth east easter ebay echo edge edition education either electric electronics eligible else email
employee enabled energy engine enough enter entertainment error errors escalate escalated estate euro even
event ever every everybody everyone everything excel exceptions exchange excuse expired expiring explain
express extra face facebook failed fall family far farm fashion faults faulty fax feb february fedex fee
feedback feel female fendi festival few field file filed film final finance find finished fire firefox first
fish fixable fixed flight flip floor flower fold follow food foot for force ford forget forgot forgotten form
forward found foundation free freight french fri friday from front frozen fruit fulfilled full further galaxy
game gap garden gas gate gather gave general get getting gift girl give given glass global gmail go god going
gold gone good goodbye google got government gps gpu graffiti grand gray great green grey ground group gucci
guide guided guilty had hadn't hair half hall hand handled happy hard has hasn't hat have haven't having hdmi
he he'd he'll he's head headphones health heart heat hello help her here here's hermes hers herself hey hi
high highway hill him himself his history hmm hold holiday holidays home honda honor hospital hot hotel hour
house how how's however hp hsbc huawei human i i'd i'll i'm i've ibm ice id identify if ikea image in inactive
inc including income incomplete incorrect indeed industries info information inject inside instagram instead
institute insurance intact intel interested international internet into invalid invoice ipad iphone is island
isn't issue issued it it'd it'll it's item items its itself jacket jan january jbl jeans job join journal jul
july jun june just keep key keyed kid kids kindle king kingdom kit kitchen know label lady lake lane language
laptop large last late later law lcd least leather leave led left legal lego lenovo less let let's letter
level lg library license life light like limited line link linkedin linux list listen lite little live llc
loan local location lock locked log login logitech logo long longer look looking lord lost lot love low
loyalty ltd macbook machine made maestro mail main major make male man manager manual many map mar march
market master mastercard match matched material max maximum may maybe mcdonalds me meal mean meanwhile media
medical medium meet meeting member memory men mention menu message microsoft middle might mine mini minimum
minister miss missing mistaken mobile model mon monday money month monthly more moreover morning most mother
motor motorola mountain mouse movie movies mr mrs ms much museum music musicians must my myself name national
near need netflix network never new news next nfc nice night nike nikon nintendo no nobody nokia none nor
north not note nothing notice notify nov november now number oct october of off offer office officer official
offline oil ok okay old on once one online only onto open opinion oppo option or orange order orders original
other otherwise our ours out outlet outlook outside outstanding over overdue overseas own owner pack package
packed page paid panasonic paper parcel parent park part partial partner party pass passport password patient
pay payment paypal pedestrians pen pending pension people pepsi per perhaps perishable philips phone photo
pickup picture pink pixel place plan plastic play player playstation please plus point points police policy
pool porsche post postal power prada premium preorder prepaid president press price prime prince princess
printer privacy prize pro probably problem procedure processed processing product products prof professor
profile program project promise promo promotion protection provided public puma purchase purple put qualified
quality quantity queen question questions queued quick quite radio rain ram range rate rather rating read
ready real really reason receipt received recommend record red reddit reference refund refunded refunds
refused region register registration rejected remind remote removed rent repaired replaced replacement
replacements reply report request requested required research reservation reserved reset resolve resolved
restaurant restock result return returned returns review reviewed reward rewards rich right ring river road
rock rolex room royal rule safe said sale sales same samsung sat saturday saw say says scheduled school
science sea sealed season seat second section secure security see seem seems seller send sending senior sent
sep sept september serial series serious service services session set several shall shampoo she she'd she'll
she's shield ship shipment shipped shipping shirt shoe shoes shop shopify shopping short shorter should
shouldn't show siemens sign signed silver simple since single sir site size skipped sky skype small smart snow
so social society socks software sold some somebody someone something sometimes song sony soon sorry sound
south space speak special sport spotify spring ssd staff standard star starbucks start state statement station
status still stock stop stopped store street stuck student studio style subject submitted subscription such
suggest suite summarise summarize summer sun sunday super supplier support supported sure surname suspended
swift switch system table tablet take talk tap target tax team tech technology telephone television tell temu
tesla test text thank thanks that that's the their theirs them then there there's these they they'd they'll
they're they've thing things think this those though three through thu thursday thus ticket tiktok time
timeout title to today together toll tomorrow tonight too top toshiba total touch tower town toy toyota track
tracking trade traffic train transaction transfer transferred transport travel treaty trial tried trip truck
try tube tue tuesday tv twitter two type uber ubiquitous ultra unable unavailable unclear unconfirmed
undelivered under undo uneven union unit university unknown unless unlike unlocked unpaid unsealed unsupported
unsure until unused unworn up upcoming update updated upgrade upon ups urgency urgent us usb use used user
users using usps vacation valid value vat vehicle verified verify version very via vice video view village vip
visa visit vivo void voided volume voucher wait waived wallet walmart want wanted war warehouse warranty was
wasn't watch water way we we'd we'll we're we've web website wechat wed wedding wednesday week weekend weekly
weight welcome well were weren't west what what's whatever whatsapp when when's where where's whether which
while white who who's whole whom whose why why's wife wifi wikipedia will windows winter wireless wish with
within without women won't wood word work worker works world worn worth would wouldn't write wrong xbox xiaomi
xl yahoo yeah year yearly yellow yep yes yesterday yet you you'd you'll you're you've your yours yourself
youtube zara zip zone zoom
"""
REGIONS_TEXT = """
afghanistan africa african alabama alaska albania alberta algeria america american americans amsterdam arab
arabia arabic argentina arizona arkansas asia asian athens atlanta australia australian austria austrian
bangkok bangladesh barcelona beijing belarus belgian belgium berlin birmingham bolivia bosnia boston brazil
brazilian brisbane britain british brooklyn brussels bucharest budapest bulgaria cairo california cambodia
cambridge canada canadian caribbean carolina chicago chile chilean china chinese christian colombia colorado
connecticut copenhagen croatia croatian cuba cyprus czech dakota dallas danish delaware delhi denmark denver
detroit dubai dublin dutch ecuador edinburgh egypt egyptian england english estonia estonian ethiopia europe
european filipino finland finnish florida france frankfurt french geneva georgia german germany ghana glasgow
greece greek greenland guangzhou hamburg hampshire hawaii hebrew helsinki hindu hispanic hollywood hong
houston hungarian hungary iceland icelandic idaho illinois india indian indiana indonesia iowa iran iranian
iraq ireland irish islam islamic israel israeli istanbul italian italy jakarta jamaica japan japanese jersey
jerusalem jewish johannesburg jordan kansas karachi kazakhstan kentucky kenya kong korea korean kuwait kyiv
kyoto lagos latin latvia lebanon leeds lima lisbon lithuania liverpool london louisiana luxembourg lyon madrid
maine malaysia malta manchester manhattan manila manitoba marseille maryland massachusetts melbourne mexican
mexico miami michigan milan milano minnesota mississippi missouri mongolia montana montreal morocco moscow
mumbai munich muslim nairobi naples nebraska nepal netherlands nevada nigeria norway norwegian ohio oklahoma
ontario oregon oslo ottawa oxford pakistan palestine paris pennsylvania perth peru philadelphia philippines
phoenix poland polish portugal portuguese prague qatar quebec rio riyadh roman romania rome rotterdam russia
russian salzburg santiago saudi scandinavian scotland scottish seattle seoul serbia shanghai shenzhen
singapore slovakia slovenia slovenian soviet spain spanish stockholm stuttgart sudan sweden swedish swiss
switzerland sydney syria taipei taiwan tanzania tehran tennessee texas thai thailand tokyo toronto tunisia
tunisian turin turkey turkish uganda ukraine ukrainian uruguay utah uzbekistan vancouver venezuela venice
vermont vienna vietnam vietnamese virginia wales warsaw washington wellington welsh wisconsin wyoming yemen
york zealand zimbabwe zurich
"""
# What firms and bodies end their names with.
ORGANISATIONS_TEXT = """
agency airlines associates association bank brothers capital city club co college committee company consulting
corp corporation council department enterprises entertainment federation force foundation fund gmbh group
holdings hospital hotel inc incorporated industries institute insurance international investments jr
laboratories labs limited llc llp ltd media ministry museum network parliament partners party plc press
records research restaurant school services shop society solutions sons store studio studios supercomputing
systems team technologies technology telecom trust union university weekly works
"""
GIVEN_NAMES_TEXT = """
aaron abby abdul abigail ada adam adrian agnes ahmed aidan aisha alan albert alejandro alex alexander
alexandra alexis alfred ali alice alicia alison allison alma amanda amber amelia amir amy ana anastasia andre
andrea andreas andrew andy angel angela angelo anita ann anna anne annette annie anthony antonia antonio april
ariana arnold arthur ashley audrey aurora austin ava barbara barry beatrice becky ben benjamin bernard bernie
beth betty beverly bianca bill billy bob bobby bonnie brad bradley brandon brenda brent brian bridget bruce
bruno bryan caleb cameron camila carl carla carlos carmen carol caroline carrie catherine cathy cecilia
charles charlie charlotte chelsea chen cheryl chloe chris christian christina christine christopher cindy
claire clara clark claudia claudio clifford cody colin connor courtney craig crystal curtis cynthia daisy dale
damian dan dana daniel daniela danielle danny darren dave david dawn dean deborah debra denise dennis derek
diana diane diego dominic don donald donna doris dorothy doug douglas dylan earl eddie edgar edith eduardo
edward edwin eileen elaine eleanor elena eli elias elijah elisabeth elizabeth ella ellen elliot emil emily
emma enrique eric erica erik erin ernest esther ethan eugene eva evan evelyn faith fang fatima felix fernando
fiona florence frances francesca francis francisco frank fred frederick gabriel gabriela gail gary gavin gemma
geoffrey george gerald gerard gina giovanni giulia gloria gordon grace graham greg gregory gustavo guy hannah
hans hao harold harriet harry harvey hassan hazel heather hector heidi helen helena henry herbert holly howard
hugh hugo hui ian ibrahim ida igor ines ingrid irene irina iris isaac isabel isabella isla ivan jack jackie
jackson jacob jacqueline jake james jamie jan jane janet janice jared jasmine jason javier jay jean jeff
jeffrey jen jennifer jenny jeremy jerome jerry jesse jessica jesus jill jim jimmy jing jo joan joanna joe joel
johan johanna john johnny jon jonas jonathan jordan jorge jose josef joseph josephine joshua joy joyce juan
juana judith judy julia julian juliana julie jun june justin kai karen karin karl kate katherine kathleen
kathryn kathy katie keith kelly ken kenneth kerry kevin kim kimberly kristen kristina kurt kyle lara larry
laura lauren laurence lawrence leah lee lei lena leo leon leonard leslie lewis liam lily linda lindsay lisa
logan lois lorenzo lori louis louise luca lucas lucia lucy luis luka lukas luke lydia lynn madison maggie
malcolm manuel marc marco marcus margaret maria mariah marian marie marilyn mario marion marisa mark marta
martha martin mary mason mateo matt matthew maureen maurice max maya megan melanie melissa mia michael
michelle miguel mike mila milan ming mohamed mohammed molly monica morgan muhammad nadia nancy naomi natalia
natalie nathan neil nelson nicholas nick nicola nicolas nicole nigel nina noah nora norma norman olga oliver
olivia omar oscar owen pablo pam pamela patricia patrick paul paula pauline pedro peggy penny perry pete peter
phil philip phillip phyllis pierre priya rachel rafael ralph ramon randy raymond rebecca renee ricardo richard
rick rita rob robert roberta roberto robin rodney roger roland ron ronald rosa rosemary rosie ross roy ruby
russell ruth ryan sabrina sally sam samantha samuel sandra sara sarah scott sean sebastian sergei sergio seth
sharon shaun shawn sheila shirley sidney silvia simon sofia sonia sophia sophie stacey stan stanley stella
stephan stephanie stephen steve steven stuart sue susan suzanne sven sylvia tamara tanya tara ted teresa terry
theodore theresa thomas tiffany tim timothy tina todd tom tomas tommy tony tracy trevor tyler valentina
valerie vanessa vera vernon veronica victor victoria vincent viola violet virginia vivian vladimir walter
wanda wayne wei wendy wesley wilhelm william wilma xavier xin yan yang ying yolanda yu yusuf yvonne zachary
zoe
"""
# Family names that are familiar on their own.
FAMILY_NAMES_TEXT = """
adams aguilar ahmed ali allen almeida alvarez andersen anderson andersson bailey barnes bauer becker bennett
bertrand bianchi bonnet braun brooks bruno butler campbell castillo castro chan chang chavez chen cheung choi
christensen cohen collins colombo conti cooper costa crawford cruz daniels davis demir diaz dixon dubois
dupont durand edwards ellis eriksson esposito evans fernandez ferrari ferreira fischer fisher flores foster
fraser freeman gallo garcia gibson girard gomez gonzalez graham greco griffin gupta gustafsson gutierrez
guzman hamilton hansen harris hartmann hassan hayes henderson henry hernandez herrera hoffmann hofmann holmes
howard huang hughes hunt hussein ito ivanov jackson jenkins jensen jimenez johansson johnson jones jung kang
karlsson kato kaya kelly khan kim klein kobayashi koch korhonen kowalski krause krueger kumar kuznetsov lam
lange larsen larsson laurent lawson lee lefebvre lehmann leroy levy lewis lim liu lopez macdonald mackenzie
maier marino martinez mason mccarthy medina mehta mendoza meyer miller mitchell mizrahi moore morales moreau
moreno morris murphy murray myers nakamura nelson neumann ng nguyen nielsen nilsson nowak o'brien o'connor
o'neill oliveira olsen olsson ortiz park patel patterson pedersen pereira perez persson peterson petrov
phillips popov powell ramirez ramos rao reddy reyes reynolds ricci richter rivera roberts robertson robinson
rodrigues rodriguez rogers romano romero ross rossi roux ruiz russell russo sanchez sanders santos sato
schmidt schneider schroeder schulz schwarz scott shah sharma sidorov silva simpson singh smirnov smith sokolov
souza stevens stewart sullivan suzuki svensson takahashi tan tanaka taylor thompson torres vargas vasquez
virtanen wagner wallace wang watanabe watson webb weber werner williams wilson wisniewski wojcik wolf wong
yamamoto yang yilmaz zhang zhao zhou zimmermann
"""

COMMON = frozenset(COMMON_TEXT.split())
REGIONS = frozenset(REGIONS_TEXT.split())
ORGANISATIONS = frozenset(ORGANISATIONS_TEXT.split())
GIVEN_NAMES = frozenset(GIVEN_NAMES_TEXT.split())
FAMILY_NAMES = frozenset(FAMILY_NAMES_TEXT.split()) - COMMON
