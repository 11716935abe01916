//! Questions from a seed: every function, operator and modifier, nested, and now and then wrong.

use super::answer::{Question, When};
use super::rng::Rng;
use super::samples::{LENGTH, START};

/// What the samples have: a name, and the labels beside `job` and `instance`.
struct Metric {
    name: &'static str,
    labels: &'static [&'static str],
}

const METRICS: &[Metric] = &[
    Metric { name: "temperature", labels: &["zone"] },
    Metric { name: "load", labels: &[] },
    Metric { name: "requests_total", labels: &["method", "code"] },
    Metric { name: "errors_total", labels: &["code"] },
    Metric { name: "latency_seconds_bucket", labels: &["method", "le"] },
    Metric { name: "latency_seconds_sum", labels: &["method"] },
    Metric { name: "size_bytes_bucket", labels: &["le"] },
    Metric { name: "broken_bucket", labels: &["le"] },
    Metric { name: "odd", labels: &["kind"] },
    Metric { name: "flapping", labels: &["slot"] },
    Metric { name: "start_time_seconds", labels: &[] },
    Metric { name: "build_info", labels: &["version", "path"] },
    Metric { name: "up", labels: &[] },
    Metric { name: "zero", labels: &[] },
    Metric { name: "nothing", labels: &[] },
];

/// The series of a metric differ in value at every time, NaN aside: their order is defined.
const UNTIED: usize = 4;

const LABELS: &[&str] =
    &["job", "instance", "zone", "method", "code", "le", "kind", "slot", "version", "path", "other"];

/// Of a large number in need of rounding these have no digits to compare.
const OF_ANGLE: &[&str] = &["sin", "cos", "tan"];
/// Functions of a vector; of a vector and numbers; of a range; of a range and numbers.
const OF_VECTOR: &[&str] = &[
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cosh",
    "deg",
    "exp",
    "floor",
    "ln",
    "log10",
    "log2",
    "rad",
    "round",
    "sgn",
    "sinh",
    "sqrt",
    "tanh",
    "timestamp",
    "absent",
];
const OF_TIME: &[&str] =
    &["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"];
const OF_RANGE: &[&str] = &[
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "deriv",
    "changes",
    "resets",
    "avg_over_time",
    "sum_over_time",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "last_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "absent_over_time",
];
const AGGREGATIONS: &[&str] = &["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
/// Without `%`: the remainder of a large number by one in need of rounding has no digits to compare.
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "^", "atan2"];
const COMPARISONS: &[&str] = &["==", "!=", ">", "<", ">=", "<="];
const SETS: &[&str] = &["and", "or", "unless"];
const NUMBERS: &[&str] = &[
    "0", "1", "2", "0.5", "-1", "1e3", "0x1F", "100.25", "Inf", "-Inf", "NaN", "3.14159", ".25", "1e-3", "-17.375",
    "7", "300",
];
/// Whole words, each of which must have been asked for in a run.
pub const WORDS: &[&[&str]] = &[
    OF_ANGLE,
    OF_VECTOR,
    OF_TIME,
    OF_RANGE,
    AGGREGATIONS,
    SETS,
    &[
        "clamp",
        "clamp_min",
        "clamp_max",
        "quantile_over_time",
        "predict_linear",
        "holt_winters",
        "quantile",
        "topk",
        "bottomk",
        "count_values",
        "histogram_quantile",
        "label_replace",
        "label_join",
        "sort",
        "sort_desc",
        "scalar",
        "vector",
        "time",
        "pi",
        "atan2",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "by",
        "without",
        "offset",
        "start",
        "end",
    ],
];
/// What a mistake puts into a question.
const MISTAKES: &[&str] = &[
    "(",
    ")",
    "[5m]",
    "[5m:1m]",
    "{",
    "}",
    "bool",
    "on(job)",
    "group_left",
    "by (job)",
    "offset 5m",
    "@ 5",
    ",",
    "+",
    "and",
    "sum",
    "rate",
    "'text'",
    "==",
    "1",
    "=~",
    "time()",
    "[90]",
    "5m",
    "limitk",
    "\"",
    "offset -1m",
    "[1m30]",
    "1_000",
    "absent",
    "unless",
    "0",
    "NaN",
    "a:b",
    "without ()",
    "ignoring ()",
];

