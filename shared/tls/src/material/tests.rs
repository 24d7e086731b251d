//! One folder that loads, and what happens to it when one thing is wrong.

use std::fs;

use rcgen::ExtendedKeyUsagePurpose;
use time::Duration;

use super::{testing::Folder, *};
use crate::{
    fixture::{Ca, Leaf, domain},
    refusal::Refusal,
};

#[test]
fn each_layer_loads_what_it_needs() {
    for layer in [Layer::System, Layer::Process] {
        let material = Folder::of(layer).load().unwrap();
        assert_eq!(material.id().layer(), layer);
        assert!(matches!(
            material.edge_config(),
            Err(MaterialError::NoEdge(_))
        ));
    }
    let storefront = Folder::of(Layer::Experience);
    assert!(storefront.load().unwrap().edge_config().is_ok());
    for name in ["edge.pem", "edge.key", "token.pem", "token.key"] {
        let storefront = Folder::of(Layer::Experience);
        fs::remove_file(storefront.file(name)).unwrap();
        storefront.refused(name, "cannot read");
    }
}

#[test]
fn sessions_and_older_versions_are_not_on_offer() {
    let material = Folder::new().load().unwrap();
    let server = material.server_config();
    assert_eq!(
        (server.send_tls13_tickets, server.max_early_data_size),
        (0, 0)
    );
    assert!(!server.session_storage.can_cache());
    assert_eq!(server.alpn_protocols, [b"h2"]);
    let client = material.client_config(material.id());
    assert!(!client.enable_sni && !client.enable_early_data);
    assert_eq!(client.alpn_protocols, [b"h2"]);
}

#[test]
fn the_key_belongs_to_the_certificate_and_to_its_owner() {
    let folder = Folder::new();
    folder.load().unwrap();
    let other = folder.ca.issue(&folder.leaf());
    fs::write(folder.file("svid.pem"), other.pem()).unwrap();
    folder.refused("svid.key", "not the key of the certificate");

    let folder = Folder::new();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(folder.file("svid.key"), mode).unwrap();
    folder.refused("svid.key", "mode 0644");
}

#[test]
fn missing_files_are_named() {
    for name in ["svid.pem", "svid.key", "audit.pem", "audit.key"] {
        let folder = Folder::new();
        fs::remove_file(folder.file(name)).unwrap();
        folder.refused(name, "cannot read");
    }
    for name in [
        "bundles/system.pem",
        "bundles/experience.pem",
        "bundles/tokens.pem",
        "bundles/audit.pem",
    ] {
        let folder = Folder::new();
        fs::remove_file(folder.file(name)).unwrap();
        folder.refused(name, "is missing");
    }
}

#[test]
fn the_svid_is_one_leaf_of_this_service_and_layer() {
    let with = |change: &dyn Fn(&mut Leaf), why| {
        let folder = Folder::new();
        let mut leaf = folder.leaf();
        folder.write("svid", &folder.ca.issue(&leaf));
        folder.load().unwrap();
        change(&mut leaf);
        folder.write("svid", &folder.ca.issue(&leaf));
        folder.refused("svid.pem", why);
    };
    let other = "spiffe://process.dev.org.example/other".to_owned();
    with(
        &|leaf| leaf.uris.push(other.clone()),
        "not exactly one URI name",
    );
    with(&|leaf| leaf.uris.clear(), "not exactly one URI name");
    with(
        &|leaf| leaf.uris = vec![other.clone()],
        "not the certificate of `spiffe://process.dev.org.example/overview`",
    );
    with(&|leaf| leaf.is_ca = true, "may sign");
    with(&|leaf| leaf.until = -Duration::minutes(1), "has expired");
    with(&|leaf| leaf.from = Duration::hours(1), "not valid yet");
    with(&|leaf| leaf.usages.clear(), "extended key usage");
    with(&|leaf| leaf.usages.truncate(1), "extended key usage");
    with(
        &|leaf| leaf.usages.push(ExtendedKeyUsagePurpose::Any),
        "extended key usage",
    );

    let folder = Folder::new();
    let chain = folder.ca.issue(&folder.leaf()).pem().to_owned() + &folder.ca.pem();
    fs::write(folder.file("svid.pem"), chain).unwrap();
    folder.refused("svid.pem", "holds a chain");
}

