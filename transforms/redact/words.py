"""Words that are names, words that are not, streets and states: small lists of our own.

Written for this project from general knowledge: given names and surnames frequent in countries
whose languages the patterns know, without accents. A name that is missing here is still found
where somebody introduces it.
"""

RARER_NAMES = frozenset(
    """
abayomi abdallah abdelkader abdulrahman abimbola abiodun adaeze adaobi adebayo adeola adewale
adrijana afolabi agneta ahmet aiko aino akiko akinyi akosua aleksandra aleksi alena alexandros
amaka amal ameer aminata amirul anastasios anders andini angeliki annika antti anwar anyango arash
arief arne arto arvid asami asbjorn aslihan astri athanasios ayaka aylin ayman ayodele ayotunde
ayse aysel ayumi azadeh aziz aziza babajide babak babatunde balazs bambang bamidele baris bashir
behnam bence bengt berk binh birgitta bjarne blanka bodil bogdan bogdana boguslaw bohdan bohumil
bojan borje boubacar bozena branimir bretislav budi burak bushra cansu catalin chiaki chiamaka
chibueze chidinma chimamanda chinedu chinonso chioma chrysanthi chukwuemeka corneliu cosmin csaba
cuong czeslaw daisuke dalia damilola damir danica dariusz dejan dewi dimitrios dimitris dinh
djibril doina dorota dragan dragos drazen dumitru dung duong dusan ebele ebru eero eeva efua einar
eino eirik ekaterina ekene elcin eleftheria eleni elina elzbieta emeka emelie emiko emine emre
endang engin eniko erdem erzsebet espen esra eszter evangelos evgeny ewelina faisal fajar farhad
farid farideh fariha fatih fatma fatou fatoumata ferenc ferhat fitri florentina florin folasade
frida frode fumiko funmilayo gabor galina geir georgios gerda gergely gheorghe giang giannis gizem
gokhan golnaz goran grazyna grzegorz gudrun gunilla gunnar gyorgy haakon habib hadiya haidar hakim
halil halima halina halvor hanan hanh hanne hannu haruka haruki hatice hayato haytham hege heikki
helge hendra henna henriette henryk hicham hideki hien hieu hikari hilde hiroki hiroko hisham
hitomi hoang hossein huong husam huseyin huyen hynek ifeoma ikechukwu ildiko ileana ilkka ilona
ilya ilyas indra ingeborg inger ingvild ioana ioanna ioannis ionut iryna isamu ismail istvan iulia
ivana iwan iwona jacek jadranka jadwiga jakub jamal jamila janusz jari jarmo jaromir jaroslaw jiri
joko jolanta jorgen jorma jorunn jouni jovana jozsef juha jukka junko jussi kaare kaarina kaisa
kaito kalle kamau kamil kamila kamran kaori kareem kari karsten kartika katalin katerina katica
katsumi kaveh kazimierz kazuki kazuko kazuo kehinde keiko kemal kenichi kenta kerstin khadija
khanh kimmo kinga kipchoge kirill kirsi kjell kjersti knut koji konstantinos kostas kresimir
kristoffer krisztina krystyna kumiko kwabena kwaku kyoko kyriaki laleh larisa laszlo latifa
laurentiu leena lefteris leif lenka lennart lestari leszek levente leyla liisa lina lindiwe linnea
liviu ljiljana loredana lubna lubos lucian ludek ludmila lukasz lyudmila madalina mads magnus maha
mahmoud mahsa makena makis makoto maksim mamadou mandla mansour marcin marek margit mariko marit
mariusz marja markku marwan masahiro masao mayumi megumi mehran merja merve michiko midori mihaela
mikkel mikko miklos milica miljana minh minna mircea mirjana miroslava miroslaw mitra mitsuko
miyuki mladen mogens mohsen morten mounir mourad moussa murat muthoni mwangi mykola nadim najib
naledi nanyanga naoki naoko nasrin nasser natalya natsuki nazanin nazli nemanja nenad ngan nghia
ngoc nhung nicoleta niels nihan niina nikolaos nikolay nikos niloufar ningsih njal njeri nkechi
nnamdi nobuko nomvula noor noriko nosipho nurul oanh obinna oddvar oksana olamide olav oleksandr
olesya olufemi olumide oluwaseun oluwaseyi oluwatobi omer omotola ondrej onur onyekachi oona orhan
osama othman ousmane outi ovidiu oyvind ozan ozgur paavo paivi palle panagiotis paraskevi parisa
patrycja pavla pavlos pawel payam pekka pentti pernille phong phuc phuong pirjo pirkko polina
prasetyo preben predrag przemyslaw putri quang quynh radim radka rafal ragnhild rahmat raluca
rania rasmus ratna razvan recep reem reijo reiko reka riikka rika rikke rini ritva rizky roya
ruslan ryota ryszard saad saara sachiko sahar sakari salim sandor sanja sanna satoshi satu sawsan
sayaka seija sekou selin sepideh seppo sergey serhiy serkan sevgi shadi shahram shigeru shinji
shiori shirin shizuka shota sibel sigrun sindre sissel siti slavica slawomir slobodan snezana
soheila solveig soraya soren sorin spyros srdjan stanislava stanislaw stavros stelian stelios
stepan stjepan sugeng suharto suryani susanto sverre svitlana sylwia szymon tadeusz tahir taina
takahiro takashi takeshi talal tamas tapani tapio taras tarja tatsuya teemu teguh temitope teodora
tereza terje tero tetsuya thanasis thandi thandiwe thang thao themba theodoros thorbjorn thuy
tibor tihomir tiina timea titilayo tolga tolulope tomoko tomoya torben torkel torstein toshiko
tove trang trinh trond trung truong tuan tugba tuija tuncay tuomas turid tuula tuyen tuyet uchenna
umut urszula uzoma vaclav valentin valeriy vasile vasilis vasily vassiliki veikko vendula vesna
vidar viet vigdis viktoria vinh viorel virpi vitaly vladan vladislav vlatko vojtech volkan
volodymyr wael wafa wahyu waldemar walid wanjiku wayan wieslaw wojciech wulan xuan yahya yana
yanti yaroslav yasaman yasemin yassine yasuko yavuz yekaterina yetunde yevgeniy yiannis yigit
yngve yoko yoshiko yosuke yousef youssef yuka yuko yulia yumi yumiko yuri yuriko yuta yutaka zaid
zbigniew zbyszko zdenek zdenka zdzislaw zehra zeinab zeljko zeynep zodwa zoltan zoran zsofia
zsuzsanna zuzana zvonimir zygmunt
""".split()
)
"""Given names of Africa, the Near East, Eastern and Northern Europe and Asia. Spelling is not
compared with these: with them `likeness` finds as many names and loses as many."""

