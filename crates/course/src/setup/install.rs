//! Bringing what is missing: by the system's package manager where that is allowed, else the
//! exact line to type.

use super::checks::{Machine, Need};
use crate::process::{Log, run_logged};
use crate::report::Step;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A package manager that can be used without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manager {
    /// With the prefix `sudo` or none.
    Apt {
        sudo: bool,
    },
    Conda {
        program: PathBuf,
        prefix: PathBuf,
    },
    Brew,
}

/// Package names: apt, dnf, pacman, Homebrew, conda.
struct Packages {
    apt: &'static str,
    dnf: &'static str,
    pacman: &'static str,
    brew: &'static str,
    conda: &'static str,
}

fn packages(need: Need) -> Packages {
    match need {
        Need::Linker => Packages {
            apt: "gcc libc6-dev",
            dnf: "gcc",
            pacman: "gcc",
            brew: "",
            conda: "c-compiler",
        },
        Need::Python => Packages {
            apt: "python3 python3-venv",
            dnf: "python3",
            pacman: "python",
            brew: "python",
            conda: "python",
        },
        Need::OpenBlas => Packages {
            apt: "libopenblas-dev pkg-config",
            dnf: "openblas-devel pkgconf",
            pacman: "openblas pkgconf",
            brew: "openblas pkg-config",
            conda: "openblas pkg-config",
        },
        Need::RustSource => Packages {
            apt: "rust-src",
            dnf: "rust-src",
            pacman: "rust-src",
            brew: "",
            conda: "rust-src",
        },
        Need::Browser => Packages {
            apt: "chromium",
            dnf: "chromium",
            pacman: "chromium",
            brew: "",
            conda: "",
        },
    }
}

/// What the machine offers: where programs are, and who we are.
pub struct Offer<'a> {
    pub machine: &'a Machine,
    pub root: bool,
    /// Whether `sudo` works without a password.
    pub sudo: bool,
    pub conda: Option<PathBuf>,
}

impl Offer<'_> {
    pub fn of(machine: &Machine) -> Offer<'_> {
        #[cfg(unix)]
        let root = rustix::process::geteuid().is_root();
        #[cfg(not(unix))]
        let root = false;
        let sudo = !root
            && machine.find("apt-get").is_some()
            && machine.find("sudo").is_some_and(|sudo| {
                Command::new(sudo)
                    .args(["-n", "true"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            });
        Offer {
            machine,
            root,
            sudo,
            conda: std::env::var_os("CONDA_PREFIX").map(PathBuf::from),
        }
    }

    pub fn manager(&self) -> Option<Manager> {
        let find = |name| self.machine.find(name);
        if let Some(prefix) = &self.conda
            && let Some(program) = ["mamba", "conda", "micromamba"].into_iter().find_map(find)
        {
            let prefix = prefix.clone();
            return Some(Manager::Conda { program, prefix });
        }
        if find("apt-get").is_some() && (self.root || self.sudo) {
            return Some(Manager::Apt { sudo: !self.root });
        }
        find("brew").map(|_| Manager::Brew)
    }
}

/// The lines to type, one for each package manager that the machine has (all of them if none).
pub fn advice(need: Need, machine: &Machine) -> String {
    if need == Need::RustSource && machine.find("rustup").is_some() {
        return "  Type: rustup component add rust-src".to_owned();
    }
    if need == Need::Linker && cfg!(target_os = "macos") {
        return "  Type: xcode-select --install".to_owned();
    }
    let names = packages(need);
    let lines = [
        ("apt-get", "sudo apt-get install", names.apt),
        ("dnf", "sudo dnf install", names.dnf),
        ("pacman", "sudo pacman -S", names.pacman),
        ("brew", "brew install", names.brew),
        ("conda", "conda install -c conda-forge", names.conda),
    ];
    let line = |command: &str, names: &str| format!("  Type: {command} {names}");
    let found: Vec<_> = lines
        .iter()
        .filter(|(program, _, names)| !names.is_empty() && machine.find(program).is_some())
        .map(|(_, command, names)| line(command, names))
        .collect();
    if !found.is_empty() {
        return found.join("\n");
    }
    lines
        .iter()
        .filter(|(_, _, names)| !names.is_empty())
        .map(|(_, command, names)| line(command, names))
        .collect::<Vec<_>>()
        .join("\n  or  ")
}

