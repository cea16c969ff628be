//! Taking secrets out of exchanges between the journal and the archive.
//!
//! In passes over the journal: first all secrets are looked for; then the order of entries is decided, which must not
//! depend on a secret's value, also where it stands outside its place; what stands for a value depends on where it first
//! appears in that order. A place that was redacted in the archive that is about to be replaced keeps the text that stood
//! there, so that recording anew with fresh secrets changes nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::Path;

use super::Error;
use super::restored::{Decoded, Restored, RestoredRequest};
use crate::archive::{Archive, SortKey, Update, payload_hash};
use crate::har::{Entry, Field, NewBody, Outcome, RecordedPayload, StoredBody};
use crate::message::CanonicalUrl;
use crate::message::redacted;
use crate::redact::{
    Earlier, Echoes, EditedBody, LARGEST_BODY, Numbering, Pass, Place, Rules, Sought, is_digest, is_looked_into,
    is_text, is_utf16, mask,
};

/// What becomes of the secrets of one recording.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    rules: Rules,
    numbering: Numbering,
    earlier: Earlier,
    sought: Sought,
    /// What finds the secrets outside their places.
    echoes: Option<Echoes>,
    /// Bodies that were not looked into, and why.
    pub(super) unread: Vec<String>,
    /// Requests that are redacted where Playwright compares: `METHOD URL`.
    pub(super) unmatchable: Vec<String>,
    /// Exchanges that still hold a secret, `METHOD URL`: one that is too short to be replaced outside its place, or in a
    /// part of the URL that replay compares.
    pub(super) echoed: Vec<String>,
}

impl Redaction {
    /// For the recording into `archive`: the numbers that it has are not given again if some of its entries stay, and
    /// its places keep what they have if some are replaced.
    pub(super) fn new(rules: &Rules, archive: &Path, update: Update) -> Self {
        let mut redaction = Self { rules: rules.clone(), ..Self::default() };
        // An archive that cannot be read tells nothing; that it cannot be kept is said elsewhere.
        if rules.is_on()
            && let Ok(archive) = Archive::open(archive)
        {
            let redacted = archive.entries().iter().filter(|entry| !entry.redacted.is_empty());
            redacted.for_each(|entry| redaction.note_earlier(&archive, entry, update));
        }
        redaction
    }

    /// Whether there is anything to look for.
    pub(super) fn is_on(&self) -> bool {
        self.rules.is_on()
    }

    /// Looks for the secrets of an exchange; gives what tells others from them, and nothing where there are none. Called
    /// for all, in any order, before any is masked.
    pub(super) fn seek(&mut self, exchange: &mut Restored<'_>) -> Result<Option<u64>, Error> {
        let mut all = Held::default();
        let mut with = |place: &Place| {
            all.add(place);
            self.sought.note(place);
            String::from_utf8_lossy(&place.secret).into_owned()
        };
        redact_whole(&mut Pass::new(&self.rules, &mut with), exchange)?;
        Ok(all.hash())
    }

    /// All secrets are known; gives whether there are any to look for outside their places. What was masked before is then
    /// to be masked again.
    pub(super) fn all_sought(&mut self) -> bool {
        self.echoes = Echoes::of(std::mem::take(&mut self.sought));
        self.echoes.is_some()
    }

    /// Hides the values in a request (its URL, fields and body), each behind one word, before its place in the archive
    /// is decided; gives what tells others from them. Requests that differ in secrets alone are equal then.
    pub(super) fn mask(&self, request: &mut RestoredRequest) -> Result<Option<u64>, Error> {
        let mut all = Held::default();
        let mut with = |place: &Place| {
            all.add(place);
            mask(place)
        };
        let mut pass = Pass::new(&self.rules, &mut with).and_echoes(self.echoes.as_ref());
        redact_request(&mut pass, request)?;
        Ok(all.hash())
    }

