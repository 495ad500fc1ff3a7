"""Masked members by the portal: saved one a line, refused by line, and audited."""

from portal_kit import DeskApp, Page


def test_members_are_saved_one_a_line(desk_app: DeskApp) -> None:
    """Blank lines and repetitions go; the page shows what is kept; null lines empty the list."""
    browser = desk_app.browser
    assert 'href="/masked"' in browser.get("/developer-corner").text
    page = browser.follow("/masked", {"redact": " customer.phone \n\n*.iban\ncustomer.phone"})
    assert ">customer.phone\n*.iban</textarea>" in page.text
    assert "Saved. Answers are masked so from now on" in page.text
    assert ">customer.phone\n*.iban</textarea>" in browser.get("/masked").text
    assert "></textarea>" in browser.follow("/masked", {"redact": ""}).text


def test_a_line_that_is_no_path_is_named(desk_app: DeskApp) -> None:
    """Nothing is changed, and what was typed stays."""
    desk_app.browser.get("/masked")
    answer = desk_app.browser.post("/masked", {"redact": "fine\nnot fine"})
    assert answer.status == 422
    assert "Line 2: Use up to 10 member names" in Page(answer.text).text
    assert ">fine\nnot fine</textarea>" in answer.text
    assert "></textarea>" in desk_app.browser.get("/masked").text
