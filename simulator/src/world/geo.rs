//! Distances on the globe.

/// Mean radius of the Earth in nautical miles (IUGG mean radius 6,371.0088 km).
const RADIUS_NM: f64 = 3_440.069;

/// A point, degrees north and east.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

impl Point {
    /// Great-circle distance in nautical miles (haversine).
    pub fn miles_to(self, other: Self) -> f64 {
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let half = |from: f64, to: f64| libm::sin((to - from) / 2.0);
        let sides = half(a, b).powi(2)
            + libm::cos(a)
                * libm::cos(b)
                * half(self.lon.to_radians(), other.lon.to_radians()).powi(2);
        2.0 * RADIUS_NM * libm::asin(libm::sqrt(sides.clamp(0.0, 1.0)))
    }

    /// The point at this share of the way to another, along the straight line on the chart: across the date line
    /// where that is shorter.
    pub fn toward(self, other: Self, share: f64) -> Self {
        Self {
            lat: self.lat + (other.lat - self.lat) * share,
            lon: turned(self.lon + turned(other.lon - self.lon) * share),
        }
    }

    /// Degrees north and east from here to another, the shorter way round.
    pub fn degrees_to(self, other: Self) -> (f64, f64) {
        (other.lat - self.lat, turned(other.lon - self.lon))
    }
}

/// Degrees from -180 to 180.
fn turned(degrees: f64) -> f64 {
    if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let equator = Point { lat: 0.0, lon: 0.0 };
        // One minute of arc is a nautical mile, nearly.
        assert!((equator.miles_to(Point { lat: 0.0, lon: 1.0 }) - 60.04).abs() < 0.05);
        assert!((equator.miles_to(Point { lat: 90.0, lon: 12.0 }) - 5403.6).abs() < 1.0);
        assert!(equator.miles_to(equator).abs() < 1e-9);
        let (fiji, samoa) = (Point { lat: -18.0, lon: 178.0 }, Point { lat: -14.0, lon: -172.0 });
        assert_eq!(fiji.toward(samoa, 0.5), Point { lat: -16.0, lon: -177.0 });
        assert_eq!(samoa.toward(fiji, 0.9), Point { lat: -17.6, lon: 179.0 });
        assert_eq!(equator.toward(Point { lat: 2.0, lon: 4.0 }, 0.5), Point { lat: 1.0, lon: 2.0 });
    }
}
