//! What `--print-config` shows.

use strata_config::Environment;

use crate::service::{SECRET, Service};

#[test]
fn what_is_printed_loads_again_and_says_where_it_came_from() {
    for (layer, base) in [
        ("system", "[database]\nurl = 'sqlite:data/store.db'\n"),
        (
            "process",
            "[settings]\nrows = [1, 2]\nlabel = \"a # b\"\n[settings.inner]\non = true\n",
        ),
        (
            "experience",
            "[tokens]\nca = 'ca.pem'\n[telemetry]\notlp_endpoint = 'http://127.0.0.1:4317'\n\
             [listen.x_forwarded_for]\nproxies = ['10.0.0.0/8']\nhops = 1\n",
        ),
    ] {
        let first = Service::new(layer, base);
        let printed = first
            .load(Environment::Dev, &[("STRATA_LIMITS__CONNECTIONS", "7")])
            .unwrap()
            .print()
            .to_owned();
        let line = |key: &str| printed.lines().find(|line| line.starts_with(key)).unwrap();
        assert_eq!(
            line("connections"),
            "connections = 7 # STRATA_LIMITS__CONNECTIONS"
        );
        assert!(line("handshakes").ends_with("# default"), "{printed}");
        let again = Service::new(layer, &printed).dev().unwrap();
        let values = |text: &str| text.parse::<toml::Table>().unwrap();
        assert_eq!(values(again.print()), values(&printed));
    }
}

#[test]
fn what_looks_like_a_secret_is_not_printed() {
    let service = Service::new(
        "process",
        &format!(
            "[settings]\napi_key = '{SECRET}'\nurl = 'https://u:{SECRET}@a.example'\n\
             kept_secret = 'file:/run/secret'\nkeyboard = 'qwerty'\n"
        ),
    );
    let config = service.dev().unwrap();
    let printed = config.print();
    assert!(!printed.contains(SECRET), "{printed}");
    assert_eq!(printed.matches("[REDACTED]").count(), 2);
    assert!(printed.contains("file:/run/secret") && printed.contains("qwerty"));
    assert!(!format!("{config:?}").contains(SECRET));
}
