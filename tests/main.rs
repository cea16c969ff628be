mod oracle;
mod playwright_globs;
mod playwright_lookup;
