//! A miss in words: what came nearest, what differs, and the settings that would have made it match.

use serde::Serialize;

use super::hidden::{hide_secrets, shown_url};
use super::rescue::Problem;
use crate::matching::remedy::{after_the_last, remedy};
use crate::matching::{Difference, DifferenceKind, Hit, LiveRequest, MissReason, NearMiss, Relaxed};
use crate::message::escape::markup;
use crate::pages::document;
use crate::replay::Replayer;
use crate::report::{Miss, Near};

/// How many entries that came near are told.
const TOLD: usize = 3;
/// How many differences of one entry are told.
const DIFFERENCES: usize = 8;

/// Why nothing matched, in words.
pub(super) struct Explained {
    reason: String,
    nearest: Vec<Nearest>,
    remedy: Option<String>,
}

/// An entry that came close, by the names that people know.
struct Nearest {
    archive: String,
    ordinal: usize,
    method: String,
    url: String,
    near_miss: NearMiss,
}

impl Explained {
    /// A miss that no entry could have been near to.
    pub(super) fn because(reason: &str) -> Self {
        Self { reason: reason.to_owned(), nearest: Vec::new(), remedy: None }
    }

    /// Looks for the nearest entries. Blocks: it may read payloads.
    pub(super) fn find(replayer: &Replayer, asked: &LiveRequest<'_>, reason: &MissReason) -> Self {
        // What is missing behind a redirect is where it leads.
        let asked = match reason {
            MissReason::RedirectTarget { url, method, .. } => LiveRequest { method, url, ..*asked },
            MissReason::NoEntry | MissReason::Exhausted { .. } | MissReason::RedirectCycle { .. } => *asked,
        };
        let near = replayer.nearest(&asked, TOLD);
        let remedy = match (reason, near.first()) {
            (MissReason::Exhausted { first }, _) => Some(after_the_last(replayer.entry(*first).request.url.as_str())),
            (MissReason::RedirectCycle { .. }, _) | (_, None) => None,
            (_, Some(nearest)) => {
                let recorded = replayer.entry(nearest.entry).request.url.as_str();
                let url = nearest.stand_in.as_deref().unwrap_or(asked.url);
                let has_map = !replayer.origins().is_empty();
                remedy(url, recorded, &nearest.differences, replayer.terms(url).as_deref(), has_map)
            }
        };
        let nearest = near.into_iter().map(|near_miss| Nearest::of(replayer, near_miss)).collect();
        Self { reason: in_words(replayer, reason), nearest, remedy }
    }

    pub(super) fn report(&self, method: &str, url: &str) -> Miss {
        let mut told = self.nearest.iter().map(Nearest::report);
        let (nearest, verdict, differences) = match told.next() {
            Some(Near { entry, verdict, differences }) => (Some(entry), Some(verdict), differences),
            None => (None, None, Vec::new()),
        };
        Miss {
            method: method.to_owned(),
            url: shown_url(url),
            reason: self.reason.clone(),
            nearest,
            verdict,
            differences,
            also: told.collect(),
            remedy: self.remedy.clone(),
            count: 1,
        }
    }

    /// For the log: the nearest entry and the weightiest difference.
    pub(super) fn line(&self) -> String {
        match self.nearest.first() {
            None => self.reason.clone(),
            Some(nearest) => {
                let first = nearest.sentences().next().map(|sentence| format!("; {sentence}")).unwrap_or_default();
                format!("{}; nearest {}#{}{first}", self.reason, nearest.archive, nearest.ordinal)
            }
        }
    }

    pub(super) fn problem<'a>(&'a self, method: &'a str, url: &str) -> Problem<'static, Told<'a>> {
        let url = shown_url(url);
        let mut told = self.nearest.iter().map(Nearest::told);
        let detail = format!("harmock: {method} {url}: {}", self.reason);
        let (nearest, also) = (told.next(), told.collect());
        Problem::of_miss(detail, Told { method, url, nearest, also, remedy: self.remedy.as_deref() })
    }

    /// The same as a page, for people whose browser asked for one.
    pub(super) fn page(&self, method: &str, url: &str) -> (String, String) {
        let mut main = format!(
            "<header><h1>harmock</h1><span class=\"mode replay\">miss</span></header>\n<p class=\"banner open\" role=\"status\">\
             <strong>No recorded entry matches this request.</strong> {}</p>\n<pre><code>{} {}</code></pre>\n",
            markup(&self.reason),
            markup(method),
            markup(&shown_url(url))
        );
        for (at, nearest) in self.nearest.iter().enumerate() {
            let title = if at == 0 { "The nearest entry" } else { "Further away" };
            main.push_str(&format!("<section><h3>{title}</h3><p><code>{}</code></p>\n<dl>", markup(&nearest.name())));
            for (criterion, verdict) in nearest.near_miss.verdicts() {
                main.push_str(&format!("<dt>{criterion}</dt><dd>{}</dd>", verdict.as_str()));
            }
            main.push_str("</dl>\n<ul>");
            nearest.sentences().for_each(|sentence| main.push_str(&format!("<li>{}</li>", markup(&sentence))));
            main.push_str("</ul></section>\n");
        }
        if let Some(remedy) = &self.remedy {
            let lines = markup(remedy);
            main.push_str(&format!(
                "<h2>These lines of harmock.toml would make it match</h2>\n<pre><code>{lines}</code></pre>\n"
            ));
        }
        document("harmock: a miss", &main)
    }

    /// The same for a terminal.
    pub(super) fn lines(&self, method: &str, url: &str) -> Vec<String> {
        let mut lines = vec![format!("MISS {method} {}: {}", shown_url(url), self.reason)];
        for (at, nearest) in self.nearest.iter().enumerate() {
            lines.push(format!("  {}: {}", if at == 0 { "nearest" } else { "also near" }, nearest.name()));
            lines.push(format!("    {}", nearest.verdict()));
            lines.extend(nearest.sentences().map(|sentence| format!("    {sentence}")));
        }
        if let Some(remedy) = &self.remedy {
            lines.push("  these lines of harmock.toml would make it match:".to_owned());
            lines.extend(remedy.lines().map(|line| format!("    {line}")));
        }
        lines
    }
}

