//! Entries whose answers, and what they have sent, are templates: compiled when the archives are loaded, rendered for each request.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::large;
use super::loaded::Loaded;
use super::replayer::{Replayer, answered};
use super::stored::Stored;
use crate::archive::Fetched;
use crate::har::{Answer, Callback, End, Entry, StoredBody};
use crate::matching::EntryRef;
use crate::message::CanonicalUrl;
use crate::message::coding::{codings, decoder};
use crate::templates::{Environments, Message, Request, Scene, Sheet, TemplateError, Variables};
use crate::treatment::{Templating, Treatment, is_of_the_bytes};

/// What a run lets templates do.
#[derive(Debug, Clone, Default)]
pub struct TemplateSettings {
    /// Entries that say so of themselves are templates.
    pub allow_marked: bool,
    /// What they can read.
    pub environments: Environments,
}

/// The templates of one entry.
#[derive(Debug)]
pub(super) struct Templated {
    templating: Templating,
    variables: Arc<Variables>,
    answer: Mutex<Compiled>,
    callback: Option<Sheet>,
}

/// An answer as it was when its body was last looked at: people edit payload files.
#[derive(Debug, Clone)]
struct Compiled {
    /// None: it could not be compiled, and is tried again when somebody asks.
    body: Option<Bytes>,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Sheet(Arc<Sheet>),
    /// And why, where the body could have been meant.
    AsItStands(Option<&'static str>),
}

/// What templates have made of an entry.
#[derive(Debug)]
pub enum Rendering {
    /// Nothing: it has none. A reason, where it could have been meant to.
    AsItStands(Option<String>),
    /// An answer.
    Made(Box<Rendered>),
}

/// An answer that was rendered, and what people are told of it.
#[derive(Debug)]
pub struct Rendered {
    pub(super) answer: Answer,
    /// None: that of the entry.
    pub(super) body: Option<Bytes>,
    /// Who says that it is a template: `rule 1 template`.
    pub by: String,
}

/// A template that cannot be rendered for a request.
#[derive(Debug, thiserror::Error)]
#[error("{entry}: {part} {error}")]
pub struct TemplateTrouble {
    /// `ARCHIVE#ENTRY`.
    pub entry: String,
    /// `response` or `_harmock.callback`.
    pub part: &'static str,
    /// What is wrong, and where.
    pub error: TemplateError,
}

impl Templated {
    /// Compiles what an entry has. None where that is nothing, and cannot become something while the run lasts. A text that is no
    /// template is a fault, and is one for each request that asks for it.
    pub(super) fn of(
        loaded: &Loaded,
        entry: &Entry,
        treatment: &Treatment,
        settings: &TemplateSettings,
    ) -> (Option<Self>, Option<(&'static str, TemplateError)>) {
        let Some(templating) = treatment.template.clone() else { return (None, None) };
        let (mut fault, mut callback) = (None, None);
        match entry.callback.as_deref().map(|callback| Sheet::compile(&of_callback(callback))) {
            Some(Ok(sheet)) => callback = sheet,
            Some(Err(error)) => fault = Some(("_harmock.callback", error)),
            None => {}
        }
        let answer = match answered(entry).map(|answer| Compiled::read(loaded, answer)) {
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                fault = Some(("response", error));
                Compiled::untried()
            }
            None => Compiled { body: Some(Bytes::new()), ..Compiled::untried() },
        };
        let in_file = || matches!(answered(entry).and_then(|answer| answer.body.as_ref()), Some(StoredBody::File(_)));
        let is_text = |body: &Bytes| std::str::from_utf8(body).is_ok();
        let may_become = || answer.body.as_ref().is_none_or(|body| in_file() && is_text(body));
        if matches!(answer.source, Source::AsItStands(None)) && callback.is_none() && !may_become() {
            return (None, fault);
        }
        let variables = Arc::clone(settings.environments.of(treatment.env.as_deref()));
        (Some(Self { templating, variables, answer: Mutex::new(answer), callback }), fault)
    }

    /// The source of an answer with this body, compiled anew if it is another one than before.
    fn source(&self, answer: &Answer, body: Bytes) -> Result<Source, TemplateError> {
        let known = self.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.body.as_ref() == Some(&body) {
            return Ok(known.source);
        }
        let compiled = Compiled::of(answer, Some(body))?;
        let source = compiled.source.clone();
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = compiled;
        Ok(source)
    }
}

impl Compiled {
    fn untried() -> Self {
        Self { body: None, source: Source::AsItStands(None) }
    }

    /// A body that cannot be read is told of to whoever asks for it.
    fn read(loaded: &Loaded, answer: &Answer) -> Result<Self, TemplateError> {
        match answer.body.as_ref().map(|body| loaded.archive.fetch(body, large::WHOLE)) {
            None => Self::of(answer, Some(Bytes::new())),
            Some(Ok(Fetched::Whole(body))) => Self::of(answer, Some(body)),
            Some(Ok(Fetched::Large(_))) => Self::of(answer, None),
            Some(Err(_unreadable)) => Ok(Self::untried()),
        }
    }

