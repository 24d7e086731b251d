//! What each layer and environment takes and refuses.

use strata_config::{Environment, PolicyMode};

use crate::service::Service;

#[test]
fn a_system_api_has_a_database_and_no_tokens() {
    let base = "[database]\nurl = 'sqlite:data/store.db?mode=rwc'\n";
    let service = Service::new("system", base);
    let config = service.dev().unwrap();
    assert!(config.tokens.is_none() && config.upstreams.is_empty());
    let database = config.database.unwrap();
    let file = service.folder.path().join("data/store.db");
    assert_eq!(database.url, format!("sqlite:{}?mode=rwc", file.display()));
    assert_eq!(database.max_connections, 8);

    assert_eq!(
        Service::new("system", "").dev().unwrap_err(),
        "config/base.toml: key 'database.url' is missing: a System API has a system of record"
    );
    for (url, what) in [
        ("postgres://u:hunter2@host/db", "must be sqlite:<file>"),
        (
            "sqlite::memory:",
            "must name a file, such as sqlite:data/store.db",
        ),
        (
            "sqlite://",
            "must name a file, such as sqlite:data/store.db",
        ),
    ] {
        assert_eq!(
            Service::new("system", &format!("[database]\nurl = '{url}'\n"))
                .dev()
                .unwrap_err(),
            format!("config/base.toml:2: key 'database.url' {what}")
        );
    }
    assert_eq!(
        Service::new("system", &format!("{base}[tokens]\naudience = 'x'\n"))
            .dev()
            .unwrap_err(),
        "config/base.toml:3: [tokens] belongs to the experience layer alone: remove it"
    );
}

#[test]
fn an_audit_trail_has_two_folders_and_room_for_every_request() {
    let with = |line: &str| Service::new("process", &format!("[audit]\n{line}\n")).dev();
    let config = with("folder = 'a'\ncheckpoints = 'b'").unwrap();
    assert!(config.audit.folder.ends_with("a") && config.audit.folder.is_absolute());
    for (line, what) in [
        ("folder = ''", "audit.folder' is empty"),
        ("folder = 'a'\ncheckpoints = 'a'", "lies within"),
        ("folder = 'a'\ncheckpoints = 'a/b'", "lies within"),
        ("folder = 'a/b'\ncheckpoints = 'a'", "lies within"),
        ("file_bytes = 65535", "less than 65536"),
        ("file_age = '0s'", "is zero"),
        ("retention = '1h'", "less than 'audit.file_age'"),
        ("queue = 1000", "not more than 'limits.requests'"),
    ] {
        let refused = with(line).unwrap_err();
        assert!(refused.contains(what), "{line}: {refused}");
    }
}

#[test]
fn production_enforces_its_policies() {
    let service = Service::new("process", "");
    assert_eq!(service.dev().unwrap().policy.mode, PolicyMode::Enforce);
    let audited = Service::new("process", "[policy]\nmode = 'audit'\n");
    assert_eq!(audited.dev().unwrap().policy.mode, PolicyMode::Audit);
    assert_eq!(
        audited.load(Environment::Prod, &[]).unwrap_err(),
        "config/base.toml:2: key 'policy.mode' is refused in prod: calls that no policy permits \
         would be answered"
    );
}

#[test]
fn only_a_system_api_has_a_database() {
    for layer in ["process", "experience"] {
        let service = Service::new(layer, "");
        assert!(service.dev().is_ok());
        assert_eq!(
            service.problem(&[("STRATA_DATABASE__URL", "sqlite:a.db")]),
            "STRATA_DATABASE__URL: [database] belongs to the system layer alone: remove it"
        );
    }
}

#[test]
fn an_issuer_is_https_except_on_a_developers_loopback() {
    let service = Service::new("experience", "");
    let issuer = |environment, url| service.load(environment, &[("STRATA_TOKENS__ISSUER", url)]);
    for url in [
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://localhost:1",
        "https://a.example/x",
    ] {
        assert_eq!(
            issuer(Environment::Dev, url)
                .unwrap()
                .tokens
                .unwrap()
                .issuer,
            url
        );
    }
    let key = "STRATA_TOKENS__ISSUER: key 'tokens.issuer'";
    for environment in [Environment::Test, Environment::Staging, Environment::Prod] {
        assert!(issuer(environment, "https://a.example").is_ok());
        assert_eq!(
            issuer(environment, "http://127.0.0.1:1").unwrap_err(),
            format!("{key} is refused in {environment}: use https")
        );
    }
    assert_eq!(
        issuer(Environment::Dev, "http://a.example").unwrap_err(),
        format!("{key} is plain HTTP beyond loopback: use https")
    );
    for url in [
        "a.example",
        "ftp://a.example",
        "https://a.example?x",
        "https://u:hunter2@a.example",
    ] {
        assert_eq!(
            issuer(Environment::Dev, url).unwrap_err(),
            format!("{key} must be an https URL without login, query and fragment")
        );
    }
}

#[test]
fn token_and_telemetry_ranges_hold() {
    let service = Service::new("experience", "");
    let problem = |name, text| service.problem(&[(name, text)]);
    assert!(
        service
            .load(Environment::Dev, &[("STRATA_TOKENS__LEEWAY", "0s")])
            .is_ok()
    );
    assert!(problem("STRATA_TOKENS__LEEWAY", "6s").ends_with("is more than 5s"));
    assert!(problem("STRATA_TOKENS__AUDIENCE", " ").contains("is empty"));
    for ratio in ["-0.1", "1.1", "NaN"] {
        assert!(
            problem("STRATA_TELEMETRY__SAMPLE_RATIO", ratio).contains("sample_ratio"),
            "{ratio}"
        );
    }
    let collector =
        |environment, url| service.load(environment, &[("STRATA_TELEMETRY__OTLP_ENDPOINT", url)]);
    for environment in Environment::ALL {
        assert!(collector(environment, "http://127.0.0.1:4317").is_ok());
        assert!(collector(environment, "http://u:hunter2@127.0.0.1:4317").is_err());
    }
    assert!(collector(Environment::Test, "http://collector:4317").is_ok());
    assert!(
        collector(Environment::Prod, "http://collector:4317")
            .unwrap_err()
            .contains("refused in prod")
    );
}

#[test]
fn the_admin_listener_is_not_open_where_it_matters() {
    let service = Service::new("process", "[admin]\naddress = '0.0.0.0:9443'\n");
    assert!(service.load(Environment::Dev, &[]).is_ok());
    assert!(
        service
            .load(Environment::Prod, &[])
            .unwrap_err()
            .contains("refused in prod")
    );
    let same = Service::new("process", "[admin]\naddress = '0.0.0.0:8443'\n");
    assert!(
        same.dev()
            .unwrap_err()
            .contains("is the same as 'listen.address'")
    );
}
