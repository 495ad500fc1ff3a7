-- Every statement of the store: name, one line of intent, statement. A word in braces is filled by filters.py.

-- name: event_insert
-- Write new events.
INSERT INTO event (site, id, type, subject_type, subject_id, subject_title, external_id, sequence, occurred_at,
  received_at, by_kind, by_name, by_id, hop, test, trace, snapshot)
SELECT * FROM unnest(:site::text[], :id::text[], :type::text[], :subject_type::text[], :subject_id::text[],
  :subject_title::text[], :external_id::text[], :sequence::bigint[], :occurred_at::bigint[], :received_at::bigint[],
  :by_kind::text[], :by_name::text[], :by_id::text[], :hop::integer[], :test::boolean[], :trace::text[],
  :snapshot::bytea[]);

-- name: idempotency_insert
-- Remember idempotency keys; one that was used an hour ago or longer may be used anew.
INSERT INTO idempotency (site, maker, key, body_hash, answer, at)
SELECT * FROM unnest(:site::text[], :maker::text[], :key::text[], :body_hash::text[], :answer::bytea[], :at::bigint[])
ON CONFLICT (site, maker, key) DO UPDATE
SET body_hash = excluded.body_hash, answer = excluded.answer, at = excluded.at
WHERE idempotency.at <= excluded.at - 36000000000;

-- name: delivery_insert
-- Write new deliveries, and their places in the queue.
WITH fresh AS (
  INSERT INTO delivery (site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types,
    subject_type, subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at,
    payload_bytes, replay_id, copy_of, test, payload)
  SELECT * FROM unnest(:site::text[], :id::text[], :webhook_id::text[], :webhook_version::integer[],
    :shard::smallint[], :state::text[], :due_at::bigint[], :created_at::bigint[], :event_ids::text[],
    :event_types::text[], :subject_type::text[], :subject_id::text[], :subject_title::text[], :hop::integer[],
    :attempts::integer[], :step::integer[], :internal_faults::integer[], :last_outcome::text[],
    :last_status::integer[], :ended_at::bigint[], :payload_bytes::bigint[], :replay_id::text[], :copy_of::text[],
    :test::boolean[], :payload::bytea[])
  RETURNING site, state, id, webhook_id, due_at, shard
), queued AS (
  INSERT INTO queue (site, state, delivery_id, webhook_id, due_at, shard)
  SELECT site, state, id, webhook_id, due_at, shard FROM fresh WHERE state IN ('waiting', 'gathering')
)
SELECT count(*) FROM fresh;

-- name: queue_insert
-- Places in the queue of deliveries that were written by COPY.
INSERT INTO queue (site, state, delivery_id, webhook_id, due_at, shard)
VALUES (:site, :state, :delivery_id, :webhook_id, :due_at, :shard);

-- name: delivery_event_insert
-- Note that deliveries carry events.
INSERT INTO delivery_event (site, event_id, delivery_id)
SELECT * FROM unnest(:site::text[], :event_id::text[], :delivery_id::text[]) ON CONFLICT DO NOTHING;

-- name: attempt_insert
-- Append attempts.
INSERT INTO attempt (site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status,
  rest, writer, seq)
SELECT * FROM unnest(:site::text[], :id::text[], :delivery_id::text[], :webhook_id::text[], :number::integer[],
  :trigger::text[], :started_at::bigint[], :outcome_class::text[], :outcome::text[], :status::integer[],
  :rest::bytea[], :writer::integer[], :seq::bigint[]);

-- name: delivery_settle
-- Move deliveries after their attempts, those that still are in the expected state, and their places in the queue.
WITH moved AS (
  UPDATE delivery AS d
  SET state = s.state, due_at = s.due_at, attempts = s.attempts, step = s.step, internal_faults = s.internal_faults,
    last_outcome = s.last_outcome, last_status = s.last_status, ended_at = s.ended_at,
    payload_bytes = s.payload_bytes, payload = s.payload
  FROM unnest(:state::text[], :due_at::bigint[], :attempts::integer[], :step::integer[], :internal_faults::integer[],
    :last_outcome::text[], :last_status::integer[], :ended_at::bigint[], :payload_bytes::bigint[], :payload::bytea[],
    :site::text[], :id::text[], :expected::text[])
    AS s (state, due_at, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes, payload,
      site, id, expected)
  WHERE d.site = s.site AND d.id = s.id AND d.state = s.expected
  RETURNING d.site, d.id, d.webhook_id, d.shard, s.expected, s.state, s.due_at,
    s.state NOT IN ('waiting', 'gathering') AS is_ended
), gone AS (
  DELETE FROM queue AS q USING moved AS m
  WHERE m.is_ended AND q.site = m.site AND q.state = m.expected AND q.delivery_id = m.id
), stays AS (
  UPDATE queue AS q SET state = m.state, due_at = m.due_at FROM moved AS m
  WHERE NOT m.is_ended AND q.site = m.site AND q.state = m.expected AND q.delivery_id = m.id
), waits_anew AS (
  INSERT INTO queue (site, state, delivery_id, webhook_id, due_at, shard)
  SELECT site, state, id, webhook_id, due_at, shard FROM moved
  WHERE NOT is_ended AND expected NOT IN ('waiting', 'gathering')
)
SELECT count(*) FROM moved;