#[test]
fn no_bundle_but_those_of_the_layers_beside() {
    let folder = Folder::new();
    folder.load().unwrap();
    folder.bundle(Layer::Process, &folder.ca.pem());
    folder.refused("bundles/process.pem", "remove it");
}

#[test]
fn a_bundle_holds_the_cas_of_its_own_trust_domain() {
    let with = |pem: &str, why| {
        let folder = Folder::new();
        folder.bundle(Layer::System, pem);
        folder.refused("bundles/system.pem", why);
    };
    let dev = domain(Layer::System, "dev");
    let ca = Ca::new(&dev);
    with(
        &Ca::new(&domain(Layer::System, "prod")).pem(),
        "another trust domain",
    );
    with(
        &Ca::new(&domain(Layer::Process, "dev")).pem(),
        "another trust domain",
    );
    with(
        &(ca.pem() + &Ca::new(&domain(Layer::System, "prod")).pem()),
        "another trust domain",
    );
    with(ca.issue(&Leaf::of(&dev, "customers")).pem(), "no CA");
    with(&Ca::expired(&dev).pem(), "still valid");
    with("", "still valid");
    with("-----BEGIN CERTIFICATE-----\nno", "is not PEM");

    // Two CAs while one takes over from the other.
    let folder = Folder::new();
    folder.bundle(
        Layer::System,
        &(Ca::expired(&dev).pem() + &ca.pem() + &Ca::new(&dev).pem()),
    );
    folder.load().unwrap();
}

#[test]
fn trust_follows_the_rule_of_the_layers() {
    let folder = Folder::of(Layer::System);
    let mut trust = folder.trust();
    trust.callers = vec![domain(Layer::Experience, "dev")];
    let refused = Material::load(folder.dir.path(), trust);
    assert!(matches!(refused, Err(MaterialError::Trust { .. })));
}

/// A System API that the Experience API `shop` may call, and `shop` itself.
#[test]
fn an_exemption_opens_the_handshake_to_one_service_of_the_layer() {
    let (experience, system) = (
        domain(Layer::Experience, "dev"),
        domain(Layer::System, "dev"),
    );
    let callee = Folder::of(Layer::System);
    let ca = Ca::new(&experience);
    let leaf = |ca: &Ca, domain, service| ca.issue(&Leaf::of(domain, service)).der();
    let (shop, other) = (
        leaf(&ca, &experience, "shop"),
        leaf(&ca, &experience, "other"),
    );

    // Without one there is no such bundle, and with one there must be.
    callee.load().unwrap();
    callee.bundle(Layer::Experience, &ca.pem());
    callee.refused("bundles/experience.pem", "remove it");
    let mut trust = callee.trust();
    trust.exempted.callers = vec![experience.workload("shop").unwrap()];
    let load = || Material::load(callee.dir.path(), trust.clone());
    let callers = load().unwrap().callers();
    assert_eq!(
        callers
            .identify(std::slice::from_ref(&shop))
            .unwrap()
            .service(),
        "shop"
    );
    let refused = callers.identify(&[other]);
    assert_eq!(refused, Err(Refusal::ForeignTrustDomain));
    let stranger = leaf(&Ca::new(&experience), &experience, "shop");
    assert_eq!(callers.identify(&[stranger]), Err(Refusal::UnknownIssuer));
    // Whoever may call by the rule still may.
    let process = domain(Layer::Process, "dev");
    let below = Ca::new(&process);
    callee.bundle(Layer::Process, &below.pem());
    let callers = load().unwrap().callers();
    assert!(callers.identify(&[leaf(&below, &process, "any")]).is_ok());
    assert!(callers.identify(&[shop]).is_ok());
    fs::remove_file(callee.file("bundles/experience.pem")).unwrap();
    assert!(matches!(load(), Err(MaterialError::MissingBundle { .. })));

    let caller = Folder::of(Layer::Experience);
    let ca = Ca::new(&system);
    caller.bundle(Layer::System, &ca.pem());
    caller.refused("bundles/system.pem", "remove it");
    let mut trust = caller.trust();
    trust.exempted.callees = vec![system.workload("stock").unwrap()];
    let callees = Material::load(caller.dir.path(), trust).unwrap().callees();
    let identify = |service| callees.identify(&[leaf(&ca, &system, service)]);
    assert!(identify("stock").is_ok());
    assert_eq!(identify("other"), Err(Refusal::ForeignTrustDomain));
}

