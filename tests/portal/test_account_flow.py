"""Users and second factors by forms alone: invited, joined, enrolled, signed in with a code, removed."""

import re
import time
from urllib.parse import urlsplit

from deskbell.rules.second_factor import code_at
from portal_kit import OWNER, Answer, Browser, DeskApp, Page

BO = {"email": "bo@northwind.example", "name": "Bo Ek", "role": "admin"}
PASSWORD = "seven geese fly to the south"


def link_in(answer: Answer, app: DeskApp) -> str:
    """The path of the one-time link that a page shows."""
    found = re.search(re.escape(app.base_url) + r"(/setup/[\w-]+)", answer.text)
    assert answer.status == 200, answer.text[:400]
    assert found
    return found[1]


def invited(app: DeskApp, email: str, role: str = "admin") -> tuple[str, Browser]:
    """Somebody who was invited and joined: their user id and browser."""
    app.browser.get("/settings/users")
    path = link_in(app.browser.post("/settings/users", {**BO, "email": email, "role": role}), app)
    user = re.search(rf'(usr_\w+)"[^>]*>Bo Ek</a><span class="t2">{email}', app.browser.get("/settings/users").text)
    assert user
    browser = Browser(app.base_url)
    assert "Join" in browser.get(path).text
    assert browser.post(path, {"name": "Bo Ek", "password": PASSWORD}).headers["location"] == "/webhook"
    assert Browser(app.base_url).post(path, {"name": "Bo Ek", "password": PASSWORD}).status == 404
    browser.get("/me")
    return user[1], browser


def enrolled(browser: Browser) -> tuple[str, list[str]]:
    """The secret and the recovery codes of a second factor that was set up."""
    shown = browser.post("/me/second-factor")
    secret = re.search(r'id="totp-key">([A-Z2-7]{32})<', shown.text)
    assert secret
    assert "<svg" in shown.text
    assert " style=" not in shown.text
    assert browser.post("/me/second-factor/confirm", {"code": "000000"}).status == 422
    answer = browser.post("/me/second-factor/confirm", {"code": code_at(secret[1], time.time())})
    codes = re.findall(r"<li><code>([a-z2-7-]{19})</code>", answer.text)
    assert len(codes) == 10
    assert secret[1] not in browser.get("/me").text
    return secret[1], codes


def test_invited_twice_by_a_double_click(desk_app: DeskApp) -> None:
    """One user; the page that stays shows a link that works."""
    form = Page(desk_app.browser.get("/settings/users").text).all("input", name="form_id")[0]["value"]
    fields = {"email": "twice@northwind.example", "role": "viewer", "form_id": form}
    first, second = (link_in(desk_app.browser.post("/settings/users", fields), desk_app) for _ in range(2))
    assert Browser(desk_app.base_url).get(first).status == 404
    assert Browser(desk_app.base_url).get(second).status == 200
    assert desk_app.browser.get("/settings/users").text.count("twice@northwind.example") == 1
    assert desk_app.browser.post("/settings/users", {"email": "x", "role": "viewer"}).status == 422


def test_a_second_factor(desk_app: DeskApp) -> None:
    """Set up, asked for, replaced by a recovery code; the cookie of the first step opens nothing."""
    user, browser = invited(desk_app, "bo@northwind.example")
    before = dict(browser.cookies)
    secret, codes = enrolled(browser)
    assert browser.cookies["deskbell"] != before["deskbell"]
    old = Browser(desk_app.base_url, cookies=before)
    assert old.get("/me").status == 401
    other = Browser(desk_app.base_url)
    answer = other.post("/login", {"email": BO["email"], "password": PASSWORD, "return_to": "/deliveries"})
    assert answer.headers["location"] == "/login/code?return_to=/deliveries"
    half = other.cookies["deskbell"]
    assert other.get("/deliveries").status == 401
    other.cookies["deskbell"] = half
    assert "Enter the code" in other.get("/login/code").text
    assert other.post("/login/code", {"code": "000000"}).status == 401
    assert other.post("/login/code", {"code": codes[0], "csrf": "x"}).status == 403
    answer = other.post("/login/code", {"code": codes[0], "return_to": "/deliveries"})
    assert answer.headers["location"] == "/deliveries"
    assert other.cookies["deskbell"] != half
    assert other.get("/deliveries").status == 200
    assert "9 recovery codes left" in other.get("/me").text
    assert secret
    assert desk_app.browser.follow(f"/settings/users/{user}/second-factor").text.count("second factor off") == 1
    assert other.get("/me").status == 401


