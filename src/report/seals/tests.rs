use super::*;
use crate::{
    domain::{digest::Digest, seal::SealKey, threshold::Threshold, tiling::IdRange},
    report::printer::tests::Shared,
};

fn seal(day: i64) -> SealRow {
    let dbps = |value| Threshold::new(value).expect("a threshold");
    SealRow {
        key: SealKey {
            exchange: "sim".into(),
            symbol: "BTCUSDT".parse().expect("a symbol"),
            anchor: Anchor::Day,
            period_start_us: (20_089 + day) * 86_400_000_000,
        },
        ids: IdRange {
            first_id: 1_000 * day + 1,
            last_id: 1_000 * day + 1_000,
        },
        trade_count: 1234,
        volume: 123_456_789_012,
        digests: [250, 500, 750, 1000]
            .map(|value| (dbps(value), Digest(format!("v1:{value}"))))
            .into(),
        sealed_at_us: 1_735_776_002_000_000,
        version: 1,
        is_deleted: false,
    }
}

#[test]
fn people_see_a_line_for_each_seal_within_80_columns() {
    let out = Shared::default();
    let printer = Printer::to(out.clone(), std::io::sink());
    human(&[seal(0), seal(1)], &printer).expect("printed");
    let text = out.text();
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    assert_eq!(
        text,
        "\
symbol   period      first id  last id  trades  dbps
BTCUSDT  2025-01-01         1     1000   1 234  250, 500, 750, 1000
BTCUSDT  2025-01-02      1001     2000   1 234  250, 500, 750, 1000
2 seals
"
    );
}

#[test]
fn programs_get_every_column() {
    assert_eq!(
        json(&[seal(0)], &[])["seals"][0].to_string(),
        "{\"anchor\":\"day\",\"digests\":{\"1000\":\"v1:1000\",\"250\":\"v1:250\",\
         \"500\":\"v1:500\",\"750\":\"v1:750\"},\"exchange\":\"sim\",\
         \"first_agg_trade_id\":1,\"last_agg_trade_id\":1000,\
         \"period_end\":1735776000000000,\"period_start\":1735689600000000,\
         \"sealed_at\":1735776002000000,\"symbol\":\"BTCUSDT\",\"trade_count\":1234,\
         \"volume\":\"1234.56789012\"}"
    );
}
