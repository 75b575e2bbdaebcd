//! Brings in the system packages that are missing: says which and why, asks, installs, and looks again.
//!
//! Nothing is run when everything is there. A package manager that is unknown, an answer of no and a failed
//! installation each end in an error that names the packages and the command. Called by `tasks`.

use crate::needs::{self, Need, When, program};
use crate::report;
use anyhow::{Context, Result, bail};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes sure that everything for these moments is there.
pub(crate) fn ensure(moments: &[When], yes: bool) -> Result<()> {
    let wanted: Vec<Need> = needs::all().into_iter().filter(|need| moments.contains(&need.when)).collect();
    let missing: Vec<&Need> = wanted.iter().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Conclave needs from this system:");
    for need in &missing {
        println!("  {:<24} for {}", need.name, need.why);
    }
    let Some(manager) = Manager::of_this_machine() else {
        bail!("no apt, dnf, pacman or brew here: please install what the list above names, then try again");
    };
    let packages = manager.packages(&missing);
    let steps = manager.steps(&packages, yes || !std::io::stdin().is_terminal());
    println!("To be installed with {}: {}", manager.name(), packages.join(" "));
    if !yes && std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !asked()? {
        bail!("nothing was installed. By hand: {} install {}", manager.name(), packages.join(" "));
    }
    for step in &steps {
        step.run().with_context(|| format!("could not install {}", packages.join(" ")))?;
    }
    let still: Vec<&str> = missing.iter().filter(|need| !need.is_met()).map(|need| need.name).collect();
    if !still.is_empty() {
        bail!("{} says that all is installed, yet not found: {}", manager.name(), still.join(", "));
    }
    report::note("system packages are in place");
    Ok(())
}

fn asked() -> Result<bool> {
    print!("Install them now? [Y/n] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
    Brew,
}

impl Manager {
    fn of_this_machine() -> Option<Manager> {
        let known =
            [("apt-get", Manager::Apt), ("dnf", Manager::Dnf), ("pacman", Manager::Pacman), ("brew", Manager::Brew)];
        known.into_iter().find(|(name, _)| program(name).is_some()).map(|(_, manager)| manager)
    }

    fn name(self) -> &'static str {
        match self {
            Manager::Apt => "apt-get",
            Manager::Dnf => "dnf",
            Manager::Pacman => "pacman",
            Manager::Brew => "brew",
        }
    }

    /// The packages for these needs, each once, in a stable order.
    fn packages(self, missing: &[&Need]) -> Vec<&'static str> {
        let mut packages: Vec<&'static str> = Vec::new();
        for need in missing {
            let names = match self {
                Manager::Apt => need.apt,
                Manager::Dnf => need.dnf,
                Manager::Pacman => need.pacman,
                Manager::Brew => need.brew,
            };
            for name in names.split_whitespace() {
                if !packages.contains(&name) {
                    packages.push(name);
                }
            }
        }
        packages
    }

    fn steps(self, packages: &[&'static str], without_asking: bool) -> Vec<Step> {
        let mut install = match self {
            Manager::Apt => vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"],
            Manager::Dnf => vec!["dnf", "install", "--assumeyes"],
            Manager::Pacman => vec!["pacman", "--sync", "--needed", "--noconfirm"],
            Manager::Brew => vec!["brew", "install"],
        };
        if self == Manager::Apt {
            install.push("--no-install-recommends");
        }
        install.extend(packages);
        let step = |line: Vec<&'static str>, needed: bool| Step {
            line,
            as_root: self != Manager::Brew,
            may_ask_password: !without_asking,
            needed,
        };
        let mut steps = Vec::new();
        // Package lists may be empty (a container) or too old to name packages that still exist. Refreshing them can
        // fail for a foreign source's sake while ours are fine, so only the installation decides.
        match self {
            Manager::Apt => steps.push(step(vec!["apt-get", "update", "--quiet=1"], false)),
            Manager::Pacman if !Path::new("/var/lib/pacman/sync/core.db").exists() => {
                steps.push(step(vec!["pacman", "--sync", "--refresh"], false));
            }
            Manager::Pacman | Manager::Dnf | Manager::Brew => {}
        }
        steps.push(step(install, true));
        steps
    }
}

struct Step {
    line: Vec<&'static str>,
    as_root: bool,
    may_ask_password: bool,
    needed: bool,
}

impl Step {
    fn run(&self) -> Result<()> {
        let mut line = self.line.clone();
        if self.as_root && !is_root() {
            if program("sudo").is_none() {
                bail!("this needs root and there is no sudo; as root: {}", self.line.join(" "));
            }
            let sudo: &[&'static str] = if self.may_ask_password { &["sudo"] } else { &["sudo", "-n"] };
            line.splice(0..0, sudo.iter().copied());
        }
        report::command(&line);
        let (name, arguments) = line.split_first().context("an empty command line")?;
        let status = Command::new(name)
            .args(arguments)
            .stdin(if self.may_ask_password { Stdio::inherit() } else { Stdio::null() })
            .status()
            .with_context(|| format!("could not start {name}"))?;
        if self.needed && !status.success() {
            bail!("`{}` ended with {status}", line.join(" "));
        }
        Ok(())
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_serves_two_needs_is_installed_once() {
        let needs = needs::all();
        let all: Vec<&Need> = needs.iter().collect();
        for manager in [Manager::Apt, Manager::Dnf, Manager::Pacman, Manager::Brew] {
            let packages = manager.packages(&all);
            let mut sorted = packages.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), packages.len(), "{manager:?}: {packages:?}");
            assert!(packages.contains(&"cmake"), "{manager:?}");
        }
    }

    #[test]
    fn apt_reads_its_lists_before_it_installs_and_never_asks() {
        let steps = Manager::Apt.steps(&["nasm"], true);
        assert_eq!(steps.len(), 2);
        assert!(steps[0].line.contains(&"update"));
        assert!(steps[1].line.contains(&"nasm") && steps[1].line.contains(&"--yes"));
        assert!(!steps[0].needed && steps[1].needed);
    }
}
