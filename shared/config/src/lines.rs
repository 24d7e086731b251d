//! Where something stands in a TOML text.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// `file:line`, or only the file.
pub(crate) fn place(file: &str, line: Option<usize>) -> String {
    line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
}

/// The line of a byte offset, counted from one.
pub(crate) fn of_offset(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// The line of the key `path` names, or of the innermost table around it.
pub(crate) fn of_key(text: &str, path: &[&str]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?.into_inner();
    span(&DeValue::Table(table), path).map(|span| of_offset(text, span.start))
}

fn span(value: &DeValue<'_>, path: &[&str]) -> Option<Range<usize>> {
    let (head, rest) = path.split_first()?;
    let (here, next) = match value {
        DeValue::Table(table) => {
            let (key, next) = table.iter().find(|(key, _)| key.get_ref() == head)?;
            (key.span(), next)
        }
        DeValue::Array(array) => {
            let item = array.get(head.parse::<usize>().ok()?)?;
            (item.span(), item)
        }
        _ => return None,
    };
    span(next.get_ref(), rest).or(Some(here))
}
