"""The JSON API: parse, call a room, answer. Validation, permission and words come from below."""
