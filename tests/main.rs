mod oracle;
mod playwright_globs;
