//! What a decision costs, with few identities and with a million of them.
//!
//! ```sh
//! cargo bench -p strata-limits
//! ```

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use strata_config::Rate;
use strata_limits::Buckets;

const RATE: Rate = Rate {
    requests: 100,
    per: Duration::from_secs(1),
};
const MOST: usize = 100_000;

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for identities in [1_000_u32, 100_000, 1_000_000] {
        let buckets = Buckets::new(RATE, MOST);
        for at in 0..identities {
            let _ = buckets.take(&at);
        }
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(identities), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % identities;
                black_box(buckets.take(&at))
            });
        });
        assert!(buckets.identities() <= MOST + 64);
    }
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
