-- The audit can be searched, and retention may cut the beginning of a chain, whose last row stays as the checkpoint.
CREATE FUNCTION audit_member(entry bytea, VARIADIC path text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$BEGIN RETURN convert_from(entry, 'UTF8')::json #>> path; END$$;
ALTER TABLE audit
  ADD COLUMN at bigint GENERATED ALWAYS AS (audit_member(entry, 'at')::bigint) STORED,
  ADD COLUMN actor_id text COLLATE "C" GENERATED ALWAYS AS (audit_member(entry, 'actor', 'id')) STORED,
  ADD COLUMN actor_name text COLLATE "C" GENERATED ALWAYS AS (audit_member(entry, 'actor', 'name')) STORED,
  ADD COLUMN operation text COLLATE "C" GENERATED ALWAYS AS (audit_member(entry, 'operation')) STORED,
  ADD COLUMN object_id text COLLATE "C" GENERATED ALWAYS AS (audit_member(entry, 'object_id')) STORED;

CREATE TABLE audit_checkpoint (
  site text COLLATE "C" NOT NULL PRIMARY KEY, -- empty: the installation
  seq bigint NOT NULL CHECK (seq >= 1),
  hash text NOT NULL
);

CREATE FUNCTION audit_stays_until_its_checkpoint() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN
  IF EXISTS (SELECT 1 FROM audit_checkpoint AS c WHERE c.site = OLD.site AND c.seq >= OLD.seq) THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation';
END$$;
CREATE FUNCTION audit_checkpoint_is_true() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN
  IF EXISTS (SELECT 1 FROM audit AS a WHERE a.site = NEW.site AND a.seq = NEW.seq AND a.hash = NEW.hash)
    AND NOT EXISTS (SELECT 1 FROM audit_checkpoint AS c WHERE c.site = NEW.site AND c.seq >= NEW.seq)
    AND (TG_OP = 'INSERT' OR OLD.site = NEW.site) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'integrity_constraint_violation';
END$$;

DROP TRIGGER audit_no_change ON audit;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_stays_until_its_checkpoint();
CREATE TRIGGER audit_checkpoint_is_true BEFORE INSERT OR UPDATE ON audit_checkpoint
FOR EACH ROW EXECUTE FUNCTION audit_checkpoint_is_true();
CREATE TRIGGER audit_checkpoint_stays BEFORE DELETE OR TRUNCATE ON audit_checkpoint
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