FIRST_NAMES = RARER_NAMES | frozenset(
    """
aaron aarthi abdul abena abhishek abigail adam adela adele adnan adrian adriana agnes agnieszka
ahmad ahmed aisha aishwarya ajay akash akira alain alan albert alberto alejandra alejandro
aleksandr alex alexander alexandra alexandre alexis alfonso alfred ali alice alicia alina alison
alistair allison alyssa amalia amanda amara amber amelia amina amir amit amy ana anastasia andre
andrea andreas andrei andres andrew andrzej andy angela angelica angelina angelo anil anita
anitha anja anjali ankit ann anna anne annette annie anthony antoine anton antonia antonio anu
anusha aoife april arjun arnold arthur arturo arun asha ashley ashok ashwin astrid audrey
aurelie ava axel ayesha bala balaji banu barbara bart bartosz beata beatrice beatriz ben
benjamin bernard bernd bert beth betty beverly bhavani bianca bilal bill billy birgit bjorn bob
bobby boris brad bradley brandon brenda brendan brett brian bridget britta bruce bruno bryan
caitlin callum camila camille carla carlo carlos carmen carol carole caroline carolyn casey
caspar catalina catarina catherine cathy cecilia cedric celia celine charles charlie charlotte
chen cheryl chiara chidi chitra chloe chris christa christian christina christine christoph
christophe christopher cindy claire clara clarissa claude claudia claudio clement colin conor
corinne craig cristian cristina curtis cynthia daisy dale damien dan dana daniel daniela daniele
danielle danny daphne darren dave david dawn dean deborah debra declan deepa deepak deepika
delphine denis denise dennis derek desmond devi diana diane diego dieter dimitri dina dinesh
dirk divya dmitry dolores dominic dominik dominique donald donna dorothy doug douglas duncan
dustin dylan eddie edgar edith edouard eduardo edward edwin eileen elaine eleanor elena elias
elif elisa elisabeth elise eliza elizabeth ella ellen elliott elsa emil emilia emilie emilio
emily emma emmanuel enrique enzo eric erica erik erika erin ernest esteban estelle esther ethan
eugene eva evan evelyn ewa fabian fabio farah fatemeh fatima federico felipe felix femi fernanda
fernando fiona florian frances francesca francesco francis francisco francois frank fred
frederic frederik gabriel gabriela gabrielle gail ganesh gareth gary gaurav gavin gayathri
geetha genevieve geoff geoffrey george georgia gerald gerard gerd gertrude giacomo giorgio
giovanna giovanni giulia giuseppe gladys glenn gloria gokul gopal gordon greg gregory greta
guido guillaume guillermo gunther gustav gustavo guy hamza hana hannah hans harald hari harish
harold harriet harry haruto hasan hassan heather hector heidi heike heinz helen helena helene
helga henri henrik henry herbert herman hilda hiroshi holger holly horst howard hubert hugh hugo
hussein ian ibrahim ida ignacio igor ilse imran indira ines inga inge ingrid irene irina isaac
isabel isabella isabelle isla ismael ivan jack jackie jacob jacqueline jacques jaime jake jakob
james jamie jan jane janet janice jasmine jason javier jay jaya jayden jean jeff jeffrey jelena
jenifer jenna jennifer jenny jens jeremy jerome jerry jesse jessica jeya jhon jill jim jimmy
jing joan joanna joanne joao joaquin jochen joe joel johan johanna johannes john johnny jon
jonas jonathan jorge jose josef joseph josephine josh joshua joyce juan juana judith judy julia
julian juliana julie julien juliette julio jun jurgen justin justyna jyothi kalpana kamal kamala
karan karen karim karin karina karl karla karthik katarina katarzyna kate katherine kathir
kathleen kathryn kathy katie katja kavitha kavya kayla keerthana keith kelly ken kendall kenji
kenneth kevin khalid kim kimberly kiran kishore klaus kofi krishna kristen kristin kristina
krzysztof kumar kurt kwame kyle lakshmi lara larry lars latha laura lauren laurent layla leah
leila lena leo leon leonard leonardo leonie lerato leroy leslie leticia liam lily linda lindsay
ling linh lionel lisa liz lloyd lorenzo loretta lori lothar louis louisa louise luc luca lucas
lucia luciana lucie lucy luis luisa luiz lukas luke lydia lynn maarten maciej madeleine madison
magdalena maggie mahesh malathi malcolm malgorzata malik mandy manfred mani manikandan manish
manoj manuel manuela marc marcel marcelo marcia marco marcos marcus margaret margarita maria
mariam marian mariana marianne marie mariella marija marina mario marion marisa marjorie marko
markus marlene marta martha martin martina marvin mary maryam masha mateo mateusz mathias
mathieu matilda matt matteo matthew matthias maureen maurice mauricio max maxime maximilian maya
meenakshi meera megan mehmet mei melanie melissa melvin mia michael michaela michal michel
michele michelle miguel mihai mikael mike mikhail mila milena miles min-jun mina miranda miriam
mitchell mohamed mohammad mohammed mohan moira molly monica monika monique morgan moritz
muhammad mukesh murray murugan mustafa myriam nabil nadia nadine nancy nandhini nandini naomi
naresh natalia natalie natasha nathalie nathan naveen neha neil nelson ngozi nicholas nick
nicola nicolas nicole nigel nikhil nikita nikolai nils nina nisha nithya nitin noah noel noelle
nomsa nora norbert norma norman nour nuno oleg olena olga oliver olivia olivier omar oscar oskar
otto owen pablo padma paloma pamela pankaj paola paolo pascal patricia patrick patrik paul paula
pauline pavel pavithra pedro peggy penelope penny perry peter petra philip philipp philippe
phillip phyllis pierre pieter piotr pooja prabhu pradeep prakash priya priyanka rachel radek
radha rafael raghu rahul raj raja rajesh rakesh ralf ralph ram ramesh ramon ramu ramya randy
raquel rashid ravi raymond rebecca reinhard rekha renata rene ricardo richard rick ricky rita
riya rob robert roberta roberto robin rodney rodrigo roger rohan rohit roland rolf romain roman
ronald ronnie rosa rosalie rosemary ross roxanne roy ruben rudolf rupert russell ruth ryan
sabine sabrina sachin sakura sally salma salvatore sam samantha samir samira samuel sandeep
sander sandhya sandra sandrine sandy sangeetha sanjay santiago sara sarah saraswathi saravanan
sascha sathish satish scott sean sebastian sekar selma selvam selvi senthil seo-yeon serena
serge sergei sergio seth shannon shanthi sharon shaun sheila shelley sherry shirley shiva
shobana shreya sibylle sigrid silke silvia simon simona simone sipho siva sneha sofia sonia
sonja sophia sophie stacey stacy stan stanislav stefan stefania stefano steffen stella stephanie
stephen steve steven stuart sudha sujatha sumathi sumit sunil suresh susan susana susanne
suzanne sven svetlana swathi sylvia sylvie tamara tania tanja tanvi tanya tara tariq tarun
tatiana teresa terry thabo thanh thea theo theodor theresa thierry thomas thorsten tiffany tim
timo timothy tina tobias todd tom tomas tomasz tommy toni tony tracey tracy travis trevor
tristan tunde ulrich ulrike uma ursula usman uwe vaishnavi valentina valerie vanessa vani varun
vasanthi vera veronica veronika victor vidya vignesh vijay vijaya viji vikram viktor vimal
vincent vinod vinoth virginie vishal vivek vivian vladimir volker wade walter wanda warren wayne
wei wendy werner wesley wilhelm willem william wim wolfgang wouter xavier xin yamuna yannick
yara yash yasmin yogesh yolanda yui yuki yusuf yvette yvonne zachary zahra zainab zanele zara
zoe zofia
""".split()
)
"""Given names, lower case, without accents."""

