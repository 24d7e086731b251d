//! `cargo strata attack` as somebody outside runs it: in no estate, with two accounts and the documents. It
//! finds nothing on the sample estate, and leaves nothing open.

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use strata_estate::client;
use strata_tests::Rig;
use tempfile::TempDir;
use tokio::process::Command;

use crate::tenants::OTHER;

/// Two users of an Experience API, and one of them without scopes.
struct Tokens {
    a: String,
    b: String,
    narrow: String,
}

impl Tokens {
    fn of_customers(rig: &Rig) -> Self {
        Self {
            a: rig.token("cus_000001").unwrap(),
            b: rig.token("cus_000002").unwrap(),
            narrow: rig.token_with("cus_000002", &BTreeSet::new()).unwrap(),
        }
    }

    /// Of two brands.
    fn of_agents(rig: &Rig) -> Self {
        let another = rig.token_in("agent-8", &["agent"], Some("uk"), Some(OTHER));
        Self {
            a: rig.agent_token(Some("uk")).unwrap(),
            b: another.unwrap(),
            narrow: rig.agent_token_with(Some("uk"), &BTreeSet::new()).unwrap(),
        }
    }
}

/// What it says of one Experience API: the results by id, and its exit code.
async fn attacked(
    rig: &Rig,
    (service, address): (&str, SocketAddr),
    tokens: &Tokens,
    arguments: &[&str],
) -> (Vec<(String, String)>, Option<i32>) {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, text: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let keys = Request::get(format!("{}/jwks", rig.estate.issuer().url()));
    let keys = client::send(keys.body(Bytes::new()).unwrap(), None).await;
    let mut attack = Command::new(rig.tool().unwrap());
    attack
        .args(["attack", "--format", "json", "--url"])
        .arg(format!("https://localhost:{}", address.port()))
        .arg("--ca")
        .arg(rig.estate.edge_ca())
        .arg("--keys")
        .arg(file("keys", keys.unwrap().body()))
        .arg("--token-a")
        .arg(file("a", tokens.a.as_bytes()))
        .args(["--token-b", "env:TOKEN_B", "--token-narrow", "env:NARROW"])
        .env("TOKEN_B", &tokens.b)
        .env("NARROW", &tokens.narrow)
        .args(arguments);
    for document in documents(service) {
        attack.arg("--openapi").arg(document);
    }
    let attack = attack.current_dir(folder.path()).stdin(Stdio::null());
    let output = attack.kill_on_drop(true).output().await.unwrap();
    let reports: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let probes = reports[0]["probes"].as_array().unwrap().iter();
    let told = probes.map(|probe| {
        let [id, result, seen] = ["id", "result", "seen"].map(|key| probe[key].as_str().unwrap());
        if result != "passed" {
            println!("{service} {id}: {result} {seen}");
        }
        (id.to_owned(), result.to_owned())
    });
    (told.collect(), output.status.code())
}

/// The committed documents of its versions.
fn documents(service: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let prefix = format!("{service}.");
    let named = entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with(&prefix));
    named.map(|entry| entry.path()).collect()
}

pub(crate) async fn nothing_is_found_on_the_sample_estate(rig: &mut Rig) {
    // The suite's own has limits for many users; this one has those of an estate that is run, its bucket
    // filled so slowly that a machine with other work empties it too.
    let launch = rig.another("storefront").unwrap();
    let launch = launch.set("STRATA_LIMITS__USER__REQUESTS", "1000");
    let launch = launch.set("STRATA_LIMITS__USER__PER", "60s");
    let launch = launch.set("STRATA_CORS__ORIGINS", "[\"https://app.example\"]");
    let storefront = launch.start().await.unwrap();
    let tokens = Tokens::of_customers(rig);
    let at = ("storefront", storefront.address);
    let (mut told, code) = attacked(rig, at, &tokens, &["--env", "dev"]).await;
    assert!(told.len() >= 45, "{} probes", told.len());

    // What asks by ids, and searches.
    let at = (
        "support-desk",
        rig.estate.service("support-desk").unwrap().address,
    );
    let only = ["--env", "dev", "--only", "access", "--only", "answers"];
    let (more, another_code) = attacked(rig, at, &Tokens::of_agents(rig), &only).await;
    told.extend(more);
    let of = |wanted: &str| -> BTreeSet<&str> {
        let told = told.iter().filter(|(_, result)| result == wanted);
        told.map(|(id, _)| id.as_str()).collect()
    };
    let (found, open) = (of("found"), of("inconclusive"));
    assert!(found.is_empty(), "found: {:?}", Vec::from_iter(found));
    assert!(open.is_empty(), "cannot be told: {open:?}");
    assert_eq!((code, another_code), (Some(0), Some(0)));
    // What does not apply to the one does to the other, but for documents, which dev serves.
    let passed = of("passed");
    let nowhere: Vec<_> = of("not_applicable").difference(&passed).copied().collect();
    assert_eq!(nowhere, ["surface.documents"]);
}

/// What may be served in dev is a finding in production, which a target is unless it is said to be something
/// else; and whether that fails is for whoever asks.
pub(crate) async fn what_only_dev_may_serve_is_found(rig: &mut Rig) {
    let address = rig.estate.service("storefront").unwrap().address;
    let tokens = Tokens::of_customers(rig);
    for (least, expected) in [("low", Some(1)), ("medium", Some(0))] {
        let arguments = ["--only", "surface.documents", "--fail-on", least];
        let at = ("storefront", address);
        let (told, code) = attacked(rig, at, &tokens, &arguments).await;
        let found = ("surface.documents".to_owned(), "found".to_owned());
        assert_eq!((told, code), (vec![found], expected));
    }
}
