//! A call that the rule of the layers forbids, let through for a while: by whom, why, until when. The
//! caller says so in service.toml, the callee in policy/callers.toml, and one side alone is not enough.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use time::{
    Date, Duration, OffsetDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

/// RFC 3339, full-date.
const DATE: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]");

/// The last day of an exemption, by UTC: `"2027-03-31"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expires(Date);

impl Expires {
    /// The longest an exemption may last. What is needed for longer is a method to be added to the layer
    /// between.
    pub const LONGEST: Duration = Duration::days(180);

    /// The day that many days from now.
    #[must_use]
    pub fn in_days(days: i64) -> Self {
        let today = today();
        Self(today.checked_add(Duration::days(days)).unwrap_or(today))
    }

    /// Whether the day is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.is_over_on(today())
    }

    fn is_over_on(self, today: Date) -> bool {
        self.0 < today
    }
}

fn today() -> Date {
    OffsetDateTime::now_utc().date()
}

impl fmt::Display for Expires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Expires {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Expires {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "the text of a date, such as \"2027-03-31\"";
        Date::parse(&text, DATE)
            .map(Self)
            .map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &expected))
    }
}

/// Why a caller is exempted from the rule, who answers for it, and its last day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// Why the layer between cannot be asked.
    pub reason: String,
    /// The team that answers for it.
    pub owner: String,
    /// Its last day.
    pub expires: Expires,
}

impl Exemption {
    /// What is wrong with it, whatever the day: the key, and what to do.
    pub fn problems(&self) -> impl Iterator<Item = (&'static str, String)> {
        let texts = [("reason", &self.reason), ("owner", &self.owner)];
        let empty = texts.into_iter().filter(|(_, text)| text.trim().is_empty());
        let empty = empty.map(|(key, _)| {
            (
                key,
                format!("'{key}' is empty: say it, or remove the exemption"),
            )
        });
        let latest = Expires::in_days(Expires::LONGEST.whole_days());
        let late = (self.expires > latest).then(|| {
            let days = Expires::LONGEST.whole_days();
            let what = format!("'expires' is more than {days} days ahead: {latest} at the latest");
            ("expires", what)
        });
        empty.chain(late)
    }

    /// What is wrong with it once it is over, in the same way.
    #[must_use]
    pub fn over(&self) -> Option<(&'static str, String)> {
        self.expires.is_over().then(|| {
            let what = format!(
                "the exemption ended on {}: call the layer below, or have its owner prolong it",
                self.expires
            );
            ("expires", what)
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn the_last_day_counts_whole() {
        let last = Expires(date!(2027 - 03 - 31));
        for today in [date!(2026 - 11 - 21), date!(2027 - 03 - 31)] {
            assert!(!last.is_over_on(today), "{today}");
        }
        for today in [date!(2027 - 04 - 01), date!(2028 - 01 - 01)] {
            assert!(last.is_over_on(today), "{today}");
        }
        assert!(!Expires::in_days(0).is_over());
        assert!(Expires::in_days(-1).is_over());
    }

    #[test]
    fn a_date_is_written_in_one_way() {
        #[derive(Deserialize)]
        struct Paper {
            expires: Expires,
        }
        let read = |text: &str| toml::from_str::<Paper>(&format!("expires = {text}"));
        let paper = read("'2027-03-31'").unwrap();
        assert_eq!(paper.expires.to_string(), "2027-03-31");
        for bad in [
            "'31.03.2027'",
            "'2027-02-29'",
            "'2027-3-1'",
            "''",
            "'never'",
            "2027-03-31",
            "180",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let keys = |reason: &str, owner: &str, days| {
            let exemption = Exemption {
                reason: reason.to_owned(),
                owner: owner.to_owned(),
                expires: Expires::in_days(days),
            };
            let all = exemption.problems().chain(exemption.over());
            all.map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(keys("why", "team", 0), [""; 0]);
        assert_eq!(keys("why", "team", 180), [""; 0]);
        assert_eq!(keys("why", "team", 181), ["expires"]);
        assert_eq!(keys("why", "team", -1), ["expires"]);
        assert_eq!(keys(" ", "", 10), ["reason", "owner"]);
    }
}
