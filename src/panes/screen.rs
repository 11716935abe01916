//! The whole screen: header, banners, a page and the footer. Overlays are drawn over it by whoever owns them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::model::Banner;
use super::{Model, Page, Panes, footer, header, mark};
use crate::base::Severity;
use crate::ui::layout::{MOST_BANNERS, layout};
use crate::ui::widget::Pen;
use crate::ui::widget::wrap::wrap;
use crate::ui::{Action, Role};

/// Draws everything but overlays. Any area will do; one that is too small says so.
pub fn draw(model: &Model, panes: &Panes, page: Page, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let banners = banners(model);
    match layout(area, banner_rows(model, area)) {
        Ok(regions) => {
            header::draw(buf, model, page, regions.header);
            draw_banners(buf, model, area, regions.banners, &banners);
            panes.render(page, model.shown(), regions.body, buf);
            footer::draw(buf, model, panes, page, regions.footer);
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

/// Lines of one banner: two where the window is high, so that what matters is not cut.
fn rows_each(area: Rect) -> usize {
    if area.height >= HIGH { 2 } else { 1 }
}

/// Rows from which on a window spares a second line for a banner.
const HIGH: u16 = 30;

/// Columns before a banner's text: the widest sign and word, and what lies between.
const LEAD_COLUMNS: u16 = 13;

/// How many lines all banners want in a window of this size.
#[must_use]
pub fn banner_rows(model: &Model, area: Rect) -> usize {
    let (columns, most) = (text_columns(area), rows_each(area));
    banners(model).iter().take(usize::from(MOST_BANNERS)).map(|banner| lines(banner, columns, most).0.len()).sum()
}

fn text_columns(area: Rect) -> usize {
    usize::from(area.width).saturating_sub(usize::from(LEAD_COLUMNS) + 1)
}

/// A banner's lines, at most `most`, and whether that is not all of it.
fn lines(banner: &Banner, columns: usize, most: usize) -> (Vec<String>, bool) {
    let whole = wrap(&banner.text, columns);
    if whole.len() <= most {
        return (whole, false);
    }
    let mut kept: Vec<String> = whole[..most - 1].to_vec();
    kept.push(whole[most - 1..].join(" "));
    (kept, true)
}

fn draw_banners(buf: &mut Buffer, model: &Model, window: Rect, area: Rect, banners: &[Banner]) {
    let height = usize::from(area.height);
    let mut row = 0;
    for (at, banner) in banners.iter().enumerate() {
        let (lines, cut) = lines(banner, text_columns(window), rows_each(window));
        let last = row + lines.len() >= height || at + 1 == usize::from(MOST_BANNERS);
        let hidden = banners.len() - at - 1;
        let mark = mark::severity(banner.severity);
        let kept = lines.len().min(height.saturating_sub(row));
        for (nth, words) in lines.iter().take(kept).enumerate() {
            let mut pen = Pen::new(buf, &model.theme, area, row + nth);
            if nth + 1 == kept {
                if last && hidden > 0 {
                    pen.right(Role::Accent, &format!(" +{hidden} more "));
                }
                if cut || (last && hidden > 0) {
                    pen.right(Role::Accent, &format!(" {} shows all", model.keymap.press(Action::Help)));
                }
            }
            pen.gap(1);
            if nth == 0 {
                pen.mark(mark);
            }
            pen.tab(LEAD_COLUMNS).put(mark.role, words);
        }
        row += kept;
        if last {
            break;
        }
    }
}
