//! Functions of one value.

use super::super::node::MapFunction;
use super::block::{Block, is_gone};
use super::{EvalError, Evaluation};
use crate::model::store::GONE;

impl Evaluation<'_> {
    pub(super) fn map(&self, function: MapFunction, of: &[super::Node]) -> Result<Block, EvalError> {
        let Some((vector, numbers)) = of.split_first() else { return Ok(Block::new(self.steps.count)) };
        let mut block = self.vector(vector)?;
        let numbers = numbers.iter().map(|number| self.numbers(number)).collect::<Result<Vec<_>, _>>()?;
        let mut given = vec![0.0; numbers.len()];
        let steps = self.steps;
        for (at, value) in block.values.iter_mut().enumerate().filter(|(_, value)| !is_gone(**value)) {
            let step = at % steps.count;
            given.iter_mut().zip(&numbers).for_each(|(given, numbers)| *given = numbers[step]);
            *value = match function {
                MapFunction::Timestamp => steps.at(step).as_seconds(),
                function => of_value(function, *value, &given),
            };
        }
        self.distinct(function.word(), block.nameless().without_empty())
    }
}

/// [`GONE`] where a clamp leaves nothing.
fn of_value(function: MapFunction, value: f64, given: &[f64]) -> f64 {
    let number = |at: usize| given.get(at).copied();
    match function {
        MapFunction::Abs => value.abs(),
        MapFunction::Acos => value.acos(),
        MapFunction::Acosh => value.acosh(),
        MapFunction::Asin => value.asin(),
        MapFunction::Asinh => value.asinh(),
        MapFunction::Atan => value.atan(),
        MapFunction::Atanh => value.atanh(),
        MapFunction::Ceil => value.ceil(),
        MapFunction::Clamp => match (number(0).unwrap_or(f64::NAN), number(1).unwrap_or(f64::NAN)) {
            (least, most) if most < least => GONE,
            (least, most) => larger(least, smaller(most, value)),
        },
        MapFunction::ClampMax => smaller(number(0).unwrap_or(f64::NAN), value),
        MapFunction::ClampMin => larger(number(0).unwrap_or(f64::NAN), value),
        MapFunction::Cos => value.cos(),
        MapFunction::Cosh => hyperbolic(value, value.cosh()).abs(),
        MapFunction::Deg => value * 180.0 / std::f64::consts::PI,
        MapFunction::Exp => value.exp(),
        MapFunction::Floor => value.floor(),
        MapFunction::Ln => value.ln(),
        MapFunction::Log10 => value.log10(),
        MapFunction::Log2 => value.log2(),
        MapFunction::Rad => value * std::f64::consts::PI / 180.0,
        MapFunction::Round => {
            let inverse = 1.0 / number(0).unwrap_or(1.0);
            (value * inverse + 0.5).floor() / inverse
        }
        // Zero and NaN stay what they are.
        MapFunction::Sgn if value < 0.0 => -1.0,
        MapFunction::Sgn if value > 0.0 => 1.0,
        MapFunction::Sgn | MapFunction::Timestamp => value,
        MapFunction::Sin => value.sin(),
        MapFunction::Sinh => hyperbolic(value, value.sinh()),
        MapFunction::Sqrt => value.sqrt(),
        MapFunction::Tan => value.tan(),
        MapFunction::Tanh => value.tanh(),
        MapFunction::DayOfMonth
        | MapFunction::DayOfWeek
        | MapFunction::DayOfYear
        | MapFunction::DaysInMonth
        | MapFunction::Hour
        | MapFunction::Minute
        | MapFunction::Month
        | MapFunction::Year => of_date(function, value),
    }
}

/// Above this the smaller of the two exponentials is lost in rounding.
const ONE_EXPONENTIAL: f64 = 21.0;

/// Half of an exponential with the sign of `value`, where that is all there is: like Prometheus, and unlike the system's
/// own functions, it is infinite as soon as the exponential is.
fn hyperbolic(value: f64, small: f64) -> f64 {
    if value.abs() > ONE_EXPONENTIAL { (value.abs().exp() * 0.5).copysign(value) } else { small }
}

/// The part of a date in UTC; the fraction of a second does not count. NaN where the time is no date.
fn of_date(function: MapFunction, seconds: f64) -> f64 {
    if !seconds.is_finite() {
        return f64::NAN;
    }
    let Ok(time) = jiff::Timestamp::from_second(seconds as i64) else { return f64::NAN };
    let date = time.to_zoned(jiff::tz::TimeZone::UTC);
    match function {
        MapFunction::DayOfMonth => f64::from(date.day()),
        MapFunction::DayOfWeek => f64::from(date.weekday().to_sunday_zero_offset()),
        MapFunction::DayOfYear => f64::from(date.day_of_year()),
        MapFunction::DaysInMonth => f64::from(date.days_in_month()),
        MapFunction::Hour => f64::from(date.hour()),
        MapFunction::Minute => f64::from(date.minute()),
        MapFunction::Month => f64::from(date.month()),
        _ => f64::from(date.year()),
    }
}

/// The larger. Nothing is larger than infinity, not even NaN; else it is NaN where one is.
fn larger(a: f64, b: f64) -> f64 {
    match (a, b) {
        (f64::INFINITY, _) | (_, f64::INFINITY) => f64::INFINITY,
        (a, b) if a.is_nan() || b.is_nan() => f64::NAN,
        (a, b) => a.max(b),
    }
}

/// The smaller, in the same way.
fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}
