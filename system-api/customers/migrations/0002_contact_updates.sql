-- What a change of contact did, by the idempotency key of the user who sent it: written with the
-- change itself, in one transaction. A repetition answers from here.
CREATE TABLE contact_updates (
    subject         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    customer_id     TEXT NOT NULL,
    asked_email     TEXT,
    asked_phone     TEXT,
    email           TEXT NOT NULL,
    phone           TEXT NOT NULL,
    made_at         INTEGER NOT NULL,
    PRIMARY KEY (subject, idempotency_key)
) STRICT, WITHOUT ROWID;

-- Keys are forgotten by age.
CREATE INDEX contact_updates_by_age ON contact_updates (made_at);
