//! Liner services: which ship leaves a port when, and where any ship is at any time. Ships of a service follow
//! each other round its rotation at even distances, so the next sailing is a formula, and a ship is never in two
//! places or faster than its service.

use super::geo::Point;
use crate::calendar::Moment;
use crate::list::List;

/// Hours at the quay of each port of call.
const STAY_HOURS: f64 = 18.0;

/// A call of a rotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    /// Port, by its number in the world.
    pub port: u32,
    /// Where it lies.
    pub point: Point,
    /// Hours from the start of the round to the arrival here.
    pub arrives: f64,
}

/// A liner service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub id: String,
    /// Carrier, by its number in the world.
    pub carrier: u32,
    /// Number of its first ship in the world.
    pub first_vessel: u32,
    /// How many ships it has.
    pub vessels: u32,
    /// Speed at sea, knots.
    pub knots: f64,
    /// Ports in order; after the last comes the first.
    pub calls: List<Call>,
    /// Hours of a whole round.
    pub round: f64,
    /// Hours by which its first ship is ahead at the start of 1970.
    pub phase: f64,
}

/// A sailing from one port of a service to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sailing {
    /// Ship, by its number in the world.
    pub vessel: u32,
    /// Number of its round since 1970.
    pub voyage: i64,
    /// When it leaves.
    pub departs: Moment,
    /// When it is at the other port.
    pub arrives: Moment,
}

impl Service {
    /// Computes the round of a rotation; `None` for fewer than two ports. Legs are in nautical miles, one for
    /// each port to the next.
    pub fn new(
        id: String,
        carrier: u32,
        vessels: (u32, u32),
        knots: f64,
        ports: &[(u32, Point)],
        legs: &[f64],
        phase: f64,
    ) -> Option<Self> {
        if ports.len() < 2
            || legs.len() != ports.len()
            || knots.is_nan()
            || knots <= 0.0
            || vessels.1 == 0
        {
            return None;
        }
        let mut clock = 0.0;
        let mut calls = vec![];
        for ((port, point), leg) in ports.iter().zip(legs) {
            calls.push(Call { port: *port, point: *point, arrives: clock });
            clock += STAY_HOURS + leg / knots;
        }
        let round = clock;
        let (first_vessel, vessels) = vessels;
        Some(Self {
            id,
            carrier,
            first_vessel,
            vessels,
            knots,
            calls: List::new(calls)?,
            round,
            phase: phase * round,
        })
    }

    /// Hours from leaving one call to arriving at another, on the same ship.
    pub fn hours(&self, from: usize, to: usize) -> f64 {
        let departs = self.calls.at(from).arrives + STAY_HOURS;
        let arrives = self.calls.at(to).arrives;
        if arrives >= departs { arrives - departs } else { arrives + self.round - departs }
    }

    /// The first sailing from a call at or after a moment.
    pub fn next(&self, from: usize, to: usize, ready: Moment) -> Sailing {
        let offset = self.calls.at(from).arrives + STAY_HOURS;
        let spacing = self.round / f64::from(self.vessels);
        let sailing = libm::ceil((hours(ready) - offset - self.phase) / spacing);
        let number = crate::calendar::whole(sailing);
        let count = i64::from(self.vessels);
        let departs = moment(offset + self.phase + sailing * spacing);
        let vessel = u32::try_from(number.rem_euclid(count)).unwrap_or_default();
        Sailing {
            vessel: self.first_vessel + vessel,
            voyage: number.div_euclid(count),
            departs,
            arrives: departs.plus_days(self.hours(from, to) / 24.0),
        }
    }

    /// Which leg since 1970 one of its ships is on, a stay at the end among it.
    pub fn leg(&self, vessel: u32, at: Moment) -> u64 {
        let spacing = self.round / f64::from(self.vessels);
        let behind = f64::from(vessel.saturating_sub(self.first_vessel)) * spacing;
        let since = hours(at) - self.phase - behind;
        let rounds = libm::floor(since / self.round);
        let into = since - rounds * self.round;
        let here = self.calls.iter().rposition(|call| call.arrives + STAY_HOURS / 2.0 <= into);
        let legs = crate::calendar::whole(rounds) * i64::try_from(self.calls.len()).unwrap_or(1)
            + here.map_or(-1, |here| i64::try_from(here).unwrap_or_default());
        u64::try_from(legs.max(0)).unwrap_or_default()
    }

