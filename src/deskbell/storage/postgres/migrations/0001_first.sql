-- The first schema. The site leads every key; instants are integers of 100 ns since 1970; `body` is JSON.
-- Words are compared byte by byte (collation "C"), as everywhere else: ids sort by time.

CREATE TABLE meta (
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE event (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C",
  subject_id text COLLATE "C",
  subject_title text COLLATE "C",
  external_id text COLLATE "C",
  sequence bigint,
  occurred_at bigint NOT NULL,
  received_at bigint NOT NULL,
  by_kind text NOT NULL CHECK (by_kind IN ('person', 'key', 'system', 'agent', 'contact')),
  by_name text NOT NULL,
  by_id text,
  hop integer NOT NULL CHECK (hop >= 0),
  test boolean NOT NULL,
  trace text NOT NULL,
  snapshot bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX event_external_id ON event (site, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX event_subject ON event (site, subject_type, subject_id, id) WHERE subject_id IS NOT NULL;

CREATE TABLE idempotency (
  site text COLLATE "C" NOT NULL,
  maker text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  body_hash text NOT NULL,
  answer bytea NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (site, maker, key)
);
CREATE INDEX idempotency_at ON idempotency (site, at);

-- A settle changes no column of an index, so it needs no new index entries: there is room for it in the row's own
-- page. What waits is found by the table `queue`, and what stopped without success by `stopped`.
CREATE TABLE delivery (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  webhook_version integer NOT NULL CHECK (webhook_version >= 1),
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state text COLLATE "C" NOT NULL
    CHECK (state IN ('gathering', 'waiting', 'delivered', 'accepted', 'exhausted', 'cancelled')),
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  event_ids text COLLATE "C" NOT NULL, -- separated by spaces
  event_types text COLLATE "C" NOT NULL, -- separated by spaces
  subject_type text COLLATE "C",
  subject_id text COLLATE "C",
  subject_title text COLLATE "C",
  hop integer NOT NULL CHECK (hop >= 0),
  attempts integer NOT NULL CHECK (attempts >= 0),
  step integer NOT NULL CHECK (step >= 0),
  internal_faults integer NOT NULL CHECK (internal_faults >= 0),
  last_outcome text COLLATE "C",
  last_status integer,
  ended_at bigint,
  payload_bytes bigint,
  replay_id text COLLATE "C",
  copy_of text COLLATE "C",
  test boolean NOT NULL,
  payload bytea,
  stopped text COLLATE "C" GENERATED ALWAYS AS (CASE WHEN state IN ('exhausted', 'cancelled') THEN state END) STORED,
  PRIMARY KEY (site, id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX delivery_webhook ON delivery (site, webhook_id, id);
CREATE INDEX delivery_subject ON delivery (site, subject_type, subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX delivery_replay ON delivery (site, replay_id, id) WHERE replay_id IS NOT NULL;
CREATE INDEX delivery_stopped ON delivery (site, stopped, id) WHERE stopped IS NOT NULL;

-- The queue: thin, one row per delivery that is not ended; written in the same statement as the delivery.
CREATE TABLE queue (
  site text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'gathering')),
  delivery_id text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  due_at bigint NOT NULL,
  shard smallint NOT NULL,
  PRIMARY KEY (site, state, delivery_id) INCLUDE (webhook_id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE UNIQUE INDEX queue_due ON queue (site, webhook_id, due_at, delivery_id);

-- Which deliveries carry an event: an event is kept while one does.
CREATE TABLE delivery_event (
  site text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  delivery_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (site, event_id, delivery_id)
);

-- Attempts that somebody asked for and that are not made yet; few, and only for a moment.
CREATE TABLE asked (
  site text COLLATE "C" NOT NULL,
  delivery_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, delivery_id)
);

-- Append-only, a partition per day of the time in the id. `writer` and `seq` count in the order of commits of one
-- connection, so that statistics can tell what is new: ids tell when an attempt began.
CREATE TABLE attempt (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  delivery_id text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  number integer NOT NULL CHECK (number >= 0),
  trigger text NOT NULL CHECK (trigger IN ('automatic', 'manual', 'replay', 'test')),
  started_at bigint NOT NULL,
  outcome_class text NOT NULL,
  outcome text NOT NULL,
  status integer,
  rest bytea NOT NULL, -- MessagePack; rows_attempt.py knows the members
  writer integer NOT NULL,
  seq bigint NOT NULL,
  PRIMARY KEY (site, id)
) PARTITION BY RANGE (id);
CREATE INDEX attempt_delivery ON attempt (site, delivery_id);
CREATE INDEX attempt_writer ON attempt (writer, seq);
CREATE TABLE attempt_other PARTITION OF attempt DEFAULT; -- so that no insert ever fails for want of a partition

-- One row per connection that wrote; an advisory lock of its number is held while it lives.
CREATE TABLE writer (
  id integer NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  batch bigint NOT NULL DEFAULT 0, -- counts its transactions, in each of them: tells whether one was committed
  seen_at timestamptz NOT NULL DEFAULT now(), -- its newest transaction
  counted_to bigint NOT NULL DEFAULT 0 -- the `seq` of the newest attempt that is in the hourly counts
) WITH (fillfactor = 50);

CREATE TABLE webhook_version (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version integer NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, id, version)
);

CREATE TABLE health (
  site text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, webhook_id)
) WITH (fillfactor = 50);

CREATE TABLE stat_hour (
  site text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  hour integer NOT NULL,
  delivered bigint NOT NULL CHECK (delivered >= 0),
  accepted bigint NOT NULL CHECK (accepted >= 0),
  failed bigint NOT NULL CHECK (failed >= 0),
  first_time bigint NOT NULL CHECK (first_time >= 0),
  ms_sum bigint NOT NULL CHECK (ms_sum >= 0),
  ms_buckets text NOT NULL, -- JSON array of counts
  PRIMARY KEY (site, hour, webhook_id)
) WITH (fillfactor = 75);

CREATE TABLE audit (
  site text COLLATE "C" NOT NULL, -- empty: the installation
  seq bigint NOT NULL CHECK (seq >= 1),
  previous_hash text NOT NULL,
  hash text NOT NULL,
  entry bytea NOT NULL, -- canonical JSON
  PRIMARY KEY (site, seq)
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation'; END$$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- The highest number a deleted row had, so that no number is given twice.
CREATE TABLE number_used (
  site text COLLATE "C" NOT NULL,
  noun text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (site, noun)
);

-- Who owns which group of webhooks, until when, on this database's clock. All rows are always there.
CREATE TABLE shard (
  n smallint NOT NULL PRIMARY KEY CHECK (n BETWEEN 0 AND 255),
  owner text COLLATE "C",
  fence bigint NOT NULL DEFAULT 0 CHECK (fence >= 0), -- goes up at each change of owner
  lease_end timestamptz
) WITH (fillfactor = 50);
INSERT INTO shard (n) SELECT generate_series(0, 255);

CREATE TABLE node (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  delivers boolean NOT NULL,
  seen_until timestamptz NOT NULL -- alive until then unless it is heard again
);

CREATE TABLE timer (
  site text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  due_at bigint NOT NULL,
  since bigint NOT NULL,
  fired integer NOT NULL CHECK (fired >= 0),
  PRIMARY KEY (site, rule, subject)
);
CREATE INDEX timer_due ON timer (due_at, site, rule, subject);
CREATE INDEX timer_subject ON timer (site, subject, rule);

CREATE TABLE dwell_rule (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);

CREATE TABLE replay (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('running', 'paused', 'cancelled', 'finished')),
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE INDEX replay_running ON replay (site, id) WHERE state = 'running';

CREATE TABLE site (
  site text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site)
);

CREATE TABLE custom_type (
  site text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, name)
);

CREATE TABLE webhook (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 255),
  state text COLLATE "C" NOT NULL CHECK (state IN ('enabled', 'paused', 'disabled', 'deleted')),
  waits_from text COLLATE "C" NOT NULL, -- deliveries of lower ids are being cancelled
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);

CREATE TABLE secret (
  site text COLLATE "C" NOT NULL,
  webhook_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, webhook_id, id),
  FOREIGN KEY (site, webhook_id) REFERENCES webhook (site, id)
);

