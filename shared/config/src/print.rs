//! `--print-config`: the effective configuration, with the place each value comes from.

use toml_edit::{DocumentMut, Item, TableLike, Value, ser};
use url::Url;

use crate::{error::Problem, load::Sections, sources::Sources};

const REDACTED: &str = "[REDACTED]";

/// Words that end a key whose value is not shown, unless it refers to a secret kept elsewhere.
const SECRET: [&str; 7] = [
    "credential",
    "credentials",
    "key",
    "passphrase",
    "password",
    "secret",
    "token",
];

/// The sections as TOML.
pub(crate) fn render(sections: &Sections, sources: &Sources) -> Result<String, Problem> {
    let failed = |error: String| Problem::new("configuration", format!("not printable: {error}"));
    let text = ser::to_string_pretty(sections).map_err(|error| failed(error.to_string()))?;
    let mut document: DocumentMut = text.parse().map_err(|_| failed("not TOML".to_owned()))?;
    annotate(document.as_table_mut(), &mut Vec::new(), sources);
    Ok(document.to_string())
}

fn annotate(table: &mut dyn TableLike, path: &mut Vec<String>, sources: &Sources) {
    for (key, item) in table.iter_mut() {
        path.push(key.get().to_owned());
        match item {
            Item::Table(inner) => annotate(inner, path, sources),
            Item::Value(value) => {
                if is_secret(key.get(), value) {
                    *value = REDACTED.into();
                }
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                let origin = sources
                    .origin(&names)
                    .unwrap_or_else(|| "default".to_owned());
                value
                    .decor_mut()
                    .set_suffix(format!(" # {}", origin.escape_debug()));
            }
            Item::None | Item::ArrayOfTables(_) => {}
        }
        path.pop();
    }
}

/// Configuration refers to secrets, it does not hold them; this is for the one put in by mistake.
fn is_secret(key: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    if text.starts_with("file:") || text.starts_with("env:") {
        return false;
    }
    let named = key
        .rsplit('_')
        .next()
        .is_some_and(|last| SECRET.contains(&last));
    named || Url::parse(text).is_ok_and(|url| url.password().is_some())
}
