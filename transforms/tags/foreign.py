"""The category of a need in another language than English, by its words.

The tagger of the release was trained on English queries; of German or French it knows nothing and
says its most frequent label. Pure; reads and writes no table.
"""

import re

from transforms.acts.folded import any_of, lowered
from transforms.clean.language import language_of

LANGUAGES = frozenset({"de", "fr", "es", "pt", "it", "nl"})

WORDS: dict[str, str] = {
    "CANCELLATION_FEE": r"(?:storno|k[üu]ndigungs|annulerings)(?:geb[üu]hr|kosten)\w*|"
    r"(?:frais|gastos|tarifa|taxa|multa|penale|penalit[àée]\w*) (?:d'|de |di |per )?"
    r"(?:annulation|r[ée]siliation|cancela\w+|cancellazione|recesso)",
    "REFUND": r"erstatt\w*|r[üu]ckerstatt\w*|geld (?:\w+ ){0,4}zur[üu]ck|rembours\w*|reembols\w*|"
    r"devoluci[óo]n\w*|devolu[çc][ãa]o|devolver|rimbors\w*|terugbetal\w*|geld terug|"
    r"r[üu]cksend\w*|retour\w*",
    "SHIPPING_ADDRESS": r"(?:liefer|versand)?(?:adresse|anschrift)\b|adresse de (?:livraison|"
    r"facturation)|direcci[óo]n|endere[çc]o|indirizzo|(?:bezorg|aflever)?adres\b|umgezogen|"
    r"verhuisd|d[ée]m[ée]nag\w*",
    "INVOICE": r"rechnung\w*|factur[ae]s?|fatturar?[ae]?|fattur[ae]|fatura\w*|factuur|facturen|"
    r"quittung|recibo",
    "DELIVERY": r"liefer(?:ung|zeit|t|dienst)\w*|geliefert|zustell\w*|paket\w*|pakket\w*|colis|"
    r"livr(?:aison|[ée]|er)\w*|env[íi]os?\b|entreg\w*|paquete\w*|encomenda chega|consegn\w*|"
    r"pacco|spedi\w*|bezorg\w*|versand\w*|exp[ée]di\w*",
    "PAYMENT": r"zahl\w*|bezahl\w*|pa(?:iement|yer|ye)\w*|pagos?\b|pagar\w*|pagament\w*|"
    r"betal\w*|kreditkart\w*|carte (?:bancaire|de cr[ée]dit)|tarjeta|cart[ãa]o|carta di credito|"
    r"boleto",
    "NEWSLETTER": r"newsletter|rundbrief|infolettre|bolet[íi]n|boletim|nieuwsbrief",
    "ACCOUNT": r"konto|kennwort\w*|passwor[td]\w*|anmeld\w*|registrier\w*|compte|mot de passe|"
    r"inscri\w*|cuentas?|contrase[ñn]as?|contas?\b|senhas?|cadastr\w*|account|password|"
    r"registra\w*|wachtwoord\w*|inlog\w*|benutzer\w*",
    "CONTACT": r"mitarbeiter\w*|kundendienst|kundenservice|service client|conseiller\w*|"
    r"atenci[óo]n al cliente|hablar con|falar com|atendimento|servizio clienti|parlare con|"
    r"klantenservice|medewerker",
    "FEEDBACK": r"beschwer\w*|bewertung\w*|r[ée]clamation\w*|avis\b|quejas?|reclama\w*|"
    r"opini[óo]n\w*|avalia\w*|reclam[io]|recension\w*|klacht\w*|beoordeling\w*",
    "ORDER": r"bestell\w*|auftrag\w*|command\w*|pedidos?|pedir|comprar?|compras?|encomend\w*|"
    r"ordin\w*|acquist\w*|stornier\w*|annul\w*|cancel\w*",
}
"""Category → its words in six languages, the more special category first."""

_WORDS = {name: re.compile(rf"\b(?:{any_of(words).pattern})") for name, words in WORDS.items()}


def foreign_category(text: str) -> str | None:
    """The first category whose words stand in a text of one of these languages, else None.

    >>> foreign_category("Wo bleibt meine Rechnung?"), foreign_category("Where is my bill?")
    ('INVOICE', None)
    """
    said = lowered(text)
    found = next((name for name, pattern in _WORDS.items() if pattern.search(said)), None)
    return found if found and language_of(text) in LANGUAGES else None
