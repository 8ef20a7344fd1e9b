"""Whether a customer reports something gone wrong, or only asks or wishes for something.

Pure; reads and writes no table. A query is read clause by clause. A clause that states something
("the box arrived crushed") reports a fault by its words; one that asks how things are in general
("does the insurance cover a broken windscreen?") does not. Whoever asks and wishes for nothing,
but tells something that is neither pleasant nor about themselves, tells it because it went wrong.
English first; German, French, Spanish, Portuguese, Italian and Dutch by their commonest words.
"""

import re
from collections.abc import Iterator

from transforms.acts.folded import any_of, lowered

_MAX_CHARS = 20_000


_CLAUSE = re.compile(r"[^.!?;:\n,]+(?:[.!?;:,]+|\n|$)(?:(?<=,)(?:\s*(?:so|and|but|then|also)\b))?")
_BARE_NEGATION = re.compile(
    r"\b(do|does|did|ca|wo|is|are|was|were|has|have|had|could|would|should)nt\b"
)
_HARMLESS = any_of(
    r"\b(?:nothing|not|isn't) (?:is |at all |really )?(?:wrong|bad|a problem|broken|urgent)\b",
    r"\b(?:no(?: more)?|without(?: any)?) (?:problems?|issues?|trouble|errors?|damage|complaints?|"
    r"fault)\b",
    r"\b(?:problem|issue|error|it|that) (?:is|was|has been|'s)(?: been)? (?:solved|fixed|gone)\b",
    r"\blost (?:property|and found)\b",
    r"\b(?:late|lost|missed|broken|error|bug|crash|failure|problem|complaint|damage|claims?) "
    r"(?:check-?(?:in|out)|fees?|payments?|reports?|reporting|office|opening|night|forms?|codes?|"
    r"deposit|waiver|numbers?|status|department|desk|procedure|policy)\b",
    r"\bcomplaints? (?:or|and) \w+\b",
    r"\b(?:what|how) (?:happens|if|about)(?: \w+){0,2} if\b[^.?!]*",
    r"\bin case\b[^.?!,]*",
    r"\bby (?:accident|mistake)\b",
    r"\bdouble (?:my|the|room|bed|cream|check)\b",
    r"(?:\bnot|n't) (?:need|want|use)(?: it| them)?\b",
    r"\bopen an? \w+",
)
"""Words of faults where nothing has gone wrong."""