-- name: delivery_move
-- Write everything of deliveries that may change without an attempt, of those that still are in the expected state and
-- were neither attempted nor joined meanwhile; and their places in the queue.
WITH moved AS (
  UPDATE delivery AS d
  SET state = s.state, due_at = s.due_at, attempts = s.attempts, step = s.step, internal_faults = s.internal_faults,
    last_outcome = s.last_outcome, last_status = s.last_status, ended_at = s.ended_at,
    payload_bytes = s.payload_bytes, payload = s.payload, webhook_version = s.webhook_version,
    replay_id = s.replay_id
  FROM unnest(:state::text[], :due_at::bigint[], :attempts::integer[], :step::integer[], :internal_faults::integer[],
    :last_outcome::text[], :last_status::integer[], :ended_at::bigint[], :payload_bytes::bigint[], :payload::bytea[],
    :webhook_version::integer[], :replay_id::text[], :site::text[], :id::text[], :expected::text[],
    :attempts_before::integer[], :event_ids::text[])
    AS s (state, due_at, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes, payload,
      webhook_version, replay_id, site, id, expected, attempts_before, event_ids)
  WHERE d.site = s.site AND d.id = s.id AND d.state = s.expected AND d.attempts = s.attempts_before
    AND d.event_ids = s.event_ids
  RETURNING d.site, d.id, d.webhook_id, d.shard, s.expected, s.state, s.due_at,
    s.state NOT IN ('waiting', 'gathering') AS is_ended
), gone AS (
  DELETE FROM queue AS q USING moved AS m
  WHERE m.is_ended AND q.site = m.site AND q.state = m.expected AND q.delivery_id = m.id
), stays AS (
  UPDATE queue AS q SET state = m.state, due_at = m.due_at FROM moved AS m
  WHERE NOT m.is_ended AND q.site = m.site AND q.state = m.expected AND q.delivery_id = m.id
), waits_anew AS (
  INSERT INTO queue (site, state, delivery_id, webhook_id, due_at, shard)
  SELECT site, state, id, webhook_id, due_at, shard FROM moved
  WHERE NOT is_ended AND expected NOT IN ('waiting', 'gathering')
)
SELECT count(*) FROM moved;

-- name: delivery_join
-- Add events to deliveries that gather: their ids at the end, their types once, their subject if it is the same; and
-- bring forward their places in the queue. It may change a row but once, so joins of one delivery come as one.
WITH joined AS (
  UPDATE delivery AS d
  SET event_ids = d.event_ids || ' ' || s.event_ids,
    event_types = (
      SELECT string_agg(type, ' ' ORDER BY place)
      FROM (
        SELECT type, min(place) AS place
        FROM unnest(string_to_array(d.event_types || ' ' || s.event_types, ' ')) WITH ORDINALITY AS t (type, place)
        GROUP BY type
      ) AS once
    ),
    hop = greatest(d.hop, s.hop),
    due_at = least(d.due_at, s.due_at),
    subject_type = CASE WHEN (d.subject_type, d.subject_id) IS NOT DISTINCT FROM (s.subject_type, s.subject_id)
      THEN d.subject_type END,
    subject_id = CASE WHEN (d.subject_type, d.subject_id) IS NOT DISTINCT FROM (s.subject_type, s.subject_id)
      THEN d.subject_id END,
    subject_title = CASE WHEN (d.subject_type, d.subject_id) IS NOT DISTINCT FROM (s.subject_type, s.subject_id)
      THEN d.subject_title END
  FROM unnest(:event_ids::text[], :event_types::text[], :hop::integer[], :due_at::bigint[], :subject_type::text[],
    :subject_id::text[], :site::text[], :id::text[])
    AS s (event_ids, event_types, hop, due_at, subject_type, subject_id, site, id)
  WHERE d.site = s.site AND d.id = s.id AND d.state = 'gathering'
  RETURNING d.site, d.id, d.due_at
), sooner AS (
  UPDATE queue AS q SET due_at = j.due_at FROM joined AS j
  WHERE q.site = j.site AND q.state = 'gathering' AND q.delivery_id = j.id AND q.due_at > j.due_at
)
SELECT count(*) FROM joined;

-- name: delivery_set_aside
-- End one delivery whose row cannot be read, and blank what may be damaged of it.
WITH gone AS (
  DELETE FROM queue WHERE site = :site AND state IN ('waiting', 'gathering') AND delivery_id = :delivery_id
  RETURNING site, delivery_id
)
UPDATE delivery AS d
SET state = 'exhausted', ended_at = :at, last_outcome = 'quarantined', last_status = NULL, subject_title = NULL,
  payload = NULL
FROM gone AS g WHERE d.site = g.site AND d.id = g.delivery_id;

