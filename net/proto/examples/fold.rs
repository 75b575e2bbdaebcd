//! How long the fold of a full room's history takes: `cargo run --release -p conclave-proto --example fold`.

use std::hint::black_box;

use conclave_proto::testing::FoldBench;

#[expect(clippy::disallowed_methods, reason = "it measures; the core itself reads no clock")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    for operations in [100, 300, 1000] {
        let bench = FoldBench::new(16, operations)?;
        let mut times: Vec<_> = (0..200)
            .map(|_| {
                let start = std::time::Instant::now();
                black_box(bench.fold());
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{} operations: {median:?}, at worst {worst:?}", bench.operations());
    }
    Ok(())
}
