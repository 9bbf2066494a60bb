//! Where to put words beside points.

/// A rectangle: left, top, right, bottom.
type Area = [i32; 4];

/// The upper left corner of each word, beside its point: to the right if there is room, else where
/// the least is hidden. `size` is the height of the letters; all lengths are in the same unit.
pub(super) fn place(
    anchors: &[[i32; 2]],
    words: &[&str],
    points: &[[i32; 2]],
    inside: Area,
    size: u32,
) -> Vec<[i32; 2]> {
    let size = size as i32;
    let dots: Vec<Area> = points.iter().map(|&p| around(p, size / 3)).collect();
    let mut taken: Vec<Area> = Vec::new();
    anchors
        .iter()
        .zip(words)
        .map(|(&[x, y], word)| {
            // A letter is a little more than half as wide as it is high.
            let width = word.chars().count() as i32 * size * 53 / 100;
            let (gap, half) = (size / 2, size / 2);
            let places = [
                [x + gap, y - half],
                [x - gap - width, y - half],
                [x - width / 2, y - gap - size],
                [x - width / 2, y + gap],
                [x + gap, y - gap - size],
                [x + gap, y + gap],
                [x - gap - width, y - gap - size],
                [x - gap - width, y + gap],
            ];
            let ground = |[left, top]: [i32; 2]| [left, top, left + width, top + size];
            let hides = |place: [i32; 2]| {
                let ground = ground(place);
                let others = taken
                    .iter()
                    .chain(&dots)
                    .map(|other| common(&ground, other));
                let outside = i64::from(width) * i64::from(size) - common(&ground, &inside);
                others.sum::<i64>() + 4 * outside
            };
            let best = places
                .into_iter()
                .min_by_key(|&p| hides(p))
                .unwrap_or([x, y]);
            taken.push(ground(best));
            best
        })
        .collect()
}

fn around([x, y]: [i32; 2], reach: i32) -> Area {
    [x - reach, y - reach, x + reach, y + reach]
}

/// The area that two rectangles share.
fn common(a: &Area, b: &Area) -> i64 {
    let across = i64::from(a[2].min(b[2]) - a[0].max(b[0])).max(0);
    let down = i64::from(a[3].min(b[3]) - a[1].max(b[1])).max(0);
    across * down
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: Area = [0, 0, 600, 400];

    #[test]
    fn a_word_stands_to_the_right_of_its_point_where_there_is_room() {
        let at = place(&[[100, 100]], &["here"], &[[100, 100]], INSIDE, 12);
        assert_eq!(at, [[106, 94]]);
    }

    #[test]
    fn words_of_near_points_hide_neither_each_other_nor_a_point() {
        let points = [[300, 200], [312, 204], [300, 216], [590, 10], [595, 395]];
        let words = ["VGG D", "VGG E", "VGG C", "edge", "corner"];
        let places = place(&points, &words, &points, INSIDE, 12);
        let grounds: Vec<Area> = places
            .iter()
            .zip(words)
            .map(|(&[x, y], w)| [x, y, x + w.len() as i32 * 12 * 56 / 100, y + 12])
            .collect();
        for (i, a) in grounds.iter().enumerate() {
            for b in &grounds[..i] {
                assert_eq!(common(a, b), 0, "{places:?}");
            }
            for &point in &points {
                assert_eq!(common(a, &around(point, 2)), 0, "{places:?}");
            }
            let area = i64::from(a[2] - a[0]) * i64::from(a[3] - a[1]);
            assert_eq!(common(a, &INSIDE), area, "{places:?}");
        }
    }
}
