//! The answer of an entry, treated: it waits, is rendered, is patched, comes slowly, or goes wrong.

use std::sync::Arc;

use http::Response;
use http::header::{HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http_body::Body as _;
use tokio::time::sleep;

use super::connection::Reset;
use super::exchange::{By, Exchange};
use super::mock_headers::Wishes;
use crate::har::Callback;
use crate::matching::EntryRef;
use crate::message::{Body, duration};
use crate::replay::{EntryName, Pausing, Rendered, Rendering, Replayer, TemplateTrouble};
use crate::templates::{Request, Scene};
use crate::treatment::{Delaying, Paced, Treatment, Wait};

/// What is done to one answer.
pub(super) struct Plan<'a> {
    replayer: &'a Arc<Replayer>,
    entry: EntryRef,
    treatment: Option<&'a Treatment>,
    delay: Option<Delaying>,
    /// What its templates are rendered with, where it has any.
    scene: Option<Arc<Scene>>,
}

impl<'a> Plan<'a> {
    /// None for an entry that is served as it was recorded, which most are.
    pub(super) fn of(
        replayer: &'a Arc<Replayer>,
        entry: EntryRef,
        wishes: &Wishes,
        request: impl FnOnce() -> Request,
    ) -> Option<Self> {
        let treatment = replayer.treatment(entry);
        let delay = wishes.delay.clone().or_else(|| treatment.and_then(|treatment| treatment.delay.clone()));
        (treatment.is_some() || delay.is_some()).then(|| {
            let scene = treatment.and_then(|_| replayer.scene(entry, request));
            Self { replayer, entry, treatment, delay, scene }
        })
    }

    pub(super) fn name(&self) -> EntryName<'a> {
        self.replayer.name(self.entry)
    }

    pub(super) fn treatment(&self) -> Option<&'a Treatment> {
        self.treatment
    }

    pub(super) fn replayer(&self) -> &'a Arc<Replayer> {
        self.replayer
    }

    pub(super) fn entry(&self) -> EntryRef {
        self.entry
    }

    /// The answer rendered; none for one that has no template.
    pub(super) async fn render(
        &self,
        exchange: &Exchange,
        notes: &mut Vec<String>,
    ) -> Result<Option<Box<Rendered>>, TemplateTrouble> {
        let Some(scene) = &self.scene else { return Ok(None) };
        match self.replayer.render(self.entry, scene).await? {
            Rendering::AsItStands(why) => {
                notes.extend(why);
                Ok(None)
            }
            Rendering::Made(rendered) => {
                notes.push(exchange.templated(Some(self.name()), &rendered.by));
                Ok(Some(rendered))
            }
        }
    }

    /// What the entry has sent, rendered; none where that has no template.
    pub(super) fn callback(&self) -> Result<Option<Callback>, TemplateTrouble> {
        self.scene.as_ref().map_or(Ok(None), |scene| self.replayer.render_callback(self.entry, scene))
    }

    /// Waits as long as the answer is delayed, or until the run ends: it is then answered at once, and what waits for good
    /// is broken off. A client that leaves takes this future with it.
    pub(super) async fn wait(&self, exchange: &Exchange, notes: &mut Vec<String>) -> Result<(), Reset> {
        let Some(delaying) = &self.delay else { return Ok(()) };
        let took = self.replayer.entry(self.entry).took;
        let wait = delaying.draw(took);
        let what = delaying.by.name("delay");
        exchange.applied(&what, Some(self.name()), Vec::new());
        notes.push(match wait {
            Wait::For(time) => format!("{what} {}", duration::text(time)),
            Wait::ForGood => format!("{what} {}", delaying.delay),
        });
        let mut waiting = Waiting { plan: self, exchange, notes, over: false };
        let ending = exchange.engine.ending.cancelled();
        match wait {
            Wait::For(time) => {
                tokio::select! {
                    () = sleep(time) => {}
                    () = ending => {}
                }
                waiting.over = true;
                Ok(())
            }
            Wait::ForGood => {
                ending.await;
                Err(Reset::Abrupt)
            }
        }
    }

    /// The request's fields without conditions and ranges, where those would compare with what the client never gets.
    pub(super) fn without_conditions(&self, fields: &HeaderMap) -> Option<HeaderMap> {
        const CONDITIONS: [HeaderName; 4] = [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE];
        if !self.treatment?.patch.changes_content() {
            return None;
        }
        let mut fields = fields.clone();
        CONDITIONS.into_iter().for_each(|name| drop(fields.remove(name)));
        Some(fields)
    }

    /// The answer and the length of its body, patched and as slow as it is to come.
    pub(super) async fn shape(
        &self,
        exchange: &Exchange,
        mut response: Response<Body>,
        mut length: u64,
        notes: &mut Vec<String>,
    ) -> (Response<Body>, u64) {
        if let Some(patch) = self.treatment.map(|treatment| &treatment.patch).filter(|patch| !patch.is_empty()) {
            let (patched, told) = patch.apply(response, &exchange.method).await;
            response = patched;
            length = response.body().size_hint().exact().unwrap_or(length);
            notes.push(exchange.patched(Some(self.name()), told));
        }
        (self.pace(exchange, response, length, notes), length)
    }

    /// Has the body come as slowly as it is to.
    fn pace(
        &self,
        exchange: &Exchange,
        response: Response<Body>,
        length: u64,
        notes: &mut Vec<String>,
    ) -> Response<Body> {
        let bandwidth = self.treatment.and_then(|treatment| treatment.bandwidth);
        let rate = match bandwidth {
            Some((by, bandwidth)) => {
                let what = by.name("bandwidth");
                exchange.applied(&what, Some(self.name()), Vec::new());
                notes.push(format!("{what} {bandwidth}"));
                Some(bandwidth.bytes() as f64)
            }
            None => {
                let took = self.replayer.entry(self.entry).took;
                self.delay.as_ref().and_then(|delaying| delaying.delay.recorded_pace(took, length))
            }
        };
        let Some(rate) = rate.filter(|_| !matches!(response.body(), Body::Empty)) else { return response };
        let mut response = response.map(|body| Body::boxed(Paced::new(body, rate)));
        response.extensions_mut().insert(Pausing);
        response
    }
}

/// An answer that is waited for. Its drop before that is over means that the client has left, or the run has ended.
struct Waiting<'a> {
    plan: &'a Plan<'a>,
    exchange: &'a Exchange,
    notes: &'a [String],
    over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.over {
            // It was asked for, if not served.
            self.plan.replayer.count(self.plan.entry);
            let note = format!("[{}]; ended while it waited", self.notes.join("; "));
            self.exchange.log(None, 0, By::Entry(self.plan.name()), Some(&note));
        }
    }
}
