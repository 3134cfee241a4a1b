//! The colours of the page, held against what readers need.

use std::collections::BTreeMap;

use super::STYLE;

/// The colours of the text and of what it stands on, light or dark.
fn colors(style: &str) -> BTreeMap<&str, f64> {
    let lines = style.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
        let digits = value.strip_suffix(';')?;
        (digits.len() == 6).then(|| (name, luminance(digits)))
    });
    lines.collect()
}

/// The relative luminance of a colour, as WCAG 2 defines it.
fn luminance(digits: &str) -> f64 {
    let channel = |place: usize| {
        let share = u8::from_str_radix(&digits[place..place + 2], 16).expect("two digits");
        let share = f64::from(share) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

#[test]
fn every_text_has_contrast_on_every_ground() {
    let (light, rest) = STYLE.split_once("@media").expect("a dark style");
    let (dark, _) = rest.split_once("* {").expect("the rules");
    for style in [light, dark] {
        let colors = colors(style);
        for ground in ["ground", "sheet", "shade"] {
            for text in [
                "ink",
                "muted",
                "passed",
                "missed",
                "fault",
                "detected",
                "healed",
                "recovered",
                "restart",
                "data",
                "made",
            ] {
                let (one, other) = (colors[ground], colors[text]);
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                // Lines need 3 to 1; text needs more.
                let least = if text == "made" { 3.0 } else { 4.5 };
                assert!(contrast >= least, "{text} on {ground}: {contrast:.2}");
            }
        }
    }
}
