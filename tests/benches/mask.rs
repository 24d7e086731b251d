//! What masking an answer costs: `cargo bench -p strata-tests --bench mask`.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use prost::Message as _;
use proto_experience_storefront::v1::{
    Address, GetMyOverviewResponse, Order, OrderLine, OrderTotals, Profile,
};
use strata_core::{Classified as _, Clearance};
use strata_release::{NoTokens, Release, answer};

/// Bytes of the overview on the wire.
const SIZE: usize = 1024;

fn overview() -> GetMyOverviewResponse {
    let line = OrderLine {
        sku: "SKU-0012345".to_owned(),
        description: "Waterproof hiking jacket, dark green, size M".to_owned(),
        quantity: 2,
        unit_price_minor: 12_995,
    };
    let order = Order {
        order_id: "ord_00012345".to_owned(),
        status: 3,
        currency: "GBP".to_owned(),
        total_minor: 25_990,
        lines: vec![line.clone(), line],
        ..Order::default()
    };
    let mut overview = GetMyOverviewResponse {
        profile: Some(Profile {
            customer_id: "cus_000001".to_owned(),
            full_name: "Ann Elizabeth Other".to_owned(),
            email: "ann.other@example.com".to_owned(),
            phone: "+447700900123".to_owned(),
            address: Some(Address {
                street: "17 Station Road".to_owned(),
                city: "London".to_owned(),
                postcode: "SW1A 1AA".to_owned(),
                country: "GB".to_owned(),
            }),
            marketing_email: true,
            loyalty_tier: 3,
            ..Profile::default()
        }),
        totals: Some(OrderTotals {
            order_count: 42,
            lifetime_value_minor: 1_234_500,
            currency: "GBP".to_owned(),
            ..OrderTotals::default()
        }),
        recent_orders: Vec::new(),
    };
    while overview.encoded_len() < SIZE {
        overview.recent_orders.push(order.clone());
    }
    overview
}

fn release(clearance: Clearance) -> Arc<Release> {
    Arc::new(Release::new(clearance, clearance, Arc::new(NoTokens)))
}

fn mask(bench: &mut Criterion) {
    let whole = overview();
    let cleared = release(Clearance(GetMyOverviewResponse::LABEL));
    bench.bench_function("clearance covers the label", |bencher| {
        let mut overview = whole.clone();
        cleared.enter(|| bencher.iter(|| answer(black_box(&mut overview))));
    });
    let nobody = release(Clearance::default());
    bench.bench_function("everything of a 1 KiB overview", |bencher| {
        nobody.enter(|| {
            bencher.iter_batched_ref(
                || whole.clone(),
                |overview| answer(black_box(overview)),
                BatchSize::SmallInput,
            );
        });
    });
}

criterion_group!(benches, mask);
criterion_main!(benches);
