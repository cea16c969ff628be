//! Generated archives answer generated requests as Playwright's own lookup does, but for the listed differences.

mod generate;
mod model;

use std::collections::BTreeMap;
use std::path::Path;

use harmock::archive::Archive;
use harmock::har::{Outcome, RecordedPayload};
use harmock::matching::{EntryRef, Index, LiveRequest, Lookup, Memory, PayloadFailure, PayloadSource};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use self::model::{DIFFERENCES, Live, Recorded, Rules, answer};
use crate::oracle::{Dice, ask};

const ARCHIVES: usize = 600;
const REQUESTS: usize = 16;

#[test]
fn generated_requests_get_the_entry_that_playwright_gives_them_but_for_the_listed_differences() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(1_621);
    let cases: Vec<Case> = (0..ARCHIVES).map(|number| Case::new(&mut dice, folder.path(), number)).collect();
    let questions: Vec<_> = cases
        .iter()
        .map(|case| json!({ "file": case.file, "requests": case.requests.iter().map(generate::request_json).collect::<Vec<_>>() }))
        .collect();
    let Some(answers) = ask("lookup_oracle.mjs", &questions) else { return };

    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut equal_hits, mut equal_misses) = (0, 0);
    for (case, theirs) in cases.iter().zip(&answers) {
        let harmock = Replay::open(&case.file);
        for (live, theirs) in case.requests.iter().zip(theirs["answers"].as_array().expect("an answer for each")) {
            let told = || format!("{}\n{live:?}\nPlaywright: {theirs}", case.told());
            let playwright = answer(&case.archive, live, Rules::PLAYWRIGHT);
            assert_eq!(
                playwright_entry(&case.archive, live, theirs),
                playwright.map(Some),
                "the model of Playwright: {}",
                told()
            );
            let ours = harmock.entry_for(live);
            assert_eq!(ours, answer(&case.archive, live, Rules::HARMOCK), "harmock: {}", told());
            assert_eq!(ours, harmock.entry_hop_by_hop(live), "a browser that follows each hop itself: {}", told());
            let steps = (0..DIFFERENCES.len())
                .filter(|&n| answer(&case.archive, live, Rules(n)) != answer(&case.archive, live, Rules(n + 1)));
            for step in steps {
                *seen.entry(DIFFERENCES[step]).or_default() += 1;
            }
            match (ours, playwright) {
                (Some(one), Some(other)) if one == other => equal_hits += 1,
                (None, None) => equal_misses += 1,
                _ => {}
            }
        }
    }
    for difference in DIFFERENCES {
        assert!(seen.get(difference).is_some_and(|&times| times >= 5), "{difference} was hardly tried: {seen:?}");
    }
    assert!(equal_hits > 3_000 && equal_misses > 500, "{equal_hits} equal hits, {equal_misses} equal misses, {seen:?}");
}

#[test]
fn every_difference_of_the_lookup_is_in_the_documented_table() {
    let table =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/replay-differences.md")).unwrap();
    for difference in DIFFERENCES {
        assert!(table.contains(&format!("| `{difference}` |")), "{difference}");
    }
}

/// An archive on disk and requests to it.
struct Case {
    archive: Vec<Recorded>,
    requests: Vec<Live>,
    file: String,
}

impl Case {
    fn new(dice: &mut Dice, folder: &Path, number: usize) -> Self {
        let archive = generate::archive(dice);
        let mut payloads = 0;
        let mut attach = |bytes: &[u8]| {
            payloads += 1;
            let name = format!("{number}-{payloads}.dat");
            std::fs::write(folder.join(&name), bytes).unwrap();
            name
        };
        let har = generate::to_har(&archive, &mut attach);
        let file = folder.join(format!("{number}.har"));
        std::fs::write(&file, har.to_string()).unwrap();
        let requests = (0..REQUESTS).map(|_| generate::live(dice, &archive)).collect();
        Self { archive, requests, file: file.to_str().unwrap().to_owned() }
    }

    fn told(&self) -> String {
        self.archive.iter().enumerate().map(|(at, entry)| format!("\n{at}: {entry:?}")).collect()
    }
}

/// Which entry Playwright gave; `None` for none, `Some(None)` would be an answer that is no entry.
fn playwright_entry(archive: &[Recorded], live: &Live, answer: &serde_json::Value) -> Option<Option<usize>> {
    match answer["action"].as_str() {
        Some("fulfill") => Some(answer["body"].as_str().and_then(|body| body.parse().ok())),
        // It names the URL alone; the model says which entry of that URL.
        Some("redirect") => {
            assert!(live.navigation);
            let url = answer["redirectURL"].as_str().unwrap();
            Some(
                model::answer(archive, live, Rules::PLAYWRIGHT).filter(|&at| archive[at].url == url && url != live.url),
            )
        }
        Some("noentry" | "error") => None,
        other => panic!("{other:?}"),
    }
}

/// harmock's side.
struct Replay {
    archive: Archive,
    index: Index,
}

impl Replay {
    fn open(file: &str) -> Self {
        let mut archive = Archive::open(Path::new(file)).unwrap();
        let index = Index::build(vec![archive.take_entries().into()]);
        Self { archive, index }
    }

    fn lookup(&self, live: &Live, follow_redirects: bool) -> Option<EntryRef> {
        let mut fields = HeaderMap::new();
        for (name, value) in &live.headers {
            fields.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let payload = live.payload.as_deref().unwrap_or_default();
        let request = LiveRequest { method: &live.method, url: &live.url, fields: &fields, payload, follow_redirects };
        match self.index.lookup(&request, self, &Memory::default()) {
            Lookup::Hit(hit) => Some(hit.entry),
            Lookup::Miss(_) => None,
            Lookup::Error(error) => panic!("{error:?}"),
        }
    }

    fn entry_for(&self, live: &Live) -> Option<usize> {
        self.lookup(live, true).map(|entry| self.index.entry(entry).ordinal)
    }

    /// Serves each redirect and lets the client follow, as for navigations.
    fn entry_hop_by_hop(&self, live: &Live) -> Option<usize> {
        let mut live = live.clone();
        let mut seen = Vec::new();
        loop {
            let found = self.lookup(&live, false)?;
            let entry = self.index.entry(found);
            let Outcome::Answered(answer) = &entry.outcome else { return Some(entry.ordinal) };
            let location = answer.field("location").filter(|_| [301, 302, 303, 307, 308].contains(&answer.status));
            let Some(location) = location else { return Some(entry.ordinal) };
            if seen.contains(&found) {
                return None;
            }
            seen.push(found);
            live.url = entry.request.url.join(std::str::from_utf8(location).unwrap())?.as_str().to_owned();
            let post_becomes_get = live.method == "POST" && [301, 302].contains(&answer.status);
            if post_becomes_get || answer.status == 303 && live.method != "GET" && live.method != "HEAD" {
                live.method = "GET".to_owned();
                live.payload = None;
            }
        }
    }
}

impl PayloadSource for Replay {
    fn request_payload(&self, entry: EntryRef) -> Result<bytes::Bytes, PayloadFailure> {
        let RecordedPayload::Stored(body) = &self.index.entry(entry).request.payload else {
            return Err(PayloadFailure("not stored".to_owned()));
        };
        self.archive.read(body).map_err(|error| PayloadFailure(error.to_string()))
    }
}
