//! Since when a method is deprecated and from when on it is gone.

use time::{Date, UtcDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::options::{Change, MethodAnnotations};

/// An RFC 3339 full-date (section 5.6).
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// An IMF-fixdate (RFC 9110, section 5.6.7).
const HTTP_DATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The end of a method, as its contract states it. A date is its first moment, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deprecation {
    /// Since when.
    pub(crate) since: Date,
    /// From when on it is not served.
    pub(crate) sunset: Option<Date>,
}

impl Deprecation {
    /// What the method states; none when it is not deprecated.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence that starts with the method.
    pub(crate) fn read(annotations: &MethodAnnotations) -> Result<Option<Self>, String> {
        let MethodAnnotations {
            deprecated_after,
            sunset,
            ..
        } = annotations;
        let since = stated("deprecated_after", deprecated_after)?;
        let sunset = stated("sunset", sunset)?;
        match (since, sunset) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(
                "has a sunset and is not deprecated: say since when, with deprecated_after".into(),
            ),
            (Some(since), Some(sunset)) if sunset < since => Err(format!(
                "has sunset {sunset}, before it is deprecated on {since}: give clients time between \
                 the two"
            )),
            (Some(since), sunset) => Ok(Some(Self { since, sunset })),
        }
    }
}

fn stated(name: &str, text: &str) -> Result<Option<Date>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    date(text).map(Some).ok_or_else(|| {
        format!("has {name} `{text}`, which is no date: write one such as 2027-06-30")
    })
}

fn date(text: &str) -> Option<Date> {
    Date::parse(text, DATE).ok()
}

/// What is wrong with an entry of a changelog, as the rest of a sentence that starts with it.
pub(crate) fn problem(change: &Change) -> Option<&'static str> {
    if date(&change.date).is_none() {
        return Some("has no date: write one such as 2027-06-30");
    }
    let blank = change.text.trim().is_empty();
    blank.then_some("says nothing: tell clients what has changed")
}

/// The first moment of a date, in seconds since the Unix epoch.
pub(crate) fn timestamp(date: Date) -> i64 {
    midnight(date).unix_timestamp()
}

/// The value of `Deprecation` (RFC 9745, section 2.1): a date of structured fields (RFC 9651).
pub(crate) fn header(since: Date) -> String {
    format!("@{}", timestamp(since))
}

/// The first moment of a date, as HTTP writes it: the value of `Sunset` (RFC 8594, section 3).
pub(crate) fn http_date(date: Date) -> String {
    // Every part of it is there: nothing is left that could fail.
    midnight(date).format(HTTP_DATE).unwrap_or_default()
}

const fn midnight(date: Date) -> UtcDateTime {
    UtcDateTime::new(date, time::Time::MIDNIGHT)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_date_is_its_first_moment_in_utc() {
        assert_eq!(header(date!(2026 - 10 - 01)), "@1790812800");
        assert_eq!(
            http_date(date!(2031 - 10 - 01)),
            "Wed, 01 Oct 2031 00:00:00 GMT"
        );
    }
}