    /// Without a body, one that is too long.
    fn of(answer: &Answer, body: Option<Bytes>) -> Result<Self, TemplateError> {
        let as_it_stands = |body, why| Ok(Self { body: Some(body), source: Source::AsItStands(why) });
        if answer.end == End::Upstream {
            return as_it_stands(body.unwrap_or_default(), Some("the body broke off when it was recorded"));
        }
        let Some(body) = body else { return as_it_stands(Bytes::new(), Some("the body is longer than 1 MiB")) };
        let decoded = if answer.encoded { decoded(answer, &body).unwrap_or_default() } else { body.clone() };
        let fields = answer.fields.iter().map(|field| (&*field.name, &*field.value)).collect();
        let sheet = Sheet::compile(&Message { fields, body: Some(&decoded), ..Message::default() })?;
        match sheet {
            Some(sheet) => Ok(Self { body: Some(body), source: Source::Sheet(Arc::new(sheet)) }),
            None => as_it_stands(body, None),
        }
    }
}

/// The bytes of a body that is kept under its codings; none where they do not decode to a moderate length.
fn decoded(answer: &Answer, body: &[u8]) -> Option<Bytes> {
    let codings = codings(answer.field("content-encoding"))?;
    let mut decoded = Vec::new();
    decoder(&codings, body).ok()?.take(large::WHOLE + 1).read_to_end(&mut decoded).ok()?;
    (decoded.len() as u64 <= large::WHOLE).then(|| decoded.into())
}

fn of_callback(callback: &Callback) -> Message<'_> {
    Message {
        url: Some(callback.url.as_str()),
        fields: callback.fields.iter().map(|field| (&*field.name, &*field.value)).collect(),
        body: Some(&callback.body),
    }
}

impl Replayer {
    /// Whether an entry has templates.
    pub fn has_templates(&self, entry: EntryRef) -> bool {
        self.templated(entry).is_some()
    }

    /// What the templates of an entry are rendered with for a request; none for an entry that has none.
    pub fn scene(&self, entry: EntryRef, request: impl FnOnce() -> Request) -> Option<Arc<Scene>> {
        let templated = self.templated(entry)?;
        Some(Scene::new(Some(Arc::new(request())), &templated.variables, &templated.templating.chance))
    }

    /// Renders the answer of an entry.
    ///
    /// # Errors
    /// A template asks for what is not there, or does too much.
    pub async fn render(self: &Arc<Self>, entry: EntryRef, scene: &Arc<Scene>) -> Result<Rendering, TemplateTrouble> {
        let as_it_stands = Ok(Rendering::AsItStands(None));
        let (Some(templated), Some(answer)) = (self.templated(entry), answered(self.entry(entry))) else {
            return as_it_stands;
        };
        let body = match self.stored(entry, answer).await {
            Ok(Some(Stored::File(_))) => None,
            Ok(stored) => stored.map_or_else(|| Some(Bytes::new()), |stored| stored.bytes()),
            // Whoever serves it says so.
            Err(_unreadable) => return as_it_stands,
        };
        let trouble = |error| TemplateTrouble { entry: self.name(entry).to_string(), part: "response", error };
        let source = match body {
            Some(body) => templated.source(answer, body),
            None => Compiled::of(answer, None).map(|compiled| compiled.source),
        };
        let by = templated.templating.by.name("template");
        match source.map_err(trouble)? {
            Source::AsItStands(why) => Ok(Rendering::AsItStands(why.map(|why| format!("{by} did nothing: {why}")))),
            Source::Sheet(sheet) => {
                let rendered = sheet.render(scene).map_err(trouble)?;
                let body = rendered.body.map(Bytes::from);
                let answer = made(answer, &sheet, rendered.fields, body.is_some());
                Ok(Rendering::Made(Box::new(Rendered { answer, body, by })))
            }
        }
    }

    /// What an entry has sent, rendered; none where that has no template.
    ///
    /// # Errors
    /// As for an answer; or the URL is none any more.
    pub fn render_callback(&self, entry: EntryRef, scene: &Arc<Scene>) -> Result<Option<Callback>, TemplateTrouble> {
        let sheet = self.templated(entry).and_then(|templated| templated.callback.as_ref());
        let (Some(sheet), Some(callback)) = (sheet, self.entry(entry).callback.as_deref()) else { return Ok(None) };
        let trouble = |error| TemplateTrouble { entry: self.name(entry).to_string(), part: "_harmock.callback", error };
        let rendered = sheet.render(scene).map_err(trouble)?;
        let mut callback = callback.clone();
        if let Some(url) = rendered.url {
            let no_url = || {
                let (place, reason) = ("URL".to_owned(), "what it makes is no URL".to_owned());
                trouble(TemplateError { place, line: None, reason })
            };
            callback.url = CanonicalUrl::parse(&url).ok_or_else(no_url)?;
        }
        for (place, value) in rendered.fields {
            callback.fields[place].value = value.into();
        }
        callback.body = rendered.body.map_or(callback.body, Bytes::from);
        Ok(Some(callback))
    }
}

/// The answer with its fields rendered. With another body, what held for the bytes of the recorded one is left out, unless it is a
/// template itself.
fn made(answer: &Answer, sheet: &Sheet, rendered: Vec<(usize, Vec<u8>)>, has_body: bool) -> Answer {
    let mut made = answer.clone();
    let mut fields = made.fields.to_vec();
    for (place, value) in rendered {
        fields[place].value = value.into();
    }
    if has_body {
        made.encoded = false;
        let mut place = 0;
        fields.retain(|field| {
            let kept = sheet.has_field(place) || !is_of_the_bytes(&field.name);
            place += 1;
            kept
        });
    }
    made.fields = fields.into();
    made
}
