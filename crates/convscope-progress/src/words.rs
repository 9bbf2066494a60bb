//! Times, sizes and counts as a person would say them.

/// `0.25 s`, `3.2 s`, `42 s`, `5 min 21 s`, `2 h 7 min`.
pub fn duration(seconds: f64) -> String {
    let s = seconds.max(0.0);
    match s {
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s => {
            let s = s.round() as u64;
            match s / 3600 {
                0 => format!("{} min {} s", s / 60, s % 60),
                hours => format!("{hours} h {} min", s % 3600 / 60),
            }
        }
    }
}

/// `512 B`, `34.1 kB`, `480 MB`, `1.5 GB`.
pub fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    let (number, unit) = match bytes {
        b if b < 999.5 => return format!("{b:.0} B"),
        b if b < 999.5e3 => (b / 1e3, "kB"),
        b if b < 999.5e6 => (b / 1e6, "MB"),
        b => (b / 1e9, "GB"),
    };
    match number < 99.95 {
        true => format!("{number:.1} {unit}"),
        false => format!("{number:.0} {unit}"),
    }
}

/// `1,234,567`.
pub fn grouped(n: u64) -> String {
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
        r => grouped(r.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_units_a_person_would_use() {
        for (seconds, text) in [
            (-1.0, "0.00 s"),
            (0.25, "0.25 s"),
            (0.999, "1.0 s"),
            (3.21, "3.2 s"),
            (9.99, "10 s"),
            (42.4, "42 s"),
            (99.6, "1 min 40 s"),
            (321.0, "5 min 21 s"),
            (7641.0, "2 h 7 min"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_sizes_have_units() {
        for (n, text) in [(0, "0"), (999, "999"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(n), text);
        }
        for (bytes, text) in [
            (999, "999 B"),
            (12_000, "12.0 kB"),
            (11_594_722, "11.6 MB"),
            (480_000_000, "480 MB"),
            (999_900_000, "1.0 GB"),
            (1_500_000_000, "1.5 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (per_second, text) in [(0.423, "0.42"), (8.26, "8.3"), (1234.4, "1,234")] {
            assert_eq!(rate(per_second), text);
        }
    }
}