#[test]
fn an_exemption_only_passes_a_layer_on_the_way_down() {
    for (own, other, as_caller) in [
        (Layer::System, Layer::Process, true),
        (Layer::System, Layer::System, true),
        (Layer::Process, Layer::Process, false),
        (Layer::Experience, Layer::Experience, false),
        (Layer::Experience, Layer::System, true),
        (Layer::System, Layer::Experience, false),
    ] {
        let folder = Folder::of(own);
        let mut trust = folder.trust();
        let peer = vec![domain(other, "dev").workload("peer").unwrap()];
        if as_caller {
            trust.exempted.callers = peer;
        } else {
            trust.exempted.callees = peer;
        }
        let refused = Material::load(folder.dir.path(), trust);
        assert!(
            matches!(refused, Err(MaterialError::Trust { .. })),
            "{own} {other}"
        );
    }
}

#[test]
fn the_token_leaf_is_this_services_and_for_tokens_alone() {
    let with = |change: &dyn Fn(&mut Leaf), why| {
        let folder = Folder::of(Layer::Experience);
        let mut leaf = folder.token_leaf();
        folder.load().unwrap();
        change(&mut leaf);
        folder.write("token", &folder.tokens.issue(&leaf));
        folder.refused("token.pem", why);
    };
    let other = "spiffe://experience.dev.org.example/other".to_owned();
    with(
        &|leaf| leaf.uris = vec![other.clone()],
        "not the certificate of",
    );
    with(&|leaf| leaf.until = -Duration::minutes(1), "has expired");
    with(&|leaf| leaf.usages.clear(), "for its one purpose alone");
    with(
        &|leaf| leaf.usages.push(ExtendedKeyUsagePurpose::ClientAuth),
        "for its one purpose alone",
    );
    with(
        &|leaf| leaf.usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        "for its one purpose alone",
    );
    with(
        &|leaf| leaf.algorithm = &rcgen::PKCS_ECDSA_P256_SHA256,
        "no Ed25519 key",
    );
}

#[test]
fn a_ca_of_tokens_is_none_of_a_layer_and_the_other_way_round() {
    let folder = Folder::new();
    folder.load().unwrap();
    let experience = domain(Layer::Experience, "dev");
    folder.token_bundle(&Ca::new(&experience).pem());
    folder.refused("bundles/tokens.pem", "another trust domain");
    folder.token_bundle(&Ca::of_tokens(&domain(Layer::Experience, "prod")).pem());
    folder.refused("bundles/tokens.pem", "another trust domain");
    folder.token_bundle(&folder.tokens.pem());
    folder.load().unwrap();
    folder.bundle(Layer::Experience, &folder.tokens.pem());
    folder.refused("bundles/experience.pem", "another trust domain");

    // Who makes tokens believes nobody's.
    let storefront = Folder::of(Layer::Experience);
    storefront.token_bundle(&storefront.tokens.pem());
    storefront.refused("bundles/tokens.pem", "remove it");
}

#[test]
fn no_handshake_accepts_a_token_leaf() {
    let folder = Folder::new();
    let experience = domain(Layer::Experience, "dev");
    let ca = Ca::new(&experience);
    folder.bundle(Layer::Experience, &ca.pem());
    let material = folder.load().unwrap();
    let callers = material.callers();
    let honest = ca.issue(&Leaf::of(&experience, "shop"));
    assert!(callers.identify(&[honest.der()]).is_ok());
    let (token, svid) = (
        Leaf::token(&experience, "shop"),
        Leaf::of(&experience, "shop"),
    );
    let dials = |ca: &Ca, leaf: &Leaf| callers.identify(&[ca.issue(leaf).der()]).map(|_| ());
    assert_eq!(dials(&folder.tokens, &token), Err(Refusal::WrongKeyUsage));
    // Nor what one CA signed that only the other may.
    assert_eq!(dials(&folder.tokens, &svid), Err(Refusal::UnknownIssuer));
    assert_eq!(dials(&ca, &token), Err(Refusal::WrongKeyUsage));

    // And no leaf of a handshake makes tokens.
    let issuers = material.token_issuers();
    let made = |ca: &Ca, leaf: &Leaf| issuers.verify(&ca.issue(leaf).der()).map(|_| ());
    assert_eq!(made(&folder.tokens, &token), Ok(()));
    assert_eq!(made(&ca, &svid), Err(Refusal::WrongKeyUsage));
    assert_eq!(made(&folder.tokens, &svid), Err(Refusal::WrongKeyUsage));
    assert_eq!(made(&ca, &token), Err(Refusal::UnknownIssuer));
}

