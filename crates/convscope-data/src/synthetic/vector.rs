//! Vectors of three, as much of them as a ray needs.

use libm::sqrtf;
use std::ops::{Add, Mul, Sub};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct V {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) z: f32,
}

pub(super) const fn v(x: f32, y: f32, z: f32) -> V {
    V { x, y, z }
}

impl V {
    pub(super) fn dot(self, other: V) -> f32 {
        self.x * other.x + self.y * other.y + self.z * other.z
    }

    pub(super) fn cross(self, other: V) -> V {
        v(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )
    }

    pub(super) fn length(self) -> f32 {
        sqrtf(self.dot(self))
    }

    pub(super) fn unit(self) -> V {
        self * (1.0 / self.length().max(1e-12))
    }

    pub(super) fn map(self, f: impl Fn(f32) -> f32) -> V {
        v(f(self.x), f(self.y), f(self.z))
    }

    /// Coordinate by coordinate.
    pub(super) fn times(self, other: V) -> V {
        v(self.x * other.x, self.y * other.y, self.z * other.z)
    }
}

impl Add for V {
    type Output = V;
    fn add(self, other: V) -> V {
        v(self.x + other.x, self.y + other.y, self.z + other.z)
    }
}

impl Sub for V {
    type Output = V;
    fn sub(self, other: V) -> V {
        v(self.x - other.x, self.y - other.y, self.z - other.z)
    }
}

impl Mul<f32> for V {
    type Output = V;
    fn mul(self, factor: f32) -> V {
        v(self.x * factor, self.y * factor, self.z * factor)
    }
}
