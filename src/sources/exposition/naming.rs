//! From the pairs of a line to the labels of a series, with the source's own, which win.

use std::borrow::Cow;

use super::{Pair, Sample};
use crate::model::Labels;
use crate::model::labels::NAME;

/// Builds labels; what it needs to write in, it keeps.
#[derive(Debug)]
pub(super) struct Naming<'a> {
    own: Vec<(&'a str, &'a str)>,
    /// What a node's label is called that has the name of one of ours.
    exported: Vec<String>,
    text: String,
}

impl<'a> Naming<'a> {
    pub(super) fn new(own: &'a Labels) -> Naming<'a> {
        let own: Vec<(&str, &str)> = own.iter().collect();
        let exported = own.iter().map(|(name, _)| format!("exported_{name}")).collect();
        Naming { own, exported, text: String::new() }
    }

    /// The labels of a sample; `pairs` are put in order.
    pub(super) fn labels(&mut self, sample: &Sample<'_>, pairs: &mut [Pair<'_>]) -> Result<Labels, String> {
        pairs.sort_unstable_by(|left, right| left.name.cmp(right.name));
        if let Some(twice) = pairs.windows(2).find(|two| two[0].name == two[1].name) {
            return Err(format!("the label {:?} twice", super::scan::shown(twice[0].name)));
        }
        let mut text = std::mem::take(&mut self.text);
        let mut whole: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(self.own.len() + pairs.len() + 1);
        whole.extend(self.own.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value))));
        whole.push((Cow::Borrowed(NAME), Cow::Borrowed(sample.name)));
        for pair in pairs.iter().filter(|pair| !pair.raw.is_empty()) {
            whole.push((self.free_name(pair.name, pairs), pair.value()));
        }
        whole.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let labels = Labels::from_sorted(whole.iter().map(|(name, value)| (&**name, &**value)), &mut text);
        drop(whole);
        self.text = text;
        Ok(labels)
    }

    /// What a label of the node is called: by its name, unless that is one of ours.
    fn free_name<'b>(&'b self, name: &'b str, pairs: &[Pair<'_>]) -> Cow<'b, str> {
        let Some(at) = self.own.iter().position(|(own, _)| *own == name) else { return Cow::Borrowed(name) };
        let taken = |name: &str| {
            let ours = self.own.iter().any(|(own, _)| *own == name);
            ours || pairs.iter().any(|pair| pair.name == name && !pair.raw.is_empty())
        };
        let mut free = Cow::Borrowed(self.exported[at].as_str());
        while taken(&free) {
            free = Cow::Owned(format!("exported_{free}"));
        }
        free
    }
}