#[test]
fn a_token_leaf_can_be_taken_back() {
    let folder = Folder::new();
    let experience = domain(Layer::Experience, "dev");
    let issue = || folder.tokens.issue(&Leaf::token(&experience, "shop"));
    let (taken, other) = (issue(), issue());
    fs::create_dir(folder.file("crls")).unwrap();
    let list = folder.tokens.revoke(&[&taken], Duration::hours(1));
    fs::write(folder.file("crls/tokens.pem"), list).unwrap();
    let material = folder.load().unwrap();
    let issuers = material.token_issuers();
    assert!(issuers.verify(&other.der()).is_ok());
    let refused = issuers.verify(&taken.der()).map(|_| ());
    assert_eq!(refused, Err(Refusal::Revoked));
    // And stays so when the list is lost.
    fs::remove_file(folder.file("crls/tokens.pem")).unwrap();
    assert!(matches!(
        material.reload(),
        Err(MaterialError::MissingList { .. })
    ));
}

#[test]
fn an_audit_leaf_vouches_for_trails_and_for_nothing_else() {
    let folder = Folder::new();
    let experience = domain(Layer::Experience, "dev");
    let ca = Ca::new(&experience);
    folder.bundle(Layer::Experience, &ca.pem());
    let material = folder.load().unwrap();
    let now = rustls_pki_types::UnixTime::now().as_secs();

    // What a service signs is its own, at the time its leaf was valid.
    let signed = material.audit_signer().sign(b"a checkpoint").unwrap();
    let auditors = material.auditors();
    let key = auditors.verify(&signed.leaf, now).unwrap();
    assert_eq!(&key.id, material.id());
    assert!(key.signed(b"a checkpoint", &signed.signature));
    assert!(!key.signed(b"another", &signed.signature));
    let later = auditors.verify(&signed.leaf, now + 48 * 3600);
    assert!(later.is_err());
    // By a clock that stepped back, it signed before its time.
    assert_eq!(auditors.verify(&signed.leaf, now - 600).unwrap().id, key.id);
    // Of whichever layer: one folder is enough to verify all trails of an environment.
    let all = Auditors::load(folder.dir.path(), &folder.own).unwrap();
    let verified = |ca: &Ca, leaf: &Leaf| all.verify(&ca.issue(leaf).der(), now).map(|_| ());
    let (audit, token, svid) = (
        Leaf::audit(&experience, "shop"),
        Leaf::token(&experience, "shop"),
        Leaf::of(&experience, "shop"),
    );
    assert_eq!(verified(&folder.audit, &audit), Ok(()));
    assert_eq!(verified(&folder.audit, &token), Err(Refusal::WrongKeyUsage));
    assert_eq!(verified(&folder.audit, &svid), Err(Refusal::WrongKeyUsage));
    assert_eq!(
        verified(&folder.tokens, &audit),
        Err(Refusal::UnknownIssuer)
    );
    assert_eq!(verified(&ca, &audit), Err(Refusal::UnknownIssuer));
    // Nor is it anything to a peer.
    let callers = material.callers();
    let dials = |ca: &Ca, leaf: &Leaf| callers.identify(&[ca.issue(leaf).der()]).map(|_| ());
    assert_eq!(dials(&ca, &svid), Ok(()));
    assert_eq!(dials(&ca, &audit), Err(Refusal::WrongKeyUsage));
    assert_eq!(dials(&folder.audit, &audit), Err(Refusal::WrongKeyUsage));
    let made = material.token_issuers();
    let made = |ca: &Ca, leaf: &Leaf| made.verify(&ca.issue(leaf).der()).map(|_| ());
    assert_eq!(made(&folder.tokens, &token), Ok(()));
    assert_eq!(made(&folder.audit, &audit), Err(Refusal::WrongKeyUsage));
}
