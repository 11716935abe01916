//! The nodes of a target and their endpoints: whether each answers, and what of it does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::{EndpointId, NodeId, SourceId, text};
use crate::model::{SourceState, Truth};
use crate::panes::answering::{self, Answering};
use crate::panes::model::{Model, Target};
use crate::panes::words::ago;
use crate::panes::{header, mark};
use crate::ui::Role;
use crate::ui::widget::{Mark, Pen, Viewport, frame, rows};

pub(super) fn draw(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, view: &Viewport) {
    if area.height == 0 {
        return;
    }
    let theme = &model.theme;
    let link = header::link(model, target);
    let inside = frame::frame(buf, theme, area, "nodes", (link.mark().role, &link.words()));
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
                    let words = answering::why(source, model.now.boot);
                    let mark = answering::mark_of(source, model.now.boot);
                    lines.push(NodeLine { mark, name, words, below: true });
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
    let counted = Answering::of(sources.iter().copied(), model.now.boot);
    let asked = sources.iter().filter(|source| !source.is_never_read());
    let worst = asked.map(|source| source.truth(model.now.boot)).reduce(Truth::worst);
    let mark = match worst {
        Some(truth) if counted.answering == 0 => mark::truth(&truth),
        Some(_) | None => counted.mark(),
    };
    let mut said = match counted {
        Answering { asked: 0, .. } => vec![counted.words()],
        Answering { asked, answering, not_read: 0, .. } if answering == asked => vec!["answers".to_owned()],
        Answering { asked, answering, not_read, .. } if answering == asked => {
            vec!["answers".to_owned(), format!("{not_read} not read")]
        }
        _some_do_not => vec![counted.words()],
    };
    let newest = sources.iter().filter_map(|source| source.last_ok).max_by_key(|at| at.boot);
    said.extend(newest.map(|at| ago(model.now, at)));
    let skews = sources.iter().filter_map(|source| source.clock_skew_seconds);
    let skew = skews.max_by(|one, other| one.abs().total_cmp(&other.abs()));
    said.extend(skew.filter(|skew| *skew != 0.0).map(|skew| format!("clock {skew:+.1}s")));
    (mark, said.join(" · "))
}
