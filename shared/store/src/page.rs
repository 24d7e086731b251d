//! Keyset pages: a token holds the last key of the page before, so a page costs the same however
//! deep it is and rows that come or go between pages are neither repeated nor skipped.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use strata_core::{Error, ErrorCode};

const DEFAULT_SIZE: u32 = 20;
const LARGEST_SIZE: u32 = 100;
/// Longer than any key; a token beyond it is refused before it is decoded.
const LONGEST_TOKEN: usize = 256;

/// A checked request for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    size: u32,
    after: Option<String>,
}

impl PageRequest {
    /// Checks `page_size` (0 means the default of 20, at most 100) and `page_token` (empty means
    /// the first page).
    ///
    /// # Errors
    /// `InvalidArgument` naming the field.
    pub fn new(page_size: u32, page_token: &str) -> Result<Self, Error> {
        let size = match page_size {
            0 => DEFAULT_SIZE,
            1..=LARGEST_SIZE => page_size,
            _ => {
                return Err(Error::new(
                    ErrorCode::InvalidArgument,
                    "page_size is too large: ask for at most 100",
                ));
            }
        };
        let after = if page_token.is_empty() {
            None
        } else {
            Some(decode(page_token)?)
        };
        Ok(Self { size, after })
    }

    /// Rows to fetch: one more than the page, which tells whether another follows.
    #[must_use]
    pub fn fetch_limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    /// The last key of the page before; rows must come strictly after it.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Cuts the fetched rows to the page and makes the token of the next.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> &str) -> Page<T> {
        let size = self.size as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page_token = match rows.last() {
            Some(last) if more => URL_SAFE_NO_PAD.encode(key(last)),
            _ => String::new(),
        };
        Page {
            items: rows,
            next_page_token,
        }
    }
}

fn decode(token: &str) -> Result<String, Error> {
    let bad = || {
        Error::new(
            ErrorCode::InvalidArgument,
            "page_token is not one this service gave: start again without it",
        )
    };
    if token.len() > LONGEST_TOKEN {
        return Err(bad());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad())?;
    String::from_utf8(bytes).map_err(|_| bad())
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, in key order.
    pub items: Vec<T>,
    /// Ask for the next page with it; empty on the last page.
    pub next_page_token: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_every_row_once() {
        let all: Vec<String> = (0..45).map(|n| format!("k{n:03}")).collect();
        let (mut token, mut seen) = (String::new(), Vec::new());
        loop {
            let request = PageRequest::new(20, &token).unwrap();
            let limit = usize::try_from(request.fetch_limit()).unwrap();
            let rows: Vec<String> = all
                .iter()
                .filter(|key| request.after().is_none_or(|after| key.as_str() > after))
                .take(limit)
                .cloned()
                .collect();
            let page = request.page(rows, String::as_str);
            seen.extend(page.items);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn refuses_what_it_did_not_give() {
        assert!(PageRequest::new(101, "").is_err());
        assert!(PageRequest::new(10, "not base64!").is_err());
        assert!(PageRequest::new(10, &"a".repeat(257)).is_err());
    }
}