def test_asked_of_everybody(fresh_app: DeskApp) -> None:
    """Whoever has none sets one up before anything else opens."""
    fresh_app.browser.get("/settings/users")
    fresh_app.browser.follow("/settings/users/require", {"required": "yes"})
    browser = Browser(fresh_app.base_url)
    answer = browser.post("/login", {"email": OWNER["email"], "password": OWNER["password"]})
    assert urlsplit(answer.headers["location"]).path == "/login/code"
    assert "asks everybody" in browser.get("/login/code").text
    shown = browser.post("/login/enrolment")
    secret = re.search(r'id="totp-key">([A-Z2-7]{32})<', shown.text)
    assert secret
    assert browser.get("/webhook").status == 401
    answer = browser.post("/login/enrolment/code", {"code": code_at(secret[1], time.time())})
    assert "Keep these recovery codes" in answer.text
    assert browser.get("/webhook").status == 200


def test_roles_logins_and_removal(desk_app: DeskApp) -> None:
    """An admin changes a role, ends logins, makes a password link and removes; each acts at once."""
    user, browser = invited(desk_app, "cy@northwind.example", "viewer")
    assert browser.get("/settings/users").status == 403
    assert browser.post("/settings/users", {"email": "x@y.example", "role": "owner"}).status == 403
    page = f"/settings/users/{user}"
    desk_app.browser.get(page)
    assert "is admin now" in desk_app.browser.follow(f"{page}/role", {"role": "admin"}).text
    assert browser.get("/me").status == 401
    assert browser.post("/login", {"email": "cy@northwind.example", "password": PASSWORD}).status == 303
    assert browser.get("/settings/users").status == 200
    owner = re.search(r'(usr_\w+)"[^>]*>Ana Ruiz', browser.get("/settings/users").text)
    assert owner
    assert "Only owners" in browser.get(f"/settings/users/{owner[1]}").text
    for step in ("role", "link", "second-factor", "logins", "remove"):
        assert browser.post(f"/settings/users/{owner[1]}/{step}", {"role": "viewer"}).status == 403
    assert "1 login ended" in desk_app.browser.follow(f"{page}/logins").text
    path = link_in(desk_app.browser.post(f"{page}/link"), desk_app)
    assert "Choose a new password" in browser.get(path).text
    assert browser.post(path, {"password": "service desk"}).status == 422
    assert browser.post(path, {"password": "another one that is long"}).status == 303
    assert "Removed" in desk_app.browser.follow(f"{page}/remove").text
    assert browser.get("/me").status == 401
    assert desk_app.browser.get(page).status == 404


def test_the_own_account(desk_app: DeskApp) -> None:
    """A new password signs out elsewhere; logins are listed with device and address, and ended."""
    _, browser = invited(desk_app, "di@northwind.example", "viewer")
    other = Browser(desk_app.base_url)
    assert other.post("/login", {"email": "di@northwind.example", "password": PASSWORD}).status == 303
    assert browser.get("/me").text.count("127.0.0.1") >= 2
    assert browser.post("/me/password", {"new_password": "too short"}).status == 422
    assert "signed out everywhere else" in browser.follow("/me/password", {"new_password": "a very new password"}).text
    assert other.get("/me").status == 401
    assert other.post("/login", {"email": "di@northwind.example", "password": PASSWORD}).status == 401
    assert other.post("/login", {"email": "di@northwind.example", "password": "a very new password"}).status == 303
    browser.get("/me")
    assert "1 login ended" in browser.follow("/me/logins/end").text
    assert other.get("/me").status == 401