-- name: delivery_cancel_waiting
-- Cancel what waits for one webhook, in the order in which it falls due; without `rows_max` there is no limit.
WITH picked AS (
  SELECT q.site, q.state, q.delivery_id FROM queue AS q
  WHERE q.site = :site AND q.webhook_id = :webhook_id AND (:due_before::bigint IS NULL OR q.due_at < :due_before)
    AND (:older_than::bigint IS NULL OR EXISTS (
      SELECT 1 FROM delivery AS d WHERE d.site = q.site AND d.id = q.delivery_id AND d.created_at < :older_than))
  ORDER BY q.due_at, q.delivery_id LIMIT :rows_max::bigint
), gone AS (
  DELETE FROM queue AS q USING picked AS p
  WHERE q.site = p.site AND q.state = p.state AND q.delivery_id = p.delivery_id
  RETURNING q.site, q.state, q.delivery_id
)
UPDATE delivery AS d SET state = 'cancelled', ended_at = :at
FROM gone AS g WHERE d.site = g.site AND d.id = g.delivery_id AND d.state = g.state;

-- name: delivery_has_state
-- Whether a delivery is in one of these states, and stays so until the commit.
SELECT 1 FROM delivery WHERE site = :site AND id = :id AND state = ANY(:states::text[]) FOR SHARE;

-- name: health_put
-- Keep the health of webhooks.
INSERT INTO health (site, webhook_id, body) SELECT * FROM unnest(:site::text[], :webhook_id::text[], :body::bytea[])
ON CONFLICT (site, webhook_id) DO UPDATE SET body = excluded.body;

-- name: stat_hour_put
-- Add to one hour's counts of one webhook.
INSERT INTO stat_hour AS s (site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, ms_buckets)
VALUES (:site, :webhook_id, :hour, :delivered, :accepted, :failed, :first_time, :ms_sum, :ms_buckets)
ON CONFLICT (site, hour, webhook_id) DO UPDATE
SET delivered = s.delivered + excluded.delivered, accepted = s.accepted + excluded.accepted,
  failed = s.failed + excluded.failed, first_time = s.first_time + excluded.first_time,
  ms_sum = s.ms_sum + excluded.ms_sum,
  ms_buckets = (
    SELECT coalesce(json_agg(coalesce(old::bigint, 0) + coalesce(more::bigint, 0) ORDER BY place), '[]')::text
    FROM ROWS FROM (
      json_array_elements_text(s.ms_buckets::json), json_array_elements_text(excluded.ms_buckets::json)
    ) WITH ORDINALITY AS pair (old, more, place));

-- name: stat_hour_page
-- The counts of a site since an hour.
SELECT site, webhook_id, hour, delivered, accepted, failed, first_time, ms_sum, ms_buckets
FROM stat_hour WHERE site = :site AND hour >= :from_hour ORDER BY hour, webhook_id;

-- name: counted_to_put
-- Remember the place of the newest attempt that is in the hourly counts; it never goes back. Earlier connections of
-- this process wrote before, so all of theirs is counted.
UPDATE writer SET counted_to = CASE WHEN writer.id = newest.writer THEN newest.seq ELSE 9223372036854775807 END
FROM site JOIN attempt AS newest ON newest.site = site.site AND newest.id = :id
WHERE writer.id = newest.writer AND writer.counted_to < newest.seq
  OR writer.id = ANY(:earlier::integer[]) AND writer.id <> newest.writer;

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
INSERT INTO audit (site, seq, previous_hash, hash, entry) VALUES (:site, :seq, :previous_hash, :hash, :entry);

-- name: purge_delivery_pick
-- The oldest deliveries that ended before retention began: how one ended is to be seen that long.
SELECT id, event_ids FROM delivery
WHERE site = :site AND id < :id_before AND created_at < :before AND coalesce(ended_at, created_at) < :before
  AND state IN ('delivered', 'accepted', 'exhausted', 'cancelled')
ORDER BY id LIMIT :rows_max;

-- name: purge_delivery
-- Delete deliveries that are past retention.
DELETE FROM delivery WHERE site = :site AND id = ANY(:ids::text[]);

-- name: purge_delivery_event
-- Forget that deleted deliveries carried events.
DELETE FROM delivery_event AS d USING unnest(:event_ids::text[], :delivery_ids::text[]) AS gone (event_id, delivery_id)
WHERE d.site = :site AND d.event_id = gone.event_id AND d.delivery_id = gone.delivery_id;

-- name: purge_attempt
-- Delete old attempts of a site that keeps them less long than another; the newest of all stays.
DELETE FROM attempt WHERE site = :site AND id < :id_before AND id IN (
  SELECT id FROM attempt
  WHERE site = :site AND id < :id_before AND started_at < :before
    AND (writer, seq) < (SELECT writer, seq FROM attempt ORDER BY writer DESC, seq DESC LIMIT 1)
  ORDER BY id LIMIT :rows_max);

-- name: purge_attempt_other
-- Delete old attempts whose day has no partition; other days go whole.
DELETE FROM attempt_other WHERE site = :site AND id < :id_before AND id IN (
  SELECT id FROM attempt_other
  WHERE site = :site AND id < :id_before AND started_at < :before
    AND (writer, seq) < (SELECT writer, seq FROM attempt ORDER BY writer DESC, seq DESC LIMIT 1)
  ORDER BY id LIMIT :rows_max);

-- name: purge_event
-- Delete old events that no delivery carries any more.
DELETE FROM event WHERE site = :site AND id IN (
  SELECT id FROM event
  WHERE site = :site AND id < :id_before AND received_at < :before
    AND NOT EXISTS (SELECT 1 FROM delivery_event AS d WHERE d.site = event.site AND d.event_id = event.id)
  ORDER BY id LIMIT :rows_max);

