//! Rates, where they are shared, and who is believed: a mistake in any of them would be an open door.

use std::time::Duration;

use strata_config::{Environment, Rate};

use crate::service::Service;

fn refused(base: &str) -> String {
    Service::new("experience", base).dev().unwrap_err()
}

#[test]
fn a_rate_is_never_none() {
    let base = "[limits]\nuser = { requests = 5, per = '1m' }\n";
    let config = Service::new("experience", base).dev().unwrap();
    let expected = Rate {
        requests: 5,
        per: Duration::from_secs(60),
    };
    assert_eq!(config.limits.user, expected);
    for (from, to, what) in [
        (
            "5",
            "0",
            "key 'limits.user.requests' is zero: no limit can be switched off",
        ),
        (
            "'1m'",
            "'0s'",
            "key 'limits.user.per' is less than 1ms: name a time, such as \"1s\"",
        ),
        (
            "'1m'",
            "'32days'",
            "key 'limits.user.per' is more than 31 days: name a shorter time",
        ),
        (
            "5",
            "-5",
            "key 'limits.user.requests' is not valid: expected a whole number, not negative",
        ),
    ] {
        let place = format!("config/base.toml:2: {what}");
        assert_eq!(refused(&base.replace(from, to)), place);
    }
    let half = refused("[limits.network]\nrequests = 5\n");
    assert_eq!(
        half,
        "config/base.toml:1: key 'limits.network.per' is missing"
    );
}

#[test]
fn a_shared_limit_stays_on_this_machine_and_has_a_share() {
    let base = "[limits.redis]\nurl = 'redis://127.0.0.1:6379'\nshare = 0.5\n";
    let service = Service::new("experience", base);
    for environment in Environment::ALL {
        let config = service.load(environment, &[]).unwrap();
        assert_eq!(config.limits.redis.unwrap().share, 0.5);
    }
    for share in ["0.0", "1.1", "-1.0", "nan"] {
        let error = refused(&base.replace("0.5", share));
        assert!(
            error.starts_with("config/base.toml:3: key 'limits.redis.share' must be"),
            "{error}"
        );
    }
    for url in [
        "redis://user:hunter2@127.0.0.1:6379",
        "rediss://127.0.0.1:6379",
        "redis:///0",
    ] {
        let error = refused(&base.replace("redis://127.0.0.1:6379", url));
        assert!(
            error.starts_with("config/base.toml:2: key 'limits.redis.url' must be"),
            "{error}"
        );
    }
    let other = Service::new("process", base).dev().unwrap_err();
    assert_eq!(
        other,
        "config/base.toml:1: key 'limits.redis' belongs to the experience layer alone, which has \
         consumers: remove it"
    );
    let distant = Service::new("experience", &base.replace("127.0.0.1", "redis.example"));
    assert!(distant.dev().is_ok());
    assert_eq!(
        distant.load(Environment::Prod, &[]).unwrap_err(),
        "config/base.toml:2: key 'limits.redis.url' is refused in prod: use a proxy on loopback, \
         which goes on over TLS"
    );
}

#[test]
fn a_proxy_is_trusted_by_its_network_and_not_by_a_guess() {
    let base = "[listen]\ntrusted_proxies = ['10.0.0.0/8']\n";
    let config = Service::new("experience", base).dev().unwrap();
    assert_eq!(config.listen.trusted_proxies.len(), 1);
    for network in [
        "10.0.0.1/8",
        "10.0.0.0",
        "10.0.0.0/33",
        "::ffff:10.0.0.0/104",
        "everybody",
    ] {
        assert_eq!(
            refused(&base.replace("10.0.0.0/8", network)),
            "config/base.toml:2: key 'listen.trusted_proxies' is not valid: expected networks \
             without host bits, such as 10.0.0.0/8"
        );
    }
}

#[test]
fn who_says_where_a_client_is_is_said_whole_and_at_the_edge_alone() {
    let base = "[listen]\naddress = '127.0.0.1:0'\n\
        [listen.x_forwarded_for]\nproxies = ['10.0.0.0/8', 'fd00::/8']\nhops = 2\n";
    let config = Service::new("experience", base).dev().unwrap();
    let forwarded = config.listen.x_forwarded_for.unwrap();
    assert_eq!((forwarded.proxies.len(), forwarded.hops), (2, 2));
    let service = Service::new("experience", "");
    let none = service.dev().unwrap().listen.x_forwarded_for;
    assert!(none.is_none(), "somebody is believed without being named");

    let key = "key 'listen.x_forwarded_for";
    for (from, to, line, what) in [
        (
            "10.0.0.0/8",
            "10.0.0.1/8",
            4,
            "proxies' is not valid: expected networks without host bits, such as 10.0.0.0/8",
        ),
        (
            "fd00::/8",
            "::/0",
            4,
            "proxies' has a network of everybody: name those of the proxies in front",
        ),
        (
            "'10.0.0.0/8', 'fd00::/8'",
            "",
            4,
            "proxies' is empty: name the networks of the proxies in front, or remove the section",
        ),
        (
            "hops = 2",
            "hops = 0",
            5,
            "hops' is zero: say how many proxies each request passes, or remove the section",
        ),
        (
            "hops = 2",
            "hops = -1",
            5,
            "hops' is not valid: expected a whole number, not negative",
        ),
        ("hops = 2\n", "", 3, "hops' is missing"),
        (
            "proxies = ['10.0.0.0/8', 'fd00::/8']\n",
            "",
            3,
            "proxies' is missing",
        ),
    ] {
        let expected = format!("config/base.toml:{line}: {key}.{what}");
        assert_eq!(refused(&base.replace(from, to)), expected);
    }
    for layer in ["system", "process"] {
        let database = match layer {
            "system" => "[database]\nurl = 'sqlite:a.db'\n",
            _ => "",
        };
        let honest = Service::new(layer, database);
        assert!(honest.dev().is_ok());
        let what = "[listen.x_forwarded_for] belongs to the experience layer alone: remove it";
        assert_eq!(
            Service::new(layer, &format!("{base}{database}"))
                .dev()
                .unwrap_err(),
            format!("config/base.toml:3: {what}")
        );
        let variable = "STRATA_LISTEN__X_FORWARDED_FOR__HOPS";
        assert_eq!(
            honest.problem(&[(variable, "1")]),
            format!("{variable}: {what}")
        );
    }
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    let base = "[cors]\norigins = ['https://app.example', 'http://localhost:3000']\n";
    let config = Service::new("experience", base).dev().unwrap();
    assert_eq!(config.cors.origins.len(), 2);
    assert!(
        Service::new("experience", "")
            .dev()
            .unwrap()
            .cors
            .origins
            .is_empty()
    );
    for origin in [
        "*",
        "null",
        "https://app.example/",
        "https://APP.example",
        "app.example",
        "",
    ] {
        assert_eq!(
            refused(&base.replace("https://app.example", origin)),
            "config/base.toml:2: key 'cors.origins.0' must be an origin, such as https://app.example"
        );
    }
    let plain = refused(&base.replace("localhost:3000", "app.example"));
    assert_eq!(
        plain,
        "config/base.toml:2: key 'cors.origins.1' is plain HTTP beyond loopback: use https"
    );
    let other = Service::new("process", base).dev().unwrap_err();
    assert_eq!(
        other,
        "config/base.toml:1: [cors] belongs to the experience layer alone: remove it"
    );
}
