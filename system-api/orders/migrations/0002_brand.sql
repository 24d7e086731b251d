-- The brand it was placed at. What was there before has none, and no agent reaches it until it is written.
ALTER TABLE orders ADD COLUMN brand TEXT NOT NULL DEFAULT '';