_ASKS = any_of(
    r"^\W*(?:(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|thanks?|thank you|ok(?:ay)?|so|"
    r"and|but|also|then|well|um|uh|er|please|now|just|excuse me|sorry)\b[\s,]*)*"
    r"(?:how|what(?:'s)?|where(?:'s)?|when|which|who(?:'s|se)?|whom|"
    r"(?:can|could|may|might|shall|should|will|would|do|does|did|is|are|am|was|were|have|has)"
    r"(?:n't)? (?:i|you|u|we|they|he|she|it|the|this|that|there|my|your|our|any|some|these|those|"
    r"a|an|one)\b)",
    r"\?\s*$",
)
_WHY = any_of(
    r"\b(?:why(?! (?:should|would|do (?:you|i)))|how come|warum|wieso|pourquoi|por qu[eéê]|"
    r"perch[eé]|waarom)\b"
)
_WISHES = any_of(
    r"\b(?:i|we)(?:'d| would)? (?:(?:only|just|really|also|still) )*(?:want|wanna|like|love|need|"
    r"wish|hope|prefer|plan|intend)\b",
    r"\b(?:i|we)(?:'ve)? (?:have to|have got to|got to|gotta|must|should like)\b|^\W*\w+ing\b",
    r"\b(?:i|we)(?:'m|'re| am| are) (?:\w+ )?(?:looking|trying|interested|planning|thinking|"
    r"wondering|calling (?:to|about)|going to|moving|here to)\b",
    r"^\W*(?:(?:please|kindly|can u|pls|plz|and|then|just|help me|help) )*(?:(?:to )?(?:add|apply|"
    r"book|buy|call|cancel|change|check|close|compare|correct|create|delete|edit|email|explain|"
    r"find|"
    r"forward|get|give|help|i need|inform|join|let|list|modify|move|note|open|order|pay|put|"
    r"register|remind|remove|reserve|reset|resend|return|see|send|set|show|sign|subscribe|switch|"
    r"swap|tell|track|transfer|unsubscribe|update|upgrade|use|view|want|wanna|need|question))\b",
    r"\b(?:please|pls|plz|assistance|information (?:about|on))\b",
    r"\b(?:questions?|query|enquir(?:y|ies)|inquir(?:y|ies)|curious|wonder(?:ed|ing)?|regarding|"
    r"concerning|with regards? to|in regards? to)\b",
    r"\b(?:it|this|that|mine|my (?:e-?mail|message|request|call))(?:'s| is) (?:(?:just|only|all) "
    r")?about\b",
    r"\b(?:i'm|i am|we're|we are) (?:writing|calling|contacting|reaching out|getting in touch|"
    r"mailing|"
    r"e-?mailing)\b",
    r"\b(?:fragen?|anfrage|es geht um|bez[üu]glich)\b",
    r"\b(?:renseignements?|une demande|au sujet d|à propos d|concernant|c'est (?:pour|au sujet)|"
    r"me demand\w+)",
    r"\b(?:dudas?|preguntas?|consultar?|acerca de|d[úu]vidas?|perguntas?|a respeito)\b",
    r"\b(?:domand[ae]|dubbio|informazion[ei]|riguard\w+|a proposito)\b",
    r"\b(?:vraag|vragen|navraag|betreffende|benieuwd)\b",
    r"\b(?:ich|wir) (?:m[öo]chten?|will|wollen|h[äa]tten? gern\w*|brauchen?|suche)\b|\bbitte\b",
    r"\b(?:je (?:voudrais|veux|souhaite|cherche)|j'aimerais|s'il vous pla[iî]t)\b",
    r"\b(?:quiero|quisiera|me gustar[ií]a|necesito|queremos|por favor)\b",
    r"\b(?:quero|queria|gostaria|preciso|queremos)\b",
    r"\b(?:vorrei|voglio|vorremmo|ho bisogno|per favore)\b",
    r"\b(?:ik (?:wil|zou|zoek)|wij willen|graag|alstublieft)\b",
)
_TOPIC = any_of(
    r"^\W*(?:(?:re|subject|betreff|objet|asunto|assunto|oggetto|betreft)\b\W*)?(?:(?:your|my|the|"
    r"our|"
    r"about|on|for|new|international|der|die|das|meine?|le|la|les|mon|ma|el|los|las|mi|os|il|het|"
    r"mijn) )*"
    r"(?:returns?|refunds?|exchanges?|deliver(?:y|ies)|shipping|shipments?|invoices?|bills?|"
    r"receipts?|"
    r"pric(?:es?|ing)|opening (?:hours|times)|hours|warranty|guarantee|availability|stock|"
    r"payments?|"
    r"appointments?|bookings?|reservations?|subscriptions?|accounts?|memberships?|insurance|"
    r"discounts?|"
    r"vouchers?|coupons?|gift cards?|sizes?|contracts?|tickets?|orders?|upgrades?|address|"
    r"passwords?|"
    r"newsletter|r[üu]ckgabe|r[üu]cksendung|lieferung|versand|rechnung|preise?|[öo]ffnungszeiten|"
    r"garantie|"
    r"zahlung|termin|konto|vertrag|retours?|remboursements?|livraison|factures?|prix|horaires|"
    r"paiement|"
    r"abonnement|devoluci(?:[óo]n|ones)|reembolso|env[íi]os?|facturas?|precios?|horarios?|"
    r"garant[íi]a|pago|"
    r"devolu[çc][ãa]o|entrega|fatura|pre[çc]os?|pagamento|reso|resi|rimborso|spedizione|fattura|"
    r"prezz[oi]|"
    r"orari|retourneren|terugbetaling|levering|factuur|prijzen|openingstijden|betaling)\b"
    r"(?: (?!(?:is|are|was|were|has|have|had|did|does|do|came|went|got|says?|shows?|arrives?|ist|"
    r"war|hat|"
    r"kam|est|sont|es|fue|foi|ha|heeft|kwam|no|not|without|ohne|sans|sin|sem|senza|zonder|kein\w*|"
    r"\w+ed|"
    r"\w+ing)\b)[\w'<>&/-]+){0,5}\W*$"
)
"""A heading without a verb, such as "Returns to Spain", names what a question is about."""

_OWN_NEWS = any_of(
    r"^\W*(?:i|we)(?:'ve| have|'m|'re| am| are)?(?: (?:just|recently|now|also|soon))* (?:mov(?:ed|"
    r"ing)|"
    r"relocat(?:ed|ing)|(?:got |getting )?married|chang(?:ed|ing) (?:my|our) (?:name|address|"
    r"number|bank|job|"
    r"e-?mail|car)|live in|new here|a (?:new |long-?time )?(?:customer|member|student|client))"
    r"(?: (?!(?:and|but|because|since|as|when|which|it)\b)[\w'-]+){0,5}\W*$",
    r"^\W*(?:ich bin|wir sind)(?: [\w'-]+){0,4} umgezogen\W*$|^\W*(?:ich habe|wir haben) "
    r"geheiratet\W*$",
    r"^\W*(?:j'ai|nous avons) d[ée]m[ée]nag[ée]\w*(?: [\w'-]+){0,4}\W*$",
    r"^\W*(?:me he mudado|me mud[ée]|mudei(?:-me)?|mi sono trasferit[oa]|ik ben verhuisd)"
    r"(?: [\w'-]+){0,4}\W*$",
)
"""What changed in a customer's life is no complaint; what follows says what it is about."""

