//! The whole screen: header, banners, a page and the footer. Overlays are drawn over it by whoever owns them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::model::Banner;
use super::{Model, Page, Panes, footer, header, mark};
use crate::base::Severity;
use crate::ui::Role;
use crate::ui::layout::layout;
use crate::ui::widget::Pen;
use crate::ui::widget::wrap::wrap;

/// Draws everything but overlays. Any area will do; one that is too small says so.
pub fn draw(model: &Model, panes: &Panes, page: Page, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let banners = banners(model);
    match layout(area, banners.len()) {
        Ok(regions) => {
            header::draw(buf, model, page, regions.header);
            draw_banners(buf, model, regions.banners, &banners);
            panes.render(page, model.shown(), regions.body, buf);
            footer::draw(buf, model, page, regions.footer);
        }
        Err(small) => {
            for (row, line) in wrap(&small.words(), usize::from(area.width)).iter().enumerate() {
                Pen::new(buf, &model.theme, area, row).put(Role::Warning, line);
            }
        }
    }
}

/// The standing facts, worst first. That the screen is frozen stands before all of them: it is about everything else
/// on it. Then that nothing can be journalled.
#[must_use]
pub fn banners(model: &Model) -> Vec<Banner> {
    let freeze = model.freeze.as_ref().map(|freeze| freeze.banner(&model.keymap));
    let fault = model
        .journal_fault
        .as_ref()
        .map(|why| Banner { severity: Severity::Critical, text: format!("no journal, so no action: {why}") });
    freeze.into_iter().chain(fault).chain(model.banners.iter().cloned()).collect()
}

fn draw_banners(buf: &mut Buffer, model: &Model, area: Rect, banners: &[Banner]) {
    let shown = usize::from(area.height);
    for (row, banner) in banners.iter().take(shown).enumerate() {
        let mark = mark::severity(banner.severity);
        let mut pen = Pen::new(buf, &model.theme, area, row);
        if row + 1 == shown && banners.len() > shown {
            pen.right(Role::Accent, &format!(" +{} more ", banners.len() - shown));
        }
        pen.gap(1).mark(mark).gap(2).put(mark.role, &banner.text);
    }
}
