"""What people say that they are, or that something is, in seven languages: words, not names.

"Ich bin krank", "je suis malade", "this is theft": after such phrases a name may follow, too, and
no list of names is complete. Written for this project from general knowledge, without accents.
Apart from `words`, because these words would teach `likeness` the spelling of other languages.
"""

_ENGLISH = """
abroad absent absurdity abuse addicted adopted agony alarmed alarmist amateurish amused anarchy
annoying anonymous antique apathy appalled appalling arrogance arrogant asthmatic atrocious
autistic awkward baffled baloney bankrupt barbaric barmy bereaved beyond bias biased bilingual
bizarre blackmail blasphemy bleeding bogus boring breastfeeding bribery broken bullying burgled
buyer cancer catastrophe celiac chaos cheated childish chronic clueless clumsy coeliac colorblind
colourblind comedy commuting compulsory confident confidential contradictory corrupt corruption
costly covered cowardice criminal crooked cruel cruelty curse cursed cyberbullying daft daylight
deceased deceit deception defective dehydrated delusional depressed despicable devastated diabetic
diabolical dire disabled disappointing disaster discrimination disgraceful disgusted disgusting
disheartening dishonest dismal dissapointed dissatisfied distressed disturbing divorced doomed
doubtful drama dreadful dreary duped edgy elderly electrician embarrassed embarrassing
embezzlement emigrating employed engaged entrapment epileptic erratic evicted evil exhausted
exploitation extortion extreme false fantastic farce farcical feverish fiddle final flawed foolish
forgery fraudster fraudulent frozen fuming furloughed garbage gibberish grateful gross grounded
handicapped harassment harsh hassle heartbroken heresy hilarious hogwash homeless hopeless
horrendous hospitalised hospitalized hostage housebound hurt hypocrisy hysterical idiocy idiotic
ignorance illegal illiterate illogical immoral incompetence incompetent incorrectly indebted
indecent inept infected inferior inhumane injured injustice insolvent insulted insulting
intolerant intoxicated intrusion invasion invoiced irate irrational irrelevant irritating
jetlagged jobless junk lactose landlord laughable laughter lawless liable libel locked logical
lonely ludicrous lunacy lunatic madhouse malicious malpractice malware manager mandatory messed
mindless minor misleading misled mockery monstrous motherhood moved murder muslim mystery naive
nasty naughty nauseous nearby negligence negligent nightmare nuisance nuts obscene offensive
original outlandish outrage overcharging overseas overworked painful paralysed paralyzed pathetic
pending pensioner perfection perjury perplexed pharmacist phishing piracy plumber pointless poison
poorly powerless praying preposterous problematic profanity propaganda punishment quackery
quarantined quitting racism racist ransom rather redundant registered regular relieved remote
reseller revolting rigged robbery rotten rubbish rude ruined sabotage sacrilege sarcasm satanic
satire savage scared sealed seasick secure selfemployed seller senseless separated serious sexism
shabby shady shambles shameful shameless shocking sickening sickness silliness simple slander
slavery sleeping sloppy sneaky snowed sorted spoofed stalking stalled startled stealing stolen
strike stunned subpar subscriber suicidal sunburned sunburnt suspended suspicious swamped swindled
tedious temporary tenant terrified theft tomfoolery torn torture toxic tragedy tragic trapped
traveling travelling treachery treason tricked trickery trolling trustworthy tyranny unemployed
unfair unjust unreal unsafe unwanted unwell upsetting upstairs urgent useless usual vandalism vile
violation violence visible vulgar weirdness wicked widow widowed widower wonderful worker
worthless wounded wrongful
"""
_GERMAN = """
abgeschnitten allein alleinerziehend alt amtlich angemeldet anwalt arbeitslos aufgeregt ausgesperrt
azubi begeistert behindert beleidigt benutzer berufstatig besitzer besorgt bereit bestohlen betrogen
betrug blind blod chef damit dankbar deutscher deutsche diebstahl eigentumer einverstanden empfanger
emport entsetzt enttauscht erbin erbe erfreut erkaltet erledigt erleichtert falsch fertig frech
freiberufler froh gast gefangen gekundigt genervt gesperrt gespannt gestresst gesund getrennt
geschieden gluckfall glucklich grosszugig hausfrau heute hier hilflos inhaber jetzt jurist kaufer
krank krankenschwester kunde kunden kundin ledig lehrer lehrerin leider leiter leiterin luxus mieter
mieterin minderjahrig mitglied mude mutter nervos neu neukunde neugierig normal nutzer nutzerin ok
opa oma pleite ratlos rentner rentnerin sauer schuler schulerin schwanger schwer schwerbehindert
selbststandig selbstandig schockiert sehr sicher sprachlos student studentin stinksauer tot traurig
uberfordert uberrascht umgezogen unglaublich unmoglich unsicher unverschamt unterwegs unzufrieden
urlaub vater vegetarier veganer verargert verheiratet verkaufer verletzt vermieter verrat versichert
verwirrt verwitwet verzweifelt vorstand weg wieder witwe witwer wohnhaft wutend zufrieden zuhause
zuruck
"""
_FRENCH = """
absent abonne abonnee allergique anxieux artisan avocat avocate bloque bloquee celibataire certain
certaine chomeur choque choquee client cliente confus confuse content contente coince coincee
d'accord debordee deborde deconnecte deconnectee decu decue degoute degoutee dehors demenage
desole desolee desespere desesperee diabetique divorce divorcee dans en enceinte energuee enerve
enervee enchante ennuye ennuyee enrhume enrhumee epuise epuisee etranger etrangere etudiant
etudiante fache fachee fatigue fatiguee fauche fauchee fidele furieux furieuse gene genee handicape
handicapee heureux heureuse honteux impatient impatiente inadmissible inquiet inquiete interesse
interessee infirmiere juste locataire majeur malade marie mariee mecontent mecontente mineur
navre navree nouveau nouvelle occupe occupee perdu perdue pret prete proprietaire presse pressee
professeur ravi ravie retraite retraitee satisfait satisfaite scandaleux sur sure surpris surprise
toujours titulaire triste tres vegetarien vegetarienne venu venue veuf veuve victime vole volee vol
"""
_IBERIAN = """
abogado abogada alergico alergica aposentado aposentada autonomo autonoma atrasado atrasada
bloqueado bloqueada cansado cansada casado casada cego chateado chateada cliente confundido
confundida contento contenta decepcionado decepcionada desempregado desempregada desesperado
desesperada diabetico diabetica divorciado divorciada doente embarazada enfadado enfadada enfermo
enferma enojado enojada equivocado estudante estudiante estafa extranjero extranjera feliz fiel
fraude furioso furiosa gravida harto harta hipertenso idoso idosa indignado indignada inquilino
inquilina interesado interesada interessado interessada jubilado jubilada listo lista madre mae
mayor menor molesto molesta morador muda mudado nova novo nueva nuevo ocupado ocupada pai padre
perdido perdida preocupado preocupada profesor profesora professor professora proprietario
propietaria propietario residente roubo robo satisfecho satisfecha satisfeito satisfeita seguro
segura soltero soltera solteiro solteira sordo surdo triste titular urgente usuario vegetariana
vegetariano verdad verdade vergonha verguenza victima vitima viudo viuda viuvo viuva
"""
_ITALIAN = """
affittuario allergica allergico allibita allibito amareggiata amareggiato arrabbiata arrabbiato
avvocato bloccata bloccato celibe cliente confusa confuso contenta contento cieco debitore delusa
deluso diabetica diabetico disabile disoccupata disoccupato disperata disperato divorziata
divorziato felice furibonda furibondo furiosa furioso furto incinta indecente infuriata infuriato
inquilina inquilino interessata interessato malata malato nubile nuova nuovo occupata occupato
padre pensionata pensionato preoccupata preoccupato pronta pronto residente rovinata rovinato
scandaloso sbagliato sconvolta sconvolto sicura sicuro single soddisfatta soddisfatto sposata
sposato stanca stanco straniera straniero studente studentessa stufa stufo titolare trasferita
trasferito truffa triste vedova vedovo vegetariana vegetariano vergognoso
"""
_DUTCH = """
afwezig akkoord allergisch alleenstaand arbeidsongeschikt bang beu bezig bezorgd blij blut
bestolen boos buitenland diabeet diefstal doof dringend dronken eens eigenaar failliet gefrustreerd
gehandicapt gehuwd gepensioneerd gescheiden geschokt geschrokken getrouwd huurder jarig klaar klant
kwaad kwijt leraar lerares lid moe nieuw oplichting overleden ongelukkig ontevreden onzeker
opgelicht radeloos scheef schandalig student teleurgesteld terug tevreden thuis vader vegetarier
verbaasd verdrietig verhuisd verkouden verward weduwe weduwnaar weg werkloos woedend zeker
zelfstandig ziek zwanger moeder
"""

