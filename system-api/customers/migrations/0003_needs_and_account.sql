-- What a customer needs to get in and about, and the account that is charged.
ALTER TABLE customers ADD COLUMN access_needs TEXT NOT NULL DEFAULT '';
ALTER TABLE customers ADD COLUMN payment_account TEXT NOT NULL DEFAULT '';
