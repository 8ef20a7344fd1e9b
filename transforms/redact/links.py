"""What in a link tells who somebody is: values of such parameters, addresses, credentials.

Scheme, host, path and all other parameters stay, so that the link still says what it is about.
"""

import re
from collections.abc import Iterator

from transforms.redact.spans import Span
from transforms.redact.view import View

_LINK = re.compile(r"https?://[^\s<>\"'`]{4,4000}")
_PAIR = re.compile(r"(?<=[?&;#])(?P<name>[\w.\[\]-]{1,40})=(?P<value>[^&;#\s]{1,1000})")
_ADDRESS = re.compile(r"[\w.+-]{1,64}%40[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_CREDENTIALS = re.compile(r"//(?P<value>[^/?#@\s]{1,200})@")
_TYPES = {
    "EMAIL": "email e-mail mail email_address emailaddress useremail user_email recipient rcpt",
    "PHONE": "phone tel telephone mobile msisdn phonenumber phone_number",
    "PERSON": "name firstname first_name lastname last_name fullname full_name surname vorname"
              " nachname fname lname",
    "USERNAME": "user username user_name login nick",
    "ACCOUNT": "uid userid user_id customer customerid customer_id custid cid_customer account"
               " accountid account_id acct member memberid member_id contact contactid contact_id"
               " subscriber subscriberid subscriber_id profile_id client_id clientid kundennummer",
    "PASSWORD": "token access_token id_token refresh_token auth authorization key api_key apikey"
                " password passwd pwd pass secret session sessionid session_id sid jsessionid"
                " phpsessid sig signature otp code_verifier ticket_token magic hash",
    "DOB": "dob birthday birthdate date_of_birth geburtsdatum",
    "IP": "ip ip_address clientip",
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names.split()}
"""Parameters whose value is a person's, or lets anybody in as that person."""


def find_link_values(view: View, company_domains: tuple[str, ...] = ()) -> Iterator[Span]:
    """Spans of personal values within links; the company's own addresses stay."""
    if "://" not in view.lower:
        return
    for link in _LINK.finditer(view.lower):
        start, end = link.span()
        for found in _CREDENTIALS.finditer(view.lower, start, end):
            yield Span(*found.span("value"), "PASSWORD", 0)
        for found in _ADDRESS.finditer(view.lower, start, end):
            if found[0].rpartition("%40")[2] not in company_domains:
                yield Span(*found.span(), "EMAIL", 0)
        for found in _PAIR.finditer(view.lower, start, end):
            if kind := _TYPE_OF.get(found["name"]):
                value = found["value"].rstrip(".,;:!?)")
                is_own = value.replace("%40", "@").rpartition("@")[2] in company_domains
                if value and not is_own:
                    at = found.start("value")
                    yield Span(at, at + len(value), kind, 1)
