//! The reports of shards as one: a test suite that ran in parts has missed what any part missed, and left unused what no
//! part used.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use super::{Applied, Miss, Report, VERSION, Verdict};

/// Why reports cannot be merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// Nothing to merge.
    #[error("there is no report to merge")]
    None,
    /// A report of another version of harmock.
    #[error("a report has version {0}, this harmock reads version {VERSION}; make it with the same version of harmock")]
    Version(u32),
}

/// Joins the reports of runs over the same archives.
///
/// # Errors
///
/// When there is none, or one has another shape.
pub fn merge(reports: impl IntoIterator<Item = Report>) -> Result<Report, MergeError> {
    let mut reports = reports.into_iter();
    let mut merged = reports.next().ok_or(MergeError::None).and_then(checked)?;
    let mut unused: BTreeSet<_> = std::mem::take(&mut merged.unused).into_iter().collect();
    let mut verdict = merged.verdict;
    for report in reports {
        let report = checked(report)?;
        merged.served += report.served;
        merged.missed += report.missed;
        merged.ignored += report.ignored;
        merged.entries = merged.entries.max(report.entries);
        merged.max_misses = merged.max_misses.min(report.max_misses);
        merged.misses_fail |= report.misses_fail;
        merged.fail_on_unused |= report.fail_on_unused;
        add_misses(&mut merged.misses, report.misses);
        for (name, part) in report.sessions {
            match merged.sessions.entry(name) {
                Entry::Vacant(place) => drop(place.insert(part)),
                // Parts of a suite that use the same name mean the same session.
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.served += part.served;
                    known.missed += part.missed;
                    known.unused.retain(|entry| part.unused.contains(entry));
                    add_misses(&mut known.misses, part.misses);
                }
            }
        }
        for error in report.errors {
            if !merged.errors.contains(&error) {
                merged.errors.push(error);
            }
        }
        for (into, from) in [(&mut merged.passed, report.passed), (&mut merged.tunnelled, report.tunnelled)] {
            for (host, count) in from {
                *into.entry(host).or_default() += count;
            }
        }
        add_applied(&mut merged.applied, report.applied);
        let of_shard: BTreeSet<_> = report.unused.into_iter().collect();
        unused.retain(|entry| of_shard.contains(entry));
        verdict = verdict.min(report.verdict);
    }
    merged.unused = unused.into_iter().collect();
    merged.verdict = match verdict {
        Verdict::Error => Verdict::Error,
        // Allowed in each shard is not yet allowed in all of them.
        _ if verdict == Verdict::Misses || merged.has_too_many_misses() => Verdict::Misses,
        _ if merged.fail_on_unused && !merged.unused.is_empty() => Verdict::Unused,
        _ => Verdict::Well,
    };
    Ok(merged)
}

fn add_misses(known: &mut Vec<Miss>, more: Vec<Miss>) {
    for miss in more {
        match known.iter_mut().find(|known| known.method == miss.method && known.url == miss.url) {
            Some(known) => known.count += miss.count,
            None => known.push(miss),
        }
    }
}

fn add_applied(known: &mut Vec<Applied>, more: Vec<Applied>) {
    for applied in more {
        let same = |known: &&mut Applied| {
            known.what == applied.what && known.method == applied.method && known.url == applied.url
        };
        match known.iter_mut().find(same) {
            Some(known) => known.count += applied.count,
            None => known.push(applied),
        }
    }
}

fn checked(report: Report) -> Result<Report, MergeError> {
    if report.version == VERSION { Ok(report) } else { Err(MergeError::Version(report.version)) }
}
