//! Policies in a folder, as a service meets them.

use std::{fs, net::IpAddr, path::Path};

use strata_core::{Authentication, Clearance, Layer, Object, Principal, SpiffeId, TrustDomain};
use tempfile::TempDir;

use super::*;
use crate::check;

mod reached;
mod sign_in;
mod tenant;

const SCHEMA: &str = "entity Role;\n\
    entity User in [Role] = { scopes: Set<String>, region?: String, tenant?: String };\n\
    entity Workload;\nentity Api;\n\
    type Context = { environment: String, time: datetime, network: ipaddr, authentication: \
    { level: String, methods: Set<String>, age: Long }, risk: Long, caller: Workload };\n\
    entity Book = { owner: User, region: String, tenant: String };\n\
    action \"Get\" appliesTo { principal: [User], resource: [Api], context: Context };\n\
    action \"Read\" appliesTo { principal: [User], resource: [Api, Book], context: Context };\n\
    action \"Sweep\" appliesTo { principal: [Workload], resource: [Api], context: Context };\n";

const GET: &str = "@id(\"readers\")\n@review(\"9999-12-31\")\npermit (\n  principal in \
    Role::\"reader\",\n  action == Action::\"Get\",\n  resource == Api::\"shelf\"\n);\n";
const SWEEP: &str = "@id(\"sweeper\")\n@review(\"9999-12-31\")\npermit (\n  principal == \
    Workload::\"process/broom\",\n  action == Action::\"Sweep\",\n  resource == Api::\"shelf\"\n);\n";

const READ: &str = "@id(\"readers-read\")\n@review(\"9999-12-31\")\npermit (principal is User, \
    action == Action::\"Read\", resource == Api::\"shelf\");\n@id(\"own\")\n\
    @review(\"9999-12-31\")\npermit (principal is User, action == Action::\"Read\", resource is \
    Book)\nwhen { resource.owner == principal };\n";

struct World(TempDir);

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        for (file, text) in files {
            world.write(file, text);
        }
        world
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.path().join(file), text).unwrap();
    }

    fn load(&self) -> Result<Guard, String> {
        let folder = self.0.path().to_owned();
        Guard::load(folder, SCHEMA, "shelf", "dev").map_err(|error| self.told(&error))
    }

    fn told(&self, error: &GuardError) -> String {
        let folder = format!("{}/", self.0.path().display());
        error.to_string().replace(&folder, "")
    }
}

fn honest() -> World {
    World::new(&[
        ("a.cedar", GET),
        ("b.cedar", SWEEP),
        ("d.cedar", READ),
        ("notes.txt", "permit?"),
    ])
}

fn with(more: &str) -> Guard {
    let world = honest();
    world.write("c.cedar", more);
    world.load().unwrap()
}

fn user(subject: &str, roles: &[&str]) -> Arc<Principal> {
    Arc::new(Principal {
        subject: subject.to_owned(),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        scopes: vec!["shelf:read".to_owned()],
        region: Some("uk".to_owned()),
        tenant: Some("teahouse".to_owned()),
        clearance: Clearance::default(),
        authentication: Authentication::default(),
    })
}

fn workload(service: &str) -> SpiffeId {
    let domain = TrustDomain::new(Layer::Process, "dev", "example.org").unwrap();
    domain.workload(service).unwrap()
}

fn from(guard: &Guard, user: &Arc<Principal>, network: &str) -> Result<(), Denied> {
    let facts = Facts {
        caller: Some(&workload("broom")),
        user: Some(user),
        network: Some(network.parse::<IpAddr>().unwrap()),
    };
    guard.decide("Get", &facts)
}

fn get(guard: &Guard, user: &Arc<Principal>) -> Result<(), Denied> {
    from(guard, user, "192.0.2.1")
}

fn refused(reason: &'static str, policy: Option<&str>) -> Result<(), Denied> {
    let policy = policy.map(Into::into);
    Err(Denied { reason, policy })
}

