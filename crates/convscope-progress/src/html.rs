//! A bar as HTML that works in a light and a dark theme: the text keeps the theme's colour.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// What is to be seen of a bar.
pub(crate) struct View<'a> {
    pub(crate) what: &'a str,
    /// From 0 to 1; none where the end is not known.
    pub(crate) share: Option<f64>,
    pub(crate) words: &'a str,
    pub(crate) state: State,
    /// An SVG to show below.
    pub(crate) picture: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Done,
    Stopped,
}

impl View<'_> {
    pub(crate) fn html(&self) -> String {
        let (what, words) = (escape(self.what), escape(self.words));
        let colour = match self.state {
            State::Running => "#1f77b4",
            State::Done => "#2ca02c",
            State::Stopped => "#d98200",
        };
        let share = self.share.unwrap_or(match self.state {
            State::Done => 1.0,
            _ => 0.0,
        });
        let mut html = format!(
            "<div style=\"margin: 4px 0\" data-state=\"{}\" \
             data-share=\"{share:.4}\"><div style=\"display: flex; align-items: center\">\
             <b style=\"margin-right: 8px; white-space: nowrap\">{what}</b>\
             <span style=\"flex: 0 0 120px; height: 8px; border-radius: 4px; overflow: hidden; \
             background-color: #c8c8c8; margin-right: 8px\"><span style=\"display: block; \
             height: 8px; width: {:.1}%; background-color: {colour}\"></span></span>\
             <span>{words}</span></div>",
            self.state.name(),
            100.0 * share
        );
        if let Some(svg) = self.picture {
            let data = BASE64_STANDARD.encode(svg);
            html += &format!(
                "<img src=\"data:image/svg+xml;base64,{data}\" alt=\"{what}\" \
                 style=\"background-color: white; max-width: 100%; height: auto; \
                 margin-top: 4px\">"
            );
        }
        html + "</div>"
    }

    pub(crate) fn text(&self) -> String {
        match self.share.filter(|_| self.state == State::Running) {
            Some(share) => format!("{}: {:.0}%, {}", self.what, 100.0 * share, self.words),
            None => format!("{}: {}", self.what, self.words),
        }
    }
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Done => "done",
            State::Stopped => "stopped",
        }
    }
}

/// Text made safe inside HTML, in an element or in an attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View<'static> {
        View {
            what: "a < b",
            share: Some(0.25),
            words: "1 of 4",
            state: State::Running,
            picture: None,
        }
    }

    #[test]
    fn a_view_says_its_share_and_what_it_is_about() {
        let html = view().html();
        assert!(
            html.contains("width: 25.0%") && html.contains("a &lt; b"),
            "{html}"
        );
        assert!(!html.contains("<img"));
        assert_eq!(view().text(), "a < b: 25%, 1 of 4");
    }

    #[test]
    fn a_picture_is_an_image_that_untrusted_notebooks_keep() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>";
        let html = View {
            picture: Some(svg),
            ..view()
        }
        .html();
        assert!(html.contains("data:image/svg+xml;base64,PHN2Zy"), "{html}");
    }

    #[test]
    fn what_has_no_known_end_is_full_only_when_it_is_done() {
        let open = View {
            share: None,
            ..view()
        };
        assert!(open.html().contains("width: 0.0%"));
        assert_eq!(open.text(), "a < b: 1 of 4");
        let done = View {
            share: None,
            state: State::Done,
            ..view()
        };
        assert!(done.html().contains("width: 100.0%"));
    }
}
