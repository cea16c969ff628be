//! Markdown on standard output.

use std::fs;

use crate::pairs::Pairs;

/// The machine on which all that follows was measured.
pub(crate) fn machine() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let cores = cpuinfo.matches("\nprocessor").count() + 1;
    println!(
        "Machine: {}, {cores} cores; one for the server, one for the load.",
        model.trim_start_matches(['\t', ':', ' '])
    );
}

/// A heading.
pub(crate) fn section(title: &str) {
    println!("\n### {title}\n");
}

/// The head of a table of pairs.
pub(crate) fn pairs_head(what: &str) {
    println!(
        "| {what} | reference /s | harmock /s | spread | ratio [95%] | µs of processor | ratio by processor [95%] |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
}

/// One row of a table of pairs.
pub(crate) fn pairs_row(name: &str, pairs: &Pairs) {
    let (low, high) = pairs.ratio.interval();
    let (cpu_low, cpu_high) = pairs.cpu_ratio.interval();
    println!(
        "| {name} | {} | {} | {:.0}% / {:.0}% | **{:.2}** [{low:.2}, {high:.2}] | {:.2} / {:.2} | **{:.2}** [{cpu_low:.2}, {cpu_high:.2}] |",
        thousands(pairs.reference.median()),
        thousands(pairs.contender.median()),
        pairs.reference.spread() * 100.0,
        pairs.contender.spread() * 100.0,
        pairs.ratio.median(),
        pairs.reference_cpu.median(),
        pairs.contender_cpu.median(),
        pairs.cpu_ratio.median(),
    );
}

/// 12,345
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
