harmock ca install
harmock ca install --dry-run
