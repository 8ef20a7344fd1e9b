"""Phrases of French, Spanish, Portuguese and Italian."""

from transforms.trim.phrases import Phrases

ROMANCE: dict[str, Phrases] = {
    "fr": Phrases(
        wrote=(r"a écrit", r"écrit", r"a ecrit"),
        on_date=("Le",),
        no_name=(
            "les?", "la", "une?", "votre", "mon", "ma", "notre", "ton", "ta", "je", "il", "elle",
            "on", "nous", "ils", r"j.ai",
        ),
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
        above_line=("au-dessus de cette ligne",),
        mobile=(
            r"envoyé (?:de|depuis|à partir|avec|via|par|du)\b", r"(?:télécharger|obtenir) outlook",
            r"provenance :", r"mon (?:iphone|mobile)$",
        ),
        aside=(r"(?:veuillez |merci d.)?(?:excuser|excusez|pardonne[rz])", "désolé pour"),
        closing=(
            r"(?:bien )?(?:très )?cordialement(?: (?:vôtre|à vous))?", "bien à (?:vous|toi)",
            r"(?:(?:avec|(?:je|nous) vous (?:adress(?:e|ons)|envo(?:ie|yons)|présent(?:e|ons))) )?"
            r"(?:mes |nos )?(?:sincères |meilleures |cordiales |plus )?"
            r"salutations(?: distinguées)?",
            r"(?:recevez|veuillez|je vous prie|nous vous prions).{0,80}"
            r"(?:salutations|sentiments|considération).{0,40}",
            "amicalement", "bisous", "cdlt", "cdt", "bàv",
            r"bonne (?:journée|soirée|réception|continuation|semaine|fin de (?:journée|semaine))"
            "(?: à (?:vous|toi|tous))?",
            "à bientôt", "au revoir",
            r"(?:je reste )?dans l.attente de (?:votre|vos|ton) (?:réponse|retour|nouvelles)",
            "sincèrement", "respectueusement", "belle journée(?: à (?:vous|toi|tous))?",
        ),
        thanks=(
            r"(?:un grand |mille )?mercis?(?: (?:beaucoup|d'avance|d’avance|par avance|à vous|bien|"
            r"et (?:bonne journée|cordialement)))?"
            r"(?: pour (?:votre|ton|vos) (?:aide|retour|réponse|compréhension|attention))?",
            "(?:avec )?(?:mes|nos) remerciements",
            "je vous remercie (?:d.avance|par avance|de votre (?:aide|retour|réponse))",
        ),
        greeting=(
            "bonjour", "bonsoir", "salut", r"ch(?:er|ère|ers|ères)", "madame", "monsieur",
            "mesdames", "messieurs", "coucou",
        ),
        disclaimer=(
            r"(?:ce|cet) (?:message|courriel|e-?mail|courrier)\b.{0,90}(?:confidentiel|destin|"
            r"exclusi)",
            r"si vous (?:n'êtes|n’êtes|avez reçu|recevez|n'etes).{0,60}(?:destinataire|erreur)",
            r"^\W*sans virus\b.{0,12}www\.|l.absence de virus dans ce cour",
            r"pensez à l.environnement|n.imprimez ce|avant d.imprimer", "avis de confidentialité",
        ),
    ),
    "es": Phrases(
        wrote=("escribió", "escribio", "ha escrito", "citando a"),
        on_date=("El",),
        no_name=(
            "el", "la", "una?", "su", "mi", "tu", "nuestr[oa]", "yo", "él", "ella", "me", "nos",
            "he", "les", "le",
        ),
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
        above_line=(r"(?:encima|arriba) de esta línea",),
        mobile=(
            r"enviad[oa] (?:desde|con|por|a través)\b", r"(?:obtener|descargar|obtén) outlook",
            r"mandado desde\b",
        ),
        aside=(r"(?:por favor,? )?(?:disculpe[ns]?|perdon[ea]n?)", "disculpas por"),
        closing=(
            r"(?:sin otro particular,? )?(?:les? |te |os )?(?:(?:reciban?|saludan?|saludamos|"
            r"env(?:ío|io|iamos)|mand(?:o|amos)) )?"
            r"(?:un )?(?:cordial(?:es)?|muy cordial(?:es)?|afectuosos?|atentos?|cordialísimo)? ?"
            r"saludos?(?: (?:cordial(?:es)?|atentos?|afectuosos?))?",
            r"(?:(?:les? )?saludan?,? |se despiden?,? )?(?:muy )?atentamente", "atte",
            r"(?:un )?(?:fuerte )?abrazo", "cordialmente", "quedo a la espera",
            r"sin (?:más|otro particular)(?:,? (?:un|reciba un))? (?:cordial )?saludo",
            r"(?:que tenga(?:n|s)? )?(?:un )?(?:buen|feliz|lindo) (?:día|fin de semana)", "slds",
            "hasta (?:pronto|luego)",
        ),
        thanks=(
            r"(?:muchas |mil |muchísimas )?gracias(?: (?:de antemano|por adelantado|"
            r"y (?:un )?saludos?))?(?: por (?:todo|(?:su|tu|la|vuestra) (?:pronta )?(?:ayuda|"
            r"atención|respuesta|colaboración)))?",
            "(?:quedo |quedamos )?(?:a la espera de|en espera de|esperando) (?:su|tu|vuestra) "
            "(?:pronta )?respuesta",
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
            r"^\W*libre de virus\b.{0,12}www\.",
            r"la información contenida en este (?:mensaje|correo)\b.{0,60}"
            r"(?:confidencial|privileg)",
            r"antes de imprimir|(?:piense|considere).{0,30}medio ?ambiente", "aviso (?:legal|de "
            "confidencialidad)",
        ),
    ),
    "pt": Phrases(
        wrote=("escreveu",),
        on_date=("Em", "No dia"),
        no_name=(
            "os?", "as?", "uma?", "seu", "sua", "meu", "minha", "nosso", "eu", "ele", "ela",
            "você",
        ),
        sender=("de",),
        sent=("enviado", "enviada", "enviado em", "enviada em", "data"),
        receiver=("para", "cc", "cco"),
        subject=("assunto",),
        original=(r"mensagem (?:original|encaminhada|reencaminhada)", "início da mensagem "
                  "(?:encaminhada|reencaminhada)", "e-?mail original"),
        reply_above=(r"(?:por favor,? )?(?:responda|escreva) acima desta linha",),
        above_line=("acima desta linha",),
        mobile=(
            r"enviad[oa] (?:do|da|de|a partir|pelo|via|com)\b",
            r"(?:obter|baixar|baixe) (?:o )?outlook",
        ),
        aside=(r"(?:por favor,? )?(?:desculpe[m]?|perdoe)", "desculpas? p(?:or|elos)"),
        closing=(
            r"(?:subscrev(?:o|emos)-(?:me|nos),? |despe[çc]o-me,? )?atenciosamente", "att", "atte",
            r"(?:(?:envi(?:o|amos)|apresent(?:o|amos)|receba[m]?) )?"
            r"(?:com )?(?:os )?(?:meus )?(?:melhores )?cumprimentos",
            r"(?:um )?(?:grande |forte )?abraços?", "cordialmente", "respeitosamente", "abs",
            r"cordiais (?:saudações|cumprimentos)", r"saudações(?: cordiais)?", "grato", "grata",
            r"(?:fico )?no aguardo(?: de (?:um )?(?:retorno|resposta))?",
            r"aguardo (?:(?:o |um |seu |vosso )?retorno|(?:a |uma |sua |vossa )?resposta)",
            "até (?:logo|breve|mais)", "bom fim de semana",
        ),
        thanks=(
            r"(?:muito )?obrigad[oa](?: (?:desde já|antecipadamente|e (?:cumprimentos|abraços?)))?"
            r"(?: pela (?:sua |vossa )?(?:atenção|ajuda|compreensão|resposta))?",
            "agradecid[oa]", "desde já agradeço", "grat[oa] pela (?:atenção|ajuda)",
            r"(?:fico )?(?:a aguardar|aguardo) (?:a sua |a vossa |o seu |o vosso |uma )?"
            r"(?:resposta|contacto|contato)",
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
            r"^\W*livre de v[íi]rus\b.{0,12}www\.",
            r"as informações contidas (?:nesta|neste) (?:mensagem|e-?mail)\b.{0,60}"
            r"(?:confidencia|privileg|restrit)",
            r"antes de imprimir|pense no (?:meio )?ambiente",
            "aviso (?:legal|de confidencialidade)",
        ),
    ),
    "it": Phrases(
        wrote=("ha scritto", "scrive", "scritto"),
        on_date=("Il",),
        no_name=(
            "il", "lo", "la", "una?", "un", "vostro", "mio", "mia", "nostro", "suo", "sua", "io",
            "lui", "lei",
            "ho", "abbiamo", "vi", "mi",
        ),
        sender=("da",),
        sent=("inviato", "data", "inviato il", "inviata"),
        receiver=("a", "per", "cc", "ccn"),
        subject=("oggetto",),
        original=(r"messaggio (?:originale|inoltrato|originario)", "inizio messaggio inoltrato",
                  "inizio del messaggio inoltrato"),
        reply_above=(r"(?:si prega di )?(?:rispondere|rispondi|scrivere) sopra questa",),
        above_line=(r"sopra (?:a |di )?questa (?:riga|linea)",),
        mobile=(
            r"inviat[oa] (?:da|dal|dalla|tramite|con)\b", r"(?:ottieni|scarica) outlook",
        ),
        aside=(r"(?:vi prego di )?(?:scusate|scusa|scusarmi|perdonate)", "scuse per"),
        closing=(
            r"(?:(?:(?:vi|le|la|ti) )?(?:porg(?:o|iamo)|invi(?:o|amo)|mand(?:o|iamo)|"
            r"salut(?:o|iamo)) |con )?(?:(?:i (?:miei|nostri) )?(?:più )?"
            r"(?:cordiali|distinti|migliori|cari) )?"
            r"saluti(?: cordiali)?",
            r"(?:un )?(?:cordiale |caro )?saluto", "arrivederci",
            r"(?:resto |rimango )?in attesa(?: di (?:un )?(?:(?:vostro|suo|tuo|cortese|gentile) )?"
            r"(?:riscontro|risposta))?", "cordialmente", "in fede", "a presto",
            "cordialità",
            r"buona (?:giornata|serata)", "un abbraccio", "distintamente",
        ),
        thanks=(
            r"(?:grazie|ringrazio|molte grazie|tante grazie|grazie mille)(?: (?:mille|in anticipo|"
            r"anticipatamente|e (?:cordiali |un )?saluti?))?(?: per (?:l.aiuto|l.attenzione|"
            r"la (?:collaborazione|disponibilità|risposta)|il (?:supporto|tempo)))?",
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
            r"^\W*privo di virus\b.{0,12}www\.",
            r"prima di stampare|rispetta l.ambiente",
            r"ai sensi del (?:d\.? ?lgs|regolamento|gdpr)",
        ),
    ),
}  # fmt: skip
