//! Times and sizes as a person would say them.

/// `12.3 s`, `4 min 5 s`, `2 h 7 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=59 => format!("{:.1} s", seconds.max(0.0)),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `512 B`, `34.1 kB`, `12.3 MB`.
pub fn size(bytes: f64) -> String {
    match bytes {
        b if b < 1e3 => format!("{b:.0} B"),
        b if b < 1e6 => format!("{:.1} kB", b / 1e3),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.42`, `8.3`, `1,234`: three digits or so.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        r if r < 1.0 => format!("{r:.2}"),
        r if r < 10.0 => format!("{r:.1}"),
        r => count(r.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_units_a_person_would_use() {
        for (seconds, text) in [
            (-1.0, "0.0 s"),
            (0.04, "0.0 s"),
            (12.34, "12.3 s"),
            (59.4, "59.4 s"),
            (59.6, "1 min 0 s"),
            (245.0, "4 min 5 s"),
            (7641.0, "2 h 7 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(size(999.0), "999 B");
        assert_eq!(size(11_594_722.0), "11.6 MB");
        assert_eq!(rate(0.423), "0.42");
        assert_eq!(rate(8.26), "8.3");
        assert_eq!(rate(1234.4), "1,234");
    }
}
