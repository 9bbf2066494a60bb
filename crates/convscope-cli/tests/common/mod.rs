//! The program in a folder of its own. Nothing here asks a network for anything.
#![allow(dead_code)] // each test uses some of it

use convscope_data::Photo;
use convscope_nn::{Conv2d, Flatten, Linear, MaxPool2d, Network, Relu};
use ndarray::Array3;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Two convolutions and four classes, for images of 16x16.
pub fn small(channels: usize, seed: u64) -> Network {
    Network::input([channels, 16, 16])
        .add("conv1", Conv2d::new(6, 3).same())
        .add("relu1", Relu)
        .add("pool1", MaxPool2d::new(2))
        .add("conv2", Conv2d::new(8, 3).same())
        .add("relu2", Relu)
        .add("flatten", Flatten)
        .add("fc", Linear::new(4))
        .build(seed)
        .unwrap()
}

/// A folder of its own, an empty cache and no mirror.
pub struct Place {
    pub folder: TempDir,
}

/// How a run ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scope"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("CONVSCOPE_DATA", self.path("cache"))
            .env("CONVSCOPE_HOME", repository())
            .env("CONVSCOPE_MIRROR", self.path("no mirror"));
        command
    }

    pub fn scope(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().unwrap())
    }

    /// A picture of coloured waves.
    pub fn photo(&self, name: &str, height: usize, width: usize) {
        let pixels = Array3::from_shape_fn((3, height, width), |(c, y, x)| {
            0.5 + 0.5 * ((c + 1) as f32 * 0.1 * (y as f32 + 0.7 * x as f32)).sin()
        });
        let photo = Photo::from_pixels(name, pixels).unwrap();
        photo.save_png(self.path(name)).unwrap();
    }
}

impl Ended {
    pub fn of(output: Output) -> Ended {
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn well(self) -> Ended {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// It ended with this code and one line of error that says all of `parts`.
    #[track_caller]
    pub fn badly(self, code: i32, parts: &[&str]) -> Ended {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        let line = self.err.lines().find(|line| line.starts_with("error: "));
        let line = line.unwrap_or_else(|| panic!("no error in {:?}", self.err));
        for part in parts {
            assert!(line.contains(part), "\"{part}\" is not in {line:?}");
        }
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Weights of ten classes that PyTorch wrote.
pub fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../convscope-zoo/tests/fixtures");
    path.join(name).display().to_string()
}
