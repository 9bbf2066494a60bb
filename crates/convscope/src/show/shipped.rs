//! Shipped weights: their card, with the curves of the training they came from.

use super::{Show, Shown, code_block};
use convscope_zoo::shipped::{Card, Shipped};

impl Show for Card {
    fn shown(&self) -> Shown {
        let text = self.to_string();
        let html = self.as_history().shown().to_html() + &code_block(&text);
        Shown::html(html, text)
    }
}

impl Show for Shipped {
    fn shown(&self) -> Shown {
        self.card.shown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_weights_show_their_curves_and_their_figures() {
        let cards = convscope_zoo::shipped::cards().unwrap();
        assert!(!cards.is_empty());
        for card in cards {
            let shown = card.shown();
            let html = shown.html.unwrap();
            assert_eq!(html.matches("data:image/svg+xml;base64,").count(), 2);
            let accuracy = format!("accuracy {:.4}", card.figures.test_accuracy);
            assert!(html.contains(&accuracy) && shown.text.contains(&accuracy));
        }
    }
}
