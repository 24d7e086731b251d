//! What somebody may have meant.

/// From here on two names are so alike that one is likely a slip for the other (Jaro-Winkler).
const ALIKE: f64 = 0.85;

/// As many names are read; the others are less alike.
const SHOWN: usize = 8;

/// What to write instead of `name`: the known name it is likely a slip for, or those there are.
pub(crate) fn instead<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known
        .into_iter()
        .map(|other| (strsim::jaro_winkler(name, other), other))
        .collect();
    known.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    match known.first() {
        None => "take the entry out, there is none to name".to_owned(),
        Some((likeness, nearest)) if *likeness >= ALIKE => format!("write `{nearest}`"),
        Some(_) => {
            let names = known.iter().take(SHOWN).map(|(_, name)| *name);
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            format!("name one of {}", names.join(", "))
        }
    }
}
