//! What a service can be called.

/// A name no service can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not the syntax every place it stands in can take (DNS label, SPIFFE path, package).
    #[error(
        "must be at most 63 lower-case letters, digits and single dashes, and start with a letter"
    )]
    Syntax,
    /// A word Rust keeps for itself: the name is also a module's.
    #[error("must not be a Rust keyword")]
    Keyword,
}

/// Whether a service can have this name.
///
/// # Errors
/// [`InvalidName`] says why not.
pub fn check_service_name(name: &str) -> Result<(), InvalidName> {
    let parts_fit = name.split('-').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if !parts_fit || name.len() > 63 || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(InvalidName::Syntax);
    }
    if KEYWORDS.contains(&name) {
        Err(InvalidName::Keyword)
    } else {
        Ok(())
    }
}

/// The Rust Reference, "Keywords": strict and reserved ones in lower case, and `union`-like ones
/// that are only weak left out.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels_and_modules() {
        for name in ["a", "customers", "customer-overview", "v2"] {
            assert_eq!(check_service_name(name), Ok(()), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "-a",
            "a-",
            "a--b",
            "A",
            "a_b",
            "2a",
            "a.b",
            "ä",
            long.as_str(),
        ] {
            assert_eq!(check_service_name(name), Err(InvalidName::Syntax), "{name}");
        }
        assert_eq!(check_service_name("yield"), Err(InvalidName::Keyword));
    }
}
