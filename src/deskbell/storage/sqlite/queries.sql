-- Every statement of the store: name, one line of intent, statement. A word in braces is filled by filters.py.

-- name: event_insert
-- Write a new event.
INSERT INTO event (site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at,
  received_at, by_kind, by_name, by_id, hop, test, trace, snapshot)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: idempotency_insert
-- Remember an idempotency key; one that was used an hour ago or longer may be used anew.
INSERT INTO idempotency (site, maker, key, body_hash, answer, at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (site, maker, key) DO UPDATE
SET body_hash = excluded.body_hash, answer = excluded.answer, at = excluded.at
WHERE idempotency.at <= excluded.at - 36000000000;

-- name: delivery_insert
-- Write a new delivery; its index entry is its place in the queue.
INSERT INTO delivery (site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types,
  subject_type, subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at,
  payload_bytes, replay_id, copy_of, test, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: delivery_event_insert
-- Note that a delivery carries an event whose trace does not name it.
INSERT INTO delivery_event (site, event_id, delivery_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: attempt_insert
-- Append an attempt.
INSERT INTO attempt (site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status,
  rest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: delivery_settle
-- Move a delivery after an attempt, if it still is in the expected state.
UPDATE delivery
SET state = ?, due_at = ?, attempts = ?, step = ?, internal_faults = ?, last_outcome = ?, last_status = ?,
  ended_at = ?, payload_bytes = ?, payload = ?
WHERE site = ? AND id = ? AND state = ?;

-- name: delivery_move
-- Write everything of a delivery that may change without an attempt, if it still is in the expected state and was
-- neither attempted nor joined meanwhile.
UPDATE delivery
SET state = ?, due_at = ?, attempts = ?, step = ?, internal_faults = ?, last_outcome = ?, last_status = ?,
  ended_at = ?, payload_bytes = ?, payload = ?, webhook_version = ?, replay_id = ?
WHERE site = ? AND id = ? AND state = ? AND attempts = ? AND event_ids = ?;

-- name: delivery_join
-- Add events to a delivery that gathers: their ids at the end, their types once, their subject if it is the same.
UPDATE delivery
SET event_ids = event_ids || ' ' || ?1,
  event_types = (
    SELECT group_concat(type, ' ' ORDER BY place)
    FROM (
      SELECT value AS type, min(key) AS place
      FROM json_each('["' || replace(event_types || ' ' || ?2, ' ', '","') || '"]') GROUP BY value
    )
  ),
  hop = max(hop, ?3),
  due_at = min(due_at, ?4),
  subject_type = CASE WHEN subject_type IS ?5 AND subject_id IS ?6 THEN subject_type END,
  subject_id = CASE WHEN subject_type IS ?5 AND subject_id IS ?6 THEN subject_id END,
  subject_title = CASE WHEN subject_type IS ?5 AND subject_id IS ?6 THEN subject_title END
WHERE site = ?7 AND id = ?8 AND state = 'gathering';

-- name: delivery_cancel_waiting
-- Cancel what waits for one webhook, in the order in which it falls due; `rows_max` -1 is no limit.
UPDATE delivery
SET state = 'cancelled', ended_at = :at
WHERE site = :site AND id IN (
  SELECT id FROM delivery INDEXED BY delivery_queue
  WHERE site = :site AND webhook_id = :webhook_id AND (state = 'waiting' OR state = 'gathering')
    AND (:older_than IS NULL OR created_at < :older_than) AND (:due_before IS NULL OR due_at < :due_before)
  ORDER BY due_at, id LIMIT :rows_max);

-- name: delivery_set_aside
-- End one delivery whose row cannot be read, and blank what may be damaged of it.
UPDATE delivery
SET state = 'exhausted', ended_at = :at, last_outcome = 'quarantined', last_status = NULL, subject_title = NULL,
  payload = NULL
WHERE site = :site AND id = :id AND (state = 'waiting' OR state = 'gathering');

-- name: delivery_has_state
-- Whether a delivery is in one of these states.
SELECT 1 FROM delivery
WHERE site = :site AND id = :id AND state IN (SELECT value FROM json_each(:states));

-- name: health_put
-- Keep a webhook's health.
INSERT INTO health (site, webhook_id, body) VALUES (?, ?, ?)
ON CONFLICT (site, webhook_id) DO UPDATE SET body = excluded.body;

-- name: stat_hour_get
-- One hour's counts of one webhook.
SELECT site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, ms_buckets
FROM stat_hour WHERE site = :site AND hour = :hour AND webhook_id = :webhook_id;

-- name: stat_hour_put
-- Keep one hour's counts of one webhook.
INSERT OR REPLACE INTO stat_hour (site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, ms_buckets)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: stat_hour_page
-- The counts of a site since an hour.
SELECT site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, ms_buckets
FROM stat_hour WHERE site = :site AND hour >= :from_hour ORDER BY hour, webhook_id;

-- name: counted_to_put
-- Remember the place of the newest attempt that is in the hourly counts; it never goes back.
INSERT INTO meta (key, value)
SELECT 'counted_to', CAST(attempt.seq AS TEXT) FROM site CROSS JOIN attempt
WHERE attempt.site = site.site AND attempt.id = :id
ON CONFLICT (key) DO UPDATE SET value = excluded.value
WHERE CAST(excluded.value AS INTEGER) > CAST(meta.value AS INTEGER);

-- name: meta_put
-- Keep a value of the installation.
INSERT INTO meta (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: meta_get
-- A value of the installation.
SELECT value FROM meta WHERE key = :key;

-- name: capture_trim
-- Keep only the newest captures of a bin.
DELETE FROM capture
WHERE site = :site AND bin_id = :bin_id AND seq <= (
  SELECT seq FROM capture WHERE site = :site AND bin_id = :bin_id ORDER BY seq DESC LIMIT 1 OFFSET :keep);

-- name: number_used_put
-- Remember the number of a deleted row.
INSERT INTO number_used (site, noun, number) VALUES (:site, :noun, :number)
ON CONFLICT (site, noun) DO UPDATE SET number = excluded.number WHERE excluded.number > number_used.number;

-- name: audit_last
-- The end of a site's chain.
SELECT seq, hash FROM audit WHERE site = :site ORDER BY seq DESC LIMIT 1;

-- name: audit_insert
-- Append to a site's chain.
INSERT INTO audit (site, seq, previous_hash, hash, entry) VALUES (?, ?, ?, ?, ?);

-- name: purge_delivery_pick
-- Among the next old deliveries those that ended before retention began: how one ended is to be seen that long.
SELECT id, event_ids
FROM (
  SELECT id, event_ids, state, created_at, ended_at FROM delivery NOT INDEXED
  WHERE site = :site AND id > :place AND id < :id_before ORDER BY id LIMIT :window
)
WHERE created_at < :before AND coalesce(ended_at, created_at) < :before
  AND state IN ('delivered', 'accepted', 'exhausted', 'cancelled')
LIMIT :rows_max;

-- name: purge_delivery_place
-- The last of the old deliveries that were looked at, when there are more.
SELECT id FROM delivery NOT INDEXED
WHERE site = :site AND id > :place AND id < :id_before ORDER BY id LIMIT 1 OFFSET :window - 1;

-- name: purge_delivery
-- Delete a delivery that is past retention.
DELETE FROM delivery WHERE site = ? AND id = ?;

-- name: purge_delivery_event
-- Forget that a deleted delivery carried an event.
DELETE FROM delivery_event WHERE site = ? AND event_id = ? AND delivery_id = ?;

-- name: purge_attempt
-- Delete old attempts; the newest of all stays, so that `seq` never starts again.
DELETE FROM attempt WHERE seq IN (
  SELECT seq FROM attempt
  WHERE site = :site AND id < :id_before AND started_at < :before AND seq < (SELECT max(seq) FROM attempt)
  ORDER BY id LIMIT :rows_max);

-- name: purge_event_pick
-- Among the next old events those that no delivery carries any more.
SELECT e.id
FROM (
  SELECT id, received_at, trace FROM event INDEXED BY event_id
  WHERE site = :site AND id > :place AND id < :id_before ORDER BY id LIMIT :window
) AS e
WHERE e.received_at < :before
  AND NOT EXISTS (SELECT 1 FROM delivery_event AS d WHERE d.site = :site AND d.event_id = e.id)
  AND NOT EXISTS (
    SELECT 1 FROM json_each(CASE WHEN json_valid(e.trace) THEN e.trace ELSE '[]' END) AS t
    JOIN delivery AS d ON d.site = :site AND d.id = t.value ->> 2 AND instr(d.event_ids, e.id))
LIMIT :rows_max;

-- name: purge_event_place
-- The last of the old events that were looked at, when there are more.
SELECT id FROM event INDEXED BY event_id
WHERE site = :site AND id > :place AND id < :id_before ORDER BY id LIMIT 1 OFFSET :window - 1;

-- name: purge_event
-- Delete an old event.
DELETE FROM event WHERE site = ? AND id = ?;

-- name: purge_idempotency
-- Delete old idempotency keys.
DELETE FROM idempotency WHERE (site, maker, key) IN (
  SELECT site, maker, key FROM idempotency WHERE site = :site AND at < :before ORDER BY at LIMIT :rows_max);

-- name: purge_capture
-- Delete old captures.
DELETE FROM capture WHERE rowid IN (
  SELECT rowid FROM capture WHERE site = :site AND at < :before ORDER BY at LIMIT :rows_max);

-- name: event_page
-- Events, newest first.
SELECT site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at, received_at,
  by_kind, by_name, by_id, hop, test, trace, snapshot
FROM event WHERE site = :site {conditions} ORDER BY id {direction} LIMIT :limit;

-- name: event_count
-- How many events.
SELECT count(*) FROM event WHERE site = :site {conditions};

-- name: event_get
-- One event.
SELECT site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at, received_at,
  by_kind, by_name, by_id, hop, test, trace, snapshot
FROM event WHERE site = :site AND id = :id;

-- name: event_many
-- Several events.
SELECT site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at, received_at,
  by_kind, by_name, by_id, hop, test, trace, snapshot
FROM event WHERE site = :site AND id IN (SELECT value FROM json_each(:ids));

-- name: event_by_external
-- The event with the caller's own id.
SELECT site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at, received_at,
  by_kind, by_name, by_id, hop, test, trace, snapshot
FROM event WHERE site = :site AND external_id = :external_id;

-- name: idempotency_get
-- What a key was used for.
SELECT site, maker, key, body_hash, answer, at FROM idempotency
WHERE site = :site AND maker = :maker AND key = :key;

-- name: delivery_branch
-- One ordered piece of a list of deliveries.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery {way} WHERE site = :site {conditions} ORDER BY id {direction} LIMIT :limit;

-- name: delivery_get
-- One delivery.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery WHERE site = :site AND id = :id;

-- name: delivery_count_branch
-- One piece of a count of deliveries, no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM delivery {way} WHERE site = :site {conditions} LIMIT :limit);

-- name: delivery_waiting
-- How much waits for each webhook of a site; what is being cancelled does not count.
SELECT w.webhook_id, w.waiting, d.created_at, w.next_at
FROM (
  SELECT h.id AS webhook_id, count(*) AS waiting, min(q.id) AS oldest, min(q.due_at) AS next_at
  FROM webhook AS h CROSS JOIN delivery AS q INDEXED BY delivery_queue
  WHERE h.site = :site AND q.site = :site AND q.webhook_id = h.id AND (q.state = 'waiting' OR q.state = 'gathering')
    AND q.id >= h.waits_from
  GROUP BY h.id
) AS w JOIN delivery AS d ON d.site = :site AND d.id = w.oldest
ORDER BY w.webhook_id;

-- name: due_webhooks
-- For all sites: which webhooks have something waiting, how much up to a limit, and when the next is due. It goes from
-- one webhook to the next by the index: what waits behind the limit is not looked at.
WITH RECURSIVE
found_site (site) AS (
  SELECT min(d.site) FROM delivery AS d INDEXED BY delivery_queue WHERE d.state = 'waiting' OR d.state = 'gathering'
  UNION ALL
  SELECT (
    SELECT min(d.site) FROM delivery AS d INDEXED BY delivery_queue
    WHERE d.site > f.site AND (d.state = 'waiting' OR d.state = 'gathering')
  ) FROM found_site AS f WHERE f.site IS NOT NULL
),
found (site, webhook_id) AS (
  SELECT f.site, (
    SELECT min(d.webhook_id) FROM delivery AS d INDEXED BY delivery_queue
    WHERE d.site = f.site AND (d.state = 'waiting' OR d.state = 'gathering')
  ) FROM found_site AS f WHERE f.site IS NOT NULL
  UNION ALL
  SELECT f.site, (
    SELECT min(d.webhook_id) FROM delivery AS d INDEXED BY delivery_queue
    WHERE d.site = f.site AND d.webhook_id > f.webhook_id AND (d.state = 'waiting' OR d.state = 'gathering')
  ) FROM found AS f WHERE f.webhook_id IS NOT NULL
)
SELECT f.site, f.webhook_id, (
  SELECT count(*) FROM (
    SELECT 1 FROM delivery AS d INDEXED BY delivery_queue
    WHERE d.site = f.site AND d.webhook_id = f.webhook_id AND (d.state = 'waiting' OR d.state = 'gathering')
    LIMIT :up_to
  )
), (
  SELECT min(d.due_at) FROM delivery AS d INDEXED BY delivery_queue
  WHERE d.site = f.site AND d.webhook_id = f.webhook_id AND (d.state = 'waiting' OR d.state = 'gathering')
)
FROM found AS f WHERE f.webhook_id IS NOT NULL ORDER BY f.site, f.webhook_id;

-- name: due_deliveries
-- What waits for one webhook, in the order in which it falls due.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery INDEXED BY delivery_queue
WHERE site = :site AND webhook_id = :webhook_id AND (state = 'waiting' OR state = 'gathering')
  AND (due_at, id) > (:due_at, :id)
ORDER BY due_at, id LIMIT :limit;

-- name: due_ids
-- What waits for one webhook, read from the queue alone: a row of it may be damaged.
SELECT id
FROM delivery INDEXED BY delivery_queue
WHERE site = :site AND webhook_id = :webhook_id AND (state = 'waiting' OR state = 'gathering')
  AND (due_at, id) > (:due_at, :id)
ORDER BY due_at, id LIMIT :limit;

-- name: due_uncounted
-- For all sites: attempts that are not in the hourly counts, in the order of their commits.
SELECT site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest
FROM attempt
WHERE seq > coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'counted_to'), 0)
ORDER BY seq LIMIT :limit;

-- name: attempt_of_delivery
-- The attempts of a delivery, oldest first.
SELECT site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest
FROM attempt WHERE site = :site AND delivery_id = :delivery_id ORDER BY number, id;

-- name: attempt_get
-- One attempt.
SELECT site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest
FROM attempt WHERE site = :site AND id = :id;

-- name: attempt_last
-- The newest attempt of each of several deliveries.
SELECT site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest
FROM (SELECT key AS place, value AS wanted FROM json_each(:ids)) CROSS JOIN attempt
WHERE site = :site AND delivery_id = wanted
ORDER BY place, number DESC, id DESC;

-- name: webhook_version_insert
-- Keep a webhook as it is in this version.
INSERT INTO webhook_version (site, id, version, body) VALUES (:site, :id, :version, :body);

-- name: webhook_version_get
-- A webhook as it was in a version.
SELECT body FROM webhook_version WHERE site = :site AND id = :id AND version = :version;

-- name: webhook_all
-- Every webhook of a site.
SELECT body FROM webhook WHERE site = :site ORDER BY id;

-- name: webhook_get
-- One webhook.
SELECT body FROM webhook WHERE site = :site AND id = :id;

-- name: secret_of_webhook
-- The secrets of a webhook, newest first.
SELECT body FROM secret WHERE site = :site AND webhook_id = :webhook_id ORDER BY created_at DESC, id DESC;

-- name: health_all
-- The health of every webhook of a site.
SELECT body FROM health WHERE site = :site ORDER BY webhook_id;

-- name: site_get
-- One site.
SELECT body FROM site WHERE site = :site;

-- name: site_all
-- Every site.
SELECT body FROM site ORDER BY site;

-- name: custom_type_all
-- The custom event types of a site.
SELECT body FROM custom_type WHERE site = :site ORDER BY name;

-- name: ticket_list_get
-- The ticket lists of a site.
SELECT body FROM ticket_list WHERE site = :site;

-- name: chat_get
-- One chat.
SELECT body FROM chat WHERE site = :site AND id = :id;

-- name: chat_many
-- Several chats.
SELECT body FROM chat WHERE site = :site AND id IN (SELECT value FROM json_each(:ids));

-- name: chat_page
-- Chats, newest first.
SELECT body FROM chat WHERE site = :site {conditions} ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: chat_message_all
-- The messages of a chat, oldest first.
SELECT body FROM chat_message WHERE site = :site AND chat_id = :chat_id ORDER BY at, id;

-- name: ticket_get
-- A ticket by its id, else by its external id.
SELECT body FROM ticket WHERE site = :site AND id = :key
UNION ALL
SELECT body FROM ticket WHERE site = :site AND external_id = :key
LIMIT 1;

-- name: ticket_many
-- Several tickets.
SELECT body FROM ticket WHERE site = :site AND id IN (SELECT value FROM json_each(:ids));

-- name: ticket_page
-- Tickets by number, the highest first.
SELECT body FROM ticket WHERE site = :site AND is_deleted = 0 {conditions} ORDER BY entity_id DESC LIMIT :limit;

-- name: ticket_note_all
-- The notes of a ticket, oldest first.
SELECT body FROM ticket_note WHERE site = :site AND ticket_id = :ticket_id ORDER BY created_at, id;

-- name: ticket_top
-- The highest ticket number.
SELECT coalesce(max(entity_id), 0) FROM ticket WHERE site = :site;

-- name: company_get
-- A company by its number, else by its external id.
SELECT body FROM company WHERE site = :site AND entity_id = :number
UNION ALL
SELECT body FROM company WHERE site = :site AND external_id = :key
LIMIT 1;

-- name: company_all
-- Every company of a site.
SELECT body FROM company WHERE site = :site ORDER BY entity_id;

-- name: company_top
-- The highest company number, deleted ones too.
SELECT max(coalesce((SELECT max(entity_id) FROM company WHERE site = :site), 0),
  coalesce((SELECT number FROM number_used WHERE site = :site AND noun = 'company'), 0));

-- name: contact_get
-- A contact by its number, else by its external id.
SELECT body FROM contact WHERE site = :site AND entity_id = :number
UNION ALL
SELECT body FROM contact WHERE site = :site AND external_id = :key
LIMIT 1;

-- name: contact_all
-- Every contact of a site.
SELECT body FROM contact WHERE site = :site ORDER BY entity_id;

-- name: contact_top
-- The highest contact number, deleted ones too.
SELECT max(coalesce((SELECT max(entity_id) FROM contact WHERE site = :site), 0),
  coalesce((SELECT number FROM number_used WHERE site = :site AND noun = 'contact'), 0));

-- name: agent_get
-- An agent by its number, else by its external id.
SELECT body FROM agent WHERE site = :site AND entity_id = :number
UNION ALL
SELECT body FROM agent WHERE site = :site AND external_id = :key
LIMIT 1;

-- name: agent_all
-- Every agent of a site.
SELECT body FROM agent WHERE site = :site ORDER BY entity_id;

-- name: agent_top
-- The highest agent number, deleted ones too.
SELECT max(coalesce((SELECT max(entity_id) FROM agent WHERE site = :site), 0),
  coalesce((SELECT number FROM number_used WHERE site = :site AND noun = 'agent'), 0));

-- name: user_all
-- Every user of a site, removed ones too.
SELECT body FROM "user" WHERE site = :site ORDER BY id;

-- name: user_by_email
-- For all sites: the users with an address, not removed.
SELECT body FROM "user" WHERE email = :email ORDER BY site, id;

-- name: login_of_user
-- The logins of a user, newest first.
SELECT body FROM login WHERE site = :site AND user_id = :user_id ORDER BY id DESC;

-- name: login_by_hash
-- For all sites: the login of a cookie; the hash is the credential.
SELECT body FROM login WHERE token_hash = :token_hash;

-- name: api_key_all
-- The API keys of a site, newest first.
SELECT body FROM api_key WHERE site = :site ORDER BY id DESC;

-- name: api_key_by_lookup
-- For all sites: the key whose text has these characters.
SELECT body FROM api_key WHERE lookup = :lookup;

-- name: link_by_hash
-- For all sites: the personal link; the hash is the credential.
SELECT body FROM link WHERE token_hash = :token_hash;

-- name: link_all
-- The links of a kind, newest first.
SELECT body FROM link WHERE site = :site AND kind = :kind ORDER BY id DESC;

-- name: bin_all
-- The bins of a site, newest first.
SELECT body FROM bin WHERE site = :site ORDER BY id DESC;

-- name: bin_get
-- One bin.
SELECT body FROM bin WHERE site = :site AND id = :id;

-- name: bin_by_address
-- For all sites: the bin at an address.
SELECT body FROM bin WHERE address = :address;

-- name: capture_before
-- Captures of a bin, newest first.
SELECT body FROM capture
WHERE site = :site AND bin_id = :bin_id AND seq < :before_seq ORDER BY seq DESC LIMIT :limit;

-- name: capture_after
-- Captures of a bin, oldest first.
SELECT body FROM capture
WHERE site = :site AND bin_id = :bin_id AND seq > :after_seq ORDER BY seq LIMIT :limit;

-- name: capture_get
-- One capture.
SELECT body FROM capture WHERE site = :site AND id = :id;

-- name: audit_before
-- Rows of a site's audit, newest first.
SELECT seq, entry, previous_hash, hash FROM audit WHERE site = :site AND seq < :before
  AND (:actor = '' OR actor_id = :actor OR actor_name = :actor)
  AND (:operation = '' OR operation = :operation OR :noun <> '' AND substr(operation, 1, length(:noun)) = :noun)
  AND (:object_id = '' OR object_id = :object_id) AND at >= :since AND at < :until
ORDER BY seq DESC LIMIT :limit;

-- name: audit_after
-- Rows of a site's audit, oldest first.
SELECT seq, entry, previous_hash, hash FROM audit WHERE site = :site AND seq > :after
  AND (:actor = '' OR actor_id = :actor OR actor_name = :actor)
  AND (:operation = '' OR operation = :operation OR :noun <> '' AND substr(operation, 1, length(:noun)) = :noun)
  AND (:object_id = '' OR object_id = :object_id) AND at >= :since AND at < :until
ORDER BY seq LIMIT :limit;

-- name: audit_checkpoint_get
-- The last row that retention took from the beginning of a chain.
SELECT seq, hash FROM audit_checkpoint WHERE site = :site;

-- name: audit_checkpoint_put
-- Keep number and hash of a row that is there: from now on it and those before it may be deleted.
INSERT INTO audit_checkpoint (site, seq, hash)
SELECT site, seq, hash FROM audit WHERE site = :site AND seq = :seq AND hash = :hash
ON CONFLICT (site) DO UPDATE SET seq = excluded.seq, hash = excluded.hash WHERE excluded.seq > audit_checkpoint.seq;

-- name: audit_purge
-- Delete the beginning of a chain up to its checkpoint.
DELETE FROM audit WHERE site = :site AND seq <= :seq;

-- name: site_insert
-- Write a new site.
INSERT INTO site (site, version, body)
VALUES (:site, :version, :body);

-- name: site_replace
-- Write a site anew, if it still is the version before.
UPDATE site
SET version = :version, body = :body
WHERE site = :site AND version = :version - 1;

-- name: site_has_version
-- Whether a site has this version.
SELECT 1 FROM site WHERE site = :site AND version = :version;

-- name: custom_type_insert
-- Write a new custom type.
INSERT INTO custom_type (site, name, version, body)
VALUES (:site, :name, :version, :body);

-- name: custom_type_replace
-- Write a custom type anew, if it still is the version before.
UPDATE custom_type
SET version = :version, body = :body
WHERE site = :site AND name = :name AND version = :version - 1;

-- name: custom_type_has_version
-- Whether a custom type has this version.
SELECT 1 FROM custom_type WHERE site = :site AND name = :name AND version = :version;

-- name: custom_type_delete
-- Delete a custom type.
DELETE FROM custom_type WHERE site = :site AND name = :name;

-- name: webhook_insert
-- Write a new webhook.
INSERT INTO webhook (site, id, shard, state, waits_from, version, body)
VALUES (:site, :id, :shard, :state, :waits_from, :version, :body);

-- name: webhook_replace
-- Write a webhook anew, if it still is the version before.
UPDATE webhook
SET shard = :shard, state = :state, waits_from = :waits_from, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: webhook_has_version
-- Whether a webhook has this version.
SELECT 1 FROM webhook WHERE site = :site AND id = :id AND version = :version;

-- name: secret_insert
-- Write a new secret.
INSERT INTO secret (site, webhook_id, id, created_at, body)
VALUES (:site, :webhook_id, :id, :created_at, :body);

-- name: secret_overwrite
-- Write a secret whatever was there.
INSERT INTO secret (site, webhook_id, id, created_at, body)
VALUES (:site, :webhook_id, :id, :created_at, :body)
ON CONFLICT (site, webhook_id, id) DO UPDATE SET created_at = excluded.created_at, body = excluded.body;

-- name: chat_insert
-- Write a new chat.
INSERT INTO chat (site, id, status, created_at, creator_id, reference_id, version, body)
VALUES (:site, :id, :status, :created_at, :creator_id, :reference_id, :version, :body);

-- name: chat_replace
-- Write a chat anew, if it still is the version before.
UPDATE chat
SET status = :status, created_at = :created_at, creator_id = :creator_id, reference_id = :reference_id, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: chat_has_version
-- Whether a chat has this version.
SELECT 1 FROM chat WHERE site = :site AND id = :id AND version = :version;

-- name: chat_message_insert
-- Write a new chat message.
INSERT INTO chat_message (site, chat_id, id, at, body)
VALUES (:site, :chat_id, :id, :at, :body);

-- name: ticket_insert
-- Write a new ticket.
INSERT INTO ticket (site, id, entity_id, external_id, contact_id, is_closed, is_deleted, version, body)
VALUES (:site, :id, :entity_id, :external_id, :contact_id, :is_closed, :is_deleted, :version, :body);

-- name: ticket_replace
-- Write a ticket anew, if it still is the version before.
UPDATE ticket
SET entity_id = :entity_id, external_id = :external_id, contact_id = :contact_id, is_closed = :is_closed, is_deleted = :is_deleted, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: ticket_has_version
-- Whether a ticket has this version.
SELECT 1 FROM ticket WHERE site = :site AND id = :id AND version = :version;

-- name: ticket_note_insert
-- Write a new ticket note.
INSERT INTO ticket_note (site, ticket_id, id, created_at, body)
VALUES (:site, :ticket_id, :id, :created_at, :body);

-- name: ticket_list_insert
-- Write a new ticket list.
INSERT INTO ticket_list (site, version, body)
VALUES (:site, :version, :body);

-- name: ticket_list_replace
-- Write a ticket list anew, if it still is the version before.
UPDATE ticket_list
SET version = :version, body = :body
WHERE site = :site AND version = :version - 1;

-- name: ticket_list_has_version
-- Whether a ticket list has this version.
SELECT 1 FROM ticket_list WHERE site = :site AND version = :version;

-- name: company_insert
-- Write a new company.
INSERT INTO company (site, entity_id, external_id, version, body)
VALUES (:site, :entity_id, :external_id, :version, :body);

-- name: company_replace
-- Write a company anew, if it still is the version before.
UPDATE company
SET external_id = :external_id, version = :version, body = :body
WHERE site = :site AND entity_id = :entity_id AND version = :version - 1;

-- name: company_has_version
-- Whether a company has this version.
SELECT 1 FROM company WHERE site = :site AND entity_id = :entity_id AND version = :version;

-- name: company_delete
-- Delete a company.
DELETE FROM company WHERE site = :site AND entity_id = :entity_id;

-- name: contact_insert
-- Write a new contact.
INSERT INTO contact (site, entity_id, external_id, version, body)
VALUES (:site, :entity_id, :external_id, :version, :body);

-- name: contact_replace
-- Write a contact anew, if it still is the version before.
UPDATE contact
SET external_id = :external_id, version = :version, body = :body
WHERE site = :site AND entity_id = :entity_id AND version = :version - 1;

-- name: contact_has_version
-- Whether a contact has this version.
SELECT 1 FROM contact WHERE site = :site AND entity_id = :entity_id AND version = :version;

-- name: contact_delete
-- Delete a contact.
DELETE FROM contact WHERE site = :site AND entity_id = :entity_id;

-- name: agent_insert
-- Write a new agent.
INSERT INTO agent (site, entity_id, external_id, version, body)
VALUES (:site, :entity_id, :external_id, :version, :body);

-- name: agent_replace
-- Write a agent anew, if it still is the version before.
UPDATE agent
SET external_id = :external_id, version = :version, body = :body
WHERE site = :site AND entity_id = :entity_id AND version = :version - 1;

-- name: agent_has_version
-- Whether a agent has this version.
SELECT 1 FROM agent WHERE site = :site AND entity_id = :entity_id AND version = :version;

-- name: agent_delete
-- Delete a agent.
DELETE FROM agent WHERE site = :site AND entity_id = :entity_id;

-- name: user_insert
-- Write a new user.
INSERT INTO "user" (site, id, email, version, body)
VALUES (:site, :id, :email, :version, :body);

-- name: user_replace
-- Write a user anew, if it still is the version before.
UPDATE "user"
SET email = :email, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: user_has_version
-- Whether a user has this version.
SELECT 1 FROM "user" WHERE site = :site AND id = :id AND version = :version;

-- name: login_insert
-- Write a new login.
INSERT INTO login (site, id, user_id, token_hash, body)
VALUES (:site, :id, :user_id, :token_hash, :body);

-- name: login_overwrite
-- Write a login whatever was there.
INSERT INTO login (site, id, user_id, token_hash, body)
VALUES (:site, :id, :user_id, :token_hash, :body)
ON CONFLICT (site, id) DO UPDATE SET user_id = excluded.user_id, token_hash = excluded.token_hash, body = excluded.body;

-- name: api_key_insert
-- Write a new api key.
INSERT INTO api_key (site, id, lookup, body)
VALUES (:site, :id, :lookup, :body);

-- name: api_key_overwrite
-- Write a api key whatever was there.
INSERT INTO api_key (site, id, lookup, body)
VALUES (:site, :id, :lookup, :body)
ON CONFLICT (site, id) DO UPDATE SET lookup = excluded.lookup, body = excluded.body;

-- name: link_insert
-- Write a new link.
INSERT INTO link (site, id, kind, token_hash, body)
VALUES (:site, :id, :kind, :token_hash, :body);

-- name: link_overwrite
-- Write a link whatever was there.
INSERT INTO link (site, id, kind, token_hash, body)
VALUES (:site, :id, :kind, :token_hash, :body)
ON CONFLICT (site, id) DO UPDATE SET kind = excluded.kind, token_hash = excluded.token_hash, body = excluded.body;

-- name: bin_insert
-- Write a new bin.
INSERT INTO bin (site, id, address, version, body)
VALUES (:site, :id, :address, :version, :body);

-- name: bin_replace
-- Write a bin anew, if it still is the version before.
UPDATE bin
SET address = :address, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: bin_has_version
-- Whether a bin has this version.
SELECT 1 FROM bin WHERE site = :site AND id = :id AND version = :version;

-- name: bin_delete
-- Delete a bin.
DELETE FROM bin WHERE site = :site AND id = :id;

-- name: capture_insert
-- Write a new capture.
INSERT INTO capture (site, bin_id, seq, id, at, body)
VALUES (:site, :bin_id, :seq, :id, :at, :body);

-- name: capture_overwrite
-- Write a capture whatever was there.
INSERT INTO capture (site, bin_id, seq, id, at, body)
VALUES (:site, :bin_id, :seq, :id, :at, :body)
ON CONFLICT (site, bin_id, seq) DO UPDATE SET id = excluded.id, at = excluded.at, body = excluded.body;

-- name: delivery_carrying
-- The deliveries that carry one of several events, of one webhook or of all.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery
WHERE site = :site AND (:webhook_id IS NULL OR webhook_id = :webhook_id) AND id IN (
  SELECT d.delivery_id FROM delivery_event AS d
  WHERE d.site = :site AND d.event_id IN (SELECT value FROM json_each(:ids))
  UNION
  SELECT t.value ->> 2
  FROM event AS e JOIN json_each(CASE WHEN json_valid(e.trace) THEN e.trace ELSE '[]' END) AS t
  WHERE e.site = :site AND e.id IN (SELECT value FROM json_each(:ids)))
  AND EXISTS (SELECT 1 FROM json_each(:ids) AS i WHERE instr(event_ids, i.value))
ORDER BY id;

-- name: due_heads
-- For each of several subjects of a webhook the oldest delivery that has not ended, or is exhausted where that holds; no
-- tests.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery
WHERE site = :site AND id IN (
  SELECT (
    SELECT h.id FROM delivery AS h INDEXED BY delivery_subject
    WHERE h.site = :site AND h.subject_type = t.value AND h.subject_id = i.value AND h.subject_id IS NOT NULL
      AND h.webhook_id = :webhook_id AND h.test = 0
      AND (h.state = 'waiting' OR h.state = 'gathering' OR (:or_exhausted AND h.state = 'exhausted'))
    ORDER BY h.id LIMIT 1)
  FROM json_each(:types) AS t JOIN json_each(:ids) AS i ON i.key = t.key)
ORDER BY id;

-- name: setting_versions
-- For all sites: the version of the site, and of each of its webhooks.
SELECT site, '', version FROM site UNION ALL SELECT site, id, version FROM webhook ORDER BY 1, 2;

-- name: fence_holds
-- Whether this is the present fence of the shard.
SELECT 1 FROM shard WHERE n = :shard AND fence = :fence;

-- name: asked_insert
-- Note that an attempt of a delivery is asked for.
INSERT INTO asked (site, delivery_id, at, body) VALUES (:site, :delivery_id, :at, :body);

-- name: asked_drop
-- The attempt that was asked for is made, or will not be made.
DELETE FROM asked WHERE site = :site AND delivery_id = :delivery_id;

-- name: due_asked
-- For all sites: attempts that are asked for and not made, oldest first.
SELECT body FROM asked ORDER BY at, delivery_id LIMIT :limit;

-- name: timer_arm
-- Arm a timer, unless the one that is armed has a higher epoch.
INSERT INTO timer (site, rule, subject, epoch, due_at, since, fired)
VALUES (:site, :rule, :subject, :epoch, :due_at, :since, :fired)
ON CONFLICT (site, rule, subject) DO UPDATE
SET epoch = excluded.epoch, due_at = excluded.due_at, since = excluded.since, fired = excluded.fired
WHERE excluded.epoch >= timer.epoch;

-- name: timer_holds
-- Whether a timer is armed just so.
SELECT 1 FROM timer
WHERE site = :site AND rule = :rule AND subject = :subject AND epoch = :epoch AND due_at = :due_at AND fired = :fired;

-- name: timer_drop
-- Disarm a subject's timers, of one rule or of all.
DELETE FROM timer WHERE site = :site AND subject = :subject AND (:rule IS NULL OR rule = :rule);

-- name: timer_drop_rule
-- Disarm every timer of a rule.
DELETE FROM timer WHERE site = :site AND rule = :rule;

-- name: timer_due
-- For all sites: the timers that are due, oldest first.
SELECT site, rule, subject, epoch, due_at, since, fired FROM timer
WHERE due_at <= :until ORDER BY due_at, site, rule, subject LIMIT :limit;

-- name: timer_of_subjects
-- The timers of several subjects.
SELECT site, rule, subject, epoch, due_at, since, fired FROM timer
WHERE site = :site AND subject IN (SELECT value FROM json_each(:subjects)) ORDER BY subject, rule;

-- name: timer_count
-- For all sites: how many timers are armed, but for spent ones.
SELECT count(*) FROM timer WHERE due_at < :never;

-- name: dwell_rule_insert
-- Write a new dwell rule.
INSERT INTO dwell_rule (site, id, version, body) VALUES (:site, :id, :version, :body);

-- name: dwell_rule_replace
-- Write a dwell rule anew, if it still is the version before.
UPDATE dwell_rule SET version = :version, body = :body WHERE site = :site AND id = :id AND version = :version - 1;

-- name: dwell_rule_has_version
-- Whether a dwell rule has this version.
SELECT 1 FROM dwell_rule WHERE site = :site AND id = :id AND version = :version;

-- name: dwell_rule_delete
-- Delete a dwell rule.
DELETE FROM dwell_rule WHERE site = :site AND id = :id;

-- name: dwell_rule_all
-- The dwell rules of a site.
SELECT body FROM dwell_rule WHERE site = :site ORDER BY id;

-- name: replay_insert
-- Write a new replay.
INSERT INTO replay (site, id, state, version, body) VALUES (:site, :id, :state, :version, :body);

-- name: replay_replace
-- Write a replay anew, if it still is the version before.
UPDATE replay SET state = :state, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: replay_has_version
-- Whether a replay has this version.
SELECT 1 FROM replay WHERE site = :site AND id = :id AND version = :version;

-- name: replay_get
-- One replay.
SELECT body FROM replay WHERE site = :site AND id = :id;

-- name: replay_page
-- Replays, newest first.
SELECT body FROM replay WHERE site = :site AND id < :before ORDER BY id DESC LIMIT :limit;

-- name: replay_running
-- For all sites: the replays that run.
SELECT body FROM replay WHERE state = 'running' ORDER BY site, id;

-- name: erase_event
-- Blank the events of a subject.
UPDATE event SET snapshot = x'', subject_title = NULL
WHERE site = :site AND subject_type = :type AND subject_id = :id AND subject_id IS NOT NULL AND length(snapshot) > 0;

-- name: erase_answer
-- Blank the stored answers that quote what was answered.
UPDATE idempotency SET answer = x'' WHERE site = :site AND CAST(substr(answer, 1, 10) AS TEXT) = '{"status":';

-- name: erase_delivery_pick
-- The deliveries that carry an event of a subject.
SELECT d.delivery_id FROM event AS e JOIN delivery_event AS d ON d.site = e.site AND d.event_id = e.id
WHERE e.site = :site AND e.subject_type = :type AND e.subject_id = :id AND e.subject_id IS NOT NULL
UNION
SELECT d.id
FROM event AS e JOIN json_each(CASE WHEN json_valid(e.trace) THEN e.trace ELSE '[]' END) AS t
  JOIN delivery AS d ON d.site = e.site AND d.id = t.value ->> 2 AND instr(d.event_ids, e.id)
WHERE e.site = :site AND e.subject_type = :type AND e.subject_id = :id AND e.subject_id IS NOT NULL;

-- name: erase_delivery
-- Blank a delivery; what waits is cancelled.
UPDATE delivery
SET payload = NULL, subject_title = NULL,
  ended_at = CASE WHEN state = 'waiting' OR state = 'gathering' THEN :at ELSE ended_at END,
  state = CASE WHEN state = 'waiting' OR state = 'gathering' THEN 'cancelled' ELSE state END
WHERE site = :site AND id = :id;

-- name: attempt_blank
-- Keep an attempt without what others said in it.
UPDATE attempt SET rest = :rest WHERE site = :site AND id = :id;

-- name: erase_webhook
-- Delete a deleted webhook.
DELETE FROM webhook WHERE site = :site AND id = :webhook_id AND state = 'deleted';

-- name: erase_webhook_secret
-- Delete the secrets of a deleted webhook.
DELETE FROM secret WHERE site = :site AND webhook_id = :webhook_id;

-- name: erase_webhook_version
-- Delete the versions of a deleted webhook.
DELETE FROM webhook_version WHERE site = :site AND id = :webhook_id;

-- name: erase_webhook_health
-- Delete the health of a deleted webhook.
DELETE FROM health WHERE site = :site AND webhook_id = :webhook_id;

-- name: erase_webhook_stat
-- Delete the hourly counts of a deleted webhook.
DELETE FROM stat_hour WHERE site = :site AND webhook_id = :webhook_id;

-- name: webhook_has_state
-- Whether a webhook is in this state.
SELECT 1 FROM webhook WHERE site = :site AND id = :webhook_id AND state = :state;

-- name: node_beat
-- A node is alive until then.
INSERT INTO node (name, delivers, alive_until) VALUES (:node, :delivers, :until)
ON CONFLICT (name) DO UPDATE SET delivers = excluded.delivers, alive_until = excluded.alive_until;

-- name: node_forget
-- Forget nodes that have not been heard for a lease.
DELETE FROM node WHERE alive_until <= :now;

-- name: node_leave
-- A node is gone.
DELETE FROM node WHERE name = :node;

-- name: node_all
-- The nodes that deliver and are alive.
SELECT name FROM node WHERE delivers AND alive_until > :now ORDER BY name;

-- name: shard_renew
-- Renew the leases that a node still holds.
UPDATE shard SET lease_end = :until WHERE owner = :node AND lease_end > :now;

-- name: shard_take
-- Take a shard that nobody holds.
INSERT INTO shard (n, owner, fence, lease_end) VALUES (:shard, :node, 1, :until)
ON CONFLICT (n) DO UPDATE SET owner = excluded.owner, fence = shard.fence + 1, lease_end = excluded.lease_end
WHERE shard.owner IS NULL OR shard.lease_end <= :now;

-- name: shard_get
-- The owner and fence of a shard.
SELECT owner, fence FROM shard WHERE n = :shard;

-- name: shard_all
-- Every shard that was ever owned.
SELECT n, owner, fence, lease_end FROM shard ORDER BY n;

-- name: shard_hand_over
-- A shard is free again.
UPDATE shard SET owner = NULL, lease_end = 0 WHERE n = :shard AND owner = :node;

-- name: shard_leave
-- Every shard of a node is free again.
UPDATE shard SET owner = NULL, lease_end = 0 WHERE owner = :node;

-- name: webhook_sealed
-- Rows with sealed fields, of all sites, in the order of keys.
SELECT site, id, body FROM webhook WHERE (site, id) > (:after_site, :after_id) ORDER BY site, id LIMIT :limit;

-- name: webhook_reseal
-- Write a row whose sealed fields were sealed anew, if it is still as it was read.
UPDATE webhook SET body = :body WHERE site = :site AND id = :id AND body = :before;

-- name: webhook_version_sealed
-- Rows with sealed fields, of all sites, in the order of keys.
SELECT site, id, version, body FROM webhook_version WHERE (site, id, version) > (:after_site, :after_id, :after_version) ORDER BY site, id, version LIMIT :limit;

-- name: webhook_version_reseal
-- Write a row whose sealed fields were sealed anew, if it is still as it was read.
UPDATE webhook_version SET body = :body WHERE site = :site AND id = :id AND version = :version AND body = :before;

-- name: secret_sealed
-- Rows with sealed fields, of all sites, in the order of keys.
SELECT site, webhook_id, id, body FROM secret WHERE (site, webhook_id, id) > (:after_site, :after_webhook_id, :after_id) ORDER BY site, webhook_id, id LIMIT :limit;

-- name: secret_reseal
-- Write a row whose sealed fields were sealed anew, if it is still as it was read.
UPDATE secret SET body = :body WHERE site = :site AND webhook_id = :webhook_id AND id = :id AND body = :before;

-- name: user_sealed
-- Rows with sealed fields, of all sites, in the order of keys.
SELECT site, id, body FROM "user" WHERE (site, id) > (:after_site, :after_id) ORDER BY site, id LIMIT :limit;

-- name: user_reseal
-- Write a row whose sealed fields were sealed anew, if it is still as it was read.
UPDATE "user" SET body = :body WHERE site = :site AND id = :id AND body = :before;

-- name: meta_holds
-- Whether a value of the installation is still this one; a place is made for one that is not there.
INSERT INTO meta (key, value) VALUES (:key, '') ON CONFLICT (key) DO UPDATE SET value = meta.value
RETURNING CASE WHEN value = :value THEN 1 END;

-- name: sign_on_insert
-- Write the provider of a site.
INSERT INTO sign_on (site, id, version, body) VALUES (:site, :id, :version, :body);

-- name: sign_on_replace
-- Write the provider anew, if it still is the version before.
UPDATE sign_on SET version = :version, body = :body WHERE site = :site AND id = :id AND version = :version - 1;

-- name: sign_on_has_version
-- Whether the provider has this version.
SELECT 1 FROM sign_on WHERE site = :site AND id = :id AND version = :version;

-- name: sign_on_delete
-- Delete the provider of a site.
DELETE FROM sign_on WHERE site = :site AND id = :id;

-- name: sign_on_get
-- The provider of a site.
SELECT body FROM sign_on WHERE site = :site ORDER BY id LIMIT 1;

-- name: sign_on_all
-- The providers of all sites: the sign-in page knows no site yet.
SELECT body FROM sign_on ORDER BY site, id;

-- name: sign_on_sealed
-- Rows with sealed fields, of all sites, in the order of keys.
SELECT site, id, body FROM sign_on WHERE (site, id) > (:after_site, :after_id) ORDER BY site, id LIMIT :limit;

-- name: sign_on_reseal
-- Write a row whose sealed fields were sealed anew, if it is still as it was read.
UPDATE sign_on SET body = :body WHERE site = :site AND id = :id AND body = :before;

-- name: chat_message_overwrite
-- Write a chat message whatever was there.
INSERT INTO chat_message (site, chat_id, id, at, body)
VALUES (:site, :chat_id, :id, :at, :body)
ON CONFLICT (site, chat_id, id) DO UPDATE SET at = excluded.at, body = excluded.body;

-- name: ticket_note_overwrite
-- Write a ticket note whatever was there.
INSERT INTO ticket_note (site, ticket_id, id, created_at, body)
VALUES (:site, :ticket_id, :id, :created_at, :body)
ON CONFLICT (site, ticket_id, id) DO UPDATE SET created_at = excluded.created_at, body = excluded.body;
