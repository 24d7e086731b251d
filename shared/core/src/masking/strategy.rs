//! What is shown instead of a value, by strategy. Each applied twice is applied once.

use super::Tokens;

/// What is left of a masked text.
const HIDDEN: &str = "***";

/// A text as short as this would be shown almost whole by its last four characters.
const SHORT: usize = 8;

/// What is shown instead of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mask {
    /// Nothing.
    #[default]
    Redact,
    /// The last four characters, of a text that has at least twice as many.
    LastFour,
    /// The first character.
    Initial,
    /// The domain of an e-mail address.
    Domain,
    /// The year of a date (ISO 8601).
    Year,
    /// The area of a postal code: up to four characters before its space, or the first two of five.
    Area,
    /// A token: the same for the same value within an environment, and no way back.
    Token,
}

impl Mask {
    /// Masks a text in its place. `kind` is what it is, for its token.
    pub(super) fn apply(self, kind: &str, text: &mut String, tokens: &dyn Tokens) {
        match self {
            Self::Redact => text.clear(),
            Self::Token => *text = tokens.token(kind, text),
            Self::Initial => match text.chars().next() {
                Some(first) if text != HIDDEN => {
                    text.truncate(first.len_utf8());
                    text.push_str(HIDDEN);
                }
                _ => hide(text),
            },
            Self::LastFour => match text.char_indices().nth_back(3) {
                Some((at, _)) if text.chars().count() >= SHORT => text.replace_range(..at, "****"),
                _ => hide(text),
            },
            Self::Domain => match text.rfind('@') {
                Some(at) => text.replace_range(..at, HIDDEN),
                None => hide(text),
            },
            Self::Year => {
                if has_year(text.as_bytes()) {
                    text.truncate(4);
                } else {
                    text.clear();
                }
            }
            Self::Area => match area(text) {
                Some(area) => *text = format!("{area} {HIDDEN}"),
                None => hide(text),
            },
        }
    }
}

fn hide(text: &mut String) {
    text.clear();
    text.push_str(HIDDEN);
}

/// The part of a postal code that many share; none when that would be nearly all of it.
fn area(code: &str) -> Option<&str> {
    let code = code.trim();
    match code.split_once(' ') {
        Some((area, _)) if area.chars().count() <= 4 => Some(area),
        _ => {
            let (after, _) = code.char_indices().nth(2)?;
            let is_long = code.chars().count() > 4;
            code.get(..after).filter(|_| is_long)
        }
    }
}

/// Whether it begins with the year of an ISO 8601 date, or is one.
fn has_year(text: &[u8]) -> bool {
    let year = text.first_chunk::<4>();
    year.is_some_and(|year| year.iter().all(u8::is_ascii_digit))
        && matches!(text.get(4), None | Some(b'-'))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::Plain, *};

    const STRATEGIES: [Mask; 7] = [
        Mask::Redact,
        Mask::LastFour,
        Mask::Initial,
        Mask::Domain,
        Mask::Year,
        Mask::Area,
        Mask::Token,
    ];

    fn masked(mask: Mask, text: &str) -> String {
        let mut masked = text.to_owned();
        mask.apply("kind", &mut masked, &Plain);
        masked
    }

    #[test]
    fn each_shows_what_it_says() {
        for (mask, text, shown) in [
            (Mask::Redact, "anything", ""),
            (Mask::LastFour, "+447700900123", "****0123"),
            (Mask::LastFour, "1234567", "***"),
            (Mask::Initial, "\u{c9}milie", "\u{c9}***"),
            (Mask::Domain, "ann@example.com", "***@example.com"),
            (Mask::Domain, "no address", "***"),
            (Mask::Year, "1984-02-29", "1984"),
            (Mask::Year, "29.02.1984", ""),
            (Mask::Area, "SW1A 1AA", "SW1A ***"),
            (Mask::Area, "10115", "10 ***"),
            (Mask::Area, "10115 Berlin", "10 ***"),
            (Mask::Area, "SW1A1AA ", "SW ***"),
            (Mask::Area, "AB1", "***"),
        ] {
            assert_eq!(masked(mask, text), shown, "{mask:?} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn masked_twice_is_masked_once(text in ".*|[ -~]{0,12}|[0-9]{4}-[0-9]{2}-[0-9]{2}|tok_.*") {
            for mask in STRATEGIES {
                let once = masked(mask, &text);
                proptest::prop_assert_eq!(masked(mask, &once), once, "{:?}", mask);
            }
        }
    }
}
