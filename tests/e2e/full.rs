//! A store whose disk is full.

use http::StatusCode;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use strata_tests::{Rig, SmallDisk};

use crate::{CONTACT, OVERVIEW, stores::open};

const CUSTOMER: &str = "cus_000036";

pub(crate) async fn a_store_without_room_changes_nothing(rig: &mut Rig) {
    let Some(disk) = SmallDisk::new(8 * 1024).unwrap() else {
        return;
    };
    let file = disk.path("data.db");
    let copy = sqlx::query("VACUUM INTO ?1").bind(file.to_str());
    copy.execute(&mut open(rig, "customers").await)
        .await
        .unwrap();
    let url = format!("sqlite:{}", file.display());
    let customers = rig.another_for_many("customers").unwrap();
    let customers = customers.set("STRATA_DATABASE__URL", url).start();
    let customers = customers.await.unwrap();
    let overview = rig.another_for_many("customer-overview").unwrap();
    let overview = overview.upstream("customers", customers.address).start();
    let overview = overview.await.unwrap();
    let storefront = rig.another_for_many("storefront").unwrap();
    let storefront = storefront.upstream("customer-overview", overview.address);
    let storefront = storefront.start().await.unwrap();
    let edge = rig.edge("storefront").unwrap().at(storefront.address);
    let token = rig.token(CUSTOMER).unwrap();
    let change = async |key: &str| {
        let body = json!({ "email": format!("{key}@example.com"), "idempotencyKey": key });
        edge.patch(CONTACT, &token, &body).await.unwrap()
    };
    let before = change("before").await;
    assert_eq!(before.status, StatusCode::OK, "{before:?}");

    disk.fill().unwrap();
    let (mut last, mut refused) = ("before".to_owned(), None);
    // What the file of the log has room for is still taken.
    for number in 0..200 {
        let key = format!("full-{number}");
        let answer = change(&key).await;
        if answer.status != StatusCode::OK {
            let unavailable = answer.is_problem(StatusCode::SERVICE_UNAVAILABLE);
            assert!(unavailable, "{answer:?}");
            refused = Some(key);
            break;
        }
        last = key;
    }
    let refused = refused.expect("the disk is never full");
    // Who only reads is served, and sees nothing of it.
    let seen = async || {
        let answer = edge.get(OVERVIEW, &token).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", customers.log());
        answer.body["profile"]["email"].clone()
    };
    assert_eq!(seen().await, format!("{last}@example.com"));
    assert!(
        customers.log().contains("kind=\"full\""),
        "{}",
        customers.log()
    );

    disk.make_room().unwrap();
    // The same key: it was used for nothing.
    let after = change(&refused).await;
    assert_eq!(after.status, StatusCode::OK, "{after:?}");
    assert_eq!(seen().await, format!("{refused}@example.com"));
    for process in [storefront, overview, customers] {
        process.terminate().unwrap();
        process.ended().await.unwrap();
    }
    let options = SqliteConnectOptions::new().filename(&file);
    let mut store = SqliteConnection::connect_with(&options).await.unwrap();
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut store)
        .await
        .unwrap();
    assert_eq!(sound, "ok");
}
