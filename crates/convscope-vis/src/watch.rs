//! How far long work may go, and how far it has come.

use convscope_progress::{ProgressBar, stop_requested};
use std::fmt;
use std::time::{Duration, Instant};

/// The most that a method may spend. What was had when it was used up is returned, with a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Images that go through the network (forward, or forward and back).
    pub max_evals: Option<usize>,
    /// Time.
    pub time: Option<Duration>,
}

/// How far the work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Images that went through the network.
    pub done: usize,
    /// Images in all, where that is known.
    pub total: usize,
}

/// Whom a method tells how far it has come, and what stops it.
pub struct Watch {
    budget: Budget,
    begun: Instant,
    passes: Passes,
    teller: Teller,
}

enum Teller {
    Nobody,
    Bar(ProgressBar),
    Closure(Box<dyn FnMut(Passes) + Send>),
}

impl Watch {
    /// Tells nobody and has no limit.
    pub fn quiet() -> Watch {
        Watch {
            budget: Budget::default(),
            begun: Instant::now(),
            passes: Passes { done: 0, total: 0 },
            teller: Teller::Nobody,
        }
    }

    /// Shows a progress bar of this name.
    pub fn bar(what: &str) -> Watch {
        Watch {
            teller: Teller::Bar(ProgressBar::new(what, 1).unit("images")),
            ..Watch::quiet()
        }
    }

    /// Tells a closure after every batch.
    pub fn closure(tell: impl FnMut(Passes) + Send + 'static) -> Watch {
        Watch {
            teller: Teller::Closure(Box::new(tell)),
            ..Watch::quiet()
        }
    }

    /// With a limit.
    pub fn budget(mut self, budget: Budget) -> Watch {
        self.budget = budget;
        self
    }

    /// The work begins: so many images will go through the network.
    pub(crate) fn begin(&mut self, total: usize) {
        self.begun = Instant::now();
        self.passes = Passes { done: 0, total };
        if let Teller::Bar(bar) = &self.teller {
            bar.set_total(total.max(1) as u64);
        }
    }

    /// How many of the next `wanted` images may still go through the network; 0 when the budget is
    /// used up or the user asked for an end.
    pub(crate) fn allows(&self, wanted: usize) -> usize {
        let late = self.budget.time.is_some_and(|t| self.begun.elapsed() >= t);
        if late || stop_requested() {
            return 0;
        }
        let left = self
            .budget
            .max_evals
            .map(|most| most.saturating_sub(self.passes.done));
        wanted.min(left.unwrap_or(wanted))
    }

    /// So many images went through.
    pub(crate) fn step(&mut self, images: usize) {
        self.passes.done += images;
        match &mut self.teller {
            Teller::Nobody => {}
            Teller::Bar(bar) => bar.step(images as u64),
            Teller::Closure(tell) => tell(self.passes),
        }
    }

    /// Images that went through.
    pub fn passes(&self) -> Passes {
        self.passes
    }

    /// The work is over.
    pub(crate) fn finish(&mut self) {
        if let Teller::Bar(bar) = &self.teller {
            bar.finish();
        }
    }
}

impl Default for Watch {
    fn default() -> Watch {
        Watch::quiet()
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("budget", &self.budget)
            .field("passes", &self.passes)
            .finish_non_exhaustive()
    }
}