_POLITE = """
again all alle alles alvast anyway beaucoup bien bro bud buddy bastante d'avance dear dir dude euch
folks gents grazie guys hartelijk ihnen infinite ladies lads madam madame mademoiselle mate mates
messieurs mille mucha muchas mucho mes monsieur nochmals obrigada obrigado pal para pela pelo por
recht schon senor senora senorita signora signore sinds tante tanto tout toute tutti ustedes veel
viel vielmals vorab voraus vous vriendelijk zeer zusammen leute kollegen kolleginnen freunde buenas
buenos sirs sres wel nochmal kundenservice kundendienst equipe equipo equipa squadra assistenza
klantenservice soporte miteinander
"""

STATE_WORDS = frozenset(
    f"{_ENGLISH} {_GERMAN} {_FRENCH} {_IBERIAN} {_ITALIAN} {_DUTCH} {_POLITE}".split()
)
"""Plain words (lower case, no accents) that stand after "I am", "this is" and thanks."""

ALSO_WORDS = frozenset(
    """
amber angel april art august aurora autumn baron basil bay berry blessing bud candy carol case cash
chance chase chip christian clay cliff comfort crystal dash dawn dean dot drew earl ernest eve faith
fern flora ford forest frank gale gene ginger grace grant harmony harry hazel heath heather herb
holly honey hope hunter ivory ivy jack jade jean jasmine jewel joy june justice king lance laurel
lily lord major mark marina martin max may mercy merit miles misty nick norm olive opal pat patience
pearl penny peter pierce price prince ray red reed rich rob robin rock rocky rod rose ruby rusty
sage sandy scarlet shay sky skip spencer star sterling stone storm sue summer sunny tab tad tanner
tawny terry tiffany trace trinity troy van vera victor vince violet viola wade ward will willow
winter woody wren baker banks barber bell bishop black blank bond book bowman brook brooks brown
burns bush butler carpenter carter chambers church clerk close cook cooper cross crow day drake
driver dyer fields fisher flowers forester foster fox freeman frost garden gardener gold good grave
gray green grey hall hand hardy hart head high hill holder hood house keen key knight lamb lane law
little long love low mason mayor miller moon moss myers noble page paper park parker parks parson
pepper piper pitt pool pope porter potter pound powers rains reader rice rivers sale sales savage
saw self shaw sharp shepherd sherman short singer small smart snow sparks speed spring steel stock
street strong swan sweet swift tailor tower town turner walker wall waters weaver webb wells west
white wise wolf wood woods worth wright young abt bauer kaiser klein koch konig kurz lang neumann
richter schmidt schneider schwarz stark vogel wagner weber weiss winkler wolf zimmermann blanc
petit grand leroy moreau rey reyes campo leon rossi bianchi ferrari costa rosa blanco moreno
delgado bravo cruz flores torres leal bello rico santo santos silva lima reis luz pires graaf groot
jong bakker visser smit dekker vos
""".split()
)
"""Names that are words of a language, too: in lower case they are the word."""
