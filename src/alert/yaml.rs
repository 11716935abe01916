//! The shape of a rule file: which keys stand where, each with its place. What they mean is [`super::rules`]'.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;

/// A mapping whose unknown keys are kept with their places instead of ending the reading, so that every mistake of a
/// file is reported at once.
macro_rules! mapping {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal => $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            $(pub(super) $field: Option<$type>,)*
            pub(super) unknown: Vec<Spanned<String>>,
        }

        impl $name {
            pub(super) const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                struct Keys;
                impl<'de> Visitor<'de> for Keys {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        write!(f, "a mapping with the keys {}", $name::KEYS.join(", "))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        while let Some(key) = map.next_key::<Spanned<String>>()? {
                            match key.value.as_str() {
                                $($key => read.$field = map.next_value::<Option<$type>>()?,)*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                    read.unknown.push(key);
                                }
                            }
                        }
                        Ok(read)
                    }
                }
                deserializer.deserialize_map(Keys)
            }
        }
    };
}

mapping! {
    /// The whole file.
    RawFile {
        groups: "groups" => Vec<Spanned<RawGroup>>,
    }
}

mapping! {
    RawGroup {
        name: "name" => Spanned<String>,
        interval: "interval" => Spanned<String>,
        limit: "limit" => Spanned<i64>,
        query_offset: "query_offset" => Spanned<String>,
        labels: "labels" => Pairs,
        rules: "rules" => Vec<Spanned<RawRule>>,
    }
}

mapping! {
    RawRule {
        record: "record" => Spanned<String>,
        alert: "alert" => Spanned<String>,
        expr: "expr" => Spanned<String>,
        hold: "for" => Spanned<String>,
        keep_firing_for: "keep_firing_for" => Spanned<String>,
        labels: "labels" => Pairs,
        annotations: "annotations" => Pairs,
    }
}

/// A mapping of texts to texts, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(Spanned<String>, Spanned<String>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of names to texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Texts)
    }
}