-- name: purge_idempotency
-- Delete old idempotency keys.
DELETE FROM idempotency WHERE (site, maker, key) IN (
  SELECT site, maker, key FROM idempotency WHERE site = :site AND at < :before ORDER BY at LIMIT :rows_max);

-- name: purge_capture
-- Delete old captures.
DELETE FROM capture WHERE site = :site AND id IN (
  SELECT id FROM capture WHERE site = :site AND at < :before ORDER BY at LIMIT :rows_max);

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
FROM event WHERE site = :site AND id = ANY(:ids::text[]);

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
FROM {way} WHERE site = :site {conditions} ORDER BY id {direction} LIMIT :limit;

-- name: delivery_get
-- One delivery.
SELECT site, id, webhook_id, webhook_version, shard, state, due_at, created_at, event_ids, event_types, subject_type,
  subject_id, subject_title, hop, attempts, step, internal_faults, last_outcome, last_status, ended_at, payload_bytes,
  replay_id, copy_of, test, payload
FROM delivery WHERE site = :site AND id = :id;

-- name: delivery_count_branch
-- One piece of a count of deliveries, no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM {way} WHERE site = :site {conditions} LIMIT :limit) AS found;

-- name: delivery_waiting
-- How much waits for each webhook of a site; what is being cancelled does not count.
SELECT w.webhook_id, w.waiting, d.created_at, w.next_at
FROM (
  SELECT q.webhook_id, count(*) AS waiting, min(q.delivery_id) AS oldest, min(q.due_at) AS next_at
  FROM queue AS q JOIN webhook AS h ON h.site = q.site AND h.id = q.webhook_id
  WHERE q.site = :site AND q.delivery_id >= h.waits_from GROUP BY q.webhook_id
) AS w JOIN delivery AS d ON d.site = :site AND d.id = w.oldest
ORDER BY w.webhook_id;

-- name: due_webhooks
-- For all sites: which webhooks have something waiting, how much up to a limit, and when the next is due. It goes from
-- one webhook to the next by the index: what waits behind the limit is not looked at.
WITH RECURSIVE found AS (
  (SELECT site, webhook_id, due_at FROM queue ORDER BY site, webhook_id, due_at LIMIT 1)
  UNION ALL
  SELECT n.site, n.webhook_id, n.due_at
  FROM found AS f CROSS JOIN LATERAL (
    SELECT q.site, q.webhook_id, q.due_at FROM queue AS q
    WHERE (q.site, q.webhook_id) > (f.site, f.webhook_id)
    ORDER BY q.site, q.webhook_id, q.due_at LIMIT 1
  ) AS n
)
SELECT f.site, f.webhook_id, c.waiting, f.due_at
FROM found AS f CROSS JOIN LATERAL (
  SELECT count(*) AS waiting FROM (
    SELECT 1 FROM queue AS q WHERE q.site = f.site AND q.webhook_id = f.webhook_id LIMIT :up_to::bigint
  ) AS counted
) AS c
ORDER BY f.site, f.webhook_id;

-- name: due_deliveries
-- What waits for one webhook, in the order in which it falls due.
SELECT d.site, d.id, d.webhook_id, d.webhook_version, d.shard, d.state, d.due_at, d.created_at, d.event_ids,
  d.event_types, d.subject_type, d.subject_id, d.subject_title, d.hop, d.attempts, d.step, d.internal_faults,
  d.last_outcome, d.last_status, d.ended_at, d.payload_bytes, d.replay_id, d.copy_of, d.test, d.payload
FROM queue AS q JOIN delivery AS d ON d.site = q.site AND d.id = q.delivery_id
WHERE q.site = :site AND q.webhook_id = :webhook_id AND (q.due_at, q.delivery_id) > (:due_at, :id)
ORDER BY q.due_at, q.delivery_id LIMIT :limit;

-- name: due_ids
-- What waits for one webhook, read from the queue alone: a row of it may be damaged.
SELECT delivery_id FROM queue
WHERE site = :site AND webhook_id = :webhook_id AND (due_at, delivery_id) > (:due_at, :id)
ORDER BY due_at, delivery_id LIMIT :limit;

-- name: due_uncounted
-- For all sites: attempts that are not in the hourly counts and that no other living process counts, of one writer, in
-- the order of their commits.
SELECT a.site, a.id, a.delivery_id, a.webhook_id, a.number, a.trigger, a.started_at, a.outcome_class, a.outcome,
  a.status, a.rest
