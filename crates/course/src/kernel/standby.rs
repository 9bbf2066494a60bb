//! The kernel that waits for the next notebook while `cargo course lab` is open: evcxr on a copy of
//! the template as always, with the facade loaded, the type inference awake and a plot drawn.

use crate::paths::Paths;
use crate::setup::template;
use convscope_kernel::STANDBY;
use convscope_kernel::standby::{Keeper, News, Plan};
use convscope_progress::size;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

/// A notebook's first cells have the machine for themselves.
const PAUSE: Duration = Duration::from_secs(8);
/// A kernel that waits must not take what a training needs.
const SPARE: u64 = 2 << 30;

/// They leave no name behind: what a notebook forgets to bring must be missing here too.
const WARM_UP: [&str; 3] = [
    "let convscope_standby = {\n\
     use convscope::prelude::*;\n\
     let warm: Tensor = Tensor::from_elem(vec![1, 1, 8, 8], 0.5);\n\
     (warm.iter().map(|v| v.to_string()).collect::<Vec<_>>(), warm.mean())\n\
     };",
    // A variable that was moved is gone.
    "drop(convscope_standby);",
    "{ use convscope::prelude::*; Plot::new(\"warm\").line(\"a line\", [0.0, 1.0], [1.0, 2.0]) }",
];

/// Keeps a kernel ready while the result lives, if it is wanted and can be, and tells `jupyter`,
/// which is about to be started, where its kernels find it.
pub fn beside(paths: &Paths, jupyter: &mut Command, wanted: bool) -> Option<Keeper> {
    let off = std::env::var(STANDBY)
        .is_ok_and(|value| matches!(value.as_str(), "0" | "no" | "off" | "false"));
    // Another lab's, should this one run in a terminal there, is not meant.
    jupyter.env_remove(STANDBY);
    if off || !wanted {
        return None;
    }
    match Keeper::start(plan(paths, jupyter)) {
        Ok(keeper) => {
            jupyter.env(STANDBY, keeper.socket());
            Some(keeper)
        }
        Err(problem) => {
            eprintln!("{}", without(&problem.to_string()));
            None
        }
    }
}

fn plan(paths: &Paths, jupyter: &Command) -> Plan {
    let own = paths.launcher().into_os_string();
    let words = ["kernel", "{connection_file}", "--bare"].map(OsString::from);
    let (stamped, fit) = (paths.clone(), paths.clone());
    let said = AtomicBool::new(false);
    Plan {
        command: std::iter::once(own).chain(words).collect(),
        folder: paths.notebooks(),
        environment: environment(jupyter),
        warm_up: WARM_UP.map(str::to_owned).into(),
        pause: PAUSE,
        spare: SPARE,
        stamp: Box::new(move || stamp(&stamped)),
        is_fit: Box::new(move || template::is_current(&fit)),
        tell: Box::new(move |news| {
            let first = !said.load(Ordering::Relaxed);
            if first && let Some(line) = told(&news) {
                eprintln!("{line}");
                said.store(true, Ordering::Relaxed);
            }
        }),
    }
}

fn without(why: &str) -> String {
    format!("No standby kernel: {why}. A notebook's kernel starts when it is opened.")
}

fn told(news: &News) -> Option<String> {
    match news {
        News::Ready { memory } => {
            let takes = memory.map_or(String::new(), |bytes| format!(" ({})", size(bytes)));
            Some(format!(
                "A standby kernel is ready{takes}; --no-standby does without."
            ))
        }
        News::Low { available } => Some(without(&format!(
            "only {} of memory are available now",
            size(*available)
        ))),
        News::GivenUp(problem) => Some(without(&problem.to_string())),
        _ => None,
    }
}

/// All variables that a command's process will have.
fn environment(command: &Command) -> Vec<(OsString, OsString)> {
    let mut all: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => all.insert(name.to_owned(), value.to_owned()),
            None => all.remove(name),
        };
    }
    all.into_iter().collect()
}

/// What a kernel stands on, in sizes and times: the template, and the crates that it was made of.
fn stamp(paths: &Paths) -> String {
    let mut text = String::new();
    for path in [
        paths.template(),
        paths.launcher(),
        paths.evcxr(),
        template::config_folder(paths, true).join("evcxr.toml"),
        paths.root.join("Cargo.toml"),
        paths.root.join("Cargo.lock"),
    ] {
        add(&mut text, &path);
    }
    for krate in template::facade_crates(paths).unwrap_or_default() {
        add_all(&mut text, &krate);
    }
    text
}

fn add_all(text: &mut String, folder: &Path) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name() != "target")
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            add_all(text, &path);
        } else {
            add(text, &path);
        }
    }
}

fn add(text: &mut String, path: &Path) {
    use std::os::unix::fs::MetadataExt;
    let Ok(meta) = path.metadata() else { return };
    let time = meta.modified().ok();
    let time = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanos = time.unwrap_or_default().as_nanos();
    *text += &format!("{} {} {} {nanos}\n", path.display(), meta.ino(), meta.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_changes_with_the_template_and_with_the_crates_it_was_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            root: folder.path().to_owned(),
        };
        let source = paths.facade().join("src");
        std::fs::create_dir_all(&source).unwrap();
        std::fs::create_dir_all(paths.template()).unwrap();
        std::fs::write(paths.facade().join("Cargo.toml"), "[dependencies]\n").unwrap();
        let mut seen = vec![stamp(&paths)];
        let mut changed = |what: &str| {
            let now = stamp(&paths);
            assert!(!seen.contains(&now), "{what}");
            assert_eq!(now, stamp(&paths));
            seen.push(now);
        };
        std::fs::write(source.join("lib.rs"), "1").unwrap();
        changed("a new file");
        std::fs::write(source.join("lib.rs"), "12").unwrap();
        changed("a longer file");
        let next = paths.kernel().join("template.next");
        std::fs::create_dir(&next).unwrap();
        std::fs::rename(paths.template(), paths.kernel().join("template.old")).unwrap();
        std::fs::rename(next, paths.template()).unwrap();
        changed("another template");
    }

    #[test]
    fn a_standby_has_the_variables_that_jupyter_will_have() {
        let mut command = Command::new("jupyter");
        command.env("COURSE_PROBE", "1").env_remove("PATH");
        let all = environment(&command);
        assert!(all.contains(&("COURSE_PROBE".into(), "1".into())));
        assert!(all.iter().all(|(name, _)| name != "PATH"));
        let kept = std::env::vars_os().filter(|(name, _)| name != "PATH");
        assert!(kept.into_iter().all(|variable| all.contains(&variable)));
    }
}
