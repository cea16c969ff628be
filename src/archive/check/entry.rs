//! What one entry says that replay takes otherwise than its reader may expect.

use std::collections::HashSet;

use super::{Report, Severity};
use crate::har::raw::RawEntry;
use crate::har::{Answer, Entry, Failure, Outcome, RecordedPayload};

/// Looks at everything but the bytes of the bodies.
pub(super) fn check_entry(report: &mut Report<'_>, entry: &Entry, urls: &HashSet<&str>) {
    if let Ok(Some(json)) = report.archive.entry_json(entry.ordinal) {
        let raw: RawEntry<'_> = serde_json::from_str(&json).unwrap_or_default();
        check_url(report, entry, &raw);
        check_missing_body(report, entry, &raw);
    }
    check_payload(report, entry);
    match &entry.outcome {
        Outcome::Answered(answer) => {
            check_status(report, entry, answer);
            check_redirect(report, entry, answer, urls);
        }
        Outcome::Failed(failure) => check_failure(report, entry, failure),
    }
}

fn check_url(report: &mut Report<'_>, entry: &Entry, raw: &RawEntry<'_>) {
    let written = raw.request.url.text().unwrap_or_default();
    let without_fragment = written.split('#').next().unwrap_or_default();
    let url = entry.request.url.as_str();
    if without_fragment != url {
        let message = format!("is compared as {url}; Playwright compares the text and finds it for no request");
        report.add(Severity::Note, Some(entry.ordinal), Some("request.url"), message);
    }
}

fn check_missing_body(report: &mut Report<'_>, entry: &Entry, raw: &RawEntry<'_>) {
    let Outcome::Answered(Answer { body: None, status, .. }) = &entry.outcome else { return };
    if matches!(status, 100..=199 | 204 | 304) || &*entry.request.method == "HEAD" {
        return;
    }
    let content = &raw.response.content;
    let size = match content.size.number() {
        Some(size) if size > 0.0 => format!(" of {size} bytes"),
        Some(size) if size < 0.0 => String::new(),
        None if content.comment.non_empty().is_some() => String::new(),
        _ => return,
    };
    let message = format!("the body{size} was not recorded; replay serves an empty one");
    // Hardly anybody reads the body of a redirect, and Chrome never keeps it.
    let severity = if matches!(status, 300..=399) { Severity::Note } else { Severity::Warning };
    report.add(severity, Some(entry.ordinal), Some("response.content.text"), message);
}

fn check_payload(report: &mut Report<'_>, entry: &Entry) {
    let matches_anything = &*entry.request.method == "POST" && !entry.recorded_by_harmock && !entry.is_example;
    match entry.request.payload {
        RecordedPayload::Absent if matches_anything => {
            let message = "a POST without payload; it matches a request with any payload";
            report.add(Severity::Warning, Some(entry.ordinal), Some("request.postData"), message);
        }
        RecordedPayload::Params(_) => {
            let message = "only the fields were recorded, not the bytes; payloads are compared field by field";
            report.add(Severity::Note, Some(entry.ordinal), Some("request.postData.params"), message);
        }
        _ => {}
    }
}

fn check_status(report: &mut Report<'_>, entry: &Entry, answer: &Answer) {
    let problem = match answer.status {
        100..=199 => "is an interim status, which cannot be the answer to a request; record it again",
        304 => "was recorded from a reload: a client that holds no copy cannot use it; record with an empty cache",
        600.. => "is above 599; many clients refuse it",
        _ => return,
    };
    let message = format!("{} {problem}", answer.status);
    report.add(Severity::Warning, Some(entry.ordinal), Some("response.status"), message);
}

fn check_redirect(report: &mut Report<'_>, entry: &Entry, answer: &Answer, urls: &HashSet<&str>) {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return;
    }
    let field = Some("response.headers");
    let Some(location) = answer.field("location") else { return };
    let location = String::from_utf8_lossy(location);
    match entry.request.url.join(&location) {
        None => {
            let message = format!("the redirect to {location:?} leads to no URL");
            report.add(Severity::Warning, Some(entry.ordinal), field, message);
        }
        Some(target) if !urls.contains(target.as_str()) => {
            let message =
                format!("the redirect leads to {target}, which is not recorded; clients that have it followed miss");
            report.add(Severity::Warning, Some(entry.ordinal), field, message);
        }
        Some(_) => {}
    }
}

fn check_failure(report: &mut Report<'_>, entry: &Entry, failure: &Failure) {
    let detail = if failure.detail.is_empty() { String::new() } else { format!(" ({})", failure.detail) };
    match failure.cause {
        Some(cause) => {
            let message = format!("no answer came: {}{detail}; replay answers {}", cause.as_str(), cause.status());
            report.add(Severity::Note, Some(entry.ordinal), Some("response.status"), message);
        }
        None => {
            let message = format!("no answer was recorded{detail}; replay resets the connection");
            report.add(Severity::Warning, Some(entry.ordinal), Some("response.status"), message);
        }
    }
}
