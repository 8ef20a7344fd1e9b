"""What mail programs write around the words, in seven languages.

The forms are those of common programs: a line above the quote that names day and sender, or the
quoted mail's header in four fields. The wording is our own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Locale:
    """One language of mail programs and of automatic answers."""

    code: str
    reply: str
    """Prefix of an answer's subject."""
    attributions: tuple[str, ...]
    """Lines above a quote, with {day}, {time} and {sender}."""
    block: tuple[str, str, str, str]
    """Names of the four fields of a quoted header: from, sent, to, subject."""
    original: str
    """Line above such a header; a rule where it is empty."""
    sent_from: tuple[str, ...]
    sign_off: tuple[str, ...]
    disclaimer: str
    away_subject: str
    away: str
    received_subject: str
    received: str
    """Automatic receipt, with {number}."""


LOCALES: tuple[Locale, ...] = (
    Locale(
        code="en",
        reply="Re:",
        attributions=(
            "On {day} at {time}, {sender} wrote:",
            "On {day}, {sender} wrote:",
            "{sender} wrote on {day} {time}:",
        ),
        block=("From:", "Sent:", "To:", "Subject:"),
        original="-----Original Message-----",
        sent_from=("Sent from my phone", "Get the mail app for your phone", "Sent on the go"),
        sign_off=("Thanks,", "Kind regards,", "Cheers,", "Best,"),
        disclaimer=(
            "This message is confidential and meant for the addressee only. If you received it"
            " by mistake, please delete it and tell the sender."
        ),
        away_subject="Automatic reply: {subject}",
        away="Thank you for your mail. I am out of the office until Monday and will answer then.",
        received_subject="We have received your request [#{number}]",
        received="Your request #{number} has reached us. Please do not answer this mail.",
    ),
    Locale(
        code="de",
        reply="AW:",
        attributions=(
            "Am {day} um {time} schrieb {sender}:",
            "{sender} schrieb am {day} um {time}:",
        ),
        block=("Von:", "Gesendet:", "An:", "Betreff:"),
        original="-----Ursprüngliche Nachricht-----",
        sent_from=("Von meinem Telefon gesendet", "Von unterwegs gesendet"),
        sign_off=("Mit freundlichen Grüßen", "Viele Grüße", "Beste Grüße"),
        disclaimer=(
            "Diese Nachricht ist vertraulich und nur für den Empfänger bestimmt. Sollten Sie sie"
            " irrtümlich erhalten haben, löschen Sie sie bitte."
        ),
        away_subject="Automatische Antwort: {subject}",
        away="Vielen Dank für Ihre Nachricht. Ich bin bis Montag nicht im Büro.",
        received_subject="Ihre Anfrage [#{number}] ist eingegangen",
        received="Wir haben Ihre Anfrage #{number} erhalten. Bitte antworten Sie nicht hierauf.",
    ),
    Locale(
        code="fr",
        reply="RE:",
        attributions=(
            "Le {day} à {time}, {sender} a écrit :",
            "{sender} a écrit le {day} à {time} :",
        ),
        block=("De :", "Envoyé :", "À :", "Objet :"),
        original="-----Message d'origine-----",
        sent_from=("Envoyé de mon téléphone", "Envoyé depuis mon mobile"),
        sign_off=("Cordialement,", "Bien à vous,", "Merci d'avance,"),
        disclaimer=(
            "Ce message est confidentiel et destiné à son seul destinataire. Si vous l'avez reçu"
            " par erreur, merci de le supprimer."
        ),
        away_subject="Réponse automatique : {subject}",
        away="Merci pour votre message. Je suis absente du bureau jusqu'à lundi.",
        received_subject="Votre demande [#{number}]",
        received="Nous avons bien reçu votre demande #{number}. Merci de ne pas répondre.",
    ),
    Locale(
        code="es",
        reply="RE:",
        attributions=(
            "El {day} a las {time}, {sender} escribió:",
            "{sender} escribió el {day} a las {time}:",
        ),
        block=("De:", "Enviado:", "Para:", "Asunto:"),
        original="-----Mensaje original-----",
        sent_from=("Enviado desde mi teléfono", "Enviado desde mi móvil"),
        sign_off=("Un saludo,", "Saludos cordiales,", "Gracias,"),
        disclaimer=(
            "Este mensaje es confidencial y va dirigido solo a su destinatario. Si lo ha recibido"
            " por error, le rogamos que lo elimine."
        ),
        away_subject="Respuesta automática: {subject}",
        away="Gracias por su mensaje. Estoy fuera de la oficina hasta el lunes.",
        received_subject="Hemos recibido su consulta [#{number}]",
        received="Su consulta #{number} nos ha llegado. Por favor, no responda a este correo.",
    ),
    Locale(
        code="pt",
        reply="RES:",
        attributions=(
            "Em {day} às {time}, {sender} escreveu:",
            "{sender} escreveu no dia {day} às {time}:",
        ),
        block=("De:", "Enviado:", "Para:", "Assunto:"),
        original="-----Mensagem original-----",
        sent_from=("Enviado do meu telemóvel", "Enviado do meu celular"),
        sign_off=("Atenciosamente,", "Abraços,", "Obrigado,"),
        disclaimer=(
            "Esta mensagem é confidencial e destina-se apenas ao seu destinatário. Se a recebeu"
            " por engano, por favor elimine-a."
        ),
        away_subject="Resposta automática: {subject}",
        away="Obrigada pela mensagem. Estou fora do escritório até segunda-feira.",
        received_subject="Recebemos o seu pedido [#{number}]",
        received="O seu pedido #{number} foi recebido. Por favor, não responda a este e-mail.",
    ),
    Locale(
        code="it",
        reply="R:",
        attributions=(
            "Il giorno {day} alle ore {time} {sender} ha scritto:",
            "Il {day} {time}, {sender} ha scritto:",
        ),
        block=("Da:", "Inviato:", "A:", "Oggetto:"),
        original="-----Messaggio originale-----",
        sent_from=("Inviato dal mio telefono", "Inviato da mobile"),
        sign_off=("Cordiali saluti,", "Distinti saluti,", "Grazie,"),
        disclaimer=(
            "Questo messaggio è riservato e destinato al solo destinatario. Se lo ha ricevuto per"
            " errore, la preghiamo di eliminarlo."
        ),
        away_subject="Risposta automatica: {subject}",
        away="Grazie per il messaggio. Sono fuori ufficio fino a lunedì.",
        received_subject="Richiesta ricevuta [#{number}]",
        received="Abbiamo ricevuto la sua richiesta #{number}. Non risponda a questo messaggio.",
    ),
    Locale(
        code="nl",
        reply="Antw:",
        attributions=(
            "Op {day} om {time} schreef {sender}:",
            "{sender} schreef op {day} om {time}:",
        ),
        block=("Van:", "Verzonden:", "Aan:", "Onderwerp:"),
        original="-----Oorspronkelijk bericht-----",
        sent_from=("Verzonden vanaf mijn telefoon", "Onderweg verzonden"),
        sign_off=("Met vriendelijke groet,", "Groeten,", "Alvast bedankt,"),
        disclaimer=(
            "Dit bericht is vertrouwelijk en alleen bestemd voor de geadresseerde. Hebt u het per"
            " ongeluk ontvangen, verwijder het dan."
        ),
        away_subject="Automatisch antwoord: {subject}",
        away="Bedankt voor uw bericht. Ik ben tot maandag niet op kantoor.",
        received_subject="Uw vraag [#{number}] is ontvangen",
        received="Wij hebben uw vraag #{number} ontvangen. Beantwoord deze mail niet.",
    ),
)
"""Every language, English first: it is drawn most often."""

LOCALE_WEIGHTS = (8, 2, 2, 2, 1, 1, 1)
