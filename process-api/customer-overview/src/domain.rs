//! What a customer's orders add up to.

/// How many orders the totals look at.
pub(crate) const COUNTED_ORDERS: u32 = 100;
/// How many of them the overview shows.
pub(crate) const RECENT_ORDERS: usize = 10;

/// What the totals need to know of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sale {
    /// Minor units.
    pub total_minor: i64,
    /// Neither cancelled nor returned.
    pub kept: bool,
}

/// The worth of the orders that were kept, in minor units. Saturates rather than wraps.
pub(crate) fn lifetime_value(sales: impl Iterator<Item = Sale>) -> i64 {
    sales
        .filter(|sale| sale.kept)
        .fold(0, |sum, sale| sum.saturating_add(sale.total_minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_kept_counts() {
        let sale = |total_minor, kept| Sale { total_minor, kept };
        let sales = [sale(100, true), sale(50, false), sale(7, true)];
        assert_eq!(lifetime_value(sales.into_iter()), 107);
        let huge = [sale(i64::MAX, true), sale(1, true)];
        assert_eq!(lifetime_value(huge.into_iter()), i64::MAX);
    }
}
