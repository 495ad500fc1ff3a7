-- Providers of single sign-on.
CREATE TABLE sign_on (
  site TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  body BLOB NOT NULL,
  PRIMARY KEY (site, id)
) STRICT, WITHOUT ROWID;
