//! Absolute paths: in a notebook they are somebody's own machine, and work on no other.

use std::path::Path;

/// Folders at the top of a file system, under which a person's or a machine's own things lie.
const TOPS: [&str; 18] = [
    "Users",
    "build",
    "builds",
    "content",
    "data",
    "etc",
    "home",
    "media",
    "mnt",
    "opt",
    "private",
    "root",
    "srv",
    "tmp",
    "usr",
    "var",
    "work",
    "workspace",
];

/// The first absolute path in this text. Pictures inside HTML are passed over.
pub fn find(text: &str) -> Option<String> {
    let text = without_data_addresses(text);
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let starts = !(before.is_alphanumeric() || "_/.:<-)]}~*".contains(before));
        let here = &text[i..];
        if starts && (is_unix_path(here) || is_windows_path(here)) {
            let end = here.find(|c: char| c.is_whitespace() || "\"'`<>()[],;".contains(c));
            return Some(here[..end.unwrap_or(here.len())].to_string());
        }
        before = c;
    }
    None
}

fn is_unix_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else {
        return false;
    };
    TOPS.iter()
        .any(|top| rest.strip_prefix(top).is_some_and(|r| r.starts_with('/')))
}

fn is_windows_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 3
        && bytes[0].is_ascii_uppercase()
        && bytes[1] == b':'
        && bytes[2] == b'\\'
        && bytes[3].is_ascii_alphabetic()
}

/// `data:image/png;base64,...` can spell anything.
fn without_data_addresses(text: &str) -> String {
    const MARK: &str = ";base64,";
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        let (before, after) = rest.split_at(at + MARK.len());
        kept.push_str(before);
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
        rest = &after[end.unwrap_or(after.len())..];
    }
    kept + rest
}

/// The text with this repository's own folder taken out of the paths in it, and cargo's folder out
/// of those of crates: `ndarray-0.16.1/src/arraytraits.rs`.
pub fn make_relative(text: &str, root: &Path) -> String {
    let text = without_cargo_folders(text);
    let root = root.to_string_lossy();
    if root.len() < 2 {
        return text;
    }
    text.replace(&format!("{root}/"), "").replace(&*root, ".")
}

fn without_cargo_folders(text: &str) -> String {
    const SOURCES: &str = "/registry/src/";
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(SOURCES) {
        let start = rest[..at].rfind(|c: char| c.is_whitespace() || "\"'`(<".contains(c));
        kept.push_str(&rest[..start.map_or(0, |s| s + 1)]);
        let after = &rest[at + SOURCES.len()..];
        // The folder of one registry, such as `index.crates.io-` and a number.
        rest = after.split_once('/').map_or(after, |(_, path)| path);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_are_found_where_they_begin() {
        for (text, path) in [
            ("let p = \"/home/ada/x.png\";", "/home/ada/x.png"),
            ("saved to /tmp/a.csv, done", "/tmp/a.csv"),
            ("(/Users/ada)", "/Users/ada"),
            ("open(r\"C:\\Users\\ada\")", "C:\\Users\\ada"),
            ("file=/root/x", "/root/x"),
            ("src='data:image/png;base64,AA/tmp/AA' /mnt/x", "/mnt/x"),
        ] {
            assert_eq!(find(text).as_deref(), Some(path), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_path_is_left_alone() {
        for text in [
            "and/or, 3/4, </div>, a / b / c, // comment, /* x */",
            "https://example.org/home/x",
            "../../crates/convscope and ./data/x and data/cache",
            "src=\"data:image/png;base64,AA/home/AA==\"",
            "/home alone, x/home/y, ~/home/y",
            "a ratio of C:\\",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn paths_in_the_repository_become_relative() {
        let root = Path::new("/srv/convscope");
        assert_eq!(
            make_relative("read /srv/convscope/data/x in /srv/convscope", root),
            "read data/x in ."
        );
        let panic = "thread 'a' panicked at /srv/convscope/.convscope/cargo/registry/src/index-1/ndarray-0.16.1/src/a.rs:7:5:";
        assert_eq!(
            make_relative(panic, root),
            "thread 'a' panicked at ndarray-0.16.1/src/a.rs:7:5:"
        );
        let two = "(/home/ada/.cargo/registry/src/x-1/a-1.0/b) /home/ada/.cargo/registry/src/x-1/c";
        assert_eq!(make_relative(two, root), "(a-1.0/b) c");
    }
}