#[test]
fn what_no_policy_permits_is_refused() {
    let guard = honest().load().unwrap();
    assert_eq!(get(&guard, &user("ann", &["writer", "reader"])), Ok(()));
    let nobody = refused("not_permitted", None);
    assert_eq!(get(&guard, &user("ann", &["writer"])), nobody);
    assert_eq!(get(&guard, &user("reader", &[])), nobody);
    let facts = |caller| Facts {
        caller,
        user: None,
        network: None,
    };
    let (broom, mop) = (workload("broom"), workload("mop"));
    assert_eq!(guard.decide("Sweep", &facts(Some(&broom))), Ok(()));
    assert_eq!(guard.decide("Sweep", &facts(Some(&mop))), nobody);
    assert_eq!(guard.decide("Drop", &facts(Some(&broom))), nobody);
    // A method for users, without one; a workload's, without a workload.
    let error = refused("policy_error", None);
    assert_eq!(guard.decide("Get", &facts(Some(&broom))), error);
    assert_eq!(guard.decide("Sweep", &facts(None)), error);
}

#[test]
fn a_forbid_wins_wherever_it_stands_and_is_named() {
    let reader = user("ann", &["reader"]);
    for head in [
        "principal",
        "principal is User",
        "principal == User::\"ann\"",
        "principal in Role::\"reader\"",
        "principal is User in Role::\"reader\"",
    ] {
        let text = format!("@id(\"not-here\")\nforbid ({head}, action, resource);");
        let guard = with(&text.replace(';', " when { context.environment == \"dev\" };"));
        assert_eq!(get(&guard, &reader), refused("forbidden", Some("not-here")));
        let other = "principal == User::\"bob\"";
        let guard = with(&text.replace(head, other));
        assert_eq!(get(&guard, &reader), Ok(()), "{head}");
    }
}

#[test]
fn a_policy_that_cannot_be_decided_refuses() {
    let overflow = "context.time.durationSince(datetime(\"1970-01-02\")).toMilliseconds() * \
        9223372036854775807 == 0";
    let guard = with(&format!(
        "@id(\"sum\") forbid (principal, action, resource) when {{ {overflow} }};"
    ));
    let got = get(&guard, &user("ann", &["reader"]));
    assert_eq!(got, refused("policy_error", Some("sum")));
}

#[test]
fn circumstances_decide_each_time() {
    let guard = with(
        "@id(\"outside\") forbid (principal is User, action == Action::\"Get\", resource)\n\
         unless { context.network.isInRange(ip(\"192.0.2.0/24\")) };\n\
         @id(\"past\") forbid (principal is User, action == Action::\"Get\", resource)\n\
         when { context.time < datetime(\"2024-01-01\") };\n\
         @id(\"mop\") forbid (principal is User, action == Action::\"Get\", resource)\n\
         when { context.caller == Workload::\"process/mop\" };",
    );
    let ann = user("ann", &["reader"]);
    assert_eq!(from(&guard, &ann, "192.0.2.7"), Ok(()));
    let outside = refused("forbidden", Some("outside"));
    assert_eq!(from(&guard, &ann, "198.51.100.7"), outside);
    assert_eq!(from(&guard, &ann, "::ffff:192.0.2.7"), Ok(()));
    let mop = workload("mop");
    let facts = Facts {
        caller: Some(&mop),
        user: Some(&ann),
        network: "192.0.2.7".parse().ok(),
    };
    assert_eq!(
        guard.decide("Get", &facts),
        refused("forbidden", Some("mop"))
    );
    let nowhere = Facts {
        network: None,
        ..facts
    };
    assert_eq!(guard.decide("Get", &nowhere), refused("policy_error", None));
}

