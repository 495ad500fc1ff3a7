-- The first schema. The site leads every key; instants are integers of 100 ns since 1970; `body` is JSON.

CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Rows of 2 KB stay in the table's own pages only with a rowid.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  subject_type TEXT,
  subject_id TEXT,
  subject_title TEXT,
  external_id TEXT,
  sequence INTEGER,
  occurred_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  by_kind TEXT NOT NULL CHECK (by_kind IN ('person', 'key', 'system', 'agent', 'contact')),
  by_name TEXT NOT NULL,
  by_id TEXT,
  hop INTEGER NOT NULL CHECK (hop >= 0),
  test INTEGER NOT NULL CHECK (test IN (0, 1)),
  trace TEXT NOT NULL,
  snapshot BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_id ON event (site, id);
CREATE UNIQUE INDEX event_external_id ON event (site, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX event_subject ON event (site, subject_type, subject_id, id) WHERE subject_id IS NOT NULL;

CREATE TABLE idempotency (
  site TEXT NOT NULL,
  maker TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  answer BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (site, maker, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (site, at);

CREATE TABLE delivery (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  webhook_version INTEGER NOT NULL CHECK (webhook_version >= 1),
  shard INTEGER NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state TEXT NOT NULL
    CHECK (state IN ('gathering', 'waiting', 'delivered', 'accepted', 'exhausted', 'cancelled')),
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  event_ids TEXT NOT NULL, -- separated by spaces
  event_types TEXT NOT NULL, -- separated by spaces
  subject_type TEXT,
  subject_id TEXT,
  subject_title TEXT,
  hop INTEGER NOT NULL CHECK (hop >= 0),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  step INTEGER NOT NULL CHECK (step >= 0),
  internal_faults INTEGER NOT NULL CHECK (internal_faults >= 0),
  last_outcome TEXT,
  last_status INTEGER,
  ended_at INTEGER,
  payload_bytes INTEGER,
  replay_id TEXT,
  copy_of TEXT,
  test INTEGER NOT NULL CHECK (test IN (0, 1)),
  payload BLOB,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;
-- The queue: thin, one entry per delivery that is not ended, in the order in which each webhook's deliveries fall
-- due. It is an index and no table, so it can never disagree with the state of the delivery. `state` and `created_at`
-- are its last columns so that counting and cancelling look at nothing else.
CREATE INDEX delivery_queue ON delivery (site, webhook_id, due_at, id, state, created_at)
  WHERE state = 'waiting' OR state = 'gathering';
CREATE INDEX delivery_webhook ON delivery (site, webhook_id, id);
CREATE INDEX delivery_subject ON delivery (site, subject_type, subject_id, id) WHERE subject_id IS NOT NULL;
-- With the state, so that how far a replay is can be counted from the index alone.
CREATE INDEX delivery_replay ON delivery (site, replay_id, id, state) WHERE replay_id IS NOT NULL;
-- The usual end is left out: most rows have it, so a list of them is found by id.
CREATE INDEX delivery_state ON delivery (site, state, id, webhook_id)
  WHERE state = 'waiting' OR state = 'gathering' OR state = 'exhausted' OR state = 'cancelled';

-- Which deliveries carry an event without being named in its trace; an event is kept while a delivery carries it.
CREATE TABLE delivery_event (
  site TEXT NOT NULL,
  event_id TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  PRIMARY KEY (site, event_id, delivery_id)
) STRICT, WITHOUT ROWID;

-- `seq` counts in the order of commits, so that statistics can tell what is new: ids tell when an attempt began.
CREATE TABLE attempt (
  seq INTEGER PRIMARY KEY,
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 0),
  trigger TEXT NOT NULL CHECK (trigger IN ('automatic', 'manual', 'replay', 'test')),
  started_at INTEGER NOT NULL,
  outcome_class TEXT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER,
  rest BLOB NOT NULL -- MessagePack; rows_attempt.py knows the members
) STRICT;
CREATE UNIQUE INDEX attempt_id ON attempt (site, id);
CREATE INDEX attempt_delivery ON attempt (site, delivery_id);

CREATE TABLE webhook_version (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, id, version)
) STRICT;

CREATE TABLE health (
  site TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, webhook_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE stat_hour (
  site TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  hour INTEGER NOT NULL,
  delivered INTEGER NOT NULL CHECK (delivered >= 0),
  accepted INTEGER NOT NULL CHECK (accepted >= 0),
  failed INTEGER NOT NULL CHECK (failed >= 0),
  first_time INTEGER NOT NULL CHECK (first_time >= 0),
  ms_sum INTEGER NOT NULL CHECK (ms_sum >= 0),
  ms_buckets TEXT NOT NULL, -- JSON array of counts
  PRIMARY KEY (site, hour, webhook_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  site TEXT NOT NULL, -- empty: the installation
  seq INTEGER NOT NULL CHECK (seq >= 1),
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL,
  entry BLOB NOT NULL, -- canonical JSON
  PRIMARY KEY (site, seq)
) STRICT;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;

-- The highest number a deleted row had, so that no number is given twice.
CREATE TABLE number_used (
  site TEXT NOT NULL,
  noun TEXT NOT NULL,
  number INTEGER NOT NULL,
  PRIMARY KEY (site, noun)
) STRICT, WITHOUT ROWID;

CREATE TABLE site (
  site TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site)
) STRICT, WITHOUT ROWID;

CREATE TABLE custom_type (
  site TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  shard INTEGER NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state TEXT NOT NULL CHECK (state IN ('enabled', 'paused', 'disabled', 'deleted')),
  waits_from TEXT NOT NULL, -- deliveries of lower ids are being cancelled
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT;

CREATE TABLE secret (
  site TEXT NOT NULL,
  webhook_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, webhook_id, id),
  FOREIGN KEY (site, webhook_id) REFERENCES webhook (site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('created', 'handled', 'missed', 'callback', 'completed')),
  created_at INTEGER NOT NULL,
  creator_id TEXT NOT NULL,
  reference_id TEXT,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_message (
  site TEXT NOT NULL,
  chat_id TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, chat_id, id),
  FOREIGN KEY (site, chat_id) REFERENCES chat (site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ticket (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  external_id TEXT,
  contact_id TEXT,
  is_closed INTEGER NOT NULL CHECK (is_closed IN (0, 1)),
  is_deleted INTEGER NOT NULL CHECK (is_deleted IN (0, 1)),
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX ticket_entity_id ON ticket (site, entity_id);

CREATE UNIQUE INDEX ticket_external_id ON ticket (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE ticket_note (
  site TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, ticket_id, id),
  FOREIGN KEY (site, ticket_id) REFERENCES ticket (site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ticket_list (
  site TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site)
) STRICT, WITHOUT ROWID;

CREATE TABLE company (
  site TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  external_id TEXT,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, entity_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX company_external_id ON company (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE contact (
  site TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  external_id TEXT,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, entity_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX contact_external_id ON contact (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE agent (
  site TEXT NOT NULL,
  entity_id INTEGER NOT NULL,
  external_id TEXT,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, entity_id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX agent_external_id ON agent (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE "user" (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  email TEXT,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX user_email ON "user" (site, email) WHERE email IS NOT NULL;

CREATE TABLE login (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  token_hash TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX login_token_hash ON login (token_hash);

CREATE TABLE api_key (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  lookup TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX api_key_lookup ON api_key (lookup);

CREATE TABLE link (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('setup', 'client')),
  token_hash TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX link_token_hash ON link (token_hash);

CREATE TABLE bin (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  address TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX bin_address ON bin (address);

CREATE TABLE capture (
  site TEXT NOT NULL,
  bin_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, bin_id, seq),
  FOREIGN KEY (site, bin_id) REFERENCES bin (site, id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX capture_id ON capture (site, id);

CREATE INDEX chat_created ON chat (site, created_at, id);
CREATE INDEX chat_creator ON chat (site, creator_id);
CREATE INDEX chat_reference ON chat (site, reference_id) WHERE reference_id IS NOT NULL;
CREATE INDEX ticket_contact ON ticket (site, contact_id, entity_id) WHERE contact_id IS NOT NULL;
CREATE INDEX user_email_everywhere ON "user" (email) WHERE email IS NOT NULL;
CREATE INDEX login_user ON login (site, user_id);
CREATE INDEX link_kind ON link (site, kind);
CREATE INDEX capture_at ON capture (site, at);

-- Attempts that somebody asked for and that are not made yet; few, and only for a moment.
CREATE TABLE asked (
  site TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (site, delivery_id)
) STRICT, WITHOUT ROWID;

-- Armed timers; read by due time for all sites.
CREATE TABLE timer (
  site TEXT NOT NULL,
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  fired INTEGER NOT NULL CHECK (fired >= 0),
  PRIMARY KEY (site, rule, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due_at, site, rule, subject);
CREATE INDEX timer_subject ON timer (site, subject);

CREATE TABLE dwell_rule (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE replay (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'cancelled', 'finished')),
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_running ON replay (state) WHERE state = 'running';

-- Who owns which shard: only asked when several processes share a database.
CREATE TABLE shard (
  n INTEGER NOT NULL PRIMARY KEY CHECK (n BETWEEN 0 AND 255),
  owner TEXT,
  fence INTEGER NOT NULL CHECK (fence >= 1),
  lease_end INTEGER NOT NULL
) STRICT;
CREATE TABLE node (
  name TEXT NOT NULL PRIMARY KEY,
  delivers INTEGER NOT NULL CHECK (delivers IN (0, 1)),
  alive_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
