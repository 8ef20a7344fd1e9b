"""What a number is, by the words around it: "my account number is …", "… is my SSN".

The same words in an agent's question say what the customer's next number is.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from transforms.redact.spans import KEPT, SUM, THINGS
from transforms.redact.view import has_any

_WORDS_BY_TYPE = {
    "SSN": "ssn social soc ss sozialversicherungsnummer bsn",
    "ACCOUNT": (
        "account acct ac a/c acc member membership customer client consumer subscriber"
        " kontonummer konto kundennummer compte"
        " cuenta conta conto rekening rekeningnummer klantnummer routing sort loyalty"
    ),
    "IBAN": "iban",
    "CARD": (
        "card cards cc visa mastercard amex maestro karte kartennummer kreditkarte bankkarte"
        " kreditkartennummer prüfziffer prüfnummer cryptogramme"
        " carte tarjeta cartão carta kaart kaartnummer creditcard cvv cvc crad"
    ),
    "PHONE": (
        "phone telephone tel mobile cell cellphone mobil fax whatsapp ph mob handy handynummer"
        " telefon telefonnummer rückrufnummer téléphone portable tél teléfono móvil celular"
        " telefone"
        " telemóvel telefono cellulare telefoon telefoonnummer landline call ring reach text sms"
        " contact messages messages dial callback"
    ),
    "POSTCODE": "zip zipcode postcode postal pincode plz postleitzahl cep",
    "DOB": (
        "dob d.o.b born birth birthday birthdate bday b-day geboren geburtsdatum geburtstag"
        " naissance né née nacido"
        " nacida nacimiento nascimento nasci nato nata nascita geboortedatum"
    ),
    "PASSWORD": (
        "password passcode pwd pw pin passwort kennwort contraseña senha wachtwoord passe otp"
        " parola verification pass"
    ),
    "USERNAME": "username userid login benutzername",
    "LICENSE": "license licence driver's drivers driver",
    "PASSPORT": "passport reisepass passnummer passeport pasaporte passaporte passaporto paspoort",
    "ORDER": (
        "order orders purchase purchases bestellung bestellnummer auftrag auftragsnummer commande"
        " pedido encomenda ordine bestelling bestelnummer ord"
    ),
    "INVOICE": (
        "invoice invoices bill bills receipt rechnung rechnungsnummer facture factura fatura"
        " fattura"
        " factuur inv"
    ),
    "TRACKING": (
        "tracking shipment parcel package consignment waybill awb courier ups dhl fedex usps"
        " dpd gls sendung sendungsnummer suivi colis"
        " seguimiento"
        " rastreamento rastreio spedizione zending"
    ),
    "TICKET": "ticket tickets case incident vorgang vorgangsnummer ticketnummer",
    "BOOKING": (
        "booking reservation confirmation pnr itinerary buchung buchungsnummer réservation reserva"
        " prenotazione boeking"
    ),
    "CLAIM": "claim claims schadensnummer sinistre siniestro",
    "POLICY": "policy police póliza apólice polizza polis versicherungsnummer",
    "REFERENCE": "reference ref transaction referenz aktenzeichen référence referencia",
    KEPT: (
        "model product serial sku item items part time version build error quantity"
        " size year room seat gate page bought artikel modell article"
        " s/n p/n rma"
        " firmware flight promo coupon isbn ean upc since between until release port channel level"
    ),
    SUM: (
        "price amount total cost costs charge charged pay paid refund refunded transfer $ € £"
        " worth"
    ),
}  # fmt: skip

CUES: dict[str, str] = {
    word: kind for kind, words in _WORDS_BY_TYPE.items() for word in words.split()
}

FILLERS = frozenset(
    "is are was were the my our his her your a an number numbers no nr num nummer # : - = id code"
    " digits digit last first four 4 of it its it's to be needs at on me us you can could please"
    " sec with ends ending end in under as should has via by i'm have new current correct old also"
    " ist lautet lauten meine mein meiner est le la mon ma numéro numero n° nº es mi el número é o"
    " meu minha il mio mijn das die security credit debit bank home work and und y et e ou or"
    " would might reads goes file record following full complete this that date geburtsdatum"
    " um uh so yes sure main back"
    " sind sont son são sono zijn letzten vier ziffern derniers quatre chiffres últimos cuatro"
    " quatro dígitos ultime quattro cifre laatste cijfers".split()
)
"""Words that may stand between a cue and its number."""

_LAST_FOUR = re.compile(
    r"\b(?:last|final|ending|ends)\b.{0,12}(?:\b4\b|\bfour\b|\bdigits?\b|\bin\b)"
    r"|\bletzten? (?:4|vier)\b|\b(?:4|quatre) derniers\b|\bderniers (?:4|quatre|chiffres)\b"
    r"|\b(?:4|cuatro|quatro) últim[oa]s\b|\búltim[oa]s (?:4|cuatro|quatro|d[ií]gitos)\b"
    r"|\bultime (?:4|quattro|cifre)\b|\blaatste (?:4|vier)\b"
)
_LAST_SIGNS = ("last", "final", "end", "letzt", "dernier", "ltim", "laatste")
_WINDOW = 64
_MAX_WORDS = 9
_CODE_CHARS = 5
_SENTENCE_END = (".", "!", "?", ";")
_ABBREVIATIONS = frozenset({"no.", "nr.", "tel.", "acct.", "ph.", "num.", "ref.", "mob.", "inv."})
_AFTER = re.compile(
    r"\W{0,2}(?:\d digits? )?(?:is|are|as|being|ist|est|es) (?:my|our|the|meine|mi) "
)
_LABEL_AFTER = re.compile(r"[ \t(]{1,2}(office|fax|mobile|cell|home|work|phone|tel)\b")
_PUNCTUATION = ".,:;!?()[]\"'*=#-\u2013"


def cue_before(lower: str, start: int) -> str | None:
    """The type that the words just before `start` give to what stands there, or None.

    Walks back over fillers within the sentence: bounded by a few words and characters.
    """
    window = lower[max(0, start - _WINDOW) : start].rstrip()
    words = window.rpartition("\n")[2].split()[-_MAX_WORDS:]
    is_mine = is_coded = False
    for i, raw in enumerate(reversed(words)):
        if i and raw.endswith(_SENTENCE_END) and raw not in _ABBREVIATIONS:
            return None
        word = raw.strip(_PUNCTUATION)
        found = CUES.get(word) or CUES.get(word.removesuffix("'s"))
        if found is not None:
            is_volume = word == "cc" and i + 1 < len(words) and words[-i - 2].isdigit()
            is_far = is_coded and found not in THINGS and found != "ACCOUNT"
            return None if is_volume or is_far else found
        if word in ("number", "nummer", "numéro", "número", "numero"):
            is_mine = True
        elif is_mine and word in ("my", "meine", "mon", "mi", "meu", "mio", "mijn"):
            return "PHONE"
        if word and word not in FILLERS and not word.isdigit() and not word.startswith("<"):
            # The letters of an id that is written in groups: "policy number hdf 123".
            if i or len(word) > _CODE_CHARS:
                return None
            is_coded = True
    return None


def cue_after(lower: str, end: int) -> str | None:
    """The type that the words just after `end` give: "8526 is my ssn", "781 1704 office"."""
    window = lower[end : end + 48]
    if _LABEL_AFTER.match(window):
        return "PHONE"
    match = _AFTER.match(window)
    if match is None:
        return None
    words = (word.strip(_PUNCTUATION) for word in window[match.end() :].split()[:4])
    return next((CUES[w] for w in words if w in CUES), None)


def is_last_four(lower: str, start: int) -> bool:
    """Whether "last four digits" or the like stands shortly before."""
    window = lower[max(0, start - _WINDOW) : start]
    return has_any(window, _LAST_SIGNS) and _LAST_FOUR.search(window) is not None


_REQUEST = re.compile(
    r"\?|\b(?:please|provide|confirm|verify|may i|can i|could i|could you|can you|i(?:'ll|'d"
    r"| will| would)? (?:just |only |also |then )?need|^\W*and (?:your|the|a)\b(?=.{0,70}$)"
    r"|give me|share|tell me|enter|\bwhen were you|\bto whom|\bwhom? (?:am|do|have) i"
    r"|\b(?:what|which) (?:\w+ )?(?:name|number|address|e-?mail)\b|what(?:'s| is)|let me (?:know"
    r"|have)|have your|bitte|pourriez"
    r"|veuillez"
    r"|puede|podría|por favor|può|potrebbe|kunt u|graag)\b"
)
_QUESTION_NOUNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in {
        "SSN": (
            r"\bssn\b|\bsocial(?: security)?\b|sozialversicherung|\bdni\b|\bnif\b|\bnie\b|\bcpf\b"
            r"|codice fiscale|steuer-?(?:id|nummer)|national insurance|\bnino\b|burgerservice"
            r"|\bbsn\b|sécurité sociale|\bsécu\b|rijksregister|\bcurp\b|\bpesel\b|aadhaar"
            r"|contribuinte"
        ),
        "PERSON": (
            r"\b(?:your|full|first|last|the|account holder'?s?|complete) (?:\w+ )?name\b"
            r"|\bwhom? (?:am|do|have) i\b|\bwho(?:'s| is) (?:this|calling|speaking|it)\b"
            r"|\band you are\W*$|\bto whom\b|\b(?:call|address) you(?=\W*$|\W{0,2}\?)"
            r"|\bihre?n? (?:vollständigen )?namen\b|votre nom|su nombre|seu nome|suo nome|uw naam"
            r"|\bnames? please|\bname\?|\b(?:what|which|whose) name\b"
        ),
        "ADDRESS": (
            r"(?<!e-mail )(?<!email )(?<!mail )(?<!ip )\baddress(?:es)?\b|\bstreet\b"
            r"|where (?:(?:do )?you (?:live|stay|reside)|(?:should|shall|can|do) (?:we|i"
            r"|it) (?:\w+ )?"
            r"(?:send|ship|deliver|post|bring|go))"
            r"|\b(?:ihre )?(?:anschrift|adresse)\b|dirección|endereço|indirizzo|\badres\b"
        ),
        "EMAIL": r"\be-?mail\b|\bmail ?id\b|correo|courriel|mail address",
        "PHONE": (
            r"\b(?:phone|telephone|mobile|cell|contact|callback|call-back) ?(?:number|no)?\b"
            r"|(?:what|which|good|best) number|\bnumber (?:can|should|do|may) (?:i|we)"
            r"|\b(?:ring|reach|text|phone) you (?:back|on|at)\b"
            r"|\bnumber to (?:reach|call)|telefonnummer|téléphone|teléfono|telefone|telefono"
            r"|telefoon"
        ),
        "DOB": (
            r"\b(?:of birth|birth ?date|birthday|dob|born)\b|geburtsdatum|date de naissance"
            r"|fecha de nacimiento|data de nascimento|data di nascita|geboortedatum"
        ),
        "POSTCODE": r"\b(?:zip|post ?code|postal|plz|postleitzahl)\b|code postal|código postal",
        "CARD": (
            r"\b(?:cards?|visa|mastercard|cv[vc]2?|security code)\b"
            r"|\b(?:kredit|bank|ec-?|debit|giro)?karten?(?:nummer)?\b|prüfziffer|prüfnummer"
            r"|\bcartes?\b|cryptogramme|code de sécurité|tarjeta|código de seg|cart(?:ão|ões)"
            r"|\bcarta\b|codice di sicurezza|\b(?:bank)?kaart(?:nummer)?\b|beveiligingscode"
        ),
        "ACCOUNT": (
            r"\b(?:account|member(?:ship)?|customer|client|consumer|subscriber) ?(?:number|no|id|#)"
            r"|\bof (?:your"
            r"|the) account"
            r"|\baccount\b.{0,20}\bdigits|digits.{0,20}\baccount|kundennummer|kontonummer"
            r"|numéro de (?:compte|client)"
            r"|número de (?:cuenta|cliente)"
        ),
        "IBAN": r"\biban\b",
        "PASSWORD": (
            r"\b(?:pass ?word|pass ?code|pin|security (?:answer|word|code))\b|passwor[td]|kennwort"
            r"|contraseña|\bclave\b|senha|mot de passe|wachtwoord|parola d'ordine"
        ),
        "USERNAME": (
            r"\b(?:user ?name|user ?id|login)\b|benutzername|nutzername|nom d'utilisateur"
            r"|identifiant|nombre de usuario|nome de us|nome utente|gebruikersnaam"
        ),
        "LICENSE": r"\bdriver'?s? licen[cs]e\b",
        "PASSPORT": r"\bpassport\b",
        "ORDER": (
            r"\b(?:order|purchase) ?(?:number|no|id|#|ref)|\bbestellnummer|numéro de commande"
            r"|número de pedido|which order"
        ),
        "INVOICE": (
            r"\b(?:invoice|bill|receipt) ?(?:number|no|id|#)|rechnungsnummer|numéro de facture"
            r"|which invoice"
        ),
        "TRACKING": r"\btracking\b|sendungsnummer|numéro de suivi",
        "TICKET": r"\b(?:ticket|case) ?(?:number|no|id|#)|ticketnummer",
        "BOOKING": (
            r"\b(?:booking|reservation|confirmation)\b.{0,14}\b(?:number|no|id|code|ref)"
            r"|buchungsnummer"
        ),
        "CLAIM": r"\bclaim ?(?:number|no|id|#)",
        "POLICY": r"\bpolicy ?(?:number|no|id|#)",
        "REFERENCE": r"\breference ?(?:number|no|id|#|code)?|\bref(?:erence)? no",
        KEPT: (
            r"\b(?:how (?:much|many)|amount|quantity|price|what year|which year|model year"
            r"|year of(?! birth)|model"
            r"|serial|size|error code|version|when did you (?:buy|order|purchase)"
            r"|date of (?:purchase|the charge|travel)"
            r"|budget|cost)\b"
        ),
    }.items()
)
_REQUEST_SIGNS = tuple(
    "and |when were|whom|who am|which|please|provide|confirm|verify|may i|can i|could |can you|need"
    "|give me|share|tell me|enter|what"
    "|let me|have your|bitte|pourriez|veuillez|puede|podría|por favor|può|potrebbe|kunt u|graag"
    .split("|")
)  # fmt: skip
_SIGNS: dict[str, tuple[str, ...]] = {
    kind: tuple(signs.split("|"))
    for kind, signs in {
        "SSN": (
            "ssn|social|sozialvers|dni|nif|nie|cpf|fiscale|steuer|national ins|nino|burgers|bsn"
            "|sécu|rijksreg|curp|pesel|aadhaar|contribuinte"
        ),
        "PERSON": "name|nom|naam|who|you are|call you|address you",
        "ADDRESS": "address|street|where |anschrift|adres|direcci|endere|indirizzo",
        "EMAIL": "mail|correo|courriel",
        "PHONE": "phone|mobile|cell|contact|callback|call-back|number|ring you|reach you|text you"
        "|phone you|telef|telé",
        "DOB": "birth|dob|born|geburtsdatum|naissance|nacimiento|nascimento|nascita|geboortedatum",
        "POSTCODE": "zip|post|plz",
        "CARD": (
            "card|visa|cvv|cvc|security code|karte|prüf|carte|cryptogramme|code de séc|tarjeta"
            "|código de seg|cart|codice di sic|kaart|beveiligingscode"
        ),
        "ACCOUNT": "account|member|customer|client|consumer|subscriber|kundennummer|kontonummer"
        "|compte|cuenta",
        "IBAN": "iban",
        "PASSWORD": "pass|pin|security|kennwort|contrase|clave|senha|wachtwoord|parola",
        "USERNAME": "user|login|nutzername|utilisateur|identifiant|usu|utente|gebruikers",
        "LICENSE": "licen",
        "PASSPORT": "passport",
        "ORDER": "order|purchase|bestellnummer|commande|pedido",
        "INVOICE": "invoice|bill|receipt|rechnungsnummer|facture",
        "TRACKING": "tracking|sendungsnummer|suivi",
        "TICKET": "ticket|case",
        "BOOKING": "booking|reservation|confirmation|buchungsnummer",
        "CLAIM": "claim",
        "POLICY": "policy",
        "REFERENCE": "ref",
        KEPT: (
            "how m|amount|quantity|price|year|model|serial|size|error code|version|when did|date of"
            "|budget|cost"
        ),
    }.items()
}
"""Pieces of text of which one is in whatever a question's pattern matches: looking for them costs
a twentieth of trying the pattern."""

_QUESTION_CHARS = 600
"""A question stands at the end of what an agent writes."""


def asked_for(agent_text: str) -> frozenset[str]:
    """Types that an agent's words ask the customer for; empty where they ask for none."""
    return _asked_for(agent_text[-_QUESTION_CHARS:])


@lru_cache(maxsize=4_096)
def _asked_for(end: str) -> frozenset[str]:
    """Kept, because agents ask in the same words again and again."""
    lower = end.lower()
    if not _is_request(lower):
        return frozenset()
    found = {
        kind
        for kind, pattern in _QUESTION_NOUNS
        if has_any(lower, _SIGNS[kind]) and pattern.search(lower)
    }
    if "SSN" in found and _LAST_FOUR.search(lower):
        found.add("SSN_LAST4")
    return frozenset(found)


def _is_request(lower: str) -> bool:
    if "?" in lower:
        return True
    return has_any(lower, _REQUEST_SIGNS) and _REQUEST.search(lower) is not None


def first_of(kinds: Iterable[str], order: Iterable[str]) -> str | None:
    """The first type of an order that is among the kinds."""
    wanted = frozenset(kinds)
    return next((kind for kind in order if kind in wanted), None)
