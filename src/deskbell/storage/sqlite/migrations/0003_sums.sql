-- From here on bodies, snapshots and payloads are written with a checksum in front, which older programs cannot read.
-- What was written before stays as it is and is read as before: no table changes.
SELECT 1;
