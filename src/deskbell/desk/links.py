"""Where a chat or ticket is opened: the site's own pattern, else the agent's page here."""

from urllib.parse import quote

from deskbell.model.site import Site


def link_for_ticket(site: Site, base_url: str, ticket_id: str) -> str:
    """The page of a ticket; `base_url` has no slash at the end."""
    return _fill(site.ticket_link or f"{base_url}/desk/agent/tickets/{{id}}", ticket_id)


def link_for_chat(site: Site, base_url: str, chat_id: str) -> str:
    """The page of a chat; `base_url` has no slash at the end."""
    return _fill(site.chat_link or f"{base_url}/desk/agent/chats/{{id}}", chat_id)


def _fill(pattern: str, text: str) -> str:
    return pattern.replace("{id}", quote(text, safe=""))
