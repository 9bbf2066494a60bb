//! Colours in HTML.

/// `#rrggbb`, and black or white, whichever can be read on it.
pub(crate) fn css(colour: [u8; 3]) -> (String, &'static str) {
    let [r, g, b] = colour.map(f64::from);
    let ink = if 0.299 * r + 0.587 * g + 0.114 * b > 140.0 {
        "#000000"
    } else {
        "#ffffff"
    };
    let [r, g, b] = colour;
    (format!("#{r:02x}{g:02x}{b:02x}"), ink)
}
