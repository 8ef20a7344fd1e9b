"""Whether a number can be what it looks like: check digits and lengths, by public standards."""

import ipaddress

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28,
    "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23,
    "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24,
    "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VG": 24,
    "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by country. Source: ISO 13616 registry."""


def is_luhn_valid(number: str) -> bool:
    """Whether the digits pass the Luhn check.

    Source: ISO/IEC 7812-1, annex B.

    >>> is_luhn_valid("4111 1111 1111 1111"), is_luhn_valid("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(c) for c in number if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban_valid(number: str) -> bool:
    """Whether an IBAN passes its modulo 97 check.

    Source: ISO 13616, ISO/IEC 7064 (MOD 97-10).

    >>> is_iban_valid("GB82 WEST 1234 5698 7654 32"), is_iban_valid("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    compact = "".join(number.split()).replace("-", "").upper()
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def is_card_number(number: str) -> bool:
    """Whether the digits pass Luhn and begin like a payment card of their length.

    Source: ISO/IEC 7812-1, issuer ranges (American Express 34, 37; Diners 30, 36, 38, 39; JCB 35,
    and its older 1800 and 2131; Visa 4; Mastercard 51-55, 2221-2720; Maestro 50, 56-69;
    UnionPay 62).
    """
    digits = "".join(c for c in number if c.isdigit())
    lengths: tuple[int, ...] = (16,)
    match digits[:1]:
        case "3":
            lengths = (14, 15, 16)
        case "4":
            lengths = (13, 16, 19)
        case "5" | "6":
            lengths = (12, 13, 14, 15, 16, 17, 18, 19)
        case "2":
            is_jcb = digits.startswith("2131")
            lengths = (15,) if is_jcb else (16,) if "2221" <= digits[:4] <= "2720" else ()
        case _:
            lengths = (15,) if digits.startswith("1800") else ()
    return len(digits) in lengths and is_luhn_valid(digits)


def is_ip_address(text: str) -> bool:
    """Whether the text is an address of IP version 4 or 6."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
