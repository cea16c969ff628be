//! What a run lets templates do, from its settings.

use super::config::ReplayConfig;
use crate::redact::{also_hide_values, is_secret_variable};
use crate::replay::{Replayer, TemplateSettings};
use crate::templates::{Environments, VariablesError};

/// Reads the variables that templates can read; those that are secrets are shown nowhere from now on. Blocks.
pub(super) fn settings(config: &ReplayConfig) -> Result<TemplateSettings, VariablesError> {
    let of_rules = config.rules.iter().filter_map(|rule| rule.treatment.env.clone());
    let environments = Environments::load(&config.env, &config.env_pass, of_rules, &is_secret_variable)?;
    also_hide_values(environments.secrets());
    Ok(TemplateSettings { allow_marked: config.allow_templates, environments })
}

/// What is not as the user may think it is.
pub(super) fn warnings(config: &ReplayConfig, settings: &TemplateSettings, replayer: &Replayer) -> Vec<String> {
    let unset = settings.environments.unset().iter();
    let mut warnings: Vec<_> = unset.map(|name| format!("--env-pass {name}: there is no such variable")).collect();
    let marked = replayer.entries().filter(|entry| replayer.entry(*entry).template == Some(true)).count();
    if marked > 0 && !config.allow_templates {
        let entries = if marked == 1 { "1 entry is".to_owned() } else { format!("{marked} entries are") };
        let told = "marked as a template (_harmock.template) and answered as it stands; --allow-templates allows it";
        warnings.push(format!("{entries} {told}"));
    }
    warnings
}
