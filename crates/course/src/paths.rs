//! Where things are: the repository's root and what set-up makes inside it.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The repository and the folder of made things inside it.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The repository's root: `CONVSCOPE_HOME`, or the nearest parent folder of the current one
    /// that holds the course's `Cargo.toml` and `notebooks/`, or where this program was compiled.
    pub root: PathBuf,
}

impl Paths {
    pub fn find() -> Result<Paths> {
        let is_root = |p: &Path| p.join("crates/course").is_dir() && p.join("notebooks").is_dir();
        if let Some(home) = std::env::var_os("CONVSCOPE_HOME") {
            let root = PathBuf::from(home);
            anyhow::ensure!(
                is_root(&root),
                "CONVSCOPE_HOME is {}, which is not a Convscope repository",
                root.display()
            );
            return Ok(Paths { root });
        }
        let here = std::env::current_dir().context("the current folder cannot be read")?;
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        here.ancestors()
            .map(Path::to_path_buf)
            .chain([built_in])
            .find(|p| is_root(p))
            .map(|p| Paths {
                root: p.canonicalize().unwrap_or(p),
            })
            .context("this is not inside a Convscope repository: change to its folder first")
    }

    /// Everything that set-up makes: `--clean` removes it whole.
    pub fn made(&self) -> PathBuf {
        self.root.join(".convscope")
    }

    pub fn notebooks(&self) -> PathBuf {
        self.root.join("notebooks")
    }

    pub fn solutions(&self) -> PathBuf {
        self.root.join("notebooks/solutions")
    }

    /// The virtual environment with Jupyter in it.
    pub fn venv(&self) -> PathBuf {
        self.made().join("venv")
    }

    pub fn python(&self) -> PathBuf {
        venv_python(&self.venv())
    }

    pub fn log(&self) -> PathBuf {
        self.made().join("log")
    }

    /// The stamps of finished steps and the lock that keeps two set-ups apart.
    pub fn stamps(&self) -> PathBuf {
        self.made().join("setup")
    }

    pub fn tools(&self) -> PathBuf {
        self.made().join("tools")
    }

    pub fn evcxr(&self) -> PathBuf {
        self.tools().join("bin").join(exe("evcxr_jupyter"))
    }

    /// The copy of this program that Jupyter starts; `cargo course` itself may be rebuilt meanwhile.
    pub fn launcher(&self) -> PathBuf {
        self.made().join("bin").join(exe("course"))
    }

    pub fn kernel(&self) -> PathBuf {
        self.made().join("kernel")
    }

    /// A finished working folder of evcxr, in which everything is compiled.
    pub fn template(&self) -> PathBuf {
        self.kernel().join("template")
    }

    /// Each running kernel's private copy of the template.
    pub fn kernel_runs(&self) -> PathBuf {
        self.kernel().join("run")
    }

    /// Jupyter's own folders, so that it writes nothing elsewhere.
    pub fn jupyter(&self) -> PathBuf {
        self.made().join("jupyter")
    }

    pub fn kernelspec(&self) -> PathBuf {
        self.venv().join("share/jupyter/kernels/rust")
    }

    /// The crate that notebooks depend on.
    pub fn facade(&self) -> PathBuf {
        self.root.join("crates/convscope")
    }
}

/// The interpreter inside a virtual environment.
pub fn venv_python(venv: &Path) -> PathBuf {
    if cfg!(windows) {
        venv.join("Scripts/python.exe")
    } else {
        venv.join("bin/python")
    }
}

pub fn exe(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}
