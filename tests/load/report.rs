//! The published figures: each bench owns one block of docs/performance.md and leaves the rest.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
pub(crate) fn write(root: &Path, name: &str, text: &str) -> Result<()> {
    let file = root.join("docs/performance.md");
    let page = fs::read_to_string(&file).context("docs/performance.md cannot be read")?;
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let missing = || format!("docs/performance.md has no block {name}");
    let (before, rest) = page.split_once(&begin).with_context(missing)?;
    let (_, after) = rest.split_once(&end).with_context(missing)?;
    fs::write(file, format!("{before}{begin}{text}\n{end}{after}"))?;
    Ok(())
}