FROM (
  SELECT id, counted_to FROM writer
  WHERE (id = ANY(:own::integer[]) OR id NOT IN (
      SELECT objid::integer FROM pg_locks
      WHERE locktype = 'advisory' AND classid = :lock_class::integer::oid
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    AND EXISTS (SELECT 1 FROM attempt WHERE attempt.writer = writer.id AND attempt.seq > writer.counted_to)
  ORDER BY id LIMIT 1
) AS w JOIN attempt AS a ON a.writer = w.id AND a.seq > w.counted_to
ORDER BY a.seq LIMIT :limit;

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
SELECT a.site, a.id, a.delivery_id, a.webhook_id, a.number, a.trigger, a.started_at, a.outcome_class, a.outcome,
  a.status, a.rest
FROM unnest(:ids::text[]) WITH ORDINALITY AS asked (id, place) CROSS JOIN LATERAL (
  SELECT * FROM attempt WHERE site = :site AND delivery_id = asked.id ORDER BY number DESC, id DESC LIMIT 1
) AS a
ORDER BY asked.place;

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
SELECT body FROM chat WHERE site = :site AND id = ANY(:ids::text[]);

-- name: chat_page
-- Chats, newest first.
SELECT body FROM chat WHERE site = :site {conditions} ORDER BY created_at DESC, id DESC LIMIT :limit;

-- name: chat_message_all
-- The messages of a chat, oldest first.
SELECT body FROM chat_message WHERE site = :site AND chat_id = :chat_id ORDER BY at, id;

-- name: ticket_get
-- A ticket by its id, else by its external id.
SELECT body FROM (
  SELECT 1 AS place, body FROM ticket WHERE site = :site AND id = :key
  UNION ALL
  SELECT 2, body FROM ticket WHERE site = :site AND external_id = :key
) AS found ORDER BY place LIMIT 1;

-- name: ticket_many
-- Several tickets.
SELECT body FROM ticket WHERE site = :site AND id = ANY(:ids::text[]);

-- name: ticket_page
-- Tickets by number, the highest first.
SELECT body FROM ticket WHERE site = :site AND NOT is_deleted {conditions} ORDER BY entity_id DESC LIMIT :limit;

-- name: ticket_note_all
-- The notes of a ticket, oldest first.
SELECT body FROM ticket_note WHERE site = :site AND ticket_id = :ticket_id ORDER BY created_at, id;

-- name: ticket_top
-- The highest ticket number.
SELECT coalesce(max(entity_id), 0) FROM ticket WHERE site = :site;

-- name: company_get
-- A company by its number, else by its external id.
SELECT body FROM (
  SELECT 1 AS place, body FROM company WHERE site = :site AND entity_id = :number
  UNION ALL
  SELECT 2, body FROM company WHERE site = :site AND external_id = :key
) AS found ORDER BY place LIMIT 1;

-- name: company_all
-- Every company of a site.
SELECT body FROM company WHERE site = :site ORDER BY entity_id;

-- name: company_top
-- The highest company number, deleted ones too.
SELECT greatest(coalesce((SELECT max(entity_id) FROM company WHERE site = :site), 0),
  coalesce((SELECT number FROM number_used WHERE site = :site AND noun = 'company'), 0));

-- name: contact_get
-- A contact by its number, else by its external id.
SELECT body FROM (
  SELECT 1 AS place, body FROM contact WHERE site = :site AND entity_id = :number
  UNION ALL
  SELECT 2, body FROM contact WHERE site = :site AND external_id = :key
) AS found ORDER BY place LIMIT 1;

-- name: contact_all
-- Every contact of a site.
SELECT body FROM contact WHERE site = :site ORDER BY entity_id;

-- name: contact_top
-- The highest contact number, deleted ones too.
SELECT greatest(coalesce((SELECT max(entity_id) FROM contact WHERE site = :site), 0),
  coalesce((SELECT number FROM number_used WHERE site = :site AND noun = 'contact'), 0));

-- name: agent_get
-- An agent by its number, else by its external id.
SELECT body FROM (
  SELECT 1 AS place, body FROM agent WHERE site = :site AND entity_id = :number
  UNION ALL
  SELECT 2, body FROM agent WHERE site = :site AND external_id = :key
) AS found ORDER BY place LIMIT 1;

-- name: agent_all
-- Every agent of a site.
SELECT body FROM agent WHERE site = :site ORDER BY entity_id;

-- name: agent_top
-- The highest agent number, deleted ones too.
SELECT greatest(coalesce((SELECT max(entity_id) FROM agent WHERE site = :site), 0),
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
  AND (:actor::text = '' OR actor_id = :actor OR actor_name = :actor)
  AND (:operation::text = '' OR operation = :operation OR :noun::text <> '' AND starts_with(operation, :noun))
  AND (:object_id::text = '' OR object_id = :object_id) AND at >= :since AND at < :until
ORDER BY seq DESC LIMIT :limit;

-- name: audit_after
-- Rows of a site's audit, oldest first.
SELECT seq, entry, previous_hash, hash FROM audit WHERE site = :site AND seq > :after
  AND (:actor::text = '' OR actor_id = :actor OR actor_name = :actor)
  AND (:operation::text = '' OR operation = :operation OR :noun::text <> '' AND starts_with(operation, :noun))
  AND (:object_id::text = '' OR object_id = :object_id) AND at >= :since AND at < :until
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
-- Whether a site has this version, and keeps it until the commit.
SELECT 1 FROM site WHERE site = :site AND version = :version FOR SHARE;

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
-- Whether a custom type has this version, and keeps it until the commit.
SELECT 1 FROM custom_type WHERE site = :site AND name = :name AND version = :version FOR SHARE;

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
-- Whether a webhook has this version, and keeps it until the commit.
SELECT 1 FROM webhook WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
SET status = :status, created_at = :created_at, creator_id = :creator_id, reference_id = :reference_id,
  version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: chat_has_version
-- Whether a chat has this version, and keeps it until the commit.
SELECT 1 FROM chat WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
SET entity_id = :entity_id, external_id = :external_id, contact_id = :contact_id, is_closed = :is_closed,
  is_deleted = :is_deleted, version = :version, body = :body
WHERE site = :site AND id = :id AND version = :version - 1;

-- name: ticket_has_version
-- Whether a ticket has this version, and keeps it until the commit.
SELECT 1 FROM ticket WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
-- Whether a ticket list has this version, and keeps it until the commit.
SELECT 1 FROM ticket_list WHERE site = :site AND version = :version FOR SHARE;

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
-- Whether a company has this version, and keeps it until the commit.
SELECT 1 FROM company WHERE site = :site AND entity_id = :entity_id AND version = :version FOR SHARE;

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
-- Whether a contact has this version, and keeps it until the commit.
SELECT 1 FROM contact WHERE site = :site AND entity_id = :entity_id AND version = :version FOR SHARE;

-- name: contact_delete
-- Delete a contact.
DELETE FROM contact WHERE site = :site AND entity_id = :entity_id;

-- name: agent_insert
-- Write a new agent.
INSERT INTO agent (site, entity_id, external_id, version, body)
VALUES (:site, :entity_id, :external_id, :version, :body);

-- name: agent_replace
-- Write an agent anew, if it still is the version before.
UPDATE agent
SET external_id = :external_id, version = :version, body = :body
WHERE site = :site AND entity_id = :entity_id AND version = :version - 1;

-- name: agent_has_version
-- Whether an agent has this version, and keeps it until the commit.
SELECT 1 FROM agent WHERE site = :site AND entity_id = :entity_id AND version = :version FOR SHARE;

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
-- Whether a user has this version, and keeps it until the commit.
SELECT 1 FROM "user" WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
-- Write an api key whatever was there.
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
-- Whether a bin has this version, and keeps it until the commit.
SELECT 1 FROM bin WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
WHERE site = :site AND (:webhook_id::text IS NULL OR webhook_id = :webhook_id) AND id IN (
  SELECT e.delivery_id FROM delivery_event AS e WHERE e.site = :site AND e.event_id = ANY(:ids::text[]))
ORDER BY id;

-- name: due_heads
-- For each of several subjects of a webhook the oldest delivery that has not ended, or is exhausted where that holds; no
-- tests.
SELECT h.*
FROM (SELECT DISTINCT * FROM unnest(:types::text[], :ids::text[])) AS wanted (type, id) CROSS JOIN LATERAL (
  SELECT d.site, d.id, d.webhook_id, d.webhook_version, d.shard, d.state, d.due_at, d.created_at, d.event_ids,
    d.event_types, d.subject_type, d.subject_id, d.subject_title, d.hop, d.attempts, d.step, d.internal_faults,
    d.last_outcome, d.last_status, d.ended_at, d.payload_bytes, d.replay_id, d.copy_of, d.test, d.payload
  FROM delivery AS d
  WHERE d.site = :site AND d.subject_type = wanted.type AND d.subject_id = wanted.id AND d.subject_id IS NOT NULL
    AND d.webhook_id = :webhook_id AND NOT d.test
    AND (d.state IN ('waiting', 'gathering') OR (:or_exhausted::boolean AND d.state = 'exhausted'))
  ORDER BY d.id LIMIT 1
) AS h
ORDER BY h.id;

-- name: setting_versions
-- For all sites: the version of the site, and of each of its webhooks.
SELECT site, '', version FROM site UNION ALL SELECT site, id, version FROM webhook ORDER BY 1, 2;

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
-- Whether a timer is armed just so; it stays so until the commit.
SELECT 1 FROM timer
WHERE site = :site AND rule = :rule AND subject = :subject AND epoch = :epoch AND due_at = :due_at AND fired = :fired
FOR UPDATE;

-- name: timer_drop
-- Disarm a subject's timers, of one rule or of all.
DELETE FROM timer WHERE site = :site AND subject = :subject AND (:rule::text IS NULL OR rule = :rule);

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
WHERE site = :site AND subject = ANY(:subjects::text[]) ORDER BY subject, rule;

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
-- Whether a dwell rule has this version, and keeps it until the commit.
SELECT 1 FROM dwell_rule WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
-- Whether a replay has this version, and keeps it until the commit.
SELECT 1 FROM replay WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
UPDATE event SET snapshot = '', subject_title = NULL
WHERE site = :site AND subject_type = :type AND subject_id = :id AND subject_id IS NOT NULL AND length(snapshot) > 0;

-- name: erase_answer
-- Blank the stored answers that quote what was answered.
UPDATE idempotency SET answer = ''::bytea WHERE site = :site AND substring(answer from 1 for 10) = convert_to('{"status":', 'UTF8');

-- name: erase_delivery_pick
-- The deliveries that carry an event of a subject.
SELECT DISTINCT d.delivery_id FROM event AS e JOIN delivery_event AS d ON d.site = e.site AND d.event_id = e.id
WHERE e.site = :site AND e.subject_type = :type AND e.subject_id = :id AND e.subject_id IS NOT NULL;

-- name: erase_delivery
-- Blank deliveries; what waits is cancelled.
WITH gone AS (
  DELETE FROM queue WHERE site = :site AND state IN ('waiting', 'gathering') AND delivery_id = ANY(:ids::text[])
)
UPDATE delivery
SET payload = NULL, subject_title = NULL,
  ended_at = CASE WHEN state IN ('waiting', 'gathering') THEN :at::bigint ELSE ended_at END,
  state = CASE WHEN state IN ('waiting', 'gathering') THEN 'cancelled' ELSE state END
WHERE site = :site AND id = ANY(:ids);

-- name: attempt_blank
-- Keep attempts without what others said in them.
UPDATE attempt AS a SET rest = b.rest FROM unnest(:ids::text[], :rests::bytea[]) AS b (id, rest)
WHERE a.site = :site AND a.id = b.id;

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
-- Whether a webhook is in this state, and stays so until the commit.
SELECT 1 FROM webhook WHERE site = :site AND id = :webhook_id AND state = :state FOR UPDATE;

-- name: shard_take
-- Take shards that nobody holds; those with settles that are being committed with the former fence are passed over.
WITH free AS MATERIALIZED (
  SELECT n FROM shard WHERE n = ANY(:shards::smallint[]) AND (owner IS NULL OR lease_end <= clock_timestamp())
  ORDER BY n FOR UPDATE SKIP LOCKED
)
UPDATE shard AS s
SET owner = :node, fence = s.fence + 1, lease_end = clock_timestamp() + :lease_s::double precision * interval '1 s'
FROM free WHERE s.n = free.n
RETURNING s.n, s.fence;

-- name: shard_hand_over
-- Shards are free again.
UPDATE shard SET owner = NULL, lease_end = NULL WHERE n = ANY(:shards::smallint[]) AND owner = :node;

-- name: shard_leave
-- A node is gone, and every shard of it free again.
WITH gone AS (DELETE FROM node WHERE name = :node)
UPDATE shard SET owner = NULL, lease_end = NULL WHERE owner = :node;

-- name: transaction_start
-- Count this transaction, read the schema version, and hold the fences of shards as they are until the commit. Beats of
-- their owner go on meanwhile; another process that takes a shard waits.
WITH held AS MATERIALIZED (
  SELECT n, fence FROM shard WHERE n = ANY(:shards::smallint[]) ORDER BY n FOR KEY SHARE
), counted AS (
  UPDATE writer SET batch = batch + 1, seen_at = now() WHERE id = :writer RETURNING batch
)
SELECT (SELECT batch FROM counted), (SELECT value FROM meta WHERE key = 'schema_version'),
  coalesce(array_agg(n), '{}'), coalesce(array_agg(fence), '{}')
FROM held;

-- name: writer_begin
-- Become a writer: a number, and the lock that tells that it lives.
WITH fresh AS (INSERT INTO writer DEFAULT VALUES RETURNING id)
SELECT id, pg_advisory_lock(:lock_class::integer, id) FROM fresh;

-- name: writer_end
-- End the server process of a writer whose connection was lost.
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND classid = :lock_class::integer::oid AND objid = :writer::integer::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid();

-- name: writer_wait
-- Wait until a writer is gone.
SELECT pg_advisory_lock(:lock_class::integer, :writer::integer);

-- name: writer_let_go
-- Give back the lock of a writer that is gone.
SELECT pg_advisory_unlock(:lock_class::integer, :writer::integer);

-- name: writer_batch
-- How many transactions of a writer were committed.
SELECT batch FROM writer WHERE id = :writer;

-- name: writer_forget
-- Forget writers that are gone for a day and whose attempts are all counted. Nobody asks any more what became of their
-- last transaction.
DELETE FROM writer
WHERE seen_at < now() - interval '1 day' AND id <> ALL(:own::integer[]) AND id NOT IN (
    SELECT objid::integer FROM pg_locks
    WHERE locktype = 'advisory' AND classid = :lock_class::integer::oid
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.writer = writer.id AND attempt.seq > writer.counted_to);

-- name: audit_lock
-- Let nobody else append to a site's chain until the commit.
SELECT pg_advisory_xact_lock(hashtextextended('audit ' || :site, 0));

-- name: shard_beat
-- A node lives; renew the leases that it still holds, and tell who lives and who owns what, at one moment.
WITH mine AS MATERIALIZED (
  SELECT n FROM shard WHERE owner = :node AND lease_end > clock_timestamp() ORDER BY n FOR NO KEY UPDATE
), renewed AS (
  UPDATE shard AS s SET lease_end = clock_timestamp() + :lease_s::double precision * interval '1 s'
  FROM mine WHERE s.n = mine.n
  RETURNING s.n
), heard AS (
  INSERT INTO node (name, delivers, seen_until)
  VALUES (:node, :delivers, clock_timestamp() + :lease_s * interval '1 s')
  ON CONFLICT (name) DO UPDATE SET delivers = excluded.delivers, seen_until = excluded.seen_until
), forgotten AS (
  DELETE FROM node WHERE seen_until <= clock_timestamp() AND name <> :node
), held AS (
  SELECT s.n, s.owner, s.fence,
    CASE WHEN r.n IS NOT NULL THEN :lease_s
      WHEN s.owner <> :node THEN greatest(extract(epoch FROM s.lease_end - clock_timestamp())::double precision, 0)
      ELSE 0 END AS left_s
  FROM shard AS s LEFT JOIN renewed AS r ON r.n = s.n
)
SELECT
  ARRAY(
    SELECT name FROM node WHERE delivers AND seen_until > clock_timestamp() AND name <> :node
    UNION ALL SELECT :node::text WHERE :delivers::boolean
    ORDER BY 1) AS nodes,
  array_agg(n ORDER BY n), array_agg(CASE WHEN left_s > 0 THEN owner END ORDER BY n), array_agg(fence ORDER BY n),
  array_agg(left_s ORDER BY n)
FROM held;

-- name: attempt_of_deliveries
-- The attempts of several deliveries.
SELECT site, id, delivery_id, webhook_id, number, trigger, started_at, outcome_class, outcome, status, rest
FROM attempt WHERE site = :site AND delivery_id = ANY(:ids::text[]);

-- name: server_settings
-- Settings of the server that durability rests on.
SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit');

-- name: server_clock
-- The server's time, as an instant.
SELECT (extract(epoch FROM clock_timestamp()) * 10000000)::bigint;

-- name: site_names
-- Every site's name.
SELECT site FROM site ORDER BY site;

-- name: partition_all
-- The days that have a partition, in order.
SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'attempt'::regclass AND c.relname <> 'attempt_other' ORDER BY c.relname;

-- name: partition_make
-- Make the partition of a day, and move there what was written before there was one.
SET LOCAL lock_timeout = '500ms';
LOCK TABLE attempt_other IN ACCESS EXCLUSIVE MODE;
CREATE TABLE {name} (LIKE attempt INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
WITH moved AS (DELETE FROM attempt_other WHERE id >= '{begin}' AND id < '{end}' RETURNING *)
INSERT INTO {name} SELECT * FROM moved;
ALTER TABLE attempt ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}');

-- name: partition_drop
-- Drop a day; nobody may be held up for long while readers are waited for.
SET LOCAL lock_timeout = '500ms';
DROP TABLE {name};

-- name: schema_faults
-- What does not agree: the queue with the deliveries, the numbers of the audit, the checksums of pages.
SELECT 'delivery ' || d.id || ' of ' || d.site || ' waits, but is not in the queue' AS fault
FROM delivery AS d
WHERE d.state IN ('waiting', 'gathering') AND NOT EXISTS (
  SELECT 1 FROM queue AS q
  WHERE q.site = d.site AND q.state = d.state AND q.delivery_id = d.id AND q.webhook_id = d.webhook_id
    AND q.due_at = d.due_at)
UNION ALL
SELECT 'the queue holds ' || q.delivery_id || ' of ' || q.site || ', which does not wait' FROM queue AS q
WHERE NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.site = q.site AND d.id = q.delivery_id AND d.state = q.state)
UNION ALL
SELECT 'the audit of ' || a.site || ' has gaps' FROM audit AS a LEFT JOIN audit_checkpoint AS c ON c.site = a.site
GROUP BY a.site, c.seq HAVING count(*) <> max(a.seq) - coalesce(c.seq, 0)
UNION ALL
SELECT checksum_failures || ' damaged pages were found by the server' FROM pg_stat_database
WHERE datname = current_database() AND checksum_failures > 0
LIMIT 100;

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

-- name: wall_is_up
-- Whether there is the role of readers that are bound to a site, and we may work as it.
SELECT count(*) > 0 FROM pg_roles WHERE rolname = 'deskbell_bound' AND pg_has_role(oid, 'MEMBER');

-- name: wall_open_tables
-- Tables with a site whose rows are not bound to it yet; partitions are only read through their table.
SELECT quote_ident(t.relname) FROM pg_class AS t
WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
  AND NOT t.relrowsecurity
  AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attname = 'site' AND NOT a.attisdropped);

-- name: wall_close_table
-- Bind the rows of a table to the site that the connection names; asked once for each statement, not for each row.
CREATE POLICY of_site ON {name} USING (
  site = (SELECT current_setting('deskbell.site', true)) OR (SELECT current_setting('deskbell.site', true)) = '*'
);
ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;

-- name: wall_grants
-- Let the bound role read every table, and nothing else.
DO $$
DECLARE one regclass;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO deskbell_bound', current_schema());
  FOR one IN SELECT t.oid FROM pg_class AS t
    WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
      AND NOT has_table_privilege('deskbell_bound', t.oid, 'SELECT')
  LOOP
    EXECUTE format('GRANT SELECT ON %s TO deskbell_bound', one);
  END LOOP;
END $$;

-- name: wall_name_site
-- Name the site whose rows this connection sees from now on.
SELECT set_config('deskbell.site', :site, false);

-- name: sign_on_insert
-- Write the provider of a site.
INSERT INTO sign_on (site, id, version, body) VALUES (:site, :id, :version, :body);

-- name: sign_on_replace
-- Write the provider anew, if it still is the version before.
UPDATE sign_on SET version = :version, body = :body WHERE site = :site AND id = :id AND version = :version - 1;

-- name: sign_on_has_version
-- Whether the provider has this version.
SELECT 1 FROM sign_on WHERE site = :site AND id = :id AND version = :version FOR SHARE;

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
