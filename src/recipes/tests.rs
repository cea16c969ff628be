//! The texts as they are filled: nothing is left open, and a path of any kind stays one word.

use std::collections::BTreeSet;

use super::*;

fn values(folder: &str) -> Values {
    Values {
        url: "http://[::1]:8123".into(),
        host: "::1".into(),
        port: 8123,
        ca: format!("{folder}/ca.pem").into(),
        bundle: format!("{folder}/bundle.pem").into(),
        truststore: Some(format!("{folder}/truststore.p12").into()),
        spki: "c3BraQ==".into(),
    }
}

#[test]
fn no_place_of_a_text_is_left_unfilled() {
    for (_, snippet) in all() {
        let text = snippet.text(&values("/h"));
        let open = text.split('@').skip(1).step_by(2);
        let open = open.filter(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase()));
        assert_eq!(open.count(), 0, "{}: {text}", snippet.name);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{}: {text:?}", snippet.name);
    }
}

#[test]
fn every_name_is_given_once() {
    let names: Vec<_> = all().map(|(_, snippet)| snippet.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| find(name).is_some_and(|found| found.name == *name)));
}

#[test]
fn a_text_that_is_plain_has_no_path_in_it() {
    for (_, snippet) in all().filter(|(_, snippet)| snippet.syntax == Syntax::Plain) {
        assert!(!snippet.text(&values("/folder")).contains("/folder"), "{}", snippet.name);
    }
}

#[test]
fn a_file_names_itself_in_its_first_line_where_its_language_has_comments() {
    for (_, snippet) in all() {
        let Some(file) = snippet.file.filter(|file| *file != "user.js") else { continue };
        let first = snippet.text(&values("/h")).lines().next().map(str::to_owned).unwrap();
        assert_eq!(first.trim_start_matches(['#', '/']).trim_start(), file, "{}", snippet.name);
    }
}

#[test]
fn a_path_with_spaces_and_quotes_stays_one_word() {
    let text = |name: &str| find(name).unwrap().text(&values("/it's a\\b"));
    assert!(text("curl").contains(r"--cacert '/it'\''s a\b/ca.pem' "), "{}", text("curl"));
    assert!(text("powershell").contains(r"'/it''s a\b/ca.pem'"), "{}", text("powershell"));
    assert!(text("node-fetch").contains(r"?? '/it\'s a\\b/ca.pem'"), "{}", text("node-fetch"));
    assert!(text("pytest").contains(r"'/it\'s a\\b/bundle.pem')"), "{}", text("pytest"));
    assert!(text("windows").contains("Root \"/it's a\\b/ca.pem\""), "{}", text("windows"));
}
