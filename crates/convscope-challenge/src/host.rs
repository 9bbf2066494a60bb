//! Who scores.

use crate::board::{Board, Entry};
use crate::error::{ChallengeError, Result};
use crate::page::page;
use crate::submission::Submission;
use crate::task::Task;
use convscope_data::{Dataset, write_atomic};
use convscope_nn::Tensor;
use ndarray::{Axis, Slice};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Images that go through a network at once.
const BATCH: usize = 100;

/// A folder with a secret and a leaderboard. The secret is drawn when it is first needed, and the
/// hidden images come from it: on a student's own machine nobody knows them, and an instructor scores
/// a whole class with one secret.
#[derive(Clone, Debug)]
pub struct Host {
    folder: PathBuf,
    task: Task,
}

impl Host {
    /// For this task, in this folder, which is made where there is none.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>, task: Task) -> Result<Host> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|e| ChallengeError::file(&folder, e))?;
        Ok(Host { folder, task })
    }

    /// Where the leaderboard's page is.
    pub fn page(&self) -> PathBuf {
        self.folder.join("leaderboard.html")
    }

    fn entries(&self) -> PathBuf {
        self.folder.join("leaderboard.json")
    }

    /// The leaderboard so far.
    ///
    /// # Errors
    /// When its file cannot be read, or is no leaderboard.
    pub fn board(&self) -> Result<Board> {
        Board::read(self.entries())
    }

    /// Reads a submission, scores it on the hidden images, and enters it into the leaderboard.
    ///
    /// # Errors
    /// When it breaks a rule (then nothing of it is run or kept), was handed in before, or a file
    /// cannot be written.
    pub fn submit(&self, path: impl AsRef<Path>) -> Result<Entry> {
        let submission = Submission::read(path, &self.task)?;
        let mut board = self.board()?;
        let (seed, images) = self.secret()?;
        let known = |e: &&Entry| e.sha256 == submission.sha256 && e.images == images;
        if let Some(there) = board.entries.iter().find(known) {
            return Err(ChallengeError::Refused(format!(
                "these very files are on the leaderboard already: \"{}\" by {}, {:.3}",
                there.name,
                there.author,
                there.accuracy()
            )));
        }
        let hidden = self.task.hidden(seed)?;
        let right = right(&submission, &hidden)?;
        let recipe = submission.recipe;
        let entry = Entry {
            cost: recipe.design.cost()?,
            design: recipe.design.to_string(),
            name: recipe.name,
            author: recipe.author,
            training: recipe.training,
            seconds: recipe.seconds,
            right,
            shown: hidden.len(),
            sha256: submission.sha256,
            images,
        };
        board.entries.push(entry.clone());
        board.write(&self.entries())?;
        self.write_page()?;
        Ok(entry)
    }

    /// Writes the leaderboard's page.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write_page(&self) -> Result<PathBuf> {
        let (path, html) = (self.page(), page(&self.task, &self.board()?));
        write_atomic(&path, html.as_bytes()).map_err(|e| ChallengeError::file(&path, e))?;
        Ok(path)
    }

    /// The seed of the hidden images, and a name for them that does not give it away.
    fn secret(&self) -> Result<(u64, String)> {
        let path = self.folder.join("secret");
        let failed = |e: std::io::Error| ChallengeError::file(&path, e);
        if !path.exists() {
            let mut fresh = [0; 32];
            getrandom::fill(&mut fresh).map_err(|e| ChallengeError::file(&path, e))?;
            write_atomic(&path, &fresh).map_err(failed)?;
            private(&path).map_err(failed)?;
        }
        let secret = std::fs::read(&path).map_err(failed)?;
        if secret.len() != 32 {
            return Err(ChallengeError::file(
                &path,
                format!("expected a secret of 32 bytes, got {}", secret.len()),
            ));
        }
        let digest = |purpose: &str| {
            let mut hash = Sha256::new();
            hash.update(purpose);
            hash.update(&secret);
            hash.finalize()
        };
        let first = digest("images");
        let seed = u64::from_le_bytes(first[..8].try_into().expect("eight of 32 bytes"));
        let name = digest("name");
        Ok((
            seed,
            name.iter().take(8).map(|b| format!("{b:02x}")).collect(),
        ))
    }
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// How many images a submission names rightly.
fn right(submission: &Submission, images: &Dataset) -> Result<usize> {
    let mut right = 0;
    for start in (0..images.len()).step_by(BATCH) {
        let range = start..(start + BATCH).min(images.len());
        let batch: Tensor = images
            .images
            .slice_axis(Axis(0), Slice::from(range.clone()))
            .to_owned();
        let named = submission
            .network
            .predict(&submission.recipe.prepared(&batch))?;
        right += named
            .iter()
            .zip(&images.labels[range])
            .filter(|(n, l)| n == l)
            .count();
    }
    Ok(right)
}
