"""Operations and scopes in plain words."""

from deskbell.model.account import Permission

_NOUNS = {
    "key": "API key", "bin": "Inspector bin", "dwell_rule": "Timer", "client_link": "Client link",
    "permission": "Permission", "setup_link": "Set-up link", "sso": "Single sign-on", "user": "User",
}  # fmt: skip
_VERBS = {
    "create": "created", "change": "changed", "delete": "deleted", "restore": "restored", "reveal": "shown",
    "rotate": "secret regenerated", "refuse": "refused", "revoke": "revoked", "end": "ended", "confirm": "confirmed",
    "purge": "cut by retention", "export": "exported", "erase": "erased", "pause": "paused", "resume": "resumed",
    "enable": "enabled", "disable": "disabled", "cancel": "cancelled", "slider": "slider moved", "send": "sent anyway",
    "missed": "missed events answered", "restored": "restore answered", "clear": "emptied",
    "recover": "password set anew", "end_overlap": "old secret ended",
    "link": "linked", "remove": "removed", "invite": "invited",
}  # fmt: skip


def operation_words(operation: str) -> str:
    """`webhook.create` as "Webhook created"."""
    noun, _, verb = operation.partition(".")
    name = _NOUNS.get(noun, noun.replace("_", " ").capitalize())
    return f"{name} {_VERBS.get(verb, verb.replace('_', ' '))}".strip()


SCOPE_GROUPS: tuple[tuple[str, tuple[tuple[Permission, str], ...]], ...] = (
    (
        "Events",
        (
            (Permission.EVENTS_WRITE, "Publish events"),
            (Permission.EVENTS_READ, "Read events, deliveries and what receivers answered"),
            (Permission.DELIVERIES_REPLAY, "Send again, replay, pause and resume; use the inspector"),
        ),
    ),
    (
        "Webhooks",
        (
            (Permission.WEBHOOKS_READ, "See webhooks, their health and the Catalogue; secrets stay masked"),
            (Permission.WEBHOOKS_WRITE, "Create, change and delete webhooks"),
            (Permission.SECRETS_REVEAL, "See full receiver URLs and signing secrets"),
        ),
    ),
    (
        "Desk",
        (
            (Permission.DESK_READ, "See chats, tickets and people"),
            (Permission.DESK_WRITE, "Report and change chats, tickets and people"),
        ),
    ),
    (
        "Site",
        (
            (Permission.AUDIT_READ, "Read, check and export the audit"),
            (Permission.SITE_ADMIN, "Change the site, its keys and its users"),
        ),
    ),
)
"""Every scope once, in plain words."""

POWERFUL = (Permission.SECRETS_REVEAL, Permission.SITE_ADMIN)
"""Scopes that only somebody who just confirmed who they are can give away."""
