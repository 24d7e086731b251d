-- The System API's own file: no other service reads it.
CREATE TABLE customers (
    customer_id        TEXT PRIMARY KEY,
    given_name         TEXT NOT NULL,
    family_name        TEXT NOT NULL,
    email              TEXT NOT NULL,
    phone              TEXT NOT NULL,
    street             TEXT NOT NULL,
    city               TEXT NOT NULL,
    postcode           TEXT NOT NULL,
    country            TEXT NOT NULL,
    birth_date         TEXT NOT NULL,
    national_id        TEXT NOT NULL,
    consent_email      INTEGER NOT NULL,
    consent_phone      INTEGER NOT NULL,
    consent_updated_at INTEGER NOT NULL,
    loyalty_tier       TEXT NOT NULL CHECK (loyalty_tier IN ('bronze', 'silver', 'gold', 'platinum')),
    region             TEXT NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Agents search within their region, in id order: the page is a range of this index.
CREATE INDEX customers_by_region ON customers (region, customer_id);
