import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskwheel import reasons
from transforms.parse.html import DEEPEST, to_text
from transforms.parse.model import Rejection
from transforms.trim import trim

ATTRIBUTION = "On Mon, 2 Mar 2026 at 10:00, Robin &lt;robin@example.com&gt; wrote:"

REPLIES = {
    "Gmail": f"""<div dir="ltr"><div>It is 12345.</div><div><br></div></div><br>
<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{ATTRIBUTION}<br></div>
<blockquote class="gmail_quote" style="margin:0">Which?<div>Bye</div></blockquote></div>""",
    "Gmail with a signature": f"""<div>It is 12345.</div><div class="gmail_signature">Kim Toy<br>
Head of Nothing</div><div class="gmail_quote"><div class="gmail_attr">{ATTRIBUTION}</div>
<blockquote>Which?</blockquote></div>""",
    "Outlook": """<div class="WordSection1"><p class="MsoNormal">It is 12345.<o:p></o:p></p>
<div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>Von:</b>
Robin &lt;robin@example.com&gt;<br><b>Gesendet:</b> Montag, 2. März 2026 10:00<br><b>An:</b>
Support<br><b>Betreff:</b> AW: hi</p></div></div><p class="MsoNormal">Which?</p></div>""",
    "Outlook on the web, in a language of no table": """<div>It is 12345.</div>
<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>Kas:</b> Robin &lt;robin@example.com&gt;
<br><b>Kada:</b> 2026-03-02 10:00<br><b>Kam:</b> Support<br><b>Tema:</b> hi</div><div>Which?</div>
""",
    "Yahoo": f"""<div>It is 12345.</div><div class="yahoo_quoted"><div>{ATTRIBUTION}</div>
<div>Which?</div></div>""",
    "Thunderbird": """<p>It is 12345.</p><div class="moz-cite-prefix">Den 02.03.2026 10:00, sagde
Robin:<br></div><blockquote type="cite"><p>Which?</p><blockquote>Earlier</blockquote></blockquote>
<div class="moz-signature">-- <br>Kim Toy</div>""",
    "Apple Mail": f"""<div>It is 12345.</div><div><br><blockquote type="cite"><div>{ATTRIBUTION}
</div><br><div>Which?</div></blockquote></div>""",
    "an answer below the quote": f"""<div class="moz-cite-prefix">{ATTRIBUTION}</div>
<blockquote>Which?</blockquote><p>It is 12345.</p>""",
    "an answer between quotes": f"""<div>{ATTRIBUTION}</div><blockquote>Which?</blockquote>
<div>It is 12345.</div><blockquote>And how many?</blockquote>""",
}


def lines(page: str) -> list[str]:
    return [line for line in to_text(page).split("\n") if line]


@pytest.mark.parametrize("program", REPLIES)
def test_a_reply_of_a_mail_program_is_cut_down_to_its_author_s_words(program: str) -> None:
    assert trim(to_text(REPLIES[program])).text().strip() == "It is 12345."


def test_elements_that_browsers_break_lines_at_do_so_and_source_lines_do_not() -> None:
    page = "<p>one\ntwo</p><div>three</div>four<br>five<ul><li>six<li>seven</ul>"
    assert lines(page) == ["one two", "three", "four", "five", "six", "seven"]


def test_preformatted_lines_stay() -> None:
    assert lines("<pre>one\ntwo</pre>") == ["one", "two"]


def test_what_nobody_sees_is_left_out() -> None:
    page = (
        "<head><title>Title</title></head><style>p{}</style><script>x()</script>"
        '<div style="display:none">preview</div><p>One&nbsp;&amp; two</p><!-- note -->'
    )
    assert [line.replace("\xa0", " ") for line in lines(page)] == ["One & two"]


def test_signs_of_ours_in_the_source_mark_nothing() -> None:
    assert lines("<p>\x02one</p><p>two\x03</p>") == ["one", "two"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<div>" * 100_000 + "x", reasons.TOO_DEEP),
        ("<blockquote>" * (DEEPEST + 1) + "x", reasons.TOO_DEEP),
        ("".join(f"<b a={i}>" for i in range(1500)) + "<p>x" * 50_000, reasons.DECOMPRESSION_BOMB),
    ],
    ids=["nested", "quoted", "formatting left open"],
)
def test_what_a_parser_would_choke_on_is_refused(page: str, reason: str) -> None:
    with pytest.raises(Rejection) as refused:
        to_text(page)
    assert refused.value.reason == reason


def test_long_flat_pages_are_read() -> None:
    assert to_text("<p>x</p>" * 20_000).count("x") == 20_000
    assert to_text("<div>" * (DEEPEST - 1) + "x" + "</div>" * (DEEPEST - 1)) == "x"


@given(st.text(alphabet="ab \t\n\r\x01\x0b\x1f", max_size=40))
def test_ascii_is_set_on_one_line_as_other_text_is(text: str) -> None:
    assert to_text(f"{text} é") == f"{to_text(text)} é".strip()


@given(st.lists(st.sampled_from(("a", " ", "\n", "\n\n", "<br>", "<p>b</p>")), max_size=30))
def test_two_lines_have_at_most_one_empty_line_between_them(pieces: list[str]) -> None:
    assert "\n\n\n" not in to_text("".join(pieces))
