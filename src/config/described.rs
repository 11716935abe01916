//! What may stand in a configuration, as data: one description from which the check, the commented file of
//! `config init` and its serde types all come.
//!
//! A struct of the configuration is written inside [`described!`]: its field's doc comment is the sentence that `init`
//! prints, its type says what may stand there, and `#[serde(default)]` that it may be left out.

use std::collections::BTreeMap;

use crate::base::{Credentials, EndpointId, NodeId, SecretRef, SystemId, TargetId};
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::systems::SettingValue;

/// What may stand in a place.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Text,
    Number,
    /// The same, or nothing: `None`, or left out.
    Optional(&'static Shape),
    List(&'static Shape),
    /// Keys are text.
    Map(&'static Shape),
    Struct(&'static StructShape),
    Choice(&'static ChoiceShape),
}

#[derive(Clone, Copy, Debug)]
pub struct StructShape {
    /// Lines of the sentence about the whole.
    pub doc: &'static [&'static str],
    pub fields: &'static [FieldShape],
}

#[derive(Clone, Copy, Debug)]
pub struct FieldShape {
    pub name: &'static str,
    /// Lines of its sentence.
    pub doc: &'static [&'static str],
    pub shape: Shape,
    pub required: bool,
    /// What `config init` writes there. Without one it writes what the field's type is made of.
    pub example: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
pub struct ChoiceShape {
    pub variants: &'static [VariantShape],
    /// Whether what stands here is secret: it is never repeated, and text in its place is told apart.
    pub secret: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct VariantShape {
    pub name: &'static str,
    pub content: Content,
    /// As written in a message: `Env("NAME")`.
    pub written: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub enum Content {
    Nothing,
    One(Shape),
    Fields(&'static [FieldShape]),
}

/// A type that a configuration is made of.
pub trait Described {
    const SHAPE: Shape;
}

impl Described for String {
    const SHAPE: Shape = Shape::Text;
}

impl Described for f64 {
    const SHAPE: Shape = Shape::Number;
}

macro_rules! texts {
    ($($name:ident),*) => {$(
        impl Described for $name {
            const SHAPE: Shape = Shape::Text;
        }
    )*};
}

texts!(TargetId, SystemId, NodeId, EndpointId);

impl<T: Described> Described for Option<T> {
    const SHAPE: Shape = Shape::Optional(&T::SHAPE);
}

impl<T: Described> Described for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
}

impl<T: Described> Described for BTreeMap<String, T> {
    const SHAPE: Shape = Shape::Map(&T::SHAPE);
}

const fn plain(name: &'static str) -> VariantShape {
    VariantShape { name, content: Content::Nothing, written: name }
}

const fn one(name: &'static str, shape: Shape, written: &'static str) -> VariantShape {
    VariantShape { name, content: Content::One(shape), written }
}

impl Described for Environment {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[plain("Development"), plain("Staging"), plain("Production"), plain("Demo")],
        secret: false,
    });
}

impl Described for Host {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[plain("Local"), one("Ssh", Shape::Text, "Ssh(\"ALIAS\")")],
        secret: false,
    });
}

impl Described for Privilege {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[
            plain("None"),
            one("SudoNonInteractive", Shape::Text, "SudoNonInteractive(\"USER\")"),
            plain("Polkit"),
        ],
        secret: false,
    });
}

impl Described for SettingValue {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[one("Number", Shape::Number, "Number(60.0)"), one("Text", Shape::Text, "Text(\"…\")")],
        secret: false,
    });
}

impl Described for SecretRef {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[
            one("Env", Shape::Text, "Env(\"NAME\")"),
            one("File", Shape::Text, "File(\"/path\")"),
            one("Prompt", Shape::Text, "Prompt(\"name\")"),
        ],
        secret: true,
    });
}

impl Described for Credentials {
    const SHAPE: Shape = Shape::Choice(&ChoiceShape {
        variants: &[
            one("Bearer", SecretRef::SHAPE, "Bearer(Env(\"NAME\"))"),
            VariantShape {
                name: "Basic",
                content: Content::Fields(&[
                    FieldShape { name: "user", doc: &[], shape: Shape::Text, required: true, example: None },
                    FieldShape { name: "password", doc: &[], shape: SecretRef::SHAPE, required: true, example: None },
                ]),
                written: "Basic(user: \"…\", password: File(\"/path\"))",
            },
        ],
        secret: true,
    });
}

/// A struct of the configuration: its serde type and its [`StructShape`] from one text.
macro_rules! described {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:ident),*)])?
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)*)])?
                $(#[example($example:literal)])?
                pub $field:ident: $type:ty,
            )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[derive($($derive),*)])?
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)*)])?
                pub $field: $type,
            )*
        }

        impl $crate::config::described::Described for $name {
            const SHAPE: $crate::config::described::Shape = {
                use $crate::config::described::{Described, FieldShape, Shape, StructShape};
                Shape::Struct(&StructShape {
                    doc: &[$($about),+],
                    fields: &[$(
                        FieldShape {
                            name: stringify!($field),
                            doc: &[$($doc),+],
                            shape: <$type as Described>::SHAPE,
                            required: {
                                const ATTRIBUTES: &[&str] = &[$(stringify!($($serde)*))?];
                                ATTRIBUTES.is_empty()
                            },
                            example: {
                                const EXAMPLES: &[&str] = &[$($example)?];
                                EXAMPLES.first().copied()
                            },
                        },
                    )*],
                })
            };
        }
    };
}

pub(super) use described;

impl Shape {
    /// As written in a message: "text", "a list".
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Shape::Text => "text in double quotes".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::Optional(inner) => inner.word(),
            Shape::List(_) => "a list in [ ]".to_owned(),
            Shape::Map(_) => "a map in { }".to_owned(),
            Shape::Struct(_) => "fields in ( )".to_owned(),
            Shape::Choice(choice) => format!("one of {}", choice.written()),
        }
    }
}

impl ChoiceShape {
    /// All variants, as they are written.
    #[must_use]
    pub fn written(&self) -> String {
        self.variants.iter().map(|variant| variant.written).collect::<Vec<_>>().join(", ")
    }
}
