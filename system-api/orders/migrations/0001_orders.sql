-- The System API's own file: no other service reads it. Amounts are minor units of the currency.
CREATE TABLE orders (
    order_id         TEXT PRIMARY KEY,
    customer_id      TEXT NOT NULL,
    region           TEXT NOT NULL,
    status           TEXT NOT NULL CHECK (status IN ('placed', 'paid', 'shipped', 'delivered', 'returned', 'cancelled')),
    placed_at        INTEGER NOT NULL,
    currency         TEXT NOT NULL,
    total_minor      INTEGER NOT NULL,
    ship_to_postcode TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A customer's orders, newest first: ids grow with time, so the page is a range of this index.
CREATE INDEX orders_by_customer ON orders (customer_id, order_id DESC);

CREATE TABLE order_lines (
    order_id         TEXT NOT NULL REFERENCES orders (order_id),
    line_number      INTEGER NOT NULL,
    sku              TEXT NOT NULL,
    description      TEXT NOT NULL,
    quantity         INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_minor INTEGER NOT NULL,
    PRIMARY KEY (order_id, line_number)
) STRICT, WITHOUT ROWID;