#[test]
fn an_object_is_reached_by_whom_a_policy_lets() {
    let mend = "@id(\"menders\") permit (principal in Role::\"mender\", action == Action::\"Read\", \
        resource is Book) when { principal has region && principal.region == resource.region };\n\
        @id(\"sealed\") forbid (principal, action, resource is Book) when { resource.owner == \
        User::\"crown\" };";
    let guard = with(mend);
    let ann = user("ann", &["mender"]);
    let reach = |method, who: &Arc<Principal>, owner, region| {
        let facts = Facts {
            caller: None,
            user: Some(who),
            network: None,
        };
        let kind = "Book";
        guard.decide_object(
            method,
            &facts,
            &Object {
                kind,
                owner,
                region,
                tenant: "teahouse",
            },
        )
    };
    assert!(guard.decides_objects("Read") && !guard.decides_objects("Get"));
    assert_eq!(reach("Read", &user("bob", &[]), "bob", "de"), Ok(()));
    assert_eq!(reach("Read", &ann, "bob", "uk"), Ok(()));
    let nobody = refused("not_permitted", None);
    assert_eq!(reach("Read", &ann, "bob", "de"), nobody);
    assert_eq!(reach("Read", &user("bob", &[]), "ann", "uk"), nobody);
    let sealed = refused("forbidden", Some("sealed"));
    assert_eq!(reach("Read", &ann, "crown", "uk"), sealed);
    // A method that is about no object reaches none.
    assert_eq!(reach("Get", &user("bob", &[]), "bob", "uk"), nobody);
}

#[test]
fn policies_that_change_are_in_force_at_once_and_broken_ones_change_nothing() {
    let world = honest();
    let guard = world.load().unwrap();
    let ann = user("ann", &["reader"]);
    assert_eq!(guard.reload().unwrap(), Reload::Unchanged);
    assert_eq!(get(&guard, &ann), Ok(()));
    world.write("a.cedar", &GET.replace("reader", "writer"));
    assert_eq!(guard.reload().unwrap(), Reload::Replaced);
    assert_eq!(get(&guard, &ann), refused("not_permitted", None));
    world.write("a.cedar", GET);
    assert_eq!(guard.reload().unwrap(), Reload::Replaced);
    assert_eq!(get(&guard, &ann), Ok(()));
    for broken in [
        "",
        "permit (",
        &GET.replace("Get", "Gett"),
        &GET.replace("shelf", "shelves"),
    ] {
        world.write("a.cedar", broken);
        assert!(guard.reload().is_err(), "{broken}");
        assert_eq!(get(&guard, &ann), Ok(()));
    }
    fs::remove_file(world.0.path().join("a.cedar")).unwrap();
    assert!(guard.reload().is_err());
    assert_eq!(get(&guard, &ann), Ok(()));
}

#[test]
fn what_forbids_does_not_go_with_its_file() {
    let world = honest();
    let guard = world.load().unwrap();
    let ann = user("ann", &["reader"]);
    let forbid =
        "@id(\"never\") forbid (principal == User::\"ann\", action == Action::\"Get\", resource);";
    world.write("never.cedar", forbid);
    assert_eq!(guard.reload().unwrap(), Reload::Replaced);
    assert!(get(&guard, &ann).is_err());
    fs::remove_file(world.0.path().join("never.cedar")).unwrap();
    assert!(guard.reload().unwrap_err().to_string().contains("is gone"));
    assert!(get(&guard, &ann).is_err());
    // To be retired it is left empty.
    world.write("never.cedar", "");
    assert_eq!(guard.reload().unwrap(), Reload::Replaced);
    assert_eq!(get(&guard, &ann), Ok(()));
}

/// The file `a.cedar` once `from` has become `to`, and what is said of it.
fn mistake(from: &str, to: &str) -> String {
    let world = honest();
    assert!(world.load().is_ok());
    assert!(GET.contains(from));
    world.write("a.cedar", &GET.replace(from, to));
    world.load().err().unwrap_or_default()
}