SURNAMES = frozenset(
    """
adams adeyemi aguilar ahmed alexander ali allen almeida alvarado alvarez anderson andersson
andrews armstrong arnold austin bailey baker bakker banks barnes bauer becker bell bennett berg
bergstrom berry bertrand bianchi bishop black blanc bos bowman boyd bradley braun brooks brown
bruno bryant burke burns burton butler byrne campbell carlson carpenter carr carroll carter
castillo castro chapman chavez chen clark cole coleman collins colombo conti contreras cook
cooper costa cox crawford cruz cunningham daniels das davis day dean delgado devries diaz dixon
dominguez doyle dubois duncan dunn durand edwards elliott ellis eriksson espinoza esposito
estrada evans ferguson fernandez ferrari ferreira fields fischer fisher flores ford foster
fournier fowler fox franklin freeman fuller gallo garcia gardner garrett garza george gibson
gilbert girard gomez gonzalez gordon graham grant gray greco green greene griffin guerin
guerrero gupta gutierrez guzman hall hamilton hansen hanson harper harris harrison hart hartmann
harvey hawkins hayes henderson henry hernandez herrera hicks hill hoffman hofmann holmes howard
howell huang hudson hughes hunt hunter hussain ivanov ivanova iyer jackson jacobs james jansen
janssens jenkins jensen jimenez johansson johnson johnston jones jordan joshi karlsson kelley
kelly kennedy khan kim king klein knight kobayashi koch kohler korhonen kowalski krause kruger
kumar kuznetsov lane lange larsen larson larsson laurent lawrence lawson le lee lefebvre lehmann
leroy lewis li lindberg little liu long lopez lucas luna lynch macdonald maes maier maldonado
marino marquez marshall martin martinez mason matthews mccarthy mccoy mcdonald medina mehta
meijer mejia mendez mendoza mensah meyer michel miller mills mitchell montgomery moore morales
moreau morel moreno morgan morris morrison mueller mulder muller munoz murphy murray myers nair
nakamura nelson neumann nguyen nichols nielsen nilsson novak nowak nunez obrien oconnor okafor
okonkwo oliveira oliver olsen olson olsson ortega ortiz owens padilla palmer park parker patel
patterson payne peeters pena pereira perez perkins perry persson peters peterson petrov petrova
phillips pierce popov porter powell price rahman ramirez ramos rao ray reddy reed reid reyes
reynolds ricci rice richards richardson richter riley rios rivera roberts robertson robinson
rodrigues rodriguez rogers rojas romano romero rose ross rossi rousseau roux ruiz russell russo
ryan salazar sanchez sanders sandoval santiago santos sato schmidt schneider schroder schultz
schulz schwarz scott shah sharma shaw silva simmons simon simpson sims singh smirnov smit smith
snyder soto sousa spencer stephens stevens stewart stone sullivan suzuki svoboda takahashi
tanaka taylor thomas thompson torres tran tucker turner valdez vargas vasquez vega verma
virtanen visser volkov vos wagner walker wallace walsh wang ward warren washington watanabe
watkins watson weaver webb weber welch wells werner west wheeler white willems williams
williamson willis wilson wisniewski wolf wong wood woods wright wu yamamoto yang young zhang
zhao zhou zimmermann
""".split()
)
"""Surnames, lower case, without accents; they count beside a given name only."""

