"""Phrases of English, German, French, Spanish, Portuguese, Italian and Dutch.

`transforms.trim.patterns` joins them with `transforms.trim.more_languages`.
"""

from transforms.trim.phrases import Phrases

LANGUAGES: dict[str, Phrases] = {
    "en": Phrases(
        wrote=("wrote", "writes", "quoting"),
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
        mobile=(
            r"sent (?:from|via|with|using|by)\b", r"get outlook for\b",
            r"from my (?:i|android|mob)",
        ),
        closing=(
            r"(?:(?:i (?:am|remain),? )?(?:sending )?(?:with )?(?:my )?(?:kind(?:est)?|best|"
            r"warm(?:est)?|many|with) )?regards",
            r"(?:with )?(?:all |very )?(?:best|kind|good|warm) wishes",
            r"(?:all the |very )?best",
            r"(?:very )?(?:yours )?(?:truly|sincerely|faithfully)(?: yours)?",
            r"yours", r"respectfully(?: yours)?", "cordially", "br", "rgds", "brgds", "kr",
            "take care", "warmly", "talk (?:to you )?soon", "speak soon",
            r"have a (?:nice|great|good|lovely) (?:day|evening|weekend|week|one)",
        ),
        thanks=(
            r"(?:many |with |much )?thanks?(?: you)?(?: (?:so|very) much| again| a lot|"
            r" in advance| and (?:kind |best |warm )?regards)?",
            "cheers", "thx", "ta", "many thanks", "tia",
            r"(?:i am |i'm )?look(?:ing)? forward to (?:hearing from you|your (?:reply|response|"
            r"answer))",
        ),
        greeting=(
            "hi", "hello", "hey", "dear", "good (?:morning|afternoon|evening|day)", "greetings",
            "howdy", "to whom it may concern", "hiya",
        ),
        disclaimer=(
            r"this (?:e-?mail|message|communication|transmission)\b.{0,90}"
            r"(?:confidential|intended|privileged|proprietary)",
            r"confidentiality (?:notice|note|statement)", "legal (?:disclaimer|notice)",
            r"please consider the environment|think before you print|before printing this",
            r"if you (?:are not|have received|received|believe you).{0,60}"
            r"(?:recipient|addressee|in error|by mistake|message was)",
            r"(?:information|contents?) (?:contained )?(?:in|of) this (?:e-?mail|message|"
            r"communication|transmission)",
            "you (?:are receiving|received|are getting) this (?:e-?mail|message|because)",
            r"^\W*(?:legal |e-?mail )?disclaimer\W*(?:$|the |this )",
            r"this (?:e-?mail|message|mail) "
            r"(?:has )?originated (?:from )?outside|^\W*(?:caution|warning|external)\W{1,4}"
            r"(?:this (?:e-?mail|message)|external (?:e-?mail|sender))",
            "(?:e-?mails?|messages?) (?:cannot|can not) be guaranteed to be secure",
        ),
    ),
    "de": Phrases(
        wrote=("schrieb", "schreibt", "geschrieben", "zitat von"),
        sender=("von",),
        sent=("gesendet", "datum", "gesendet am"),
        receiver=("an", "kopie"),
        subject=("betreff", "betrifft"),
        original=(
            "ursprüngliche (?:nachricht|mail|e-mail)", "original-?nachricht", "originalnachricht",
            "(?:anfang der )?weitergeleiteten? (?:nachricht|mail|e-mail)", "urspr\\. nachricht",
        ),
        reply_above=(r"bitte (?:antworten|schreiben) sie (?:oberhalb|über) dieser",),
        mobile=(
            r"gesendet (?:von|mit|über|aus)\b", r"von meinem? .{1,60} gesendet",
            r"diese nachricht wurde von .{1,40} gesendet", r"verschickt von\b", r"von unterwegs",
        ),
        closing=(
            r"(?:(?:(?:ich|wir) )?(?:verbleiben?|grüßen?(?: sie)?),? )?"
            r"(?:mit )?(?:den )?(?:freundlichen?|besten?|herzlichen?|vielen?|lieben?|schönen?|"
            r"sonnigen?|kollegialen?) (?:gr(?:ü|ue)(?:ß|ss)(?:en?)?)(?: aus .{1,20})?",
            r"(?:viele|liebe|beste|schöne) gr(?:ü|ue)(?:ß|ss)e", r"gr(?:u|ü|ue)(?:ß|ss)e?",
            "mfg", "lg", "vg", "bg", "hochachtungsvoll", r"mit freundlicher empfehlung", "mfgr",
        ),
        thanks=(
            r"(?:vielen |besten |herzlichen |recht herzlichen |"
            r"schönen )?dank(?:e)?(?: (?:im vora(?:u)?s|"
            r"vorab|schön|sehr|für ihre hilfe|und (?:viele |liebe |beste )?gr(?:ü|u)(?:ß|ss)e?))?",
        ),
        greeting=(
            "hallo", "guten (?:tag|morgen|abend)", "sehr geehrte[rs]?", "liebe[rs]?", "moin",
            "servus", "grüß gott", "grüezi", "werte[rs]?", "hi zusammen",
        ),
        disclaimer=(
            r"diese (?:e-?mail|nachricht|mitteilung)\b.{0,90}(?:vertraulich|rechtlich geschützt|"
            r"bestimmt)",
            r"^\W*(?:haftungsausschluss|rechtlicher hinweis|disclaimer)\W*$",
            r"(?:wenn|falls|sollten) sie nicht der (?:richtige |beabsichtigte |vorgesehene )?"
            r"(?:adressat|empfänger)",
            "denken sie an die umwelt|bitte prüfen sie.{0,40}ausgedruckt|an die umwelt.{0,40}druck",
            "vertraulichkeitshinweis|(?:sitz der gesellschaft|registergericht|handelsregister|"
            "geschäftsführer(?:in)?|amtsgericht) ?:",
        ),
    ),
    "fr": Phrases(
        wrote=(r"a écrit", r"écrit", r"a ecrit"),
        sender=("de", "expéditeur", "exp"),
        sent=("envoyé", "envoyé le", "date", "message du", "le"),
        receiver=("à", "a", "pour", "copie à", "destinataire", "cc", "cci"),
        subject=("objet", "sujet"),
        original=(
            r"message (?:d'origine|original|initial|transféré|transmis)",
            r"(?:courriel|e-mail|mail) "
            r"(?:original|d'origine|transféré)",
            "début du message (?:réexpédié|transféré|transmis)",
            "message d’origine",
        ),
        reply_above=(r"(?:veuillez |merci de )?(?:répondre|répondez|"
            r"écrire) au-dessus de cette ligne",),
        mobile=(
            r"envoyé (?:de|depuis|à partir|avec|via|par|du)\b", r"(?:télécharger|obtenir) outlook",
            r"provenance :", r"mon (?:iphone|mobile)$",
        ),
        closing=(
            r"(?:bien )?(?:très )?cordialement(?: (?:vôtre|à vous))?", "bien à (?:vous|toi)",
            r"(?:(?:avec|(?:je|nous) vous (?:adress(?:e|ons)|envo(?:ie|yons)|présent(?:e|ons))) )?"
            r"(?:mes |nos )?(?:sincères |meilleures |cordiales |plus )?"
            r"salutations(?: distinguées)?",
            r"(?:recevez|veuillez|je vous prie|nous vous prions).{0,80}"
            r"(?:salutations|sentiments|considération).{0,40}",
            "amicalement", "cdlt", "cdt", "bàv", r"bonne (?:journée|soirée|réception)", "à bientôt",
            "sincèrement", "respectueusement", "belle journée",
        ),
        thanks=(
            r"(?:un grand |mille )?mercis?(?: (?:beaucoup|d'avance|d’avance|par avance|à vous|bien|"
            r"pour votre (?:aide|retour|réponse)|et (?:bonne journée|cordialement)))?",
        ),
        greeting=(
            "bonjour", "bonsoir", "salut", r"ch(?:er|ère|ers|ères)", "madame", "monsieur",
            "mesdames", "messieurs", "coucou",
        ),
        disclaimer=(
            r"(?:ce|cet) (?:message|courriel|e-?mail|courrier)\b.{0,90}(?:confidentiel|destin|"
            r"exclusi)",
            r"si vous (?:n'êtes|n’êtes|avez reçu|recevez|n'etes).{0,60}(?:destinataire|erreur)",
            r"pensez à l.environnement|n.imprimez ce|avant d.imprimer", "avis de confidentialité",
        ),
    ),
    "es": Phrases(
        wrote=("escribió", "escribio", "ha escrito", "citando a"),
        sender=("de", "remitente"),
        sent=("enviado", "enviado el", "fecha", "enviada"),
        receiver=("para", "a", "cc", "cco", "destinatario"),
        subject=("asunto",),
        original=(
            r"mensaje (?:original|reenviado|enviado)", r"(?:inicio del )?mensaje reenviado",
            r"correo (?:original|reenviado)",
        ),
        reply_above=(r"(?:por favor,? )?(?:responda|responde|escriba) (?:por encima|encima|"
            r"arriba) de",),
        mobile=(
            r"enviad[oa] (?:desde|con|por|a través)\b", r"(?:obtener|descargar|obtén) outlook",
            r"mandado desde\b",
        ),
        closing=(
            r"(?:sin otro particular,? )?(?:les? |te |os )?(?:(?:reciban?|saludan?|saludamos|"
            r"env(?:ío|io|iamos)|mand(?:o|amos)) )?"
            r"(?:un )?(?:cordial(?:es)?|muy cordial(?:es)?|afectuosos?|atentos?|cordialísimo)? ?"
            r"saludos?(?: (?:cordial(?:es)?|atentos?|afectuosos?))?",
            r"(?:(?:les? )?saludan?,? |se despiden?,? )?(?:muy )?atentamente", "atte",
            r"(?:un )?(?:fuerte )?abrazo", "cordialmente", "quedo a la espera",
            r"que tenga(?:n|s)? (?:un )?buen día", "slds", "hasta pronto",
        ),
        thanks=(
            r"(?:muchas |mil |muchísimas )?gracias(?: (?:de antemano|por (?:todo|su ayuda|tu ayuda|"
            r"adelantado|la ayuda)|y (?:un )?saludos?))?",
        ),
        greeting=(
            "hola", r"buen(?:os|as)? (?:días?|tardes?|noches?)", "estimad[oa]s?(?:/as?)?",
            "querid[oa]s?",
            "buenas", "apreciad[oa]s?", "muy señor(?:es)? míos?",
        ),
        disclaimer=(
            r"(?:este|el presente) (?:mensaje|correo|e-?mail)\b.{0,90}(?:confidencial|dirigid|"
            r"exclusiv|destinatario)",
            r"si (?:usted |ud\.? )?(?:no es|ha recibido|recibe).{0,60}(?:destinatario|error)",
            r"antes de imprimir|(?:piense|considere).{0,30}medio ?ambiente", "aviso (?:legal|de "
            "confidencialidad)",
        ),
    ),
    "pt": Phrases(
        wrote=("escreveu",),
        sender=("de",),
        sent=("enviado", "enviada", "enviado em", "enviada em", "data"),
        receiver=("para", "cc", "cco"),
        subject=("assunto",),
        original=(r"mensagem (?:original|encaminhada|reencaminhada)", "início da mensagem "
                  "(?:encaminhada|reencaminhada)", "e-?mail original"),
        reply_above=(r"(?:por favor,? )?(?:responda|escreva) acima desta linha",),
        mobile=(
            r"enviad[oa] (?:do|da|de|a partir|pelo|via|com)\b",
            r"(?:obter|baixar|baixe) (?:o )?outlook",
        ),
        closing=(
            r"(?:subscrev(?:o|emos)-(?:me|nos),? |despe[çc]o-me,? )?atenciosamente", "att", "atte",
            r"(?:(?:envi(?:o|amos)|apresent(?:o|amos)|receba[m]?) )?"
            r"(?:com )?(?:os )?(?:meus )?(?:melhores )?cumprimentos",
            r"(?:um )?(?:grande |forte )?abraços?", "cordialmente", "respeitosamente", "abs",
            r"cordiais (?:saudações|cumprimentos)", r"saudações(?: cordiais)?", "grato", "grata",
        ),
        thanks=(
            r"(?:muito )?obrigad[oa](?: (?:desde já|pela (?:atenção|ajuda)|antecipadamente|"
            r"e (?:cumprimentos|abraços?)))?", "agradecid[oa]", "desde já agradeço",
        ),
        greeting=(
            "olá", "ola", "oi", r"bo(?:m|a) (?:dia|tarde|noite)", "prezad[oa]s?", "car[oa]s?",
            r"ex\.?m[oa]s?\.?", "estimad[oa]s?",
        ),
        disclaimer=(
            r"(?:esta|este) (?:mensagem|e-?mail|correio)\b.{0,90}(?:confidencia|destin|exclusiv|"
            r"privilegiad)",
            r"(?:se|caso) (?:você |v\. ?sa\. )?(?:não (?:for|é|seja)|recebeu|tenha recebido)"
            r".{0,60}(?:destinatári|engano|erro)",
            r"antes de imprimir|pense no (?:meio )?ambiente",
            "aviso (?:legal|de confidencialidade)",
        ),
    ),
    "it": Phrases(
        wrote=("ha scritto", "scrive", "scritto"),
        sender=("da",),
        sent=("inviato", "data", "inviato il", "inviata"),
        receiver=("a", "per", "cc", "ccn"),
        subject=("oggetto",),
        original=(r"messaggio (?:originale|inoltrato|originario)", "inizio messaggio inoltrato",
                  "inizio del messaggio inoltrato"),
        reply_above=(r"(?:si prega di )?(?:rispondere|rispondi|scrivere) sopra questa",),
        mobile=(
            r"inviat[oa] (?:da|dal|dalla|tramite|con)\b", r"(?:ottieni|scarica) outlook",
        ),
        closing=(
            r"(?:(?:(?:vi|le|la|ti) )?(?:porg(?:o|iamo)|invi(?:o|amo)|mand(?:o|iamo)|"
            r"salut(?:o|iamo)) |con )?(?:(?:i (?:miei|nostri) )?(?:più )?"
            r"(?:cordiali|distinti|migliori|cari) )?"
            r"saluti(?: cordiali)?",
            r"(?:un )?(?:cordiale|caro) saluto", "cordialmente", "in fede", "a presto",
            "cordialità",
            r"buona (?:giornata|serata)", "un abbraccio", "distintamente",
        ),
        thanks=(
            r"(?:grazie|ringrazio|molte grazie|tante grazie|grazie mille)(?: (?:mille|in anticipo|"
            r"anticipatamente|e (?:cordiali |un )?saluti?|per (?:l.aiuto|la collaborazione)))?",
        ),
        greeting=(
            "ciao", "salve", r"buon(?:giorno|asera|pomeriggio)", r"buon giorno",
            r"gentil(?:e|i|issim[oaie])",
            r"egregi[oa]?", r"car[oaie]", "spett\\.?(?:le|li|abile)?",
        ),
        disclaimer=(
            r"(?:questo|il presente|la presente) (?:messaggio|e-?mail|comunicazione)\b.{0,90}"
            r"(?:riservat|confidenzial|destinat)",
            r"le informazioni contenute (?:in|nella?|nel)\b", r"(?:se|qualora) .{0,40}"
            r"(?:per errore|non (?:siete|è|sia) il destinatario)",
            r"prima di stampare|rispetta l.ambiente",
            r"ai sensi del (?:d\.? ?lgs|regolamento|gdpr)",
        ),
    ),
    "nl": Phrases(
        wrote=("schreef", "schrijft", "geschreven"),
        sender=("van",),
        sent=("verzonden", "datum", "verzonden op"),
        receiver=("aan", "cc"),
        subject=("onderwerp", "betreft"),
        original=(r"oorspronkelijk(?:e)? bericht", r"origineel bericht",
                  r"(?:begin )?doorgestuurd(?:e)? bericht", "begin van doorgestuurd bericht"),
        reply_above=(r"(?:gelieve )?(?:antwoord|reageer|typ uw antwoord) boven deze",),
        mobile=(
            r"verz(?:onden|onden) (?:vanaf|met|vanuit|via|door)\b",
            r"verstuurd (?:vanaf|met|via)\b",
            r"outlook voor .{1,20} (?:ophalen|downloaden)", r"download outlook", "vanaf mijn",
        ),
        closing=(
            r"(?:met )?(?:vriendelijke?|hartelijke?|beste|warme) groet(?:en|jes)?", "mvg",
            r"groet(?:en|jes)?",
            r"(?:(?:ik )?verblijf(?: ik)?,? )?(?:met de meeste )?hoogacht(?:end|ing)",
            "gr", r"met (?:beleefde|collegiale) groet(?:en)?",
            r"fijne (?:dag|avond)(?: (?:nog|verder))?", "vr gr",
        ),
        thanks=(
            r"(?:hartelijk |heel erg |alvast |vriendelijk )?(?:bedankt|dank(?: ?(?:je|"
            r"u)(?: wel)?)?)"
            r"(?: (?:alvast|voor (?:uw|je) (?:hulp|reactie)|bij voorbaat|en groet(?:en|jes)))?",
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
            r"denk aan het milieu|voordat u deze e-mail print|print deze e-mail", "aan deze e-mail "
            "kunnen geen rechten",
        ),
    ),
}  # fmt: skip
