"""Every number of the product: name, value, unit, range and why. Each is a setting `DESKBELL_LIMIT_<NAME>`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def limit(default: float, unit: str, low: float, high: float, why: str) -> Any:
    """One number as a dataclass field; its kind (int or float) is that of the default."""
    return field(default=default, metadata={"unit": unit, "low": low, "high": high, "why": why})


RETRY_SCHEDULE_S = (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400)
"""Waits after attempts 1, 2, 3 …: 12 attempts in 70.7 h; each webhook may have its own."""

RESPONSE_TIME_BOUNDS_MS = (10, 25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 15_000)
"""Upper bounds of the response time counts in StatHour.ms_buckets; one more bucket holds the rest."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The numbers in force. Field order is that of the documentation."""

    # attempts
    jitter_share: float = limit(0.2, "share of the delay", 0.0, 1.0, "retries of many webhooks spread out")
    jitter_s_max: float = limit(900.0, "s", 0.0, 3600.0, "a long delay is not stretched by hours")
    retry_after_s_max: int = limit(86_400, "s", 1, 604_800, "a receiver cannot silence itself for ever")
    throttle_s_max: int = limit(
        900, "s", 1, 86_400, "a receiver that asks for a pause without a time holds no others longer"
    )
    resolve_timeout_s: float = limit(3.0, "s", 0.1, 30.0, "a dead name server holds no attempt for long")
    connect_timeout_s: float = limit(5.0, "s", 0.1, 30.0, "a filtered port holds no slot for long")
    tls_timeout_s: float = limit(5.0, "s", 0.1, 30.0, "a silent handshake holds no slot for long")
    attempt_timeout_s: float = limit(15.0, "s", 1.0, 60.0, "one outer timer over everything")
    response_bytes_max: int = limit(65_536, "bytes", 1024, 1_048_576, "what is read of a response")
    response_bytes_stored: int = limit(8_192, "bytes", 0, 65_536, "what is kept of a response")
    response_headers_max: int = limit(100, "lines", 10, 1_000, "header floods end here")
    response_head_bytes_max: int = limit(32_768, "bytes", 1024, 262_144, "header floods end here")
    interim_responses_max: int = limit(8, "responses", 0, 100, "endless 1xx end here")
    payload_bytes_max: int = limit(2_097_152, "bytes", 65_536, 8_388_608, "what was accepted always fits")
    internal_faults_max: int = limit(3, "faults", 1, 10, "then a poison delivery is set aside")
    # breaker of a webhook
    breaker_failures: int = limit(5, "failures in a row", 1, 1_000, "then the receiver is left in peace")
    breaker_share: float = limit(0.5, "share of the attempts", 0.01, 1.0, "so many failures open it as well")
    breaker_attempts_min: int = limit(20, "attempts", 1, 10_000, "a share of fewer says nothing")
    breaker_window_s: int = limit(60, "s", 6, 3_600, "the share is that of the attempts of this time")
    breaker_open_s: float = limit(30.0, "s", 0.1, 3_600.0, "nothing is sent for so long, doubled each time")
    breaker_open_s_max: float = limit(900.0, "s", 0.1, 86_400.0, "a receiver that is back waits no longer")
    breaker_successes: int = limit(2, "successes", 1, 100, "they close it; then 1, 2, 4 … are in flight")
    # a webhook that fails for days
    failing_warn_s: int = limit(86_400, "s", 60, 8_640_000, "without success: the first warning")
    failing_warn_again_s: int = limit(259_200, "s", 60, 8_640_000, "without success: the second warning")
    failing_disable_s: int = limit(432_000, "s", 60, 8_640_000, "without success: the webhook is disabled")
    failing_attempts_min: int = limit(10, "failed attempts", 1, 1_000, "fewer never disable a webhook")
    failing_events_min: int = limit(2, "events", 1, 10, "one event that it does not like never disables it")
    lookups_trust_s: int = limit(3_600, "s", 10, 86_400, "no look-up worked for so long: no receiver is to blame")
    # in flight and in memory
    in_flight_max: int = limit(1_000, "attempts", 1, 20_000, "per process")
    in_flight_per_webhook: int = limit(20, "attempts", 1, 1_000, "one slow receiver holds no more")
    in_memory_deliveries: int = limit(20_000, "deliveries", 100, 1_000_000, "the rest waits in the database")
    in_memory_bytes: int = limit(134_217_728, "bytes", 1_048_576, 4_294_967_296, "the rest waits in the database")
    safety_poll_s: float = limit(5.0, "s", 0.1, 60.0, "what a lost ring costs at most")
    keep_alive_s: float = limit(30.0, "s", 0.0, 300.0, "idle connections to receivers")
    connection_age_s: float = limit(60.0, "s", 1.0, 3600.0, "names are looked up again at least so often")
    connections_idle_max: int = limit(200, "connections", 0, 10_000, "idle ones over all receivers")
    dns_cache_s: float = limit(60.0, "s", 0.0, 3600.0, "answers are vetted again at each use")
    dns_parallel_per_site: int = limit(8, "look-ups", 1, 256, "one site cannot flood the name server")
    shard_lease_s: float = limit(15.0, "s", 5.0, 60.0, "how long others wait for the shards of a node that died")
    # intake
    data_bytes_max: int = limit(262_144, "bytes", 1024, 1_048_576, "data of one published event")
    snapshot_bytes_max: int = limit(1_048_576, "bytes", 65_536, 4_194_304, "a desk snapshot")
    events_body_bytes_max: int = limit(8_388_608, "bytes", 65_536, 67_108_864, "body of POST /events")
    body_bytes_max: int = limit(1_048_576, "bytes", 65_536, 16_777_216, "body of any other request")
    events_per_request_max: int = limit(1_000, "events", 1, 10_000, "one POST /events")
    json_depth_max: int = limit(64, "levels", 8, 256, "levels inside data")
    number_chars_max: int = limit(400, "characters", 20, 4_000, "one number in data")
    idempotency_hours: int = limit(24, "h", 1, 168, "how long a key is remembered")
    commit_queue_max: int = limit(1_000, "units", 10, 100_000, "then 503 with Retry-After")
    commit_wait_ms: int = limit(
        250, "ms", 10, 10_000, "age of the oldest publish not on disk; then 503 with Retry-After"
    )
    commit_units_max: int = limit(500, "units", 1, 5_000, "one transaction")
    # PostgreSQL
    database_wait_s: float = limit(10.0, "s", 0.1, 300.0, "commits and reads wait so long for a database that is away")
    database_readers: int = limit(4, "connections", 1, 100, "that read; two more write")
    reserve_bytes: int = limit(8_388_608, "bytes", 0, 1_073_741_824, "kept beside the file for when the disk is full")
    # webhooks
    webhook_headers_max: int = limit(20, "headers", 0, 100, "own headers of a webhook")
    webhook_headers_bytes_max: int = limit(8_192, "bytes", 256, 65_536, "own headers of a webhook in all")
    header_name_chars_max: int = limit(64, "characters", 8, 256, "name of an own header")
    header_value_chars_max: int = limit(4_096, "characters", 64, 8_192, "value of an own header")
    certificate_chars_max: int = limit(32_768, "characters", 4_096, 262_144, "a client certificate's chain, or its key")
    token_s_default: float = limit(300.0, "s", 1.0, 86_400.0, "a token whose server does not say how long it lasts")
    token_margin_s: float = limit(30.0, "s", 0.0, 600.0, "a token is renewed so long before it expires")
    text_chars_max: int = limit(1_000, "characters", 32, 10_000, "one-line texts")
    long_text_chars_max: int = limit(32_000, "characters", 1000, 262_144, "notes and chat messages")
    event_types_max: int = limit(100, "types", 1, 1_000, "of one webhook")
    url_chars_max: int = limit(4_096, "characters", 256, 8_192, "receiver URL")
    secrets_live_max: int = limit(5, "secrets", 2, 10, "of one webhook")
    overlap_s_default: int = limit(86_400, "s", 0, 604_800, "how long the old secret stays valid")
    overlap_s_max: int = limit(604_800, "s", 0, 2_592_000, "longest overlap of secrets")
    retry_steps_max: int = limit(40, "steps", 0, 100, "of one webhook's schedule")
    # replays
    replays_running_max: int = limit(10, "replays", 1, 1_000, "of one site, running or paused")
    replay_rate_max: float = limit(10_000.0, "deliveries/s", 0.1, 1e6, "highest rate of a replay")
    replay_ahead_max: int = limit(1_000, "deliveries", 20, 100_000, "due at one webhook before a replay waits for it")
    # filters and templates
    filter_fuel: int = limit(5_000, "steps", 100, 1_000_000, "one filter on one event")
    template_fuel: int = limit(50_000, "steps", 1_000, 10_000_000, "one payload of a template")
    template_bytes_max: int = limit(65_536, "bytes", 1_024, 1_048_576, "a template as compact JSON")
    template_depth_max: int = limit(32, "levels", 4, 64, "a template, and the payload that it makes")
    template_expressions_max: int = limit(500, "expressions", 1, 5_000, "of one template")
    expression_chars_max: int = limit(2_000, "characters", 100, 20_000, "one expression; a filter is one")
    rendered_bytes_max: int = limit(262_144, "bytes", 1_024, 2_097_152, "a payload made by a template")
    changed_fields_max: int = limit(50, "fields", 1, 500, "of one webhook")
    # desk and its timers
    message_event_s: float = limit(5.0, "s", 0.0, 300.0, "messages fire chat.updated no more often, per chat")
    chat_gone_s: float = limit(120.0, "s", 1.0, 86_400.0, "a creator who closed the page counts as leaving")
    dwell_rules_max: int = limit(50, "rules", 1, 1_000, "of one site; each status that is entered is held against all")
    dwell_s_max: int = limit(7_776_000, "s", 60, 31_536_000, "longest stay that a rule can wait for")
    dwell_repeat_max: int = limit(100, "times", 1, 10_000, "how often a rule may tell the same stay again")
    timers_at_once: int = limit(200, "timers", 1, 1_000, "fired together; their units share transactions")
    # retention
    rows_at_once: int = limit(500, "rows", 10, 20_000, "cancelled or purged by one transaction; more go in rounds")
    deleted_webhooks_days: int = limit(90, "d", 1, 400, "then the entry is erased")
    restorable_days: int = limit(30, "d", 1, 400, "how long a deleted webhook can be restored")
    # accounts
    login_idle_s: int = limit(1_800, "s", 60, 86_400, "a login ends without activity")
    login_s_max: int = limit(43_200, "s", 300, 604_800, "a login ends at the latest")
    confirm_s: int = limit(600, "s", 30, 3_600, "how long a password given counts for revealing")
    second_step_s: int = limit(600, "s", 60, 3_600, "from the right password to the code")
    setup_link_s: int = limit(86_400, "s", 300, 604_800, "a set-up link")
    client_link_s: int = limit(2_592_000, "s", 300, 31_536_000, "a contact's personal link")
    password_chars_min: int = limit(12, "characters", 8, 64, "passwords")
    password_chars_max: int = limit(1_024, "characters", 64, 4_096, "refused before hashing")
    wrong_per_address: int = limit(10, "in 60 s", 1, 1_000, "wrong passwords from one address")
    wrong_per_user: int = limit(10, "in 15 min", 1, 1_000, "wrong passwords for one user from one address")
    wrong_over_all: int = limit(300, "in 60 s", 10, 100_000, "wrong passwords; then only familiar addresses sign in")
    reveals_per_hour: int = limit(30, "in 1 h", 1, 1_000, "Display detail per user")
    # inspector
    captures_per_bin: int = limit(500, "captures", 10, 10_000, "a ring: the oldest go")
    capture_days: int = limit(7, "d", 1, 90, "then captures are erased")
    capture_body_bytes: int = limit(1_048_576, "bytes", 1024, 16_777_216, "kept of a captured body")
    capture_read_bytes: int = limit(4_194_304, "bytes", 1024, 67_108_864, "read of a captured body")
    bins_per_site: int = limit(50, "bins", 1, 1_000, "inspector bins")
    bin_rate: int = limit(50, "requests/s", 1, 10_000, "per bin, then 429")
    bin_held_max: int = limit(20, "connections", 1, 1_000, "held by hang and drip per bin")
    # server
    connections_max: int = limit(1_000, "connections", 10, 100_000, "then 503, the listener lives on")
    connections_per_address_max: int = limit(
        100, "connections", 1, 100_000, "then 503; loopback and trusted proxies are exempt"
    )
    drain_s: float = limit(20.0, "s", 0.0, 300.0, "SIGTERM: how long the stop may take; 4 s of it are kept for closing")
    publishers_rate_default: float = limit(0.0, "requests/s", 0.0, 1e6, "per API key; 0: none unless the key has one")


def read_limits(environment: Mapping[str, str]) -> Limits:
    """The limits with every `DESKBELL_LIMIT_<NAME>` applied. Raises ValueError naming the setting and its range."""
    known = {one.name.upper(): one for one in fields(Limits)}
    changed: dict[str, float] = {}
    for name, text in environment.items():
        if not name.startswith("DESKBELL_LIMIT_") or not text:
            continue
        found = known.get(name.removeprefix("DESKBELL_LIMIT_"))
        if found is None:
            raise ValueError(f"{name}: there is no such limit; see docs/reference/limits.md")
        low, high = found.metadata["low"], found.metadata["high"]
        try:
            value = int(text) if isinstance(found.default, int) else float(text)
        except ValueError:
            raise ValueError(f"{name}: {text!r} is not a number") from None
        if not low <= value <= high:
            raise ValueError(f"{name}: {text} is outside {low} to {high} {found.metadata['unit']}")
        changed[found.name] = value
    return Limits(**changed)  # type: ignore[arg-type]  # int or float by the field's own default