    /// Where one of its ships is: the point, and its speed in knots.
    pub fn position(&self, vessel: u32, at: Moment) -> (Point, f64) {
        let spacing = self.round / f64::from(self.vessels);
        let behind = f64::from(vessel.saturating_sub(self.first_vessel)) * spacing;
        let since = hours(at) - self.phase - behind;
        let into = since - libm::floor(since / self.round) * self.round;
        let mut calls = self.calls.iter();
        let here = calls.rposition(|call| call.arrives <= into).unwrap_or_default();
        let call = self.calls.at(here);
        let under_way = into - call.arrives - STAY_HOURS;
        if under_way <= 0.0 {
            return (call.point, 0.0);
        }
        let (next, arrives) = match here + 1 {
            next if next < self.calls.len() => (self.calls.at(next), self.calls.at(next).arrives),
            _ => (self.calls.at(0), self.round),
        };
        let leg = arrives - call.arrives - STAY_HOURS;
        (call.point.toward(next.point, under_way / leg.max(f64::MIN_POSITIVE)), self.knots)
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a few decades")]
fn hours(moment: Moment) -> f64 {
    moment.0 as f64 / 3600.0
}

fn moment(hours: f64) -> Moment {
    Moment(crate::calendar::whole(hours * 3600.0))
}

/// The way from one port to another: one or more services, each from a call to a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Service, call where the box is loaded, call where it is discharged.
    pub legs: Vec<(u32, usize, usize)>,
}

/// The fastest ways between all ports, with at most two changes of ship.
#[derive(Debug, Clone)]
pub struct Routes {
    ports: usize,
    routes: Vec<Option<Route>>,
}

/// Hours that a change of ship costs, on average.
const CHANGE_HOURS: f64 = 96.0;

impl Routes {
    /// Computes them. A port that no service calls at has none.
    pub fn new(ports: usize, services: &List<Service>) -> Self {
        let mut direct: Vec<Option<(f64, Route)>> = vec![None; ports * ports];
        for (number, service) in services.numbered() {
            for from in 0..service.calls.len() {
                for to in (0..service.calls.len()).filter(|to| *to != from) {
                    let (a, b) =
                        (service.calls.at(from).port as usize, service.calls.at(to).port as usize);
                    let hours =
                        service.hours(from, to) + service.round / f64::from(service.vessels) / 2.0;
                    offer(&mut direct, a * ports + b, a != b, hours, || Route {
                        legs: vec![(number, from, to)],
                    });
                }
            }
        }
        let mut best = direct.clone();
        for _ in 0..2 {
            let shorter = best.clone();
            for a in 0..ports {
                for via in (0..ports).filter(|via| *via != a) {
                    let Some(Some((first, start))) = shorter.get(a * ports + via) else { continue };
                    for b in (0..ports).filter(|b| *b != a && *b != via) {
                        let Some(Some((second, end))) = direct.get(via * ports + b) else {
                            continue;
                        };
                        let hours = first + CHANGE_HOURS + second;
                        offer(&mut best, a * ports + b, true, hours, || Route {
                            legs: start.legs.iter().chain(&end.legs).copied().collect(),
                        });
                    }
                }
            }
        }
        Self {
            ports,
            routes: best.into_iter().map(|route| route.map(|(_, route)| route)).collect(),
        }
    }

    /// The way between two ports.
    pub fn between(&self, from: u32, to: u32) -> Option<&Route> {
        self.routes.get(from as usize * self.ports + to as usize)?.as_ref()
    }
}

fn offer(
    best: &mut [Option<(f64, Route)>],
    place: usize,
    valid: bool,
    hours: f64,
    route: impl FnOnce() -> Route,
) {
    let slot = best.get_mut(place).filter(|_| valid);
    if let Some(slot) = slot.filter(|slot| slot.as_ref().is_none_or(|(known, _)| hours < *known)) {
        *slot = Some((hours, route()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        let ports: Vec<(u32, Point)> = [0.0, 10.0, 30.0]
            .iter()
            .zip(0..)
            .map(|(lon, port)| (port, Point { lat: 0.0, lon: *lon }))
            .collect();
        Service::new("S".into(), 0, (7, 4), 15.0, &ports, &[600.0, 1200.0, 1800.0], 0.3).unwrap()
    }

    #[test]
    fn sailings_come_at_even_distances_and_ships_are_where_they_sail() {
        let service = service();
        let ready = Moment(1_770_000_000);
        let mut last = None;
        let mut at = ready;
        for _ in 0..9 {
            let sailing = service.next(1, 2, at);
            assert!(sailing.departs >= at && (7..11).contains(&sailing.vessel));
            if let Some(last) = last.replace(sailing.departs) {
                let days = sailing.departs.days_since(last);
                assert!((days - service.round / 4.0 / 24.0).abs() < 0.001, "{days}");
            }
            let (point, _) = service.position(sailing.vessel, sailing.departs.plus_days(-0.01));
            assert!(
                point.miles_to(service.calls.at(1).point) < 1.0,
                "at the quay before it leaves"
            );
            let (point, _) = service.position(sailing.vessel, sailing.arrives.plus_days(0.01));
            assert!(
                point.miles_to(service.calls.at(2).point) < 1.0,
                "at the quay when it has come"
            );
            let days = sailing.arrives.days_since(sailing.departs);
            assert!((days - 1200.0 / 15.0 / 24.0).abs() < 0.001, "{days}");
            at = Moment(sailing.departs.0 + 1);
        }
    }

    #[test]
    fn no_ship_is_faster_than_its_service() {
        let service = service();
        for hour in 0..2000 {
            let at = Moment(1_770_000_000 + hour * 3600);
            let (before, _) = service.position(8, at);
            let (after, _) = service.position(8, at.plus_days(1.0 / 24.0));
            assert!(before.miles_to(after) <= 15.5, "{}", before.miles_to(after));
        }
    }

    #[test]
    fn routes_change_ships_where_no_service_goes_through() {
        let point = Point::default();
        let make = |first, a: u32, b: u32| {
            Service::new(
                "s".into(),
                0,
                (first, 2),
                15.0,
                &[(a, point), (b, point)],
                &[300.0, 300.0],
                0.0,
            )
            .unwrap()
        };
        let services =
            List::new(vec![make(0, 0, 1), make(2, 1, 2), make(4, 2, 3), make(6, 3, 4)]).unwrap();
        let routes = Routes::new(6, &services);
        assert_eq!(routes.between(0, 1).unwrap().legs.len(), 1);
        assert_eq!(routes.between(0, 2).unwrap().legs, [(0, 0, 1), (1, 0, 1)]);
        assert_eq!(routes.between(3, 0).unwrap().legs.len(), 3);
        assert!(routes.between(0, 4).is_none(), "three changes are too many");
        assert!(routes.between(0, 5).is_none() && routes.between(2, 2).is_none());
    }
}