fn in_words(replayer: &Replayer, reason: &MissReason) -> String {
    match reason {
        MissReason::NoEntry => "no recorded entry matches".to_owned(),
        MissReason::Exhausted { first } => {
            format!("every answer of the sequence that begins with {} has been given", replayer.name(*first))
        }
        MissReason::RedirectTarget { from, url, method } => {
            let (from, url) = (replayer.name(*from), shown_url(url));
            format!("the redirect of {from} leads to {method} {url}, which is not recorded")
        }
        MissReason::RedirectCycle { at } => format!("the redirects lead back to {}", replayer.name(*at)),
    }
}

/// What the problem details of a miss hold beside the usual, in the order in which a person reads them.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    method: &'a str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<NearestTold<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<NearestTold<'a>>,
    #[serde(rename = "harmock.toml", skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct NearestTold<'a> {
    archive: &'a str,
    entry: usize,
    method: &'a str,
    url: &'a str,
    verdict: Verdicts,
    differences: Vec<DifferenceTold>,
}

#[derive(Debug, Serialize)]
struct Verdicts {
    method: &'static str,
    url: &'static str,
    payload: &'static str,
    headers: &'static str,
}

#[derive(Debug, Serialize)]
struct DifferenceTold {
    what: String,
    recorded: String,
    live: String,
}

impl Nearest {
    fn of(replayer: &Replayer, mut near_miss: NearMiss) -> Self {
        let name = replayer.name(near_miss.entry);
        let recorded = &replayer.entry(near_miss.entry).request;
        near_miss.differences.iter_mut().for_each(hide_secrets);
        Self {
            archive: name.archive.to_owned(),
            ordinal: name.ordinal,
            method: recorded.method.to_string(),
            url: shown_url(recorded.url.as_str()),
            near_miss,
        }
    }

    fn told(&self) -> NearestTold<'_> {
        let [method, url, payload, headers] = self.near_miss.verdicts().map(|(_, verdict)| verdict.as_str());
        let told =
            |d: &Difference| DifferenceTold { what: what(&d.what), recorded: d.recorded.clone(), live: d.live.clone() };
        NearestTold {
            archive: &self.archive,
            entry: self.ordinal,
            method: &self.method,
            url: &self.url,
            verdict: Verdicts { method, url, payload, headers },
            differences: self.near_miss.differences.iter().take(DIFFERENCES).map(told).collect(),
        }
    }

    fn name(&self) -> String {
        format!("{}#{} {} {}", self.archive, self.ordinal, self.method, self.url)
    }

    fn sentences(&self) -> impl Iterator<Item = String> {
        let all = &self.near_miss.differences;
        let more = (all.len() > DIFFERENCES).then(|| format!("… and {} more differences", all.len() - DIFFERENCES));
        all.iter().take(DIFFERENCES).map(sentence).chain(more)
    }

    /// `method equal, url differs, payload not compared, headers not compared`
    fn verdict(&self) -> String {
        let verdicts = self.near_miss.verdicts().map(|(what, verdict)| format!("{what} {}", verdict.as_str()));
        verdicts.join(", ")
    }

    fn report(&self) -> Near {
        Near { entry: self.name(), verdict: self.verdict(), differences: self.sentences().collect() }
    }
}

/// One difference for people.
fn sentence(difference: &Difference) -> String {
    if difference.recorded.is_empty() && difference.live.is_empty() {
        return format!("{} is there without a value on one side alone", what(&difference.what));
    }
    let shown = |value: &str| if value.is_empty() { "nothing".to_owned() } else { format!("{value:?}") };
    format!("{} was {}, now {}", what(&difference.what), shown(&difference.recorded), shown(&difference.live))
}

fn what(kind: &DifferenceKind) -> String {
    match kind {
        DifferenceKind::QueryParameter(name) => format!("query parameter {name}"),
        DifferenceKind::QueryOrder => "order of the query".into(),
        DifferenceKind::JsonValue(path) => format!("payload {path}"),
        DifferenceKind::JsonSpelling => "spelling of the JSON".into(),
        DifferenceKind::Variable(path) => format!("GraphQL variable {path}"),
        DifferenceKind::GraphQlOperation(_) => "GraphQL operation".into(),
        DifferenceKind::GraphQlQuery(_) => "GraphQL query".into(),
        DifferenceKind::GraphQlSpelling => "layout of the GraphQL query".into(),
        DifferenceKind::FormField(name) => format!("form field {name}"),
        DifferenceKind::Part(name) => format!("part {name}"),
        DifferenceKind::Header(name) => format!("header {name}"),
        other => other.name().to_owned(),
    }
}

/// The differences that rules hid, as people may see them.
pub(super) fn relaxed(hit: &Hit) -> Vec<Relaxed> {
    let mut relaxed = hit.relaxed.clone();
    relaxed.iter_mut().for_each(|one| hide_secrets(&mut one.difference));
    relaxed
}