AMBIGUOUS = frozenset(
    """
ali amber april austin baker banks bell bill bishop black brown carter charlotte chen christian
cook cooper daisy dale dan das dawn day dean fields fisher ford fox frank gray green guy hall
hill holly hunter jack jan jean jordan kim king knight lane le lee little long mason max mei
miles mina park penny porter price raja ram ray rice rob robin rose sam sandy stone taylor
turner uma wade walker west white wood woods young
""".split()
)
"""Names that are also words: alone they say nothing."""

COMMON_WORDS = frozenset(
    """
booking bookings city company confirmation conformation county industry password passwort pasword
pin policy solutions ssn otp zip zipcode acct invoice ticket tickets route
a able about above absurd accepted access account accounts acme across action active actually
add added address adult advance afraid africa after afternoon again against age agent ago agree
ahead alexa alive all allergic allowed almost alone along already alright also although always
am amazing america american among amount an and angry anna's annoyed another answer anxious any
anybody anymore anyone anything anyway anywhere apart apologies apologise apologize app appears
apple apply appreciate aqui arab are area around article articles as ashamed asia ask asking
asleep assistance at attempting auch august aus available avec awake aware away awesome awful
back bad bank based basic be because become been before begin begins behind bei being believe
belongs below best better between big bill bills bin bit black blind blocked blue bonjour bored
bot both bought box brazilian bring british broke broken brother brown browser bs bull bullshit
burger business busy but buy by call called caller calling calm came can canada cancel cancelled
cannot cant car card care careful case cash catholic chamo change changed charge charged chat
chatbot che cheap check cheese chiamo chicken child china chinese christian citizen city class
clear clearly clerk click close closed code coffee coke cold com combo come coming company
complete completely con concerned confused connection considering contact contacting contains
continue corp corporate correct cost could country couple crap crazy credit curious current
currently customer customer's cut daily damn danke dans das data date daughter day days dead
deaf deal dear december decided del delayed delighted delivered delivery department der des
desperate details device did didn't die different difficult dirty disabled disappointed discount
dizzy do does doesn't doing done dont down dr drunk due dumb during dutch each eager early easy
een ein eine either el else email employee empty en end english enough entire error et europe
even evening ever every everybody everyone everything exactly excited existing expecting
experiencing extremely facing fair fake family far fast father faulty february fed feel female
few file fine first flight folks following fond food for forgot form former forward found france
frau fraud free freemium french fri friday friend fries from frustrated full fully furious
garbage general gentlemen german germany gerne get getting give given glad gmbh go goes going
gold gone gonna good gracias great green group guest guilty guys had half hallo happy hard has
have having he he's head health hear heard heel heet heisse heiße hell hello help helping her
here here's herr hers het hey hi hier high him hindu his hola hold holiday home hope hoping
horrible hot hour house how however human hungry i i'd i'll i'm i've ich idea if ik ill im immer
important impossible impressed in inc including incorrect india indian information insane inside
instead insurance interested internet into invalid invoices irish is isn't issue issue's ist it
it's italian item items its january japanese je jealous jewish job july june just keen keep kind
kinda know known korean la ladies large las last late later latest latte lazy le least leave
left leider les less let let's letter level like limited line list lite little livid living
llamo llc local locked logged login london long longer look looking los lost lot love loyal ltd
lucky m'appelle ma'am maam maar mad madam made madness mail main mais make making male manager
many march married mas may maybe me mean medium mega mein member merci message messy met meu
mexican mi might mijn mind mine minute missing mister mit mobile molto moment mon monday money
month months more morning most mother move moving mr mrs ms much muito muslim must muy my myself
naam name named near need needed needing needs nervous never new next nice nicht niet night no
nobody noch nog noisy nom nombre nome non none nonsense nor not nothing notified november now
number nun nur nuts não october odd oder of off offer office often ok okay old on once one
online only ook open or order ordered orders other others our ours out outraged outside over
overcharged own owner package page paid panel para parcel part partly pas past patient pay
paying payment people per perfect perhaps person personal phone pizza place plan platinum please
pleased point polish poor por possible post pour pregnant premium presently pretty previous
price pro probably problem product profile proud provide pst pt purchase put question quick
quite rather reach read reads ready real really reason receive received recently red refund
regarding regular replying reporting request reset residential respond retired return rich
ridiculous right risky robot room running russian rusty sad safe said salad sale same sandwich
sat satisfied saturday save saying says scam school scottish second see seeing seem seen sehr
self send senior sent september serious service set several she she's ship shipping shit shocked
shop short should show shows shy sick side sign signed silly silver sim simple since single sir
siri sister site situation sleepy small so sober software sold some somebody someone something
somewhere son sono soon sorry sorta sou soy spain spam spanish speak speaking special spelt
standard start started starts statement still stop store stranded strange street stressed
struggling stuck student stupid subscribed such sun sunday super support supposed sur sure
surprised swapping system take taken talk talking tall tea team tech technologies tell tense
terrible terribly test texas than thank thankful thanks that that's the their theirs them then
there there's these they they're thing think thinking third thirsty this those though three
through thu thursday ticket till time tired to today together told tomorrow tonight too top
total totally track trash traveling tricky tried trouble truck true truly try trying très tue
tuesday turkish two type u ugly uma un unable unacceptable uncertain und under understand une
unfortunately unhappy unlimited unlucky unsure until unwell up update upset ur urgent us usa use
used user using usually valid van vegan vegetarian vegetarians very via visiting visitor voor
wait waiting wanna want wanted wanting warm was wasn't watching way we we're we've website wed
wednesday week weekend weird welcome well welsh went were what what's whatever when where
whether which while white who whole whom whose why wife will willing wish with within without
wondering work working worried worse worst would writing wrong yeah year years yep yes yesterday
yet york you you're young your yours yourself zero
""".split()
)
"""Words that end a name, and that no name consists of."""

