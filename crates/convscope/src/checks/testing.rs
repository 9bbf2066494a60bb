//! What the tests of the notebooks' checks share.

use crate::check::Score;
use crate::check::progress::in_test_folder;

/// The right answer gets every point; each wrong one loses some and is told why.
pub(super) fn judge<A: Copy>(check: impl Fn(A) -> Score, right: A, wrong: &[(A, &str)]) {
    let run = |answer| in_test_folder(|| check(answer));
    let score = run(right);
    assert_eq!(score.points(), score.max(), "{score}");
    assert!(score.checks() >= 2);
    for (answer, said) in wrong {
        let score = run(*answer);
        assert!(score.points() < score.max(), "{score}");
        let text = score.to_string();
        assert!(text.contains(said), "no \"{said}\" in\n{text}");
        if *said == UNWRITTEN {
            assert_eq!(score.points(), 0.0);
        }
    }
}

/// What an answer is told that still is a `todo!()`.
pub(super) const UNWRITTEN: &str = "not written yet";
