//! Picks what was asked for: the window, the program without a window, the contacts, or the doctor.

use std::process::ExitCode;

use clap::Parser as _;
use conclave::cli::{Action, Cli, Options};
use conclave::engine::Command;
use conclave::{contacts_command, doctor, gui, headless};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The log goes to stderr, is quiet by default and is raised by CONCLAVE_LOG=debug.
    // libp2p-mdns writes addresses into its errors, and they tell nobody what to do.
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("CONCLAVE_LOG").unwrap_or_else(|_| EnvFilter::new("error,libp2p_mdns=off")),
        )
        .with_writer(std::io::stderr)
        .init();
    match cli.action {
        Some(Action::Headless(arguments)) => headless::run(&arguments),
        Some(Action::Contacts(arguments)) => contacts_command::run(arguments, cli.options.data_dir),
        Some(Action::Doctor { json }) => doctor::run(json),
        Some(Action::New(options)) => window(options.over(cli.options), Some(Command::PrepareNew)),
        Some(Action::Join { invite, options }) => {
            window(options.over(cli.options), Some(Command::PrepareJoin { invite }))
        }
        None => window(cli.options, None),
    }
}

fn window(options: Options, first: Option<Command>) -> ExitCode {
    match options.into_config().and_then(|config| gui::run(config, first)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
