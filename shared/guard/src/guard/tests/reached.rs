//! Objects that were reached before.

use super::*;

#[test]
fn an_object_that_was_reached_is_so_for_the_same_call_until_the_policies_change() {
    let world = honest();
    let mend = "@id(\"menders\") permit (principal in Role::\"mender\", action == Action::\"Read\", \
        resource is Book) when { principal has region && principal.region == resource.region };";
    world.write("mend.cedar", mend);
    let guard = world.load().unwrap();
    let of_tenant = |who: &Arc<Principal>, owner, region, tenant| {
        let facts = Facts {
            caller: None,
            user: Some(who),
            network: None,
        };
        let kind = "Book";
        let book = Object {
            kind,
            owner,
            region,
            tenant,
        };
        guard.decide_object("Read", &facts, &book)
    };
    let reach = |who: &Arc<Principal>, owner, region| of_tenant(who, owner, region, "");
    let (ann, bob) = (user("ann", &["mender"]), user("bob", &[]));
    let nobody = refused("not_permitted", None);
    for _ in 0..3 {
        assert_eq!(reach(&ann, "cy", "uk"), Ok(()));
        assert_eq!(reach(&ann, "cy", "de"), nobody);
        assert_eq!(reach(&bob, "cy", "uk"), nobody);
        assert_eq!(reach(&bob, "bob", "de"), Ok(()));
        assert_eq!(reach(&ann, "bob", "de"), nobody);
    }
    world.write("mend.cedar", &mend.replace("mender\"", "binder\""));
    assert_eq!(guard.reload().unwrap(), Reload::Replaced);
    assert_eq!(reach(&ann, "cy", "uk"), nobody);
    assert_eq!(reach(&bob, "bob", "de"), Ok(()));
}
