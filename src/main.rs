//! The binary: the library's command line and its exit code.

/// Answering a request allocates and frees a dozen small things, which this allocator does in fewer instructions.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    harmock::cli::main()
}
