//! The binary: the library's command line and its exit code.

fn main() -> std::process::ExitCode {
    harmock::cli::main()
}
