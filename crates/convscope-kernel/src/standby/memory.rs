//! How much memory there is, and how much a kernel takes. Known on Linux only.

use std::path::Path;

/// What is left for programs, in bytes: of the machine, or of the container that this runs in.
pub fn available() -> Option<u64> {
    let machine = field(&read("/proc/meminfo")?, "MemAvailable:")? << 10;
    Some(container("/sys/fs/cgroup").map_or(machine, |left| left.min(machine)))
}

/// Files in memory can be given up, so those that are not in use are no load.
fn container(folder: &str) -> Option<u64> {
    let number =
        |file: &str| -> Option<u64> { read(&format!("{folder}/{file}"))?.trim().parse().ok() };
    let files = field(&read(&format!("{folder}/memory.stat"))?, "inactive_file").unwrap_or(0);
    let used = number("memory.current")?.saturating_sub(files);
    Some(number("memory.max")?.saturating_sub(used))
}

/// What a process and all that it started take, in bytes; memory that others share counts in part.
pub fn taken(process: u32) -> Option<u64> {
    let parts: Vec<u64> = crate::process::family(process)
        .into_iter()
        .filter_map(|(id, _)| field(&read(&format!("/proc/{id}/smaps_rollup"))?, "Pss:"))
        .collect();
    (!parts.is_empty()).then(|| parts.iter().sum::<u64>() << 10)
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(path)).ok()
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_what_its_limit_leaves_and_unused_files_are_no_load() {
        let folder = tempfile::tempdir().unwrap();
        let left = |max: &str| {
            let write = |name: &str, text: &str| {
                std::fs::write(folder.path().join(name), text).unwrap();
            };
            write("memory.max", max);
            write("memory.current", "700\n");
            write("memory.stat", "anon 500\ninactive_file 200\n");
            container(folder.path().to_str().unwrap())
        };
        assert_eq!(left("1000\n"), Some(500));
        assert_eq!(left("300\n"), Some(0));
        assert_eq!(left("max\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_of_this_machine_and_this_process_is_known() {
        let (left, own) = (available().unwrap(), taken(std::process::id()).unwrap());
        assert!(own > 100 << 10 && own < left + own, "{own} of {left}");
    }
}