/// Makes questions.
pub struct Generator<'a> {
    rng: Rng,
    /// When there are samples.
    times: &'a [i64],
}

impl<'a> Generator<'a> {
    pub fn new(seed: u64, times: &'a [i64]) -> Generator<'a> {
        Generator { rng: Rng::new(seed), times }
    }

    pub fn question(&mut self) -> Question {
        let depth = self.rng.pick(&[1, 2, 2, 3, 3, 4]);
        let ordered = self.rng.percent(8);
        let mut text = match (ordered, self.rng.below(12)) {
            (true, 0..6) => self.sort(depth),
            (true, _) => {
                let (function, of) = (self.rng.pick(&["topk", "bottomk"]), self.untied());
                format!("{function}({}, {of})", self.rng.pick(&["1", "3", "5", "2.9", "1000"]))
            }
            (false, 0) => self.scalar(depth),
            (false, _) => self.vector(depth),
        };
        let mistaken = self.rng.percent(6);
        if mistaken {
            text = self.mistaken(text);
        }
        let when = if ordered || self.rng.percent(60) { When::At(self.moment()) } else { self.steps() };
        Question { text, when, ordered: ordered && !mistaken }
    }

    /// Often just when there is a sample, or a whole range after one.
    fn moment(&mut self) -> i64 {
        let sampled = self.rng.pick(self.times);
        match self.rng.below(4) {
            0 => START + self.rng.between(-200_000, LENGTH + 400_000),
            1 => sampled + self.rng.pick(&[15_000, 30_000, 60_000, 300_000, 150_000]),
            2 => sampled + self.rng.pick(&[-1, 1, 299_999, 300_001]),
            _ => sampled,
        }
    }

    fn steps(&mut self) -> When {
        let start = self.moment();
        let step = self.rng.pick(&[1_000, 7_000, 15_000, 15_000, 30_000, 60_000, 137_250, 300_000]);
        let end = start + step * self.rng.between(0, 30) + self.rng.pick(&[0, 0, 1, 500]);
        When::Steps { start, end, step }
    }

    /// One token more, one letter less, or two expressions with nothing between them.
    fn mistaken(&mut self, text: String) -> String {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
        let place = self.rng.pick(&places);
        match self.rng.below(4) {
            0 => format!("{}{}", &text[..place], text[place..].chars().skip(1).collect::<String>()),
            1 => text.replacen(self.rng.pick(&["(", ")", ",", "sum", "by", "[", "]", "total", "5m"]), "", 1),
            _ => {
                let mistake = self.rng.pick(MISTAKES);
                let place = if self.rng.percent(50) { text.len() } else { place };
                format!("{} {mistake} {}", &text[..place], &text[place..])
            }
        }
    }

    fn vector(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.selector();
        }
        let deeper = depth - 1;
        match self.rng.below(30) {
            0..3 => self.selector(),
            3..6 => self.mapped(deeper),
            6..11 => self.over(deeper),
            11..16 => self.aggregate(deeper),
            16..19 => self.with_number(deeper),
            19..23 => self.matched(deeper),
            23..25 => self.set(deeper),
            25 => self.quantile_of_buckets(deeper),
            26 => self.relabelled(deeper),
            27 if self.rng.percent(25) => self.changing(),
            27 => self.of_time(deeper),
            28 => match self.rng.below(3) {
                0 => format!("-{}", self.operand(deeper)),
                1 => format!("({})", self.vector(deeper)),
                _ => format!("vector({})", self.scalar(deeper)),
            },
            _ => match self.rng.below(3) {
                0 => self.sort(deeper),
                _ => self.best(),
            },
        }
    }

    /// In parentheses, so that what follows takes all of it.
    fn operand(&mut self, depth: usize) -> String {
        let text = self.vector(depth);
        if depth == 0 { text } else { format!("({text})") }
    }

