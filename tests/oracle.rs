//! Playwright behind JSON lines: one Node process answers a whole batch of questions.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Need, met};

/// Asks a script of `tests/clients` all questions and returns its answers in their order.
///
/// Without Node or its packages the test that asks is skipped, by name; where `CI=true` that is a failure.
pub(crate) fn ask(script: &str, questions: &[Value]) -> Option<Vec<Value>> {
    let clients = clients();
    if !met(&[Need::Playwright]) {
        return None;
    }
    let mut node = Command::new("node")
        .arg(script)
        .current_dir(clients)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = node.stdin.take().expect("piped");
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let answers: Vec<Value> = BufReader::new(node.stdout.take().expect("piped"))
        .lines()
        .map(|line| serde_json::from_str(&line.expect("the oracle writes")).expect("an answer is JSON"))
        .collect();
    writer.join().expect("the writer ends").expect("the oracle reads all questions");
    assert!(node.wait().expect("node ends").success());
    assert_eq!(answers.len(), questions.len(), "one answer for each question");
    Some(answers)
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A small generator of the same numbers on every machine (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}
