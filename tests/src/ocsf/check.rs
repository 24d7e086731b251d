//! What OCSF requires of an event, and which numbers go with which captions.

use anyhow::{Context as _, Result, bail, ensure};

use super::{Actor, Event, LOG, Metadata};

/// Class, its caption, its category's caption, and the activities it has but for Unknown (0) and Other (99).
const CLASSES: [(u64, &str, &str, &[&str]); 6] = [
    (
        1008,
        "Event Log Activity",
        "System Activity",
        &[
            "Clear", "Delete", "Export", "Archive", "Rotate", "Start", "Stop", "Restart", "Enable",
            "Disable",
        ],
    ),
    (
        3002,
        "Authentication",
        "Identity & Access Management",
        &[
            "Logon",
            "Logoff",
            "Authentication Ticket",
            "Service Ticket Request",
            "Service Ticket Renew",
            "Preauth",
        ],
    ),
    (
        3004,
        "Entity Management",
        "Identity & Access Management",
        &[
            "Create",
            "Read",
            "Update",
            "Delete",
            "Move",
            "Enroll",
            "Unenroll",
            "Enable",
            "Disable",
            "Activate",
            "Deactivate",
            "Suspend",
            "Resume",
        ],
    ),
    (
        4001,
        "Network Activity",
        "Network Activity",
        &[
            "Open", "Close", "Reset", "Fail", "Refuse", "Traffic", "Listen",
        ],
    ),
    (
        6002,
        "Application Lifecycle",
        "Application Activity",
        &[
            "Install", "Remove", "Start", "Stop", "Restart", "Enable", "Disable", "Update",
        ],
    ),
    (
        6003,
        "API Activity",
        "Application Activity",
        &["Create", "Read", "Update", "Delete"],
    ),
];
const SEVERITIES: [&str; 6] = [
    "Informational",
    "Low",
    "Medium",
    "High",
    "Critical",
    "Fatal",
];
const STATUSES: [&str; 2] = ["Success", "Failure"];
const ACTIONS: [&str; 4] = ["Allowed", "Denied", "Observed", "Modified"];
const DISPOSITIONS: [(u64, &str); 4] = [
    (1, "Allowed"),
    (2, "Blocked"),
    (17, "Logged"),
    (27, "Error"),
];

fn caption<'a>(captions: &[&'a str], id: u64) -> Option<&'a str> {
    let at = usize::try_from(id).ok()?.checked_sub(1)?;
    captions.get(at).copied()
}

impl Event {
    pub(super) fn check(&self) -> Result<()> {
        self.numbers()?;
        self.attributes()?;
        let Metadata {
            event_code,
            log_name,
            log_provider,
            product,
            profiles,
            version,
            ..
        } = &self.metadata;
        ensure!(version == "1.4.0" && log_name == LOG, "whose it is");
        ensure!(*event_code == self.status_code, "its kind");
        ensure!(log_provider.starts_with("spiffe://"), "its service");
        ensure!(
            !product.name.is_empty() && !product.vendor_name.is_empty(),
            "the product"
        );
        ensure!(profiles.len() == 2, "the profiles");
        let trace = self.metadata.correlation_uid.as_deref();
        ensure!(trace.is_none_or(|trace| trace.len() == 32), "the trace");
        // After the year 2020, so that it is milliseconds.
        ensure!(self.time > 1_577_836_800_000, "the time");
        for known in &self.metadata.data_classifications {
            ensure!(known.confidentiality_id > 0, "the confidentiality");
            ensure!(
                known.category.is_some() == known.category_id.is_some(),
                "the category"
            );
        }
        Ok(())
    }

    fn numbers(&self) -> Result<()> {
        let class = CLASSES.iter().find(|(uid, ..)| *uid == self.class_uid);
        let (uid, name, category, activities) = class.context("no class that is used")?;
        ensure!(
            *name == self.class_name && *category == self.category_name,
            "the captions"
        );
        ensure!(self.category_uid == uid / 1000, "the category");
        ensure!(self.type_uid == uid * 100 + self.activity_id, "the type");
        ensure!(!self.activity_name.is_empty(), "the activity");
        let activity = caption(activities, self.activity_id);
        let is_other = self.activity_id == 99;
        ensure!(
            is_other || activity == Some(&*self.activity_name),
            "the activity"
        );
        ensure!(
            caption(&SEVERITIES, self.severity_id) == Some(&*self.severity),
            "the severity"
        );
        ensure!(
            caption(&STATUSES, self.status_id) == Some(&*self.status),
            "the status"
        );
        ensure!(
            caption(&ACTIONS, self.action_id) == Some(&*self.action),
            "the action"
        );
        let disposition = (self.disposition_id, &*self.disposition);
        ensure!(DISPOSITIONS.contains(&disposition), "the disposition");
        Ok(())
    }

    /// What the class requires is there, and of what else there is nothing is empty.
    fn attributes(&self) -> Result<()> {
        let has_both_ends = self.src_endpoint.is_some() && self.dst_endpoint.is_some();
        let complete = match self.class_uid {
            1008 => self.log_name.is_some() && self.actor.is_some(),
            3002 => self.user.is_some() && self.service.is_some() && self.src_endpoint.is_some(),
            3004 => self.entity.is_some() && self.actor.is_some(),
            4001 => has_both_ends,
            6002 => self.app.is_some(),
            6003 => self.actor.is_some() && self.api.is_some() && has_both_ends,
            _ => bail!("no class that is used"),
        };
        ensure!(complete, "what the class requires");
        if let Some(Actor {
            app_name,
            app_uid,
            user,
        }) = &self.actor
        {
            let known = app_name.is_some() || app_uid.is_some() || user.is_some();
            ensure!(known, "the actor");
        }
        let of_actor = self.actor.as_ref().and_then(|actor| actor.user.as_ref());
        for user in self.user.iter().chain(of_actor) {
            ensure!(user.name.is_some() || user.uid.is_some(), "the user");
            ensure!(user.uid.as_deref().is_none_or(is_hash), "the user's hash");
        }
        for end in self.src_endpoint.iter().chain(&self.dst_endpoint) {
            ensure!(end.ip.is_some() || end.svc_name.is_some(), "an end");
            ensure!(end.port != Some(0), "a port");
        }
        for resource in &self.resources {
            ensure!(
                !resource.kind.is_empty() && is_hash(&resource.uid),
                "a resource"
            );
        }
        if let Some(entity) = &self.entity {
            ensure!(
                !entity.name.is_empty() && !entity.kind.is_empty(),
                "the entity"
            );
            ensure!([5, 99].contains(&entity.type_id), "the entity's type");
            ensure!(entity.version.as_deref().is_none_or(is_hash), "the digest");
        }
        if let Some(api) = &self.api {
            let said = [&api.operation, &api.service.name, &api.response.error];
            ensure!(said.iter().all(|said| !said.is_empty()), "the call");
        }
        let named = [
            self.policy.as_ref().map(|policy| &policy.uid),
            self.log_name.as_ref(),
            self.app.as_ref().map(|app| &app.name),
            self.service.as_ref().map(|service| &service.name),
        ];
        ensure!(
            named.iter().flatten().all(|name| !name.is_empty()),
            "a name"
        );
        ensure!(
            self.unmapped.as_ref().is_none_or(|it| it.expires > 0),
            "the end"
        );
        Ok(())
    }
}

/// SHA-256, or HMAC with it, in hex digits.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
