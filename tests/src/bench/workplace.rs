//! Where a bench works: the program that it measures, a scratch folder, the folder of results; and what every bench does with
//! its runs: print each, take the medians, write JSON. It measures nothing itself. Used by `call`, `mesh` and `network`.

use super::figures::Figures;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Names another program than the one beside this bench.
const PROGRAM: &str = "CONCLAVE_PROGRAM";

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
        let scratch = if roomy.is_dir() { tempfile::tempdir_in(roomy)? } else { tempfile::tempdir_in(&results)? };
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
    pub fn close(self, keep: bool) {
        if keep {
            println!("kept: {}", self.scratch.keep().display());
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
