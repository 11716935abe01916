//! The families of an OpenMetrics text: what was declared of each, and whether its samples are as declared.

use std::collections::HashSet;

use super::Pair;
use super::scan::{Rest, is_metric_name, shown};

/// What a family's type allows one of its samples to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    bounds: Bounds,
    exemplars: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    Any,
    NotNegative,
    ZeroOrOne,
    One,
}

impl Rule {
    /// Every value, no exemplar.
    pub(super) const ANY: Rule = Rule { bounds: Bounds::Any, exemplars: false };

    /// Whether this may stand behind the sample.
    pub(super) fn judge(self, rest: &Rest) -> Result<(), String> {
        let value = rest.value;
        let (holds, words) = match self.bounds {
            Bounds::Any => (true, ""),
            Bounds::NotNegative => (value >= 0.0, "is not a number from 0 on, as it must be for"),
            Bounds::ZeroOrOne => (value == 0.0 || value == 1.0, "is neither 0 nor 1, as it must be for"),
            Bounds::One => (value == 1.0, "is not 1, as it must be for"),
        };
        if !holds {
            return Err(format!("{value} {words}"));
        }
        if rest.exemplar && !self.exemplars {
            return Err("an exemplar, which only counters and buckets have, on".to_owned());
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    Gauge,
    Counter,
    StateSet,
    Info,
    Histogram,
    GaugeHistogram,
    Summary,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        Some(match word {
            "unknown" => Kind::Unknown,
            "gauge" => Kind::Gauge,
            "counter" => Kind::Counter,
            "stateset" => Kind::StateSet,
            "info" => Kind::Info,
            "histogram" => Kind::Histogram,
            "gaugehistogram" => Kind::GaugeHistogram,
            "summary" => Kind::Summary,
            _ => return None,
        })
    }

    /// What a sample with this behind its family's name may be.
    fn rule(self, suffix: &str) -> Option<Rule> {
        let bounds = match (self, suffix) {
            (Kind::Unknown | Kind::Gauge | Kind::Summary, "") => Bounds::Any,
            (Kind::StateSet, "") => Bounds::ZeroOrOne,
            (Kind::Info, "_info") => Bounds::One,
            (Kind::Counter, "_total") => Bounds::NotNegative,
            (Kind::Histogram | Kind::Summary, "_count") => Bounds::NotNegative,
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => Bounds::NotNegative,
            (Kind::GaugeHistogram, "_gcount") => Bounds::NotNegative,
            (Kind::GaugeHistogram, "_gsum") => Bounds::Any,
            (Kind::Histogram | Kind::Summary, "_sum") => Bounds::Any,
            (Kind::Counter | Kind::Histogram | Kind::Summary, "_created") => Bounds::Any,
            _ => return None,
        };
        Some(Rule { bounds, exemplars: matches!(suffix, "_total" | "_bucket") })
    }

    /// The label that a sample with this behind its family's name must have.
    fn needs<'a>(self, suffix: &str, family: &'a str) -> Option<&'a str> {
        match (self, suffix) {
            (Kind::Histogram | Kind::GaugeHistogram, "_bucket") => Some("le"),
            (Kind::Summary, "") => Some("quantile"),
            (Kind::StateSet, "") => Some(family),
            _ => None,
        }
    }
}

/// A family, while its lines come.
#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    kind: Kind,
    typed: bool,
    helped: bool,
    united: bool,
    sampled: bool,
}

/// The families of one text, in the order of their lines.
#[derive(Debug, Default)]
pub(super) struct Families<'a> {
    seen: HashSet<&'a str>,
    current: Option<Family<'a>>,
    ended: bool,
}

impl<'a> Families<'a> {
    /// Whether another line may come.
    pub(super) fn open(&self) -> Result<(), String> {
        if self.ended { Err("a line behind # EOF".to_owned()) } else { Ok(()) }
    }

    /// Whether the text may end.
    pub(super) fn finish(&self) -> Result<(), String> {
        if self.ended { Ok(()) } else { Err("the text ends without # EOF".to_owned()) }
    }

    /// Takes in a line that begins with `#`.
    pub(super) fn remark(&mut self, line: &'a str) -> Result<(), String> {
        if line == "# EOF" {
            self.ended = true;
            return Ok(());
        }
        let mut words = line.splitn(4, ' ');
        let (Some("#"), Some(keyword), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("{:?} says neither TYPE, UNIT, HELP nor EOF", shown(line)));
        };
        let text = words.next().unwrap_or("");
        if !matches!(keyword, "TYPE" | "UNIT" | "HELP") {
            return Err(format!("{:?} says neither TYPE, UNIT, HELP nor EOF", shown(line)));
        }
        if !is_metric_name(name) {
            return Err(format!("{:?} is not a metric name", shown(name)));
        }
        let family = self.family(name)?;
        if family.sampled {
            return Err(format!("{keyword} of {} behind its samples", shown(name)));
        }
        let said = match keyword {
            "TYPE" => &mut family.typed,
            "UNIT" => &mut family.united,
            _ => &mut family.helped,
        };
        if std::mem::replace(said, true) {
            return Err(format!("{keyword} of {} twice", shown(name)));
        }
        if keyword == "TYPE" {
            family.kind = Kind::of(text).ok_or_else(|| format!("{:?} is not a type", shown(text)))?;
        }
        let united = |name: &str| name.strip_suffix(text).is_some_and(|before| before.ends_with('_'));
        if keyword == "UNIT" && !text.is_empty() && !united(name) {
            return Err(format!("{} does not end with its unit {:?}", shown(name), shown(text)));
        }
        Ok(())
    }

    /// What a sample of this name may be. A name that no family was declared for is a family of unknown type.
    pub(super) fn sample(&mut self, name: &'a str, pairs: &[Pair<'_>]) -> Result<Rule, String> {
        let declared = self.current.as_mut().and_then(|family| {
            let suffix = name.strip_prefix(family.name)?;
            Some((family.kind.rule(suffix), suffix, family))
        });
        let (rule, suffix, family) = match declared {
            Some((Some(rule), suffix, family)) => (rule, suffix, family),
            Some((None, "", family)) => {
                let kind = format!("{:?}", family.kind).to_lowercase();
                return Err(format!("{} is no sample of a {kind}: its suffix is missing", shown(name)));
            }
            Some((None, ..)) | None => (Rule::ANY, "", self.family(name)?),
        };
        family.sampled = true;
        match family.kind.needs(suffix, family.name) {
            Some(label) if !pairs.iter().any(|pair| pair.name == label) => {
                Err(format!("{} without the label {:?}", shown(name), shown(label)))
            }
            Some(_) | None => Ok(rule),
        }
    }

    /// The family of this name: the current one, or a new one.
    fn family(&mut self, name: &'a str) -> Result<&mut Family<'a>, String> {
        let current = self.current.take().filter(|family| family.name == name);
        if current.is_none() && !self.seen.insert(name) {
            return Err(format!("the family {} again, behind others", shown(name)));
        }
        let new = || Family { name, kind: Kind::Unknown, typed: false, helped: false, united: false, sampled: false };
        Ok(self.current.insert(current.unwrap_or_else(new)))
    }
}
