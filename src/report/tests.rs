//! Reports as text, and shards as one.

use super::*;

fn miss(url: &str, count: u64) -> Miss {
    Miss {
        method: "GET".into(),
        url: url.into(),
        reason: "no recorded entry matches".into(),
        nearest: Some("hars/a b#1.har#7 GET http://a.test/x?a=1".into()),
        verdict: Some("method equal, url differs, payload not compared, headers not compared".into()),
        also: vec![Near {
            entry: "hars/b.har#1 GET http://b.test/x".into(),
            verdict: "url differs".into(),
            differences: Vec::new(),
        }],
        remedy: Some("[[rules]]\nignore-query = [\"a\"]\n".into()),
        differences: vec!["query parameter a was \"1\", now \"<2>\"\n::error::no".into()],
        count,
    }
}

fn unused(entry: u64) -> Unused {
    Unused { archive: "hars/a.har".into(), entry, method: "GET".into(), url: format!("http://a.test/{entry}") }
}

fn report(missed: u64) -> Report {
    let misses = if missed > 0 { vec![miss("http://a.test/x?a=<2>", missed)] } else { Vec::new() };
    let verdict = if missed > 0 { Verdict::Misses } else { Verdict::Well };
    Report { served: 2, missed, misses, verdict, entries: 3, unused: vec![unused(0), unused(2)], ..Report::empty() }
}

#[test]
fn json_reads_back_as_what_was_written() {
    let written = report(2);
    assert_eq!(serde_json::from_str::<Report>(&written.render(Format::Json)).unwrap(), written);
}

#[test]
fn junit_counts_its_cases_and_holds_no_markup_of_the_traffic() {
    let text = report(2).render(Format::Junit);
    assert!(text.contains("<testsuites tests=\"2\" failures=\"1\" errors=\"0\">"), "{text}");
    assert_eq!(text.matches("<testcase ").count(), 2);
    assert!(text.contains("name=\"GET http://a.test/x?a=&lt;2&gt;\"") && !text.contains("<2>"), "{text}");
    assert!(text.contains("no recorded entry matches (2 times)"), "{text}");
}

#[test]
fn a_miss_that_is_allowed_fails_no_case() {
    let allowed = Report { max_misses: 2, verdict: Verdict::Well, ..report(2) };
    assert!(allowed.render(Format::Junit).contains("failures=\"0\""));
    let fallback = Report { misses_fail: false, verdict: Verdict::Well, ..report(2) };
    assert!(fallback.render(Format::Junit).contains("failures=\"0\""));
}

#[test]
fn a_value_of_the_traffic_begins_no_command_of_github() {
    let text = report(1).render(Format::Github);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("::error file=hars/a b#1.har,title=harmock%3A not recorded::GET http://a.test/x"));
    assert!(lines[0].contains("%0A::error::no"), "{text}");
    assert!(lines[1].starts_with("::notice file=hars/a.har,"), "{text}");
}

#[test]
fn markdown_keeps_values_inside_code() {
    let mut odd = report(1);
    odd.misses[0].url = "http://a.test/``<script>".into();
    let text = odd.render(Format::Markdown);
    assert!(text.contains("- ```GET http://a.test/``<script>```: no recorded entry matches"), "{text}");
    assert!(text.contains("| 2 | 1 | 0 | 0 | 3 | 2 |"), "{text}");
}

#[test]
fn shards_miss_together_and_leave_unused_what_none_of_them_used() {
    let first = Report { unused: vec![unused(0), unused(2)], ..report(1) };
    let second = Report { unused: vec![unused(1), unused(2)], ..report(2) };
    let merged = merge([first, second]).unwrap();
    assert_eq!((merged.served, merged.missed, merged.misses.len(), merged.misses[0].count), (4, 3, 1, 3));
    assert_eq!((merged.unused, merged.entries, merged.verdict), (vec![unused(2)], 3, Verdict::Misses));
}

#[test]
fn an_entry_that_one_shard_used_fails_none() {
    let shard =
        |entry| Report { unused: vec![unused(entry)], fail_on_unused: true, verdict: Verdict::Unused, ..report(0) };
    assert_eq!(merge([shard(0), shard(1)]).unwrap().verdict, Verdict::Well);
    assert_eq!(merge([shard(0), shard(0)]).unwrap().verdict, Verdict::Unused);
}

#[test]
fn nothing_and_another_version_are_not_merged() {
    assert!(matches!(merge([]), Err(MergeError::None)));
    let other = Report { version: 2, ..report(0) };
    assert!(matches!(merge([report(0), other]), Err(MergeError::Version(2))));
}
