//! The security events that services tell, as a paper: made from what the services themselves tell by.

use anyhow::Result;
use minijinja::{
    context,
    value::{Serde, Value},
};
use serde::Serialize;
use strata_audit::ocsf::OCSF;
use strata_estate::{
    Workspace,
    paper::{self, Paper},
};
use strata_telemetry::{Kind, SAYS};

const TEMPLATE: (&str, &str) = ("events.md", include_str!("../../events/events.md.jinja"));

/// Every kind of event.
#[derive(Serialize)]
pub(crate) struct Events {
    /// The version of OCSF.
    ocsf: &'static str,
    kinds: Vec<Row>,
    says: Vec<Says>,
}

/// A kind, and how OCSF has it.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    when: &'static str,
    class: &'static str,
    class_uid: u32,
    activity: &'static str,
    type_uid: u32,
    severity: &'static str,
    outcome: &'static str,
    says: &'static [&'static str],
}

/// What an event may say besides, and where.
#[derive(Serialize)]
struct Says {
    name: &'static str,
    attribute: String,
    about: &'static str,
}

impl Events {
    pub(crate) fn known() -> Self {
        let kinds = Kind::ALL.iter().map(|kind| {
            let mapping = kind.mapping();
            let (activity_id, activity) = mapping.activity;
            let class_uid = mapping.class.uid();
            Row {
                name: kind.as_str(),
                when: mapping.when,
                class: mapping.class.caption(),
                class_uid,
                activity,
                type_uid: class_uid * 100 + activity_id,
                severity: mapping.severity.caption(),
                outcome: mapping.outcome.as_str(),
                says: mapping.says,
            }
        });
        let says = SAYS.map(|(name, pointer, about)| Says {
            name,
            attribute: attribute(pointer),
            about,
        });
        Self {
            ocsf: OCSF,
            kinds: kinds.collect(),
            says: says.into(),
        }
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> Result<String> {
        let engine = paper::engine(&[TEMPLATE])?;
        let (name, _) = TEMPLATE;
        let (kinds, says) = (
            Value::from(Serde(&self.kinds)),
            Value::from(Serde(&self.says)),
        );
        let version = self.ocsf;
        let template = engine.get_template(name)?;
        Ok(template.render(context! { version, kinds, says })?)
    }

    /// Its committed form.
    pub(crate) fn paper(&self, workspace: &Workspace) -> Result<Paper> {
        Ok(Paper {
            file: workspace.root().join("docs/security/events.md"),
            text: self.markdown()?,
        })
    }
}

/// A JSON pointer as people write the place: each entry of a list for the first one.
fn attribute(pointer: &str) -> String {
    pointer
        .trim_start_matches('/')
        .replace("/0/", "[].")
        .replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_people_write_it() {
        assert_eq!(attribute("/resources/0/uid"), "resources[].uid");
        assert_eq!(attribute("/actor/user/uid"), "actor.user.uid");
    }
}
