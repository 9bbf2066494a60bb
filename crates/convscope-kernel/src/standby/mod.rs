//! A kernel that is started and warmed up before a notebook asks for one.
//!
//! A [`Keeper`] keeps one ready and listens on a Unix socket. A relay that starts asks there, in
//! one line, for a kernel in its folder and with its environment, and gets one line back: the
//! kernel's connection, or nothing. The connection stays: its end, whichever side it comes from and
//! however, is the end of that kernel. Whatever goes wrong, the relay starts a kernel itself.

mod keeper;
mod loan;
mod memory;
mod warm_up;

pub use keeper::{Keeper, News, Plan};
pub(crate) use loan::Loan;

use crate::connection::hex;
use sha2::{Digest as _, Sha256};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The socket that this process's environment names, unless it says that there shall be none.
pub fn named() -> Option<PathBuf> {
    std::env::var_os(crate::STANDBY)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// What must be the same for a kernel to be the one that a relay would start itself.
fn digest(folder: &Path, environment: impl Iterator<Item = (OsString, OsString)>) -> String {
    let mut variables: Vec<_> = environment.filter(|(name, _)| counts(name)).collect();
    variables.sort();
    let mut digest = Sha256::new();
    let mut add = |part: &OsStr| {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    };
    add(OsStr::new(env!("CARGO_PKG_VERSION")));
    add(folder
        .canonicalize()
        .as_deref()
        .unwrap_or(folder)
        .as_os_str());
    for (name, value) in &variables {
        add(name);
        add(value);
    }
    hex(&digest.finalize())
}

/// Whether a variable may matter to a cell: Jupyter's own differ from kernel to kernel, and a
/// shell's from call to call.
fn counts(name: &OsStr) -> bool {
    let name = name.as_bytes();
    // Python sets the last where the locale is C.
    let changing: [&[u8]; 6] = [
        b"PWD",
        b"OLDPWD",
        b"SHLVL",
        b"_",
        crate::STANDBY.as_bytes(),
        b"LC_CTYPE",
    ];
    !name.starts_with(b"JPY_") && !name.starts_with(b"JUPYTER") && !changing.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(folder: &str, variables: &[(&str, &str)]) -> String {
        let variables = variables.iter().map(|(a, b)| (a.into(), b.into()));
        digest(Path::new(folder), variables)
    }

    #[test]
    fn jupyters_own_variables_and_the_order_do_not_matter_and_all_else_does() {
        let known = of("/a", &[("PATH", "/bin"), ("HOME", "/root")]);
        let more = [
            ("HOME", "/root"),
            ("JPY_SESSION_NAME", "01.ipynb"),
            ("JUPYTER_PATH", "/x"),
            ("_", "/bin/sh"),
            ("PATH", "/bin"),
        ];
        assert_eq!(of("/a", &more), known);
        assert_ne!(of("/b", &more), known);
        assert_ne!(of("/a", &[("PATH", "/bin"), ("HOME", "/else")]), known);
        assert_ne!(of("/a", &[("PATH", "/bin")]), known);
        // Where a name ends and its value begins is part of it.
        assert_ne!(of("/a", &[("A", "BC")]), of("/a", &[("AB", "C")]));
    }
}
