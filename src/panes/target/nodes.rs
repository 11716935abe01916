//! The nodes of a target and their endpoints: whether each answers, and what of it does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text::count;
use crate::base::{EndpointId, NodeId, SourceId, text};
use crate::model::{SourceState, Truth};
use crate::panes::model::{Level, Model, Target};
use crate::panes::words::ago;
use crate::panes::{header, mark};
use crate::ui::Role;
use crate::ui::widget::{Mark, Pen, Viewport, frame, rows};

pub(super) fn draw(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, view: &Viewport) {
    if area.height == 0 {
        return;
    }
    let theme = &model.theme;
    let (worst, link) = header::link(model, target);
    let inside = frame::frame(buf, theme, area, "nodes", (worst.role, &link));
    let lines = lines(model, target);
    if lines.is_empty() {
        Pen::new(buf, theme, inside, 0).put(Role::Unknown, "this target has no sources");
    }
    let window = view.scrolled(lines.len(), usize::from(inside.height));
    let widest = lines.iter().filter(|line| !line.below).map(|line| text::width(&line.name)).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(u16::MAX).min(inside.width / 2);
    for (row, line) in lines[window.clone()].iter().enumerate() {
        let mut pen = Pen::new(buf, theme, inside, row);
        pen.gap(if line.below { 2 } else { 0 }).glyph(line.mark.role, line.mark.glyph).gap(1);
        match line.below {
            true => pen.put(Role::Text, &line.name).gap(1),
            false => pen.field(Role::Text, &line.name, names).gap(1),
        };
        pen.put(if line.mark.role == Role::Ok { Role::Dim } else { line.mark.role }, &line.words);
    }
    rows::more(buf, theme, inside, window.start, lines.len() - window.end);
}

/// How many lines there are to draw.
pub(super) fn len(model: &Model, target: &Target) -> usize {
    lines(model, target).len()
}

struct NodeLine {
    mark: Mark,
    name: String,
    words: String,
    /// Below the endpoint that it belongs to.
    below: bool,
}

/// A line for each endpoint, and below it one for each of its sources that can not be believed.
fn lines(model: &Model, target: &Target) -> Vec<NodeLine> {
    let mut lines = Vec::new();
    for node in &target.spec.nodes {
        for endpoint in &node.endpoints {
            let sources = sources(model, target, &node.id, &endpoint.id);
            let (mark, words) = endpoint_words(model, &sources);
            let address = endpoint.url.split_once("://").map_or(endpoint.url.as_str(), |(_, rest)| rest);
            lines.push(NodeLine { mark, name: format!("{}/{} {address}", node.id, endpoint.id), words, below: false });
            for source in sources {
                let truth = source.truth(model.now.boot);
                if !truth.is_fresh() {
                    let name = source.id.as_str().rsplit('/').next().unwrap_or_default().to_owned();
                    let words = truth.words(model.now.boot);
                    lines.push(NodeLine { mark: mark::truth(&truth), name, words, below: true });
                }
            }
        }
    }
    lines
}

fn sources<'m>(model: &'m Model, target: &Target, node: &NodeId, endpoint: &EndpointId) -> Vec<&'m SourceState> {
    let folder = SourceId::of(&target.id, node, endpoint, "");
    model.store.sources().filter(|source| source.id.as_str().starts_with(folder.as_str())).collect()
}

fn endpoint_words(model: &Model, sources: &[&SourceState]) -> (Mark, String) {
    let truths: Vec<Truth> = sources.iter().map(|source| source.truth(model.now.boot)).collect();
    let answering = truths.iter().filter(|truth| truth.is_fresh()).count();
    let mark = match answering {
        0 if sources.is_empty() => mark::level(Level::Unknown),
        0 => mark::truth(&truths.iter().cloned().reduce(Truth::worst).unwrap_or(Truth::NeverPolled)),
        some if some < sources.len() => mark::level(Level::Warning),
        _all_of_them => mark::level(Level::Ok),
    };
    let mut said = match answering == sources.len() {
        true => vec!["answers".to_owned()],
        false => vec![format!("{answering} of {} answer", count(sources.len(), "source"))],
    };
    let newest = sources.iter().filter_map(|source| source.last_ok).max_by_key(|at| at.boot);
    said.extend(newest.map(|at| ago(model.now, at)));
    let skews = sources.iter().filter_map(|source| source.clock_skew_seconds);
    let skew = skews.max_by(|one, other| one.abs().total_cmp(&other.abs()));
    said.extend(skew.filter(|skew| *skew != 0.0).map(|skew| format!("clock {skew:+.1}s")));
    (mark, said.join(" · "))
}
