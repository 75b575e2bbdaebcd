//! Where a bench works: the program that it measures, a scratch folder, the folder of results; and what every bench does with
//! its runs: print each, take the medians, write JSON. It measures nothing itself. Used by `call`, `mesh` and `network`.

use super::figures::Figures;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Names another program than the one beside this bench.
const PROGRAM: &str = "CONCLAVE_PROGRAM";

/// A scratch folder with this file was kept on purpose.
const KEPT: &str = "kept";
/// Begins the name of a scratch folder; the process's number follows.
const SCRATCH: &str = "conclave-bench-";

pub struct Workplace {
    pub program: PathBuf,
    /// The folder of this bench, where other programs of the build lie too.
    pub beside: PathBuf,
    /// Stays.
    pub results: PathBuf,
    scratch: TempDir,
}

impl Workplace {
    /// `results`: a folder below the build's `bench`, or nothing. `what`: as it is typed after `cargo xtask`.
    pub fn open(what: &str, results: &str) -> Result<Workplace> {
        let beside = std::env::current_exe()?.parent().context("a program lies in a folder")?.to_owned();
        let program = std::env::var_os(PROGRAM).map_or_else(|| beside.join("conclave"), PathBuf::from);
        if !program.exists() {
            bail!("{} is not built; `cargo xtask {what}` builds it", program.display());
        }
        let results = beside.parent().unwrap_or(&beside).join("bench").join(results);
        std::fs::create_dir_all(&results)?;
        // Shown pictures come at 40 MB a second; memory takes them without disturbing the call.
        let roomy = Path::new("/dev/shm");
        let roomy = if roomy.is_dir() { roomy } else { &results };
        sweep(roomy);
        let prefix = format!("{SCRATCH}{}-", std::process::id());
        let scratch = tempfile::Builder::new().prefix(&prefix).tempdir_in(roomy)?;
        Ok(Workplace { program, beside, results, scratch })
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A new folder in the scratch folder.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch().join(name);
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Writes `name`.json of the results.
    pub fn write(&self, name: &str, report: &Value) -> Result<PathBuf> {
        let out = self.results.join(name).with_extension("json");
        std::fs::write(&out, serde_json::to_string_pretty(report)?)?;
        Ok(out)
    }

    /// Ends the work; says where the scratch folder is if it is to be kept.
    pub fn close(self, keep: bool) -> Result<()> {
        if keep {
            let kept = self.scratch.keep();
            std::fs::write(kept.join(KEPT), "")?;
            println!("kept: {}", kept.display());
        }
        Ok(())
    }
}

/// Takes away what benches left behind that were killed: gigabytes of memory. Theirs who live, and what was kept, stays.
fn sweep(roomy: &Path) {
    let Ok(entries) = std::fs::read_dir(roomy) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name.strip_prefix(SCRATCH).and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        let Some(process) = process else { continue };
        // A system without /proc tells nothing about who lives.
        let gone = Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists();
        if gone && !entry.path().join(KEPT).exists() {
            // Somebody else's: then it is theirs to take away.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
}

/// Medians and single runs as every report has them.
pub fn report(medians: &Figures, runs: &[Figures]) -> Value {
    json!({ "medians": medians.0, "runs": runs.iter().map(|run| &run.0).collect::<Vec<_>>() })
}

pub fn print(figures: &Figures) {
    for (name, value) in &figures.0 {
        println!("    {name:<40}{value:>10.2}");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_benches_left_is_swept() {
        let roomy = tempfile::tempdir().expect("a folder");
        let own = format!("{SCRATCH}{}-a", std::process::id());
        // Process numbers end below this.
        let dead = format!("{SCRATCH}4194305-a");
        let kept = format!("{SCRATCH}4194306-a");
        for name in [&own, &dead, &kept, "another-4194305-a"] {
            std::fs::create_dir(roomy.path().join(name)).expect("a folder");
        }
        std::fs::write(roomy.path().join(&kept).join(KEPT), "").expect("a file");
        sweep(roomy.path());
        let left: Vec<&str> = [own.as_str(), &dead, &kept, "another-4194305-a"]
            .into_iter()
            .filter(|name| roomy.path().join(name).exists())
            .collect();
        assert_eq!(left, [own.as_str(), &kept, "another-4194305-a"]);
    }
}
