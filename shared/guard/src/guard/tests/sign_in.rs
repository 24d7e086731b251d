//! Policies that ask how a user signed in.

use super::*;

#[test]
fn what_is_not_known_of_a_sign_in_permits_nothing() {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let ago = |seconds| Some(u64::try_from(now - seconds).unwrap());
    let strong = Authentication {
        level: Some("two-factors".to_owned()),
        methods: vec!["pwd".to_owned(), "otp".to_owned()],
        time: ago(100),
        risk: Some(20),
    };
    let signed_in = |authentication| {
        let user = Principal::clone(&user("ann", &["reader"]));
        Arc::new(Principal {
            authentication,
            ..user
        })
    };
    let (weak, unknown) = (
        Authentication {
            level: Some("password".to_owned()),
            methods: vec!["pwd".to_owned()],
            time: ago(200),
            risk: Some(21),
        },
        Authentication::default(),
    );
    for condition in [
        "context.authentication.level == \"two-factors\"",
        "context.authentication.methods.contains(\"otp\")",
        "context.authentication.age <= 120",
        "context.risk <= 20",
    ] {
        let of = |effect: &str, clause: &str| {
            with(&format!(
                "@id(\"sign-in\") {effect} (principal is User, action == Action::\"Get\", \
                 resource) {clause} {{ {condition} }};"
            ))
        };
        let guard = of("forbid", "unless");
        assert_eq!(
            get(&guard, &signed_in(strong.clone())),
            Ok(()),
            "{condition}"
        );
        let told = refused("forbidden", Some("sign-in"));
        assert_eq!(get(&guard, &signed_in(weak.clone())), told, "{condition}");
        // Whatever the policy would do if it were known.
        for guard in [guard, of("forbid", "when"), of("permit", "when")] {
            let told = refused("policy_error", Some("sign-in"));
            assert_eq!(
                get(&guard, &signed_in(unknown.clone())),
                told,
                "{condition}"
            );
        }
    }
    let guard = with(
        "@id(\"sign-in\") forbid (principal is User, action == Action::\"Get\", resource)\n\
         when { context has risk && context.risk > 20 };",
    );
    assert_eq!(get(&guard, &signed_in(unknown)), Ok(()));
    let told = refused("forbidden", Some("sign-in"));
    assert_eq!(get(&guard, &signed_in(weak)), told);
}