    fn scalar(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.rng.below(10) {
                0 => "time()".to_owned(),
                1 => "pi()".to_owned(),
                _ => self.rng.pick(NUMBERS).to_owned(),
            };
        }
        let deeper = depth - 1;
        match self.rng.below(8) {
            0..3 => self.scalar(0),
            3 | 4 => format!("scalar({})", self.vector(deeper)),
            5 => {
                let (left, right) = (self.scalar(deeper), self.scalar(deeper));
                format!("({left} {} bool {right})", self.rng.pick(COMPARISONS))
            }
            6 => format!("-({})", self.scalar(deeper)),
            _ => {
                let (left, right) = (self.scalar(deeper), self.scalar(deeper));
                format!("({left} {} {right})", self.rng.pick(ARITHMETIC))
            }
        }
    }

    fn selector(&mut self) -> String {
        let plain = self.matchers(true);
        self.shifted(plain)
    }

    /// A selector with a name, or, where it may, one that takes several names.
    fn matchers(&mut self, may_be_nameless: bool) -> String {
        if may_be_nameless && self.rng.percent(4) {
            let pattern = self.rng.pick(&["temperature|load", "requests_.*", ".*_total", "up|zero", ".+_bucket"]);
            return format!("{{__name__=~\"{pattern}\"}}");
        }
        // The first are what most questions are about.
        let among = if self.rng.percent(60) { UNTIED + 2 } else { METRICS.len() };
        let metric = &METRICS[self.rng.below(among)];
        let mut matchers = Vec::new();
        for _ in 0..self.rng.pick(&[0, 0, 1, 1, 2]) {
            let label = match self.rng.below(metric.labels.len() + 2) {
                0 => "job",
                1 => "instance",
                other => metric.labels[other - 2],
            };
            matchers.push(self.matcher(label));
        }
        match (matchers.is_empty(), self.rng.percent(3)) {
            (true, false) => metric.name.to_owned(),
            (_, true) => format!("{{__name__=\"{}\",{}}}", metric.name, matchers.join(",")),
            (false, false) => format!("{}{{{}}}", metric.name, matchers.join(",")),
        }
    }

    fn matcher(&mut self, label: &str) -> String {
        let value = match label {
            "job" => self.rng.pick(&["api", "api", "db", "edge", "none"]),
            "instance" => self.rng.pick(&["a:1", "b:1", "c:2", "d:3"]),
            "zone" => self.rng.pick(&["north", "south", "east"]),
            "method" => self.rng.pick(&["get", "post"]),
            "code" => self.rng.pick(&["200", "404", "500"]),
            "le" => self.rng.pick(&["0.5", "1", "+Inf", "Inf"]),
            "kind" => self.rng.pick(&["nan", "inf", "mixed"]),
            "path" => self.rng.pick(&["/a b\\n\\\"c\\\"\\\\é", "/a"]),
            _ => self.rng.pick(&["1", "2", "1.2.0", ""]),
        };
        let usual = match label {
            "job" => "api|db",
            "instance" => "[a-d]:[12]",
            "zone" => "n.*h|south",
            "code" => "2..|404",
            "method" => "(?i)GET|Post",
            _ => ".+",
        };
        let pattern = match label {
            _ if self.rng.percent(75) => usual,
            "path" => self.rng.pick(&["/a.*", "/a b\\\\s.*", "(?s).*", "/a b\\n.*", ".*é", "[^x]+"]),
            _ => self.rng.pick(&[
                "a.*",
                ".*",
                ".+",
                "",
                "api|db",
                "[a-d]:[12]",
                "(a|b):1",
                "2..|404",
                "\\\\d+",
                "(?i)GET|Post",
                "n.*h|",
                "5\\\\d{2}",
                "[^a]*",
                "[a-d:[12]+",
                "a{2",
                "\\\\w:\\\\d",
                "[&&a-b:\\\\d]+",
                "a**",
                "\\\\Qa:1\\\\E",
            ]),
        };
        match self.rng.below(10) {
            0..5 => format!("{label}=\"{value}\""),
            5 => format!("{label}!=\"{value}\""),
            6 => format!("{label}!~\"{pattern}\""),
            7 => format!("{label}=~\"{}\"", value.replace('+', "\\\\+")),
            _ => format!("{label}=~\"{pattern}\""),
        }
    }

    fn shifted(&mut self, text: String) -> String {
        if !self.rng.percent(18) {
            return text;
        }
        let offset = |of: &mut Self| format!(" offset {}", of.rng.pick(&["1m", "15s", "5m", "-30s", "1h", "7s", "0s"]));
        let at = |of: &mut Self| match of.rng.below(4) {
            0 => " @ start()".to_owned(),
            1 => " @ end()".to_owned(),
            2 => format!(" @ {}", of.rng.pick(of.times) / 1000),
            _ => {
                let millis = START + of.rng.between(0, LENGTH);
                format!(" @ {}.{:03}", millis / 1000, millis % 1000)
            }
        };
        match self.rng.below(6) {
            0..3 => text + &offset(self),
            3 | 4 => text + &at(self),
            _ => {
                let (first, second) = (at(self), offset(self));
                if self.rng.percent(50) { text + &first + &second } else { text + &second + &first }
            }
        }
    }

    /// The series of one metric that do not tie.
    fn untied(&mut self) -> String {
        let metric = METRICS[self.rng.below(UNTIED)].name;
        let matcher = if self.rng.percent(40) { self.matcher("job") } else { String::new() };
        self.shifted(format!("{metric}{{{matcher}}}"))
    }

    fn range(&mut self, depth: usize) -> String {
        if depth > 0 && self.rng.percent(25) {
            let inner = self.operand(depth - 1);
            let range = self.rng.pick(&["1m", "2m", "5m", "90s", "10m"]);
            let step = self.rng.pick(&["15s", "30s", "", "1m", "7s"]);
            return self.shifted(format!("{inner}[{range}:{step}]"));
        }
        let may_be_nameless = self.rng.percent(10);
        let selector = self.matchers(may_be_nameless);
        let range = self.rng.pick(&["30s", "1m", "1m", "5m", "5m", "10m", "45s", "15s", "1m30s", "10s"]);
        self.shifted(format!("{selector}[{range}]"))
    }

    fn over(&mut self, depth: usize) -> String {
        let range = self.range(depth);
        match self.rng.below(12) {
            0 => format!("quantile_over_time({}, {range})", self.scalar(depth.min(1))),
            1 => format!("predict_linear({range}, {})", self.scalar(depth.min(1))),
            2 => {
                let factors = ["0.5", "0.25", "0.1", "0.9", "0.5", "0.3", "0.75", "1", "0", "NaN", "-1"];
                let (level, trend) = (self.rng.pick(&factors), self.rng.pick(&factors));
                format!("holt_winters({range}, {level}, {trend})")
            }
            _ => format!("{}({range})", self.rng.pick(OF_RANGE)),
        }
    }

    fn mapped(&mut self, depth: usize) -> String {
        if self.rng.percent(12) {
            return format!("{}({})", self.rng.pick(OF_ANGLE), self.exact());
        }
        let of = self.vector(depth);
        match self.rng.below(10) {
            0 => format!("clamp({of}, {}, {})", self.scalar(depth.min(1)), self.scalar(depth.min(1))),
            1 => format!("clamp_min({of}, {})", self.scalar(depth.min(1))),
            2 => format!("clamp_max({of}, {})", self.scalar(depth.min(1))),
            3 => format!("round({of}, {})", self.rng.pick(&["0.5", "10", "0", "0.25", "-2", "1000"])),
            _ => format!("{}({of})", self.rng.pick(OF_VECTOR)),
        }
    }

    /// Of what is a time, so that it has a date.
    fn of_time(&mut self, depth: usize) -> String {
        let function = self.rng.pick(OF_TIME);
        let of = match self.rng.below(5) {
            0 => String::new(),
            1 => "vector(time())".to_owned(),
            2 => "start_time_seconds".to_owned(),
            3 => format!("vector({})", self.rng.pick(&["0", "-1", "951782400", "4107542400.5", "1582934400"])),
            _ => format!("timestamp({}) * 100", self.operand(depth)),
        };
        format!("{function}({of})")
    }

    fn labels(&mut self) -> String {
        let count = self.rng.below(3);
        let labels: Vec<&str> = (0..count)
            .map(|_| if self.rng.percent(60) { self.rng.pick(&LABELS[..5]) } else { self.rng.pick(LABELS) })
            .collect();
        format!("({})", labels.join(", "))
    }

    fn grouping(&mut self) -> String {
        match self.rng.below(3) {
            0 => String::new(),
            1 => format!(" by {} ", self.labels()),
            _ => format!(" without {} ", self.labels()),
        }
    }

    fn aggregate(&mut self, depth: usize) -> String {
        let grouping = self.grouping();
        let (function, param, of) = match self.rng.below(12) {
            0 | 1 => ("quantile", format!("{}, ", self.scalar(depth.min(1))), self.vector(depth)),
            2 => {
                let label = self.rng.pick(&["value", "job", "code", "zone", "le", "__name__", "not-a-label"]);
                ("count_values", format!("\"{label}\", "), self.exact())
            }
            _ => (self.rng.pick(AGGREGATIONS), String::new(), self.vector(depth)),
        };
        if self.rng.percent(30) {
            format!("{function}({param}{of}){grouping}")
        } else {
            format!("{function}{grouping}({param}{of})")
        }
    }

    /// What is no number in need of rounding: a value that becomes a label must be the same to the last bit.
    fn exact(&mut self) -> String {
        match self.rng.below(5) {
            0 => format!("{}{}({})", self.rng.pick(&["sum", "min", "max", "count"]), self.grouping(), self.selector()),
            1 => format!(
                "{}({})",
                self.rng.pick(&["changes", "resets", "max_over_time", "sum_over_time"]),
                self.range(0)
            ),
            2 => format!("{}({})", self.rng.pick(&["floor", "abs", "sgn", "-"]), self.selector()),
            _ => self.selector(),
        }
    }

    /// Another series of the same labels, name aside, at one step than at the next.
    fn changing(&mut self) -> String {
        self.rng
            .pick(&[
                "(up == 0) or zero",
                "(zero or (up == 0))",
                "(load > 0) or start_time_seconds",
                "load or ignoring(slot) flapping",
                "{__name__=~\"load|flapping\"}",
            ])
            .to_owned()
    }

    /// Only over what does not tie: else the answer depends on the order in which series were found.
    fn best(&mut self) -> String {
        let (function, grouping, of) = (self.rng.pick(&["topk", "bottomk"]), self.grouping(), self.untied());
        let count = self.rng.pick(&["1", "2", "3", "0", "-1", "2.7", "100", "1", "NaN", "1e30", "Inf", "scalar(up)"]);
        format!("{function}{grouping}({count}, {of})")
    }

    fn sort(&mut self, depth: usize) -> String {
        format!("{}({})", self.rng.pick(&["sort", "sort_desc"]), self.vector(depth))
    }

    fn with_number(&mut self, depth: usize) -> String {
        if self.rng.percent(8) {
            let (left, right) = (self.exact(), self.rng.pick(&["8", "0.5", "-7", "0", "Inf", "100.25", "-(zero)"]));
            return if self.rng.percent(70) { format!("{left} % {right}") } else { format!("{right} % {left}") };
        }
        let (vector, number) = (self.operand(depth), self.scalar(depth.min(2)));
        let operator = match self.rng.below(3) {
            0 => self.rng.pick(ARITHMETIC).to_owned(),
            1 => self.rng.pick(COMPARISONS).to_owned(),
            _ => format!("{} bool", self.rng.pick(COMPARISONS)),
        };
        if self.rng.percent(60) {
            format!("{vector} {operator} {number}")
        } else {
            format!("{number} {operator} {vector}")
        }
    }

    /// Two vectors that mostly have something to say to each other.
    fn matched(&mut self, depth: usize) -> String {
        let operator = match self.rng.below(3) {
            0 => self.rng.pick(COMPARISONS).to_owned(),
            1 => format!("{} bool", self.rng.pick(COMPARISONS)),
            _ => self.rng.pick(ARITHMETIC).to_owned(),
        };
        let one = |of: &mut Self| {
            of.rng.pick(&["load", "up", "build_info", "start_time_seconds", "count by (instance) (up)"])
        };
        match self.rng.below(8) {
            0 => {
                let of = self.vector(depth);
                format!("({of}) {operator} ({of})")
            }
            1 => {
                let (keys, labels) = (self.rng.pick(&["on", "ignoring"]), self.labels());
                let group =
                    self.rng.pick(&["", "", "group_left", "group_right", "group_left(version)", "group_right(job)"]);
                let (left, right) = (self.operand(depth), self.operand(depth));
                format!("{left} {operator} {keys}{labels} {group} {right}")
            }
            2 | 3 => {
                let (left, right) = (self.operand(depth), one(self));
                let taken = self.rng.pick(&["", "()", "(version)", "(version, path)", "(other)", "(zone)"]);
                let keys = self.rng.pick(&["on(instance)", "on(job, instance)", "ignoring(zone, method, code, le)"]);
                format!("{left} {operator} {keys} group_left{taken} {right}")
            }
            4 => {
                let (left, right) = (one(self), self.operand(depth));
                let taken = self.rng.pick(&["", "()", "(version)", "(job)"]);
                format!("{left} {operator} on(instance) group_right{taken} {right}")
            }
            5 => {
                let (zone, other) = (self.rng.pick(&["north", "south"]), self.rng.pick(&["east", "north"]));
                let keys = self.rng.pick(&["ignoring(zone)", "on(instance)", "on(job)", ""]);
                format!("temperature{{zone=\"{zone}\"}} {operator} {keys} temperature{{zone=\"{other}\"}}")
            }
            6 => {
                let (left, right) = (self.operand(depth), self.operand(depth));
                format!("sum by (instance) ({left}) {operator} max by (instance) ({right})")
            }
            _ => {
                let (left, right) = (self.operand(depth), self.operand(depth));
                format!("{left} {operator} {right}")
            }
        }
    }

    fn set(&mut self, depth: usize) -> String {
        let (left, right) = (self.operand(depth), self.operand(depth));
        let keys = match self.rng.below(4) {
            0 => format!("on{}", self.labels()),
            1 => format!("ignoring{}", self.labels()),
            _ => String::new(),
        };
        format!("{left} {} {keys} {right}", self.rng.pick(SETS))
    }

    fn quantile_of_buckets(&mut self, depth: usize) -> String {
        let quantile = if self.rng.percent(70) {
            self.rng.pick(&["0.5", "0.95", "0.1", "0", "1"]).to_owned()
        } else {
            self.scalar(1)
        };
        let name =
            self.rng.pick(&["latency_seconds_bucket", "latency_seconds_bucket", "size_bytes_bucket", "broken_bucket"]);
        let of = match self.rng.below(8) {
            0 | 1 => name.to_owned(),
            2 | 3 => format!("rate({name}[{}])", self.rng.pick(&["1m", "5m", "30s"])),
            4 | 5 => {
                format!("sum by (le{}) (increase({name}[2m]))", self.rng.pick(&["", ", job", ", instance", ", method"]))
            }
            6 => "{__name__=~\".+_bucket\"}".to_owned(),
            _ => self.vector(depth),
        };
        format!("histogram_quantile({quantile}, {of})")
    }

    fn relabelled(&mut self, depth: usize) -> String {
        let of = self.vector(depth);
        let target = self.rng.pick(&["new", "job", "zone", "__name__", "instance", "bad-name", ""]);
        let source = self.rng.pick(&["instance", "job", "code", "other", "__name__", "path"]);
        if self.rng.percent(50) {
            let replacement = self.rng.pick(&["$1", "${1}x", "$1x", "fixed", "", "$2-$1", "$name", "$$"]);
            let pattern =
                self.rng.pick(&["(.*)", "(.):(.)", "(.*)", "(?P<name>[a-z]+).*", "", "nothing", "(", "a.*|(c.*)"]);
            format!("label_replace({of}, \"{target}\", \"{replacement}\", \"{source}\", \"{pattern}\")")
        } else {
            let other = self.rng.pick(&["code", "zone", "method", "bad name", "job"]);
            format!(
                "label_join({of}, \"{target}\", \"{}\", \"{source}\", \"{other}\")",
                self.rng.pick(&["-", "", ", "])
            )
        }
    }
}
