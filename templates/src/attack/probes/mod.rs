//! All probes, by family, in the order they are run: what slows the target or shuts the attacker out comes
//! last.

mod access;
mod answers;
mod bodies;
mod floods;
mod framing;
mod headers;
mod patience;
mod rates;
mod surface;
mod tokens;
mod transport;

use super::probe::{Family, Probe};

pub(crate) const FAMILIES: &[Family] = &[
    transport::FAMILY,
    tokens::FAMILY,
    access::FAMILY,
    surface::FAMILY,
    headers::FAMILY,
    answers::FAMILY,
    bodies::FAMILY,
    framing::FAMILY,
    patience::FAMILY,
    rates::FAMILY,
    floods::FAMILY,
];

/// Whether a probe is among those asked for: by id, or by family; all when none is.
pub(super) fn is_chosen(probe: &Probe, only: &[String]) -> bool {
    let family = probe.id.split('.').next();
    only.is_empty()
        || only
            .iter()
            .any(|name| name == probe.id || Some(name.as_str()) == family)
}

/// How many probes a choice comes to.
pub(crate) fn count(only: &[String]) -> usize {
    let probes = FAMILIES.iter().flat_map(|family| family.probes);
    probes.filter(|probe| is_chosen(probe, only)).count()
}

/// Whether a name is that of a probe or a family.
pub(crate) fn is_known(name: &str) -> bool {
    count(&[name.to_owned()]) > 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_an_id_of_its_family_and_says_what_to_do() {
        let mut ids = BTreeSet::new();
        for family in FAMILIES {
            for probe in family.probes {
                let id = probe.id;
                assert_eq!(id.split('.').next(), Some(family.name), "{id}");
                assert!(ids.insert(id), "{id} is there twice");
                let owasp = probe.rows.iter().any(|row| row.starts_with("API"));
                assert!(owasp, "{id} names no category of OWASP");
                for text in [probe.name, probe.shows, probe.remedy] {
                    assert!(text.len() >= 8 && !text.ends_with('.'), "{id}: {text}");
                }
            }
        }
        assert!(is_known("tokens") && is_known("tokens.none") && !is_known("token"));
    }
}
