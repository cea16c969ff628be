//! What one rendering knows: who asked for what, the variables, the time, and the draws of chance.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::State;
use minijinja::value::{Object, Value};
use time::OffsetDateTime;

use super::quotes::Quotes;
use super::request::Request;
use super::variables::Variables;
use crate::treatment::Chance;

/// The name under which the functions find it: none that a template can write.
const SELF: &str = "the scene";

/// What the templates of one message are rendered with. All of them see the same time.
pub struct Scene {
    request: Option<Arc<Request>>,
    variables: Arc<Variables>,
    pub(super) at: OffsetDateTime,
    pub(super) draws: Chance,
    pub(super) quotes: Quotes,
    secret_read: AtomicBool,
}

/// What it holds is for templates alone.
impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene").finish_non_exhaustive()
    }
}

impl Scene {
    /// Draws once from `chance`: a rendering that draws more or less changes none of the later ones.
    pub fn new(request: Option<Arc<Request>>, variables: &Arc<Variables>, chance: &Chance) -> Arc<Self> {
        Arc::new(Self {
            request,
            variables: Arc::clone(variables),
            at: OffsetDateTime::now_utc(),
            draws: Chance::new(chance.next(), "template"),
            quotes: Quotes::default(),
            secret_read: AtomicBool::new(false),
        })
    }

    /// The one in whose rendering the engine is.
    pub(super) fn of(state: &State<'_, '_>) -> Option<Arc<Self>> {
        state.lookup(SELF)?.downcast_object::<Self>()
    }

    /// Whether a template has asked for the value of a secret.
    pub(super) fn has_read_secret(&self) -> bool {
        self.secret_read.load(Ordering::Relaxed)
    }
}

impl Object for Scene {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "request" => Some(Value::from_dyn_object(Arc::clone(self.request.as_ref()?))),
            "env" => Some(Value::from_object(Named(Arc::clone(self)))),
            SELF => Some(Value::from_dyn_object(Arc::clone(self))),
            _ => None,
        }
    }
}

/// `env`: a variable by its name. They are not listed, so that none is told by mistake.
#[derive(Debug)]
struct Named(Arc<Scene>);

impl Object for Named {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let variable = self.0.variables.find(key.as_str()?)?;
        if variable.secret {
            self.0.secret_read.store(true, Ordering::Relaxed);
        }
        Some(variable.value.as_str().into())
    }
}