_ABOUT_SELF = any_of(
    r"^\W*(?:(?:hi|hello|hey|yes|no|ok(?:ay)?|sure|uh|um|so|well|hallo|bonjour|hola|"
    r"ciao)[\s,.!]*)*\W*$",
    r"\b(?:my (?:name|number|order|account|email|e-mail|address|phone|id|date|birthday|policy|"
    r"reference|customer|zip|code)(?: \w+){0,2} (?:is|are)\b|this is \w+|i am \w+ \w+$)",
    r"\b(?:thank\w*|thx|great|perfect|lovely|excited|happy with|works? (?:fine|great|well)|fine|"
    r"good|danke|merci|gracias|obrigad[oa]|grazie|bedankt|got it)\b",
    r"^\W*(?:it'?s |uh |um |the |at )*(?:<\w+>|[\d -]+|(?:(?:zero|oh?|one|two|three|four|five|six|"
    r"seven|eight|nine)\s*)+)\W*$",
    r"\b(?:sorry|apolog\w+|excuse me|my bad|pardon|entschuldig\w+|scusi|desculpe|perd[oó]n)\b",
)
_FAULT = any_of(
    r"\b(?:damag\w*|wrong(?:ly)?|broke\w*|break(?:s|ing)|crack\w*|scratch\w*|dent(?:s|ed)|torn|"
    r"rip(?:ped|s)|crush\w*|smash\w*|shatter\w*|leak\w*|spill\w*|soak\w*|flood\w*|burn(?:t|s|ed|"
    r"ing)|"
    r"smok(?:e|ing)|smell\w*|mou?ld\w*|rott\w+|spoil\w*|sour|stale|expired|dirty|filthy|stain\w*|"
    r"fad(?:ed|es|ing)|shrank|shrunk|corrupt\w*|blank|faulty|defect\w*|malfunction\w*|"
    r"fell (?:apart|off|out|down)|came (?:off|apart|loose)|com(?:es|ing) (?:off|apart|loose)|"
    r"loose|jam(?:s|med)|froze|frozen|freez(?:es|ing)|dead|died|dies)\b",
    r"\b(?:late|delay\w*|overdue|lost|loss|missing|mistak\w*|error\w*|fail\w*|fault\w*|problem\w*|"
    r"issues?|trouble\w*|bug(?:s|gy)?|crash\w*|glitch\w*|outage\w*|(?:is|are|was|were|been|went|"
    r"goes|keeps going) down|offline|stuck|stopped|"
    r"disconnect\w*|hung up|locked out|hacked|stolen|stole|fraud\w*|scam\w*|rejected|declined|"
    r"denied|refused|bounced)\b",
    r"\b(?:overcharg\w*|charged (?:me|us|my|twice|too|again|for)|(?:double|twice)\b|higher than|"
    r"more than (?:agreed|promised|you)|too (?:high|much|expensive|small|big|slow|cold|hot|loud)|"
    r"although|even though|instead of|without (?:asking|telling|my|any|notice)|never|nobody|no one|"
    r"no sign|nothing (?:happens|works|helps)|keeps? \w+ing|kept \w+ing|still (?:not|no|waiting|"
    r"haven't|hasn't|doesn't|isn't|won't)|waiting (?:for|since)|been waiting|(?:second|third|"
    r"fourth|"
    r"fifth) time|again and again|cancell?ed (?:my|our|it|the|on|and)|was cancell?ed|moved without|"
    r"don't recogni[sz]e|didn't (?:order|authori[sz]e))\b",
    r"\b(?:complain\w*|complaints?|angry|annoy\w*|upset|frustrat\w*|disappoint\w*|terrible|awful|"
    r"horrible|worst|bad|poor(?:ly)?|rude\w*|unacceptable|ridiculous|useless|unhappy|dissatisf\w*|"
    r"unsatisf\w*|cheated|ignored|betrayed|ashamed|shocked|disgust\w*|fed up|sick of|unable|"
    r"claim|reclamation|worried|afraid|scared)\b",
    r"(?:\b(?:not|no longer|never)|n't) (?:\w+ ){0,2}(?:work\w*|arriv\w*|com(?:e|ing)|came|"
    r"receiv\w*|"
    r"get|got|go|load\w*|open\w*|start\w*|stop\w*|respond\w*|reply|charge\w*|connect\w*|happy|able|"
    r"let|show\w*|turn\w*|fit\w*|match\w*|appear\w*|recogni\w*|accept\w*|print\w*|ring|hear|see|"
    r"find|help\w*|delivered|what i|right|correct|have)\b",
    r"\b(?:can't|cannot|can not|couldn't|could not|won't|will not)\b",
    r"\b(?:passed away|ill|sick|hospital|accident|fever|rash|injur\w*|hurt|bleed\w*|fire|robbed|"
    r"divorce|funeral|lost my)\b",
    r"\b(?:kaputt|besch[äa]digt|fehl(?:er|t|en|erhaft)\w*|defekt|versp[äa]tet|verloren|falsch\w*|"
    r"zerbrochen|doppelt|zweimal|warte|nicht|nie|immer noch|[äa]rger\w*|verloren)\b",
    r"\b(?:cass[ée]\w*|ab[iî]m[ée]\w*|perdu\w*|retard|en panne|deux fois|d[ée]fectu\w*|mauvais\w*|"
    r"inquiet\w*|erreur|(?:ne|n')\s?\S+ (?:\S+ )?(?:pas|plus|jamais|rien))\b",
    r"\b(?:roto|rota|perdid[oa]|da[ñn]ad[oa]|dos veces|equivocad[oa]|defectuos[oa]|esperando|"
    r"retraso|harta?|no (?:me |se |lo |la )*(?:funcion\w+|lleg\w+|puedo|recib\w+|carg\w+|"
    r"contest\w+)|"
    r"nadie|nunca)\b",
    r"\b(?:quebrad[oa]|partid[oa]|danificad[oa]|duas vezes|errad[oa]|avariad[oa]|à espera|atras\w+|"
    r"n[ãa]o (?:me |se |consigo |\w+ )?(?:funciona|cheg\w+|receb\w+|consigo|abre|carrega)|"
    r"nervos[oa]|ningu[ée]m)\b",
    r"\b(?:rott[oa]|danneggiat[oa]|due volte|sbagliat[oa]|difettos[oa]|aspetto|ritardo|"
    r"preoccupat[oa]|non (?:mi |si |è |ho |riesco |\w+ )?(?:funziona|arrivat\w+|ricevuto|riesco|va|"
    r"apre)|nessuno|guast[oa])\b",
    r"\b(?:kapot|beschadigd|vertraagd|verkeerd\w*|twee keer|defect|wacht al|werkt (?:\w+ )?niet|"
    r"niet (?:aangekomen|ontvangen|meer|gekregen)|nooit|niemand|bang|kwijt)\b",
)
_OWN_CASE = any_of(r"\b(?:my|our|this|mine|i got|you sent|again|still|since|yesterday|today|me)\b")
"""Signs that a question is about the customer's own case."""

