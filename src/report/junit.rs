//! JUnit XML, as CI servers read it: a suite of one case for each miss, each error and each unused entry.

use std::fmt::Write as _;

use super::{Report, Verdict};
use crate::message::escape::markup;

/// The report as JUnit XML.
pub(super) fn render(report: &Report) -> String {
    let mut cases = String::new();
    let (mut failures, mut errors, mut tests) = (0, 0, 0);
    let mut case = |name: &str, problem: Option<(&str, &str, &str)>| {
        tests += 1;
        let name = escaped(name);
        // Writing to a string cannot fail.
        let _ = match problem {
            None => writeln!(cases, "    <testcase classname=\"harmock.replay\" name=\"{name}\"/>"),
            Some((element, message, details)) => writeln!(
                cases,
                "    <testcase classname=\"harmock.replay\" name=\"{name}\">\n      <{element} message=\"{}\">{}</{element}>\n    \
                 </testcase>",
                escaped(message),
                escaped(details)
            ),
        };
    };
    case(&format!("{} requests answered from the archives", report.served), None);
    for miss in &report.misses {
        let name = format!("{} {}", miss.method, miss.url);
        if report.has_too_many_misses() {
            failures += 1;
            let details = [miss.details(), miss.advice()].concat().join("\n");
            case(&name, Some(("failure", &format!("{}{}", miss.reason, miss.times()), &details)));
        } else {
            case(&format!("{name}: a miss that is allowed"), None);
        }
    }
    for error in &report.errors {
        errors += 1;
        case(error, Some(("error", error, "")));
    }
    for unused in report.unused.iter().filter(|_| report.fail_on_unused) {
        failures += 1;
        case(&unused.to_string(), Some(("failure", "no request asked for this entry", "")));
    }
    if report.verdict == Verdict::Error && errors == 0 {
        errors += 1;
        case("the run", Some(("error", "something could not be read or kept; see the log", "")));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n  \
         <testsuite name=\"harmock replay\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\">\n\
         {cases}  </testsuite>\n</testsuites>\n"
    )
}

/// Text as XML holds it, in an attribute too. Characters that XML 1.0 cannot hold at all become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in markup(text).chars() {
        match c {
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
