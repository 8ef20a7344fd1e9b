"""Phrases of English, German and Dutch; `transforms.trim.patterns` joins them with the others'."""

from transforms.trim.phrases import Phrases

LANGUAGES: dict[str, Phrases] = {
    "en": Phrases(
        wrote=("wrote", "writes", "quoting"),
        on_date=("On",),
        no_name=(
            "the", "an?", "your", "my", "our", "his", "her", "their", "i", "he", "she", "they",
            "we", "one", "it", "this", "that",
        ),
        sender=("from", "reply-to"),
        sent=("sent", "date", "sent on", "received"),
        receiver=("to", "cc", "bcc"),
        subject=("subject", "re"),
        original=(
            "(?:begin )?forwarded (?:message|e-?mail|mail)", "fwd?", "replied message",
            "original (?:message|e-?mail|mail|appointment)", "reply (?:message|separator)",
        ),
        reply_above=(
            r"(?:please )?(?:type|write|enter) your (?:reply|response) (?:above|below)",
            r"(?:please )?(?:reply|respond|write) above this line",
        ),
        above_line=("above this line",),
        mobile=(
            r"sent (?:from|via|with|using|by)\b", r"get outlook for\b",
            r"from my (?:i|android|mob)", r"get [\w ]{2,20} for (?:ios|android|windows|mac)\b",
        ),
        aside=(r"(?:please )?(?:excuse|pardon|forgive|ignore)", "(?:so |very )?sorry for",
               "(?:my )?apologies for", "get (?:the|your) app"),
        closing=(
            r"(?:(?:i (?:am|remain),? )?(?:sending )?(?:with )?(?:my )?(?:kind(?:est)?|best|"
            r"warm(?:est)?|many|with) )?regards",
            r"(?:with )?(?:all |very )?(?:best|kind|good|warm) wishes",
            r"(?:all the |very )?best",
            r"(?:very )?(?:yours )?(?:truly|sincerely|faithfully)(?: yours)?",
            r"yours", r"respectfully(?: yours)?", "cordially", "br", "rgds", "brgds", "kr",
            "take care", "warmly", "kindly",
            "(?:lots of |much |with )?love", "stay (?:safe|well)", "greetings from .{1,20}",
            "with (?:appreciation|gratitude|many thanks)", "talk (?:to you )?soon", "speak soon",
            r"have a (?:nice|great|good|lovely) (?:day|evening|weekend|week|one)",
        ),
        thanks=(
            r"(?:many |with |much )?thanks?(?: you)?(?: (?:so|very) much| again| a lot|"
            r" in advance| and (?:kind |best |warm )?regards)?"
            r"(?: for (?:your|the|all your) (?:(?:quick |prompt |kind |great )?"
            r"(?:help|time|support|assistance|understanding|patience|attention|reply|response)))?",
            "cheers", "thx", "ta", "many thanks", "tia",
            "hop(?:e|ing) to hear from you(?: soon)?", "waiting for your (?:reply|response|answer)",
            r"(?:i am |i'm |i )?look(?:ing)? forward to (?:hearing from you|your (?:reply|response|"
            r"answer))",
        ),
        greeting=(
            "hi", "hello", "hey", "dear", "good (?:morning|afternoon|evening|day)", "greetings",
            "howdy", "to whom it may concern", "hiya", "respected", "sirs?", "ma'?dam", "ma'am",
        ),
        disclaimer=(
            r"this (?:e-?mail|message|communication|transmission)\b.{0,90}"
            r"(?:confidential|intended|privileged|proprietary)",
            r"confidentiality (?:notice|note|statement)", "legal (?:disclaimer|notice)",
            r"(?:intended|meant) (?:only|solely|exclusively) for (?:the )?(?:use (?:of|by) )?"
            r"(?:the )?(?:person|individual|entity|entities|addressee|recipient|named)",
            r"please consider the environment|think before you print|before printing this",
            r"if you (?:are not|have received|received|believe you).{0,60}"
            r"(?:recipient|addressee|in error|by mistake|message was)",
            r"(?:information|contents?) (?:contained )?(?:in|of) this (?:e-?mail|message|"
            r"communication|transmission)",
            "you (?:are receiving|received|are getting) this (?:e-?mail|message|because)",
            r"^\W*(?:legal |e-?mail )?disclaimer(?:\W*$|\W*(?:the|this) |\s?[:–—-])",
            r"(?:company|registered|registration) (?:(?:registration )?(?:number|no\b)"
            r"|in (?:england|"
            r"scotland|wales|ireland|the (?:uk|united))|(?:office|address|seat)\W)",
            r"(?:views|opinions)\b.{0,40}\b(?:expressed|those of the)\b",
            r"(?:accepts?|cannot accept|no|any) (?:liability|responsibility)\b.{0,60}\b(?:virus"
            r"|damage|loss|"
            r"this (?:e-?mail|message))",
            r"this (?:e-?mail|message|mail) "
            r"(?:has )?originated (?:from )?outside|^\W*(?:caution|warning|external)\W{1,4}"
            r"(?:this (?:e-?mail|message)|external (?:e-?mail|sender))",
            "(?:e-?mails?|messages?) (?:cannot|can not) be guaranteed to be secure",
            r"this (?:e-?mail|message) (?:has been|was) (?:scanned|checked) (?:by|for)\b",
            r"^\W*(?:think green\W{1,3})?(?:please )?(?:don.t|do not) print this e-?mail|"
            r"before printing\b.{0,30}environment",
            r"reply to this e-?mail directly(?: or|,) view it on",
            r"^\W*virus-?free\b.{0,12}www\.",
        ),
    ),
    "de": Phrases(
        wrote=("schrieb", "schreibt", "geschrieben", "zitat von"),
        on_date=("Am",),
        no_name=(
            "der", "die", "das", "eine?", "ihre?", "meine?", "unsere?", "deine?", "eure?", "ich",
            "er", "sie", "wir", "man", "mir", "uns", "habe", "haben", "hatte", "hatten",
        ),
        sender=("von",),
        sent=("gesendet", "datum", "gesendet am"),
        receiver=("an", "kopie"),
        subject=("betreff", "betrifft"),
        original=(
            "ursprüngliche (?:nachricht|mail|e-mail)", "original[- ]?nachricht",
            "(?:anfang der )?weitergeleiteten? (?:nachricht|mail|e-mail)", "urspr\\. nachricht",
        ),
        reply_above=(r"bitte (?:antworten|schreiben) sie (?:oberhalb|über) dieser",),
        above_line=(r"(?:oberhalb|über) dieser (?:zeile|linie|markierung)",),
        mobile=(
            r"gesendet (?:von|mit|über|aus)\b", r"von meinem? .{1,60} gesendet",
            r"von \S{0,12}(?:samsung|huawei|xiaomi|android|tablet|smartphone|handy)\S{0,12} "
            r"gesendet",
            r"diese nachricht wurde von .{1,40} gesendet", r"verschickt von\b", r"von unterwegs",
        ),
        aside=(r"(?:bitte )?(?:entschuldigen|entschuldige|verzeihen)", "sorry für"),
        closing=(
            r"(?:(?:(?:ich|wir) )?(?:verbleiben?|grüßen?(?: sie)?),? )?"
            r"(?:mit )?(?:den )?(?:freundliche[nmr]?|beste[nmr]?|herzliche[nmr]?|vielen?|"
            r"liebe[nmr]?|schöne[nmr]?|sonnige[nmr]?|kollegiale[nmr]?) "
            r"(?:gr(?:ü|ue|u)(?:ß|ss)(?:en?)?)(?: aus .{1,20})?",
            r"(?:viele|liebe|beste|schöne) gr(?:ü|ue)(?:ß|ss)e", r"gr(?:u|ü|ue)(?:ß|ss)e?",
            r"(?:(?:ich )?wünsche (?:ihnen|dir|euch) )?(?:noch )?(?:einen )?schöne[ns]? (?:rest)?"
            r"(?:tag|abend|woche|wochenende|feierabend)(?: noch)?",
            "auf wiedersehen", "bis (?:bald|dann|demnächst)", "tschüss?",
            "herzlichst", "alles (?:gute|liebe)",
            "mfg", "lg", "vg", "bg", "hochachtungsvoll", r"mit freundlicher empfehlung", "mfgr",
        ),
        thanks=(
            r"(?:vielen |besten |herzlichen |recht herzlichen |"
            r"schönen )?dank(?:e)?(?: (?:im vora(?:u)?s|vorab|schön|sehr|schon (?:ein)?mal|"
            r"und (?:viele |liebe |beste )?gr(?:ü|u)(?:ß|ss)e?))?"
            r"(?: für (?:ihre|deine|eure|die) (?:(?:schnelle )?(?:hilfe|mühe|unterstützung|antwort|"
            r"rückmeldung|bemühungen)))?",
        ),
        greeting=(
            "hallo", "guten (?:tag|morgen|abend)", "sehr geehrte[rs]?", "liebe[rs]?", "moin",
            "servus", "grüß gott", "grüezi", "werte[rs]?", "hi zusammen",
        ),
        disclaimer=(
            r"diese (?:e-?mail|nachricht|mitteilung)\b.{0,90}(?:vertraulich|rechtlich geschützt|"
            r"bestimmt)",
            r"(?:nur|ausschließlich) für den (?:(?:beabsichtigten|genannten|vorgesehenen) )?"
            r"(?:adressaten|empfänger) bestimmt",
            r"der inhalt dieser (?:e-?mail|nachricht|mitteilung)\b.{0,60}vertraulich",
            r"^\W*virenfrei\b.{0,12}www\.|"
            r"diese e-?mail wurde (?:von .{1,40} )?auf viren (?:über)?(?:geprüft|gescannt)",
            r"^\W*(?:haftungsausschluss|rechtlicher hinweis|disclaimer)\W*$",
            r"(?:wenn|falls|sollten) sie nicht der (?:richtige |beabsichtigte |vorgesehene )?"
            r"(?:adressat|empfänger)",
            "denken sie an die umwelt|bitte prüfen sie.{0,40}ausgedruckt|an die umwelt.{0,40}druck",
            "vertraulichkeitshinweis|(?:sitz der gesellschaft|registergericht|handelsregister|"
            "geschäftsführer(?:in)?|amtsgericht) ?:",
        ),
    ),
    "nl": Phrases(
        wrote=("schreef", "schrijft", "geschreven"),
        on_date=("Op",),
        no_name=(
            "het", "een", "uw", "mijn", "onze", "ons", "jullie", "ik", "hij", "zij", "ze", "wij",
            "we",
        ),
        sender=("van",),
        sent=("verzonden", "datum", "verzonden op"),
        receiver=("aan", "cc"),
        subject=("onderwerp", "betreft"),
        original=(r"oorspronkelijk(?:e)? bericht", r"origineel bericht",
                  r"(?:begin )?doorgestuurd(?:e)? bericht", "begin van doorgestuurd bericht"),
        reply_above=(r"(?:gelieve )?(?:antwoord|reageer|typ uw antwoord) boven deze",),
        above_line=(r"boven deze (?:lijn|regel)",),
        mobile=(
            r"verz(?:onden|onden) (?:vanaf|met|vanuit|via|door)\b",
            r"verstuurd (?:vanaf|met|via)\b",
            r"outlook voor .{1,20} (?:ophalen|downloaden)", r"download outlook", "vanaf mijn",
        ),
        aside=(r"(?:gelieve )?(?:excuseer|verontschuldig)", "(?:mijn )?excuses voor", "sorry voor"),
        closing=(
            r"(?:met )?(?:vriendelijke?|hartelijke?|beste|warme) groet(?:en|jes)?", "mvg",
            r"groet(?:en|jes)?",
            r"(?:(?:ik )?verblijf(?: ik)?,? )?(?:met de meeste )?hoogacht(?:end|ing)",
            r"gr\.?", r"met (?:beleefde|collegiale) groet(?:en)?",
            r"(?:(?:nog )?een )?fijne (?:dag|avond|week|weekend)(?: (?:nog|verder|gewenst))?",
            "met dank", "tot ziens", "vr gr",
        ),
        thanks=(
            r"(?:hartelijk |heel erg |alvast |vriendelijk )?(?:bedankt|dank(?: ?(?:je|"
            r"u)(?: wel)?)?)"
            r"(?: (?:alvast|bij voorbaat|en groet(?:en|jes)))?"
            r"(?: voor (?:uw|je|de) (?:hulp|reactie|moeite|tijd))?",
            "ik hoor graag(?: van (?:u|je))?",
            "bvd", "bij voorbaat (?:hartelijk )?dank",
        ),
        greeting=(
            "hallo", "hoi", "beste", "geachte", r"goede(?:morgen|middag|navond|ndag)", "dag",
            r"goeie(?:morgen|middag|navond)", "lieve", "hoi allemaal",
        ),
        disclaimer=(
            r"(?:dit|deze) (?:e-?mail|bericht|e-mailbericht)\b.{0,90}(?:vertrouwelijk|bestemd|"
            r"bedoeld)",
            r"(?:indien|als) u (?:niet de|dit (?:bericht|e-mail)).{0,60}(?:geadresseerde|ontvang|"
            r"onterecht|abusievelijk)",
            r"^\W*virusvrij\b.{0,12}www\.",
            r"de informatie in (?:dit|deze) (?:bericht|e-?mail)\b.{0,60}vertrouwelijk",
            r"denk aan het milieu|voordat u deze e-mail print|print deze e-mail", "aan deze e-mail "
            "kunnen geen rechten",
        ),
    ),
}  # fmt: skip
