"""Jinja2, made once: autoescape on, templates from the package, a few functions that every template may call."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from deskbell.model.instant import Instant
from deskbell.portal import words
from deskbell.portal.curl import curl_command
from deskbell.portal.static_files import static_files
from deskbell.portal.tree import json_tree, readable

_ICON = Markup('<svg class="i{}" aria-hidden="true"><use href="{}#{}"/></svg>')
_TIME = Markup('<local-time data-form="{}"><time datetime="{}" title="{}">{}</time></local-time>')


def icon(name: str, extra: str = "") -> Markup:
    """A symbol of the sprite."""
    return _ICON.format(f" {extra}" if extra else "", static_files().url("sprite.svg"), name)


@pass_context
def clock(context: Context, at: Instant | None) -> Markup | str:
    """A time of day, with the date on other days."""
    return _time(context, at, "clock", lambda value, now, zone: words.clock(value, now, zone))


@pass_context
def ago(context: Context, at: Instant | None) -> Markup | str:
    """How long ago."""
    return _time(context, at, "ago", lambda value, now, zone: words.ago(value, now))


@pass_context
def full(context: Context, at: Instant | None) -> Markup | str:
    """Date and time with seconds."""
    return _time(context, at, "full", lambda value, now, zone: words.full(value, zone))


@pass_context
def until(context: Context, at: Instant | None) -> Markup | str:
    """A time of day without seconds."""
    return _time(context, at, "until", lambda value, now, zone: words.hour_minute(value, now, zone))


@pass_context
def day(context: Context, at: Instant | None) -> Markup | str:
    """A date."""
    return _time(context, at, "day", lambda value, now, zone: words.day(value, zone))


def _time(context: Context, at: Instant | None, form: str, write: Any) -> Markup | str:
    if at is None:
        return "–"
    return _TIME.format(form, words.iso(at), words.full(at), write(at, context["now"], context["zone"]))


@cache
def environment() -> Environment:
    """The one environment of the process."""
    made = Environment(
        loader=PackageLoader("deskbell.portal", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(
        static=static_files().url,
        icon=icon,
        clock=clock,
        ago=ago,
        full=full,
        until=until,
        day=day,
        json_tree=json_tree,
        masked_parts=words.masked_parts,
        plural=words.plural,
        share=words.share,
        coarse=words.coarse,
        readable=readable,
        curl=curl_command,
    )
    made.filters.update(
        group=words.group_class,
        short_id=words.short_id,
        initials=words.initials,
        took=words.took,
        span=words.span,
        size=words.size,
        count=words.count_text,
        hexdump=words.hex_lines,
    )
    return made
