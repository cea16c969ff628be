//! Medians, and how sure they are.

/// Values of repeated runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn push(&mut self, value: f64) {
        let at = self.0.partition_point(|other| *other < value);
        self.0.insert(at, value);
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => self.0[middle],
            _ => (self.0[middle - 1] + self.0[middle]) / 2.0,
        }
    }

    /// (largest - smallest) / median.
    pub(crate) fn spread(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) => (last - first) / self.median(),
            _ => f64::NAN,
        }
    }

    /// Two values between which the true median lies with a confidence of at least 95%, whatever the distribution: the
    /// k-th value from each end (the binomial, or sign, interval). With fewer than six values it is all there is.
    pub(crate) fn interval(&self) -> (f64, f64) {
        let count = self.0.len();
        let (mut outside, mut ways, mut cut) = (0.0, 1.0, 0);
        let all = 2_f64.powi(count as i32);
        for k in 0..count / 2 {
            outside += 2.0 * ways / all;
            if outside > 0.05 {
                break;
            }
            cut = k;
            ways = ways * (count - k) as f64 / (k + 1) as f64;
        }
        match (self.0.get(cut), self.0.get(count.wrapping_sub(cut + 1))) {
            (Some(low), Some(high)) => (*low, *high),
            _ => (f64::NAN, f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nine_values_the_second_and_the_eighth_bound_the_median() {
        let mut sample = Sample::default();
        (1..=9).rev().for_each(|n| sample.push(f64::from(n)));
        assert_eq!((sample.median(), sample.interval()), (5.0, (2.0, 8.0)));
    }

    #[test]
    fn few_values_bound_themselves() {
        let mut sample = Sample::default();
        [3.0, 1.0, 2.0].into_iter().for_each(|n| sample.push(n));
        assert_eq!(sample.interval(), (1.0, 3.0));
    }
}
