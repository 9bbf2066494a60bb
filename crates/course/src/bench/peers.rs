//! The peers: PyTorch in a virtual environment of its own, candle and burn in a cargo project of
//! their own, all outside the workspace, in `.convscope/peers` (or where `CONVSCOPE_PEERS` says).

use super::conversation::Conversation;
use super::results::Runner;
use crate::kernel::environment::forget_cargo_run;
use crate::paths::{Paths, venv_python};
use crate::process::{Log, output, run_logged};
use crate::report::Step;
use crate::setup::checks::{self, Machine};
use crate::setup::stamp::write_whole;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that is compared with.
const TORCH: &str = "2.15.0";
/// What looks inside its networks.
const CAPTUM: &str = "captum==0.9.0";

/// Where PyTorch keeps builds without CUDA, a tenth of the size of the others.
const TORCH_INDEX: &str = "https://download.pytorch.org/whl/cpu";

const TORCH_SCRIPT: &str = include_str!("../../peers/torch_bench.py");

/// The cargo project's files.
const RUST: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../peers/rust/Cargo.toml")),
    ("Cargo.lock", include_str!("../../peers/rust/Cargo.lock")),
    ("src/lib.rs", include_str!("../../peers/rust/src/lib.rs")),
    (
        "src/bin/candle.rs",
        include_str!("../../peers/rust/src/bin/candle.rs"),
    ),
    (
        "src/bin/burn.rs",
        include_str!("../../peers/rust/src/bin/burn.rs"),
    ),
];

/// PyTorch's best case: memory once had is kept, so that no page is fresh.
const WARM: [(&str, &str); 2] = [
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "17179869184"),
];

/// The installed peers.
pub struct Peers {
    python: PathBuf,
    script: PathBuf,
    rust: PathBuf,
    root: PathBuf,
}

impl Peers {
    /// Installs what is not there yet.
    pub fn install(paths: &Paths) -> Result<Peers> {
        let folder = match std::env::var_os("CONVSCOPE_PEERS") {
            Some(folder) => PathBuf::from(folder),
            None => paths.made().join("peers"),
        };
        let mut log = Log::create(&paths.log(), "peers")?;
        let venv = folder.join("torch");
        let python = venv_python(&venv);
        if !has_torch(&python) {
            install_torch(&venv, &mut log)?;
        }
        let script = folder.join("torch_bench.py");
        write_whole(&script, TORCH_SCRIPT.as_bytes())?;
        let rust = folder.join("rust");
        for (name, text) in RUST {
            write_if_new(&rust.join(name), text)?;
        }
        let mut step = Step::start("Compiling candle and burn", "some minutes the first time");
        let mut build = Command::new("cargo");
        build.args(["build", "--release"]).current_dir(&rust);
        forget_cargo_run(&mut build, &paths.root);
        run_logged(&mut build, &mut log, |line| step.note(line.trim()))?;
        step.done();
        Ok(Peers {
            python,
            script,
            rust,
            root: paths.root.clone(),
        })
    }

    fn torch(&self, warm: bool) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).env_remove("PYTHONPATH");
        if warm {
            command.envs(WARM);
        }
        command
    }

    /// PyTorch as it comes, then warm.
    pub fn pytorch(&self) -> Result<[Conversation; 2]> {
        Ok([
            Conversation::start("PyTorch", &mut self.torch(false))?,
            Conversation::start("PyTorch at its best", &mut self.torch(true))?,
        ])
    }

    pub fn candle_and_burn(&self) -> Result<[(Runner, Conversation); 2]> {
        let start = |name| {
            let program = self
                .rust
                .join("target/release")
                .join(crate::paths::exe(name));
            let mut command = Command::new(program);
            forget_cargo_run(&mut command, &self.root);
            Conversation::start(name, &mut command)
        };
        Ok([
            (Runner::Candle, start("candle")?),
            (Runner::Burn, start("burn")?),
        ])
    }

    /// The memory that PyTorch takes for a workload in a process of its own: the layout that takes
    /// less counts.
    pub fn memory(&self, workload: &str) -> Result<u64> {
        let mut least = u64::MAX;
        for layout in ["nchw", "channels_last"] {
            let mut command = self.torch(false);
            command.args(["memory", workload, layout]);
            least = least.min(super::peak_bytes(&mut command)?);
        }
        Ok(least)
    }
}

fn has_torch(python: &Path) -> bool {
    let print = [
        "-c",
        "import captum, sklearn, torch; print(torch.__version__)",
    ];
    let found = python.exists().then(|| output(python, &print)).flatten();
    found.is_some_and(|version| version.split('+').next() == Some(TORCH))
}

fn install_torch(venv: &Path, log: &mut Log) -> Result<()> {
    let python = checks::python(&Machine::this())?;
    let mut step = Step::start("Installing PyTorch", "some minutes");
    run_logged(
        Command::new(python).args(["-I", "-m", "venv"]).arg(venv),
        log,
        |_| {},
    )?;
    let mut pip = |arguments: &[&str]| {
        let mut pip = Command::new(venv_python(venv));
        pip.args(["-m", "pip", "--disable-pip-version-check", "--no-input"])
            .args(["install", "--only-binary", ":all:"])
            .args(arguments)
            .env_remove("PYTHONPATH");
        run_logged(&mut pip, log, |line| step.note(line.trim()))
    };
    let cpu = format!("torch=={TORCH}+cpu");
    let any = format!("torch=={TORCH}");
    let with = ["numpy", CAPTUM, "scikit-learn"];
    pip(&[&["--extra-index-url", TORCH_INDEX, &cpu], &with[..]].concat())
        .or_else(|_| pip(&[&[any.as_str()], &with[..]].concat()))
        .context("pip could not install PyTorch (is the network there?)")?;
    step.done();
    Ok(())
}

/// A file that is written again looks new to cargo.
fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    write_whole(path, text.as_bytes())
}