_IS_UPSET = any_of(
    r"\b(?:damn(?:ed)?|bloody|f[u*]ck\w*|goddamn\w*|freaking|wtf|shit\w*|crap|bullshit|verdammt\w*|"
    r"scheiss\w*|scheiße|putain|merde|mierda|merda|cazzo|verdomme)\b",
    r"\b(?:lodg|fil|mak|submitt?|rais)(?:e|ing|ed)? (?:(?:a|an|my|our|the|some|another) )?(?:\w+ )?"
    r"(?:claim|complaint|reclam\w+)s?\b(?! (?:or|form))",
)
"""Whoever swears or lodges a complaint is distressed, whatever is asked for."""


def names_fault(text: str) -> bool:
    """Whether a customer says that something went wrong, in so many words."""
    said = _said(text)
    if _IS_UPSET.search(said):
        return True
    return any(_is_fault(clause, asks=bool(_ASKS.search(clause))) for clause in _clauses(said))


def reports_fault(text: str) -> bool:
    """Whether a customer reports a fault, loss, delay or distress, in English or six others.

    A fault that is named, or something that is told without any question or wish.
    """
    said = _said(text)
    if _IS_UPSET.search(said):
        return True
    has_request = False
    told = False
    for clause in _clauses(said):
        asks = bool(_ASKS.search(clause))
        if _is_fault(clause, asks=asks):
            return True
        has_request = has_request or asks or bool(_WISHES.search(clause))
        told = told or (len(clause.split()) > 1 and not _is_neutral(clause))
    return told and not has_request


def _is_neutral(clause: str) -> bool:
    """Whether a clause tells nothing that could have gone wrong."""
    return any(p.search(clause) for p in (_ABOUT_SELF, _TOPIC, _OWN_NEWS))


def _said(text: str) -> str:
    return _BARE_NEGATION.sub(r"\1n't", lowered(text[:_MAX_CHARS].replace("\u2019", "'")))


def _clauses(said: str) -> Iterator[str]:
    return (match[0] for match in _CLAUSE.finditer(_HARMLESS.sub(" ", said)))


def _is_fault(clause: str, *, asks: bool) -> bool:
    is_own = not asks or bool(_OWN_CASE.search(clause))
    return bool(_WHY.search(clause) or (is_own and _FAULT.search(clause)))