/// Installs what is missing, or says how.
pub fn install(
    need: Need,
    problem: &anyhow::Error,
    machine: &Machine,
    log: &mut Log,
) -> Result<()> {
    let commands = commands(need, &Offer::of(machine));
    if commands.is_empty() {
        bail!(
            "{problem:#}\n{}\nand then this command again",
            advice(need, machine)
        );
    }
    let (title, time) = match need {
        Need::Linker => ("Installing a C linker", "about half a minute"),
        Need::Python => ("Installing Python", "about half a minute"),
        Need::OpenBlas => ("Installing OpenBLAS", "about half a minute"),
        Need::RustSource => ("Installing the Rust library's source", "a few seconds"),
        Need::Browser => ("Installing Chromium for the browser test", "about a minute"),
    };
    let mut step = Step::start(title, time);
    for mut command in commands {
        run_logged(&mut command, log, |line| step.note(line)).map_err(|error| {
            anyhow::anyhow!("{error:#}\nTo do it by hand:\n{}", advice(need, machine))
        })?;
    }
    step.done();
    Ok(())
}

fn commands(need: Need, offer: &Offer<'_>) -> Vec<Command> {
    if need == Need::RustSource
        && let Some(rustup) = offer.machine.find("rustup")
    {
        let mut command = Command::new(rustup);
        command.args(["component", "add", "rust-src"]);
        return vec![command];
    }
    let names = packages(need);
    match offer.manager() {
        Some(Manager::Apt { sudo }) => {
            let apt = |args: &[&str]| {
                let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y"];
                words.extend(args);
                if sudo {
                    words.splice(..0, ["sudo", "-n"]);
                }
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            };
            let mut install = vec!["install", "--no-install-recommends"];
            install.extend(names.apt.split(' '));
            vec![apt(&["update"]), apt(&install)]
        }
        Some(Manager::Conda { program, prefix }) if !names.conda.is_empty() => {
            let mut command = Command::new(program);
            command.args(["install", "--yes", "--channel", "conda-forge", "--prefix"]);
            command.arg(prefix).args(names.conda.split(' '));
            vec![command]
        }
        Some(Manager::Brew) if !names.brew.is_empty() => {
            let mut command = Command::new("brew");
            command.arg("install").args(names.brew.split(' '));
            vec![command]
        }
        _ => Vec::new(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::process::said;
    use std::os::unix::fs::PermissionsExt;

    fn machine(programs: &[&str]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::tempdir().unwrap();
        for name in programs {
            let file = folder.path().join(name);
            std::fs::write(&file, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let machine = Machine {
            path: folder.path().into(),
            variables: Vec::new(),
        };
        (folder, machine)
    }

    fn offer(machine: &Machine, root: bool, sudo: bool, conda: bool) -> Offer<'_> {
        Offer {
            machine,
            root,
            sudo,
            conda: conda.then(|| PathBuf::from("/env")),
        }
    }

    #[test]
    fn apt_is_used_by_root_or_with_sudo_and_not_otherwise() {
        let (_folder, machine) = machine(&["apt-get"]);
        let as_root = commands(Need::OpenBlas, &offer(&machine, true, false, false));
        assert!(said(&as_root[0]).ends_with("apt-get -y update"));
        assert!(said(&as_root[1]).contains("libopenblas-dev"));
        assert!(!said(&as_root[1]).contains("sudo"));
        let with_sudo = commands(Need::OpenBlas, &offer(&machine, false, true, false));
        assert!(said(&with_sudo[1]).starts_with("sudo -n env DEBIAN_FRONTEND=noninteractive"));
        assert!(commands(Need::OpenBlas, &offer(&machine, false, false, false)).is_empty());
    }

    #[test]
    fn an_active_conda_environment_goes_first() {
        let (_folder, machine) = machine(&["apt-get", "conda"]);
        let found = commands(Need::Python, &offer(&machine, true, false, true));
        assert!(
            said(&found[0]).contains("--prefix /env python"),
            "{}",
            said(&found[0])
        );
    }

    #[test]
    fn rustup_brings_the_library_source_wherever_it_is() {
        let (_folder, machine) = machine(&["apt-get", "rustup"]);
        let found = commands(Need::RustSource, &offer(&machine, true, false, false));
        assert!(said(&found[0]).ends_with("rustup component add rust-src"));
    }

    #[test]
    fn advice_names_the_managers_that_are_there_and_all_of_them_when_none_is() {
        let (_folder, with_dnf) = machine(&["dnf"]);
        assert_eq!(
            advice(Need::OpenBlas, &with_dnf),
            "  Type: sudo dnf install openblas-devel pkgconf"
        );
        let (_other, bare) = machine(&[]);
        let all = advice(Need::OpenBlas, &bare);
        for manager in ["apt-get", "dnf", "pacman", "brew", "conda"] {
            assert!(all.contains(manager), "{all}");
        }
    }
}
