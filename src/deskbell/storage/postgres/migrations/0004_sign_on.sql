-- Providers of single sign-on.
CREATE TABLE sign_on (
  site text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  body bytea NOT NULL,
  PRIMARY KEY (site, id)
);