    /// The same in a whole exchange; gives the places where values were hidden.
    pub(super) fn mask_whole(&self, exchange: &mut Restored<'_>) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        let mut with = |place: &Place| {
            places.push(place.clone());
            mask(place)
        };
        redact_whole(&mut Pass::new(&self.rules, &mut with).and_echoes(self.echoes.as_ref()), exchange)?;
        Ok(places)
    }

    /// Whether [`Self::note`] has anything to do for exchanges with secrets.
    pub(super) fn numbers_first(&self) -> bool {
        self.echoes.is_some() || !self.earlier.is_empty()
    }

    /// Notes the values of an exchange, and lets them have the text that stood in the same places. Called for each that
    /// holds any in the order of the archive, before the first is redacted.
    pub(super) fn note(&mut self, key: &SortKey, exchange: &mut Restored<'_>) -> Result<(), Error> {
        let mut places = Vec::new();
        let mut with = |place: &Place| {
            places.push(place.clone());
            String::from_utf8_lossy(&place.secret).into_owned()
        };
        redact_whole(&mut Pass::new(&self.rules, &mut with), exchange)?;
        if let Some(earlier) = self.earlier.next(&known_by(key)) {
            self.numbering.keep(&places, &earlier);
        }
        places.iter().for_each(|place| self.numbering.note(place));
        Ok(())
    }

    /// All values are noted.
    pub(super) fn number_noted(&mut self) {
        self.numbering.number_noted();
    }

    /// Replaces the values in a whole exchange. Called for each entry in the order of the archive.
    pub(super) fn redact(&mut self, exchange: &mut Restored<'_>) -> Result<(), Error> {
        if !self.is_on() {
            return Ok(());
        }
        self.note_unread(exchange)?;
        let mut with = |place: &Place| self.numbering.replacement(place);
        let mut pass = Pass::new(&self.rules, &mut with).and_echoes(self.echoes.as_ref());
        let compared = redact_whole(&mut pass, exchange)?;
        exchange.redacted = pass.labels().to_vec();
        if self.still_holds(exchange)? {
            self.echoed.push(format!("{} {}", exchange.facts.method, shown(&exchange.request.url)));
        }
        if compared {
            self.unmatchable.push(format!("{} {}", exchange.facts.method, exchange.request.url.as_str()));
        }
        Ok(())
    }

    /// Whether a secret is left in the URL or in the text of the response.
    fn still_holds(&self, exchange: &Restored<'_>) -> Result<bool, Error> {
        let Some(echoes) = &self.echoes else { return Ok(false) };
        if echoes.stand_in(exchange.request.url.as_str().as_bytes()) {
            return Ok(true);
        }
        match exchange.response.beginning(&media_type(&exchange.response_fields))? {
            Beginning::Text | Beginning::Prose => {
                Ok(exchange.response.content()?.is_some_and(|body| echoes.are_left_in(&body)))
            }
            _ => Ok(false),
        }
    }

    fn note_unread(&mut self, exchange: &Restored<'_>) -> Result<(), Error> {
        let fields = &exchange.request.fields;
        let by_client = fields.iter().any(|field| &*field.name == "content-encoding");
        let request = (&exchange.request.body, fields, "request", by_client.then_some("compressed by the client"));
        let coding = exchange.undecoded.then_some("in a coding that cannot be undone");
        let response = (&exchange.response, &exchange.response_fields, "response", coding);
        for (body, fields, side, coded) in [request, response] {
            let reason = match (body.beginning(&media_type(fields))?, coded) {
                (Beginning::Text | Beginning::Prose | Beginning::Binary, Some(coded)) => coded,
                (Beginning::TooLarge, _) => "larger than 16 MiB",
                (Beginning::Wide, _) => "in UTF-16",
                _ => continue,
            };
            self.unread.push(format!(
                "{side} of {} {} ({reason})",
                exchange.facts.method,
                shown(&exchange.request.url)
            ));
        }
        Ok(())
    }

    fn note_earlier(&mut self, archive: &Archive, entry: &Entry, update: Update) {
        let mut places = Vec::new();
        let mut with = |place: &Place| {
            places.push(place.clone());
            mask(place)
        };
        let mut pass = Pass::new(&self.rules, &mut with);
        let key = earlier_request(&mut pass, archive, entry);
        if let Outcome::Answered(answer) = &entry.outcome {
            let (mut fields, mut trailers) = (answer.fields.to_vec(), answer.trailers.to_vec());
            pass.fields(&mut fields);
            let body = answer.body.as_ref().and_then(|body| read(archive, body));
            body.and_then(|body| pass.body(&media_type(&answer.fields), &body));
            pass.fields(&mut trailers);
        }
        if update != Update::Replace {
            places.iter().filter_map(Place::already).for_each(|there| self.numbering.reserve(&there));
            let fields = entry.request.fields.iter().map(|field| &*field.value);
            let texts = fields.chain([entry.request.url.as_str().as_bytes()]);
            texts.flat_map(redacted::find).for_each(|there| self.numbering.reserve(&there));
        }
        // In a merge an example stays, and no exchange takes its place.
        let is_replaced = match update {
            Update::Append => false,
            Update::Merge => !entry.is_example,
            Update::Replace => true,
        };
        if is_replaced && !places.is_empty() {
            self.earlier.add(known_by(&key), places);
        }
    }
}

