//! `harmock open`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}
pub(crate) fn run(_: Args) -> super::CommandResult {
    anyhow::bail!("todo")
}