#[test]
fn mistakes_are_named_with_file_and_line() {
    for (from, to, said) in [
        (
            "permit",
            "permitt",
            "a.cedar:3: invalid policy effect: permitt",
        ),
        ("Get", "Gett", "a.cedar:"),
        ("Role::", "Rolle::", "a.cedar:4: "),
        (
            "@id(\"readers\")\n",
            "",
            "a.cedar:1: a policy without a name",
        ),
        ("readers", "Readers!", "a.cedar:1: a policy without a name"),
        ("readers", "sweeper", "is there twice"),
        (
            "shelf",
            "shelves",
            "a.cedar:1: policy `readers` names Api::\"shelves\"",
        ),
        (
            "principal in Role::\"reader\"",
            "principal == ?principal",
            "a.cedar: holds a template",
        ),
        (");", ") when { false };", "a.cedar:"),
        (");", ") when { principal.age > 3 };", "a.cedar:7: "),
        (
            ");",
            ") when { context.caller == Workload::\"broom\" };",
            "names Workload::\"broom\"",
        ),
        ("permit", "forbid", "no policy could permit Get"),
        (
            ");",
            ");\n@id(\"none\") forbid (principal is User, action, resource);",
            "no policy could permit Get",
        ),
        (GET, "", "no policy could permit Get"),
    ] {
        let told = mistake(from, to);
        assert!(told.contains(said), "{from} {to}: {told}");
    }
    let world = honest();
    world.write("d.cedar", &READ.replace("is Book", "== Book::\"b1\""));
    let told = world.load().err().unwrap();
    assert!(told.contains("policy `own` names Book::\"b1\""), "{told}");
    world.write("d.cedar", READ.split_once("@id(\"own\")").unwrap().0);
    let told = world.load().err().unwrap();
    assert!(
        told.contains("no policy could permit Read any Book"),
        "{told}"
    );
    let empty = World::new(&[]).load().err().unwrap();
    let methods: Vec<_> = empty
        .lines()
        .map(|line| line.contains("could permit"))
        .collect();
    assert_eq!(methods, [true; 4]);
    // An action that is named twice is no mistake.
    let get = "action in [Action::\"Get\", Action::\"Get\"]";
    assert_eq!(mistake("action == Action::\"Get\"", get), "");
    let missing = Guard::load("no/such/folder".into(), SCHEMA, "shelf", "dev");
    assert!(missing.is_err());
}

#[test]
fn a_reviewer_is_told_of_blankets_and_dates_and_a_service_starts_all_the_same() {
    let found = |text: &str| {
        let world = honest();
        world.write("a.cedar", text);
        assert!(world.load().is_ok(), "{text}");
        let found = check(world.0.path(), SCHEMA, "shelf");
        found
            .iter()
            .map(|finding| finding.problem.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(GET), [""; 0]);
    for (from, word) in [
        ("principal in Role::\"reader\"", "principal"),
        ("action == Action::\"Get\"", "action"),
        ("resource == Api::\"shelf\"", "resource"),
    ] {
        let open = found(&GET.replace(from, word));
        assert_eq!(
            open,
            [format!(
                "policy `readers` is BLANKET: it permits any {word}"
            )]
        );
    }
    let forbids = "@id(\"x\") @review(\"9999-12-31\") forbid (principal, action, resource) when { \
        context.environment == \"prod\" };";
    assert_eq!(found(&format!("{GET}{forbids}")), [""; 0]);
    let past = found(&GET.replace("9999-12-31", "2020-02-29"));
    assert_eq!(past, ["policy `readers` was to be reviewed by 2020-02-29"]);
    let odd = found(&GET.replace("9999-12-31", "soon"));
    assert_eq!(odd, ["policy `readers` has an @review that is no date"]);
    let none = found(&GET.replace("@review(\"9999-12-31\")\n", ""));
    assert_eq!(none, ["policy `readers` has no @review"]);
    // What stops a service is found here too.
    let broken = check(Path::new("no/such/folder"), SCHEMA, "shelf");
    assert_eq!(broken.len(), 4);
}