/// The secrets of an exchange, as something by which they are told from others.
#[derive(Default)]
struct Held(Option<DefaultHasher>);

impl Held {
    fn add(&mut self, place: &Place) {
        place.secret.hash(self.0.get_or_insert_default());
    }

    fn hash(self) -> Option<u64> {
        self.0.map(|hasher| hasher.finish())
    }
}

/// Replaces what is in a request; gives whether that is where Playwright compares.
fn redact_request(pass: &mut Pass<'_>, request: &mut RestoredRequest) -> Result<bool, Error> {
    let mut compared = false;
    if let Some(url) = pass.url(request.url.as_str()).and_then(|url| CanonicalUrl::parse(&url)) {
        request.url = url;
        compared = true;
    }
    pass.fields(&mut request.fields);
    let body = redact_body(pass, &mut request.body, &mut request.fields, &mut request.wire)?;
    Ok(compared || body.is_some())
}

fn redact_whole(pass: &mut Pass<'_>, exchange: &mut Restored<'_>) -> Result<bool, Error> {
    let Restored { request, response_fields, trailers, response, response_wire, arrived, .. } = exchange;
    let mut compared = redact_request(pass, request)?;
    compared &= pass.labels().iter().any(|label| label.starts_with("query:") || label.starts_with("url:"))
        || exchange.facts.method == "POST";
    pass.fields(response_fields);
    if let Some(edited) = redact_body(pass, response, response_fields, response_wire)? {
        let mut moves = edited.moves();
        *arrived = arrived.moved(|end| moves(usize::try_from(end).unwrap_or(usize::MAX)) as u64);
    }
    pass.fields(trailers);
    Ok(compared)
}

/// Replaces what is in a body, and sets right what its fields say of its length.
fn redact_body(
    pass: &mut Pass<'_>,
    body: &mut Decoded,
    fields: &mut [Field],
    wire: &mut u64,
) -> Result<Option<EditedBody>, Error> {
    let media_type = media_type(fields);
    match body.beginning(&media_type)? {
        Beginning::Text => {}
        Beginning::Prose if pass.reads_prose() => {}
        _ => return Ok(None),
    }
    let Some(content) = body.content()? else { return Ok(None) };
    let Some(mut edited) = pass.body(&media_type, &content) else { return Ok(None) };
    let coded = fields.iter().any(|field| &*field.name == "content-encoding");
    for field in fields {
        if &*field.name == "content-length" && !coded {
            field.value = edited.bytes.len().to_string().into_bytes().into();
        } else if is_digest(&field.name) {
            let value = String::from_utf8_lossy(&field.value).into_owned();
            field.value = pass.value(&format!("header:{}", field.name), &field.name, &value).into_bytes().into();
        }
    }
    if !coded {
        *wire = edited.bytes.len() as u64;
    }
    *body = Decoded::Memory(std::mem::take(&mut edited.bytes));
    Ok(Some(edited))
}

