//! What is a template, and what it can read, for a command that runs no proxy.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueHint;

use super::settings::value::{Item, flag};
use super::settings::{Layers, VariableName};
use crate::har::Entry;
use crate::matching::{Rule, Rules};
use crate::redact::{also_hide_values, is_secret_variable};
use crate::templates::{Environments, TemplateError, Variables};
use crate::treatment::{Chance, Spec};
use crate::webhooks::{GivenField, Outgoing, OutgoingTemplates};

const TEMPLATES: &str = "Templates";

/// The flags that say so, with the names that they have for a replay.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TemplateFlags {
    /// Has the requests rendered whose entries say that they are templates (`_harmock.template = true`)
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = TEMPLATES)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_templates: Option<bool>,
    /// A rule, of which `template = true` counts here; repeatable
    #[arg(long, value_name = "RULE", value_parser = flag::<Item<Rule>>(), help_heading = TEMPLATES)]
    rules: Vec<Item<Rule>>,
    /// A file with the variables that templates can read, in `.env` format; repeatable, a later one wins
    #[arg(long, value_name = "FILE", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = TEMPLATES)]
    env: Vec<Item<PathBuf>>,
    /// A variable of this process that templates can read, over those of the files; repeatable
    #[arg(long, value_name = "NAME", value_parser = flag::<Item<VariableName>>(), help_heading = TEMPLATES)]
    env_pass: Vec<Item<VariableName>>,
    /// What chance begins with [default: another number each time]
    #[arg(long, value_name = "N", value_parser = flag::<u64>(), help_heading = TEMPLATES)]
    seed: Option<u64>,
}

/// What they say.
pub(crate) struct Templates {
    allow_marked: bool,
    rules: Rules,
    environments: Environments,
    /// What is drawn from.
    pub(crate) chance: Chance,
}

impl TemplateFlags {
    /// With the variables and the file under them.
    pub(crate) fn read(&self, layers: &mut Layers) -> anyhow::Result<Templates> {
        let allow_marked = layers.one("allow-templates", self.allow_templates.as_ref(), false)?;
        let rules: Vec<Rule> = layers.list("rules", &self.rules, Vec::new())?;
        let files: Vec<PathBuf> = layers.list("env", &self.env, Vec::new())?;
        let pass: Vec<VariableName> = layers.list("env-pass", &self.env_pass, Vec::new())?;
        let pass: Vec<String> = pass.into_iter().map(|name| name.0).collect();
        let seed = layers.optional("seed", self.seed.as_ref(), "another number each time")?;
        let of_rules = rules.iter().filter_map(|rule| rule.treatment.env.clone());
        let environments = Environments::load(&files, &pass, of_rules, &is_secret_variable)?;
        also_hide_values(environments.secrets());
        for name in environments.unset() {
            anstream::eprintln!("warning: --env-pass {name}: there is no such variable");
        }
        let seed = seed.map_or_else(getrandom::u64, Ok)?;
        let rules = Rules::compile(rules, Spec::default())?;
        Ok(Templates { allow_marked, rules, environments, chance: Chance::new(seed, "send") })
    }
}

/// How a request is rendered, and with which variables.
pub(crate) type Compiled = (OutgoingTemplates, Arc<Variables>);

impl Templates {
    /// The templates of an entry's request, where it is one, and of the fields that take the place of its own.
    pub(crate) fn compile(
        &self,
        entry: &Entry,
        outgoing: &Outgoing,
        given: &[GivenField],
    ) -> Result<Option<Compiled>, TemplateError> {
        let treatment = self.rules.treatment(entry.request.url.as_str());
        let marked = entry.template.filter(|_| self.allow_marked);
        if !marked.unwrap_or(treatment.template.is_some()) {
            return Ok(None);
        }
        let variables = Arc::clone(self.environments.of(treatment.env.as_deref()));
        Ok(Some((OutgoingTemplates::compile(outgoing, given)?, variables)))
    }

    /// A variable of the run, for a signature: it is shown nowhere, whatever it is called.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let value = self.environments.of(None).value(name)?;
        also_hide_values([value]);
        Some(value.to_owned())
    }
}
