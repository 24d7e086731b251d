//! Orders, as the system of record holds them. Amounts are minor units of the currency.

use strata_core::Owned;

/// An order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Order {
    /// `ord_` and eight digits; grows with time.
    pub(crate) id: String,
    /// Whose order it is.
    pub(crate) customer_id: String,
    /// Sales region.
    pub(crate) region: String,
    /// The brand it was placed at: that of its customer.
    pub(crate) brand: String,
    /// How far it is.
    pub(crate) status: Status,
    /// Unix seconds.
    pub(crate) placed_at: i64,
    /// ISO 4217.
    pub(crate) currency: String,
    /// Sum of the lines.
    pub(crate) total_minor: i64,
    /// Where it went.
    pub(crate) ship_to_postcode: String,
    /// What was ordered, in line order.
    pub(crate) lines: Vec<Line>,
}

impl Owned for Order {
    const KIND: &'static str = "Order";

    fn owner(&self) -> &str {
        &self.customer_id
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn tenant(&self) -> &str {
        &self.brand
    }
}

/// One line of an order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: u32,
    /// Stock keeping unit.
    pub(crate) sku: String,
    /// What it is.
    pub(crate) description: String,
    /// How many.
    pub(crate) quantity: u32,
    /// Price of one.
    pub(crate) unit_price_minor: i64,
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Received.
    Placed,
    /// Paid for.
    Paid,
    /// With the carrier.
    Shipped,
    /// With the customer.
    Delivered,
    /// Sent back.
    Returned,
    /// Withdrawn before shipping.
    Cancelled,
}

impl Status {
    /// Every status.
    pub(crate) const ALL: [Self; 6] = [
        Self::Placed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Returned,
        Self::Cancelled,
    ];

    /// The word the store holds.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status for a word of the store.
    #[must_use]
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_round_trip() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
        }
        assert_eq!(Status::from_word("lost"), None);
    }
}