/// What a body begins like.
enum Beginning {
    Nothing,
    /// What places are looked for in.
    Text,
    /// Other text.
    Prose,
    /// Text in characters of two bytes.
    Wide,
    Binary,
    TooLarge,
}

impl Decoded {
    /// Whether secrets can be looked for in a body of this media type.
    fn beginning(&self, media_type: &str) -> Result<Beginning, Error> {
        let Some(reader) = self.reader()? else { return Ok(Beginning::Nothing) };
        let length = self.length()?;
        let mut beginning = Vec::new();
        self.read(reader.take(64), &mut beginning)?;
        Ok(match (is_looked_into(media_type, &beginning), is_text(media_type, &beginning)) {
            (false, false) => Beginning::Binary,
            _ if length > LARGEST_BODY => Beginning::TooLarge,
            _ if is_utf16(media_type, &beginning) => Beginning::Wide,
            (true, _) => Beginning::Text,
            (false, true) => Beginning::Prose,
        })
    }

    /// All of it.
    fn content(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(reader) = self.reader()? else { return Ok(None) };
        let mut content = Vec::new();
        self.read(reader, &mut content)?;
        Ok(Some(content))
    }

    fn read(&self, mut reader: impl Read, into: &mut Vec<u8>) -> Result<(), Error> {
        let path = if let NewBody::File(path) = self.as_new_body() { path } else { Path::new("") };
        reader.read_to_end(into).map(drop).map_err(|source| Error::Read { path: path.to_owned(), source })
    }
}

/// What an entry of the archive is known by, found as for a new exchange.
fn earlier_request(pass: &mut Pass<'_>, archive: &Archive, entry: &Entry) -> SortKey {
    let request = &entry.request;
    let url = pass.url(request.url.as_str()).unwrap_or_else(|| request.url.as_str().to_owned());
    // What stands outside its place looks the same there, and no rule knows it.
    let masked = |text: Vec<u8>| if entry.redacted.is_empty() { text } else { redacted::masked(&text).into_owned() };
    let url = String::from_utf8(masked(url.into_bytes())).unwrap_or_default();
    let mut fields = request.fields.to_vec();
    pass.fields(&mut fields);
    let body = if let RecordedPayload::Stored(body) = &request.payload { read(archive, body) } else { None };
    let body = body.map(|body| match pass.body(&media_type(&fields), &body) {
        Some(edited) => edited.bytes,
        None => body,
    });
    let payload = body.and_then(|body| payload_hash(&NewBody::Bytes(&masked(body))).ok().flatten());
    SortKey { url: url.into(), method: request.method.clone(), payload, started: None }
}

fn known_by(key: &SortKey) -> Vec<u8> {
    let hash = key.payload.as_ref().map_or(&[][..], |hash| &hash[..]);
    [key.method.as_bytes(), b" ", key.url.as_bytes(), b" ", hash].concat()
}

fn read(archive: &Archive, body: &StoredBody) -> Option<Vec<u8>> {
    archive.read(body).ok().map(|body| body.to_vec())
}

fn media_type(fields: &[Field]) -> String {
    let field = fields.iter().find(|field| &*field.name == "content-type");
    field.map(|field| String::from_utf8_lossy(&field.value).into_owned()).unwrap_or_default()
}

fn shown(url: &CanonicalUrl) -> String {
    crate::redact::shown_url(url.as_str()).into_owned()
}
