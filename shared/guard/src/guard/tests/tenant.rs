//! Objects of another tenant.

use super::*;

const BOUND: &str = "@id(\"of-their-tenant\") permit (principal in Role::\"mender\", action == \
    Action::\"Read\", resource is Book) when { principal has tenant && principal.tenant == \
    resource.tenant };";

#[test]
fn an_object_of_another_tenant_is_reached_by_nobody_of_this_one() {
    let guard = with(BOUND);
    let reach = |of: Option<&str>, tenant| {
        let who = Principal {
            tenant: of.map(str::to_owned),
            ..(*user("ann", &["mender"])).clone()
        };
        let facts = Facts {
            caller: None,
            user: Some(&Arc::new(who)),
            network: None,
        };
        let book = Object {
            kind: "Book",
            owner: "bob",
            region: "uk",
            tenant,
        };
        guard.decide_object("Read", &facts, &book)
    };
    assert_eq!(reach(Some("teahouse"), "teahouse"), Ok(()));
    assert_eq!(reach(Some("roastery"), "roastery"), Ok(()));
    let nobody = refused("not_permitted", None);
    for (of, tenant) in [
        (Some("teahouse"), "roastery"),
        (Some("teahouse"), ""),
        (None, "teahouse"),
        (None, ""),
    ] {
        assert_eq!(reach(of, tenant), nobody, "{of:?} {tenant}");
    }
}
