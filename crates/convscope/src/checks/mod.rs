//! The checks of the notebooks, a module each. They are compiled, so that a notebook does not show
//! what they try.
// Tests hold tables of wrong answers: function pointers with what should be said.
#![cfg_attr(test, allow(clippy::type_complexity))]

pub mod n00;
pub mod n01;
pub mod n02;
pub mod n03;
pub mod n04;
pub mod n05;
pub mod n06;
pub mod n07;
pub mod n08;
pub mod n09;
pub mod n10;
pub mod n11;
pub mod n12;
pub mod n13;
pub mod n14;
pub mod n15;
pub mod n16;
pub mod n17;
pub mod n18;
pub mod n19;
pub mod n20;
#[cfg(test)]
mod testing;

use crate::check::About;

/// Every exercise of every notebook, in the order of the notebook.
pub(crate) static NOTEBOOKS: &[(&str, &[&About])] = &[
    ("00", n00::ALL),
    ("01", n01::ALL),
    ("02", n02::ALL),
    ("03", n03::ALL),
    ("04", n04::ALL),
    ("05", n05::ALL),
    ("06", n06::ALL),
    ("07", n07::ALL),
    ("08", n08::ALL),
    ("09", n09::ALL),
    ("10", n10::ALL),
    ("11", n11::ALL),
    ("12", n12::ALL),
    ("13", n13::ALL),
    ("14", n14::ALL),
    ("15", n15::ALL),
    ("16", n16::ALL),
    ("17", n17::ALL),
    ("18", n18::ALL),
    ("19", n19::ALL),
    ("20", n20::ALL),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_exercise_has_an_id_of_its_notebook_points_and_two_hints() {
        let mut ids = BTreeSet::new();
        for &(notebook, exercises) in NOTEBOOKS {
            for about in exercises {
                assert!(
                    about.id.starts_with(&format!("{notebook}-")),
                    "{}",
                    about.id
                );
                assert!(ids.insert(about.id), "{} is there twice", about.id);
                assert!(
                    about.points > 0.0 && !about.title.is_empty(),
                    "{}",
                    about.id
                );
                assert!(about.hints.iter().all(|h| h.len() > 10), "{}", about.id);
            }
        }
    }
}
