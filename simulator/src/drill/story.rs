//! The calendar of a drill's story. Months of trade are told in an hour: matters come to the teams evenly, and the world's
//! date jumps from one to the next. Between two of them it runs evenly.

use super::clock::Exercise;

/// Which moment of the world (seconds since 1970) an exercise time is, and back. Both only go forwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    points: Vec<(Exercise, i64)>,
}

impl Story {
    /// From points in the order of both times; those that would go back in either are left out.
    pub fn new(points: impl IntoIterator<Item = (Exercise, i64)>) -> Self {
        let mut kept: Vec<(Exercise, i64)> = vec![];
        for (exercise, world) in points {
            if kept.last().is_none_or(|(e, w)| exercise > *e && world >= *w) {
                kept.push((exercise, world));
            }
        }
        Self { points: kept }
    }

    /// The moment of the world at an exercise time: the first point's before it, the last one's after it.
    pub fn world(&self, at: Exercise) -> i64 {
        let behind = self.points.partition_point(|(exercise, _)| *exercise <= at);
        let before = behind.checked_sub(1).and_then(|before| self.points.get(before));
        match (before, self.points.get(behind)) {
            (Some((e0, w0)), Some((e1, w1))) => {
                let share = i128::from(at.0 - e0.0) * i128::from(w1 - w0);
                w0 + i64::try_from(share / i128::from(e1.0 - e0.0)).unwrap_or_default()
            }
            (Some((_, world)), None) | (None, Some((_, world))) => *world,
            (None, None) => 0,
        }
    }

    /// The first exercise time at which the world has come to a moment; the start for what was before, `None` for what
    /// does not come any more.
    pub fn exercise(&self, moment: i64) -> Option<Exercise> {
        let behind = self.points.partition_point(|(_, world)| *world < moment);
        let before = behind.checked_sub(1).and_then(|before| self.points.get(before));
        match (before, self.points.get(behind)) {
            (Some((e0, w0)), Some((e1, w1))) => {
                let share = u128::from(e1.0 - e0.0) * u128::from((moment - w0).unsigned_abs());
                let ahead = share.div_ceil(u128::from((w1 - w0).unsigned_abs()).max(1));
                Some(Exercise(e0.0 + u64::try_from(ahead).unwrap_or_default()))
            }
            (None, Some(_)) => Some(Exercise(0)),
            (_, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_has_happened_by_its_own_time_has_not_a_millisecond_earlier(
            steps in prop::collection::vec((1_u64..100_000, 0_i64..5_000_000), 2..20),
            at in 0.0_f64..1.0,
        ) {
            let (mut exercise, mut world) = (0, 1_700_000_000);
            let points: Vec<_> = steps.iter().map(|(e, w)| {
                exercise += e;
                world += w;
                (Exercise(exercise), world)
            }).collect();
            let story = Story::new(points.clone());
            let (first, last) = (points[0].1, points[points.len() - 1].1);
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a test")]
            let moment = first + ((last - first) as f64 * at) as i64;
            let when = story.exercise(moment).unwrap();
            prop_assert!(story.world(when) >= moment);
            prop_assert!(when.0 == 0 || moment <= first || story.world(Exercise(when.0 - 1)) < moment);
        }
    }

    #[test]
    fn before_the_first_and_after_the_last_time_stands() {
        let story = Story::new([(Exercise(10), 100), (Exercise(20), 200), (Exercise(15), 300)]);
        assert_eq!([5, 10, 15, 25].map(|at| story.world(Exercise(at))), [100, 100, 150, 200]);
        assert_eq!(story.exercise(50), Some(Exercise(0)));
        assert_eq!(story.exercise(201), None);
    }
}
