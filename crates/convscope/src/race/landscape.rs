//! Functions of two variables to walk down.

/// A function of two variables with its gradient, the part of the plane to look at, and a start.
///
/// ```ignore
/// Landscape::new("bowl", |x, y| x * x + y * y, |x, y| [2.0 * x, 2.0 * y])
///     .window([-2.0, 2.0], [-2.0, 2.0]).start(-1.5, 1.0).minimum(0.0, 0.0)
/// ```
#[derive(Clone, Debug)]
pub struct Landscape {
    name: String,
    height: fn(f64, f64) -> f64,
    slope: fn(f64, f64) -> [f64; 2],
    /// By how much it is turned, in radians.
    angle: f64,
    window: [[f64; 2]; 2],
    start: [f64; 2],
    minima: Vec<[f64; 2]>,
}

impl Landscape {
    /// A landscape from its height and its gradient; it begins at (1, 1) and is looked at from -2 to
    /// 2.
    pub fn new(
        name: &str,
        height: fn(f64, f64) -> f64,
        slope: fn(f64, f64) -> [f64; 2],
    ) -> Landscape {
        Landscape {
            name: name.to_owned(),
            height,
            slope,
            angle: 0.0,
            window: [[-2.0, 2.0], [-2.0, 2.0]],
            start: [1.0, 1.0],
            minima: Vec::new(),
        }
    }

    /// Beale's function (1958): steep walls at the corners, and a long flat floor that bends towards
    /// the minimum at (3, 0.5).
    pub fn beale() -> Landscape {
        fn parts(x: f64, y: f64) -> [f64; 3] {
            [
                1.5 - x + x * y,
                2.25 - x + x * y * y,
                2.625 - x + x * y * y * y,
            ]
        }
        let height = |x, y| parts(x, y).iter().map(|p| p * p).sum();
        let slope = |x: f64, y: f64| {
            let [a, b, c] = parts(x, y);
            let (y2, y3) = (y * y, y * y * y);
            [
                2.0 * (a * (y - 1.0) + b * (y2 - 1.0) + c * (y3 - 1.0)),
                2.0 * x * (a + b * 2.0 * y + c * 3.0 * y2),
            ]
        };
        Landscape::new("Beale's function", height, slope)
            .window([-0.5, 5.0], [-2.0, 2.0])
            .start(0.7, 1.4)
            .minimum(3.0, 0.5)
    }

    /// A saddle between two minima: `x²/2 + y⁴/4 - y²/2`. It begins almost on the ridge that leads
    /// to the saddle point at (0, 0).
    pub fn saddle() -> Landscape {
        let height = |x: f64, y: f64| x * x / 2.0 + y.powi(4) / 4.0 - y * y / 2.0;
        Landscape::new("a saddle", height, |x, y| [x, y.powi(3) - y])
            .window([-2.0, 1.0], [-1.6, 1.6])
            .start(-1.5, 0.01)
            .minimum(0.0, 1.0)
            .minimum(0.0, -1.0)
    }

    /// A long valley, forty times as steep across as along: `x²/2 + 40 y²/2`.
    pub fn valley() -> Landscape {
        let height = |x: f64, y: f64| 0.5 * x * x + 20.0 * y * y;
        Landscape::new("a long valley", height, |x, y| [x, 40.0 * y])
            .window([-4.5, 1.5], [-2.0, 2.0])
            .start(-4.0, 1.0)
            .minimum(0.0, 0.0)
    }

    /// The part of the plane to look at: from and to along x, and along y.
    pub fn window(mut self, x: [f64; 2], y: [f64; 2]) -> Landscape {
        let sound = |[a, b]: [f64; 2]| a.is_finite() && b.is_finite() && a < b;
        if sound(x) && sound(y) {
            self.window = [x, y];
        }
        self
    }

    /// Where everybody starts.
    pub fn start(mut self, x: f64, y: f64) -> Landscape {
        if x.is_finite() && y.is_finite() {
            self.start = [x, y];
        }
        self
    }

    /// A place to arrive at; there may be several.
    pub fn minimum(mut self, x: f64, y: f64) -> Landscape {
        self.minima.push([x, y]);
        self
    }

    /// Turned against the clock about (0, 0), with its start and its minima; the window stays.
    pub fn turned(mut self, degrees: f64) -> Landscape {
        let by = degrees.to_radians();
        self.angle += by;
        self.start = rotate(self.start, by);
        for minimum in &mut self.minima {
            *minimum = rotate(*minimum, by);
        }
        self.name = format!("{}, turned by {degrees}°", self.name);
        self
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The function's value.
    pub fn height(&self, x: f64, y: f64) -> f64 {
        let [x, y] = rotate([x, y], -self.angle);
        (self.height)(x, y)
    }

    /// Its gradient: how much it rises along x, and along y.
    pub fn slope(&self, x: f64, y: f64) -> [f64; 2] {
        let [x, y] = rotate([x, y], -self.angle);
        rotate((self.slope)(x, y), self.angle)
    }

    pub(super) fn begin(&self) -> [f64; 2] {
        self.start
    }

    pub(super) fn ends(&self) -> [[f64; 2]; 2] {
        self.window
    }

    pub(super) fn minima(&self) -> &[[f64; 2]] {
        &self.minima
    }

    /// Within this share of the window's width of a minimum.
    pub(super) fn is_near_minimum(&self, [x, y]: [f64; 2], share: f64) -> bool {
        let near = share * (self.window[0][1] - self.window[0][0]);
        let mut minima = self.minima.iter();
        minima.any(|m| (x - m[0]).hypot(y - m[1]) < near)
    }
}

fn rotate([x, y]: [f64; 2], by: f64) -> [f64; 2] {
    if by == 0.0 {
        return [x, y];
    }
    let (sin, cos) = by.sin_cos();
    [cos * x - sin * y, sin * x + cos * y]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gradient_is_that_of_the_height_and_vanishes_at_the_minima() {
        let fields = [
            Landscape::beale(),
            Landscape::saddle(),
            Landscape::valley(),
            Landscape::valley().turned(30.0),
            Landscape::beale().turned(-70.0),
        ];
        let h = 1e-6;
        for field in fields {
            for (x, y) in [(0.3, 0.7), (-1.2, 0.4), (2.0, -1.1)] {
                let [dx, dy] = field.slope(x, y);
                let nx = (field.height(x + h, y) - field.height(x - h, y)) / (2.0 * h);
                let ny = (field.height(x, y + h) - field.height(x, y - h)) / (2.0 * h);
                let near = |a: f64, b: f64| (a - b).abs() < 1e-4 * (1.0 + b.abs());
                assert!(near(dx, nx) && near(dy, ny), "{} at {x}, {y}", field.name());
            }
            for m in field.minima() {
                let [dx, dy] = field.slope(m[0], m[1]);
                assert!(dx.abs() < 1e-9 && dy.abs() < 1e-9, "{}", field.name());
            }
            let [x, y] = field.begin();
            assert!(field.height(x, y) > field.height(field.minima()[0][0], field.minima()[0][1]));
        }
    }

    #[test]
    fn a_quarter_turn_swaps_the_axes() {
        let (field, turned) = (Landscape::valley(), Landscape::valley().turned(90.0));
        assert!((field.height(2.0, 0.5) - turned.height(-0.5, 2.0)).abs() < 1e-12);
        assert_eq!(turned.name(), "a long valley, turned by 90°");
    }
}
