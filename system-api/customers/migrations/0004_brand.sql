-- The brand whose customer it is. Who was there before has none, and no agent reaches them until it is
-- written.
ALTER TABLE customers ADD COLUMN brand TEXT NOT NULL DEFAULT '';

-- Agents search within their brand and region, in id order: the page is a range of this index.
DROP INDEX customers_by_region;
CREATE INDEX customers_by_brand ON customers (brand, region, customer_id);