NOT_NAMES = frozenset(
    """
ah aha da es ha haha hai heh hehe hey heya hi hia hii hiii hiya hlo hm hmm hmmm hmmmm hoi huh hu k
kk lol man mhm mm mmm mmmm nah ni nope oh ohh ok oke okey okie oki omg oo ooh oops sup ta ugh um ya
yah yea yup yo ciao servus moin salut bah eh
amazon android apple audi bmw bosch cadillac canon chevrolet chevy chrysler citroen corolla dell
dodge ebay epson facebook fiat ford galaxy google harley honda huawei hyundai ibm ikea instagram
intel ipad iphone isuzu jaguar java jeep kia lada lenovo lexus linux macbook mastercard maruti
mazda mercedes microsoft mitsubishi motorola netflix nikon nintendo nissan nokia opel oppo oracle
panasonic paypal peugeot philips pixel playstation porsche renault samsung seat siemens skoda sony
spotify subaru suzuki tata tesla toshiba toyota twitter verizon visa vodafone volkswagen volvo
whatsapp windows xbox xiaomi yahoo yamaha youtube zoom
africa alabama alaska amsterdam argentina arizona arkansas atlanta australia austria bangalore
barcelona belgium berlin boston brazil california canada chennai chicago colombia colorado
connecticut dallas delaware delhi denmark denver detroit dubai dublin egypt england finland florida
georgia goa greece hawaii houston hyderabad idaho illinois indiana indonesia iowa ireland israel
italia italy japan kansas kentucky kenya kerala kolkata london louisiana madrid madurai maine
malaysia malta manchester maryland massachusetts mexico miami michigan milan minnesota mississippi
missouri montana montreal mumbai munich nebraska nepal netherlands nevada nigeria norway ohio
oklahoma ontario oregon orlando oslo pakistan panama paris pennsylvania peru philadelphia
philippines phoenix poland portugal rome russia scotland seattle singapore spain stockholm sweden
sydney switzerland tennessee texas thailand tokyo toronto turkey ukraine utah vermont vienna
vietnam virginia warsaw washington wisconsin wyoming zurich
bacon banana basil beef bread brownie burrito butter caesar cappuccino cheddar chocolate cola
cookie espresso fanta garlic ham juice ketchup kiwi lasagna latte lemonade mango margherita
marinara mayo milkshake milkshakes mozzarella mushroom mushrooms mustard noodles olives onion onions
oregano pasta parmesan pepperoni pepsi pizza potato ricotta romaine salami salmon sandwich sausage
spinach sprite sushi taco tea toast tofu tomato tomatoes tuna vanilla
acoustic balance bass battery camera cash cello charger clarinet dollar dollars drums euro euros
flute gigabyte guitar harmonica keyboard laptop marine modem monitor paperless percussion piano
printer router saxophone sedan tablet trombone trumpet tuba ukulele viola violin
""".split()
)
"""Words that people say alone and that are no names of people: noises, makers and products, states,
countries and large cities, food, instruments. They score as words where spelling is compared."""
