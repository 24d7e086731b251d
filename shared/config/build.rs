//! Compiles estate.toml in, so that no service can be pointed at another organisation's trust
//! domains by configuration.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Estate {
    organisation: String,
    name: String,
}

fn main() -> io::Result<()> {
    let file = Path::new("estate.toml");
    let mut cargo = io::stdout();
    writeln!(cargo, "cargo::rerun-if-changed={}", file.display())?;
    match read(file) {
        Ok(estate) => {
            writeln!(
                cargo,
                "cargo::rustc-env=STRATA_ESTATE_ORGANISATION={}",
                estate.organisation
            )?;
            writeln!(cargo, "cargo::rustc-env=STRATA_ESTATE_NAME={}", estate.name)
        }
        Err(problem) => writeln!(cargo, "cargo::error=shared/config/estate.toml: {problem}"),
    }
}

fn read(file: &Path) -> Result<Estate, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let estate: Estate = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    if estate.organisation.len() > 200
        || !estate.organisation.contains('.')
        || !estate.organisation.split('.').all(is_label)
    {
        return Err("'organisation' must be a lower-case domain name such as org.example".into());
    }
    if !is_label(&estate.name) {
        return Err("'name' must be lower-case letters, digits and dashes".into());
    }
    Ok(estate)
}

/// A label of a host name (RFC 1123, section 2.1), in lower case.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
