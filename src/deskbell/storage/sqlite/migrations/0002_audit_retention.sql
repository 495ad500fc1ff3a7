-- The audit can be searched, and retention may cut the beginning of a chain, whose last row stays as the checkpoint.
ALTER TABLE audit ADD COLUMN at INTEGER AS (json_extract(CAST(entry AS TEXT), '$.at')) VIRTUAL;
ALTER TABLE audit ADD COLUMN actor_id TEXT AS (json_extract(CAST(entry AS TEXT), '$.actor.id')) VIRTUAL;
ALTER TABLE audit ADD COLUMN actor_name TEXT AS (json_extract(CAST(entry AS TEXT), '$.actor.name')) VIRTUAL;
ALTER TABLE audit ADD COLUMN operation TEXT AS (json_extract(CAST(entry AS TEXT), '$.operation')) VIRTUAL;
ALTER TABLE audit ADD COLUMN object_id TEXT AS (json_extract(CAST(entry AS TEXT), '$.object_id')) VIRTUAL;

CREATE TABLE audit_checkpoint (
  site TEXT NOT NULL, -- empty: the installation
  seq INTEGER NOT NULL CHECK (seq >= 1),
  hash TEXT NOT NULL,
  PRIMARY KEY (site)
) STRICT, WITHOUT ROWID;

DROP TRIGGER audit_no_delete;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoint AS c WHERE c.site = OLD.site AND c.seq >= OLD.seq)
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
-- INSERT OR REPLACE deletes without asking the trigger above: a row can only be the next one.
CREATE TRIGGER audit_only_next BEFORE INSERT ON audit
WHEN NEW.seq <> 1 + coalesce((SELECT max(a.seq) FROM audit AS a WHERE a.site = NEW.site), 0)
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_checkpoint_is_true BEFORE INSERT ON audit_checkpoint
WHEN NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.site = NEW.site AND a.seq = NEW.seq AND a.hash = NEW.hash)
OR EXISTS (SELECT 1 FROM audit_checkpoint AS c WHERE c.site = NEW.site AND c.seq >= NEW.seq)
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_checkpoint_goes_on BEFORE UPDATE ON audit_checkpoint
WHEN NEW.site <> OLD.site OR NEW.seq <= OLD.seq
OR NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.site = NEW.site AND a.seq = NEW.seq AND a.hash = NEW.hash)
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_checkpoint_stays BEFORE DELETE ON audit_checkpoint
BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