CREATE TABLE chat (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('created', 'handled', 'missed', 'callback', 'completed')),
  created_at bigint NOT NULL,
  creator_id text COLLATE "C" NOT NULL,
  reference_id text COLLATE "C",
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE INDEX chat_created ON chat (site, created_at, id);
CREATE INDEX chat_creator ON chat (site, creator_id);
CREATE INDEX chat_reference ON chat (site, reference_id) WHERE reference_id IS NOT NULL;

CREATE TABLE chat_message (
  site text COLLATE "C" NOT NULL,
  chat_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, chat_id, id),
  FOREIGN KEY (site, chat_id) REFERENCES chat (site, id)
);

CREATE TABLE ticket (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  entity_id bigint NOT NULL,
  external_id text COLLATE "C",
  contact_id text COLLATE "C",
  is_closed boolean NOT NULL,
  is_deleted boolean NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX ticket_entity_id ON ticket (site, entity_id);
CREATE UNIQUE INDEX ticket_external_id ON ticket (site, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX ticket_contact ON ticket (site, contact_id, entity_id) WHERE contact_id IS NOT NULL;

CREATE TABLE ticket_note (
  site text COLLATE "C" NOT NULL,
  ticket_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, ticket_id, id),
  FOREIGN KEY (site, ticket_id) REFERENCES ticket (site, id)
);

CREATE TABLE ticket_list (
  site text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site)
);

CREATE TABLE company (
  site text COLLATE "C" NOT NULL,
  entity_id bigint NOT NULL,
  external_id text COLLATE "C",
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, entity_id)
);
CREATE UNIQUE INDEX company_external_id ON company (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE contact (
  site text COLLATE "C" NOT NULL,
  entity_id bigint NOT NULL,
  external_id text COLLATE "C",
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, entity_id)
);
CREATE UNIQUE INDEX contact_external_id ON contact (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE agent (
  site text COLLATE "C" NOT NULL,
  entity_id bigint NOT NULL,
  external_id text COLLATE "C",
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, entity_id)
);
CREATE UNIQUE INDEX agent_external_id ON agent (site, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE "user" (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  email text COLLATE "C",
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX user_email ON "user" (site, email) WHERE email IS NOT NULL;
CREATE INDEX user_email_everywhere ON "user" (email) WHERE email IS NOT NULL;

CREATE TABLE login (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  token_hash text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX login_token_hash ON login (token_hash);
CREATE INDEX login_user ON login (site, user_id);

CREATE TABLE api_key (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  lookup text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX api_key_lookup ON api_key (lookup);

CREATE TABLE link (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('setup', 'client')),
  token_hash text COLLATE "C" NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX link_token_hash ON link (token_hash);
CREATE INDEX link_kind ON link (site, kind);

CREATE TABLE bin (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
CREATE UNIQUE INDEX bin_address ON bin (address);

CREATE TABLE capture (
  site text COLLATE "C" NOT NULL,
  bin_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (site, bin_id, seq),
  FOREIGN KEY (site, bin_id) REFERENCES bin (site, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX capture_id ON capture (site, id);
CREATE INDEX capture_at ON capture (site, at);
