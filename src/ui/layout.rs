//! The regions of the screen, as a pure function of its size: what draws and what scrolls ask the same one.

use ratatui::layout::Rect;

/// The smallest window in which every page says what it has to say.
pub const LEAST_COLUMNS: u16 = 40;
pub const LEAST_ROWS: u16 = 10;

/// Banners beyond these are counted in the last one's place.
pub const MOST_BANNERS: u16 = 3;

/// Lines that banners take at most.
const BANNER_ROWS: u16 = 2 * MOST_BANNERS;

/// Where the parts of a screen are. They lie one below the other and do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regions {
    pub header: Rect,
    pub banners: Rect,
    pub body: Rect,
    pub footer: Rect,
}

/// A window that is too small, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSmall {
    pub columns: u16,
    pub rows: u16,
}

impl TooSmall {
    /// What to tell the operator.
    #[must_use]
    pub fn words(self) -> String {
        let mut needs = Vec::new();
        for (count, one) in [(self.columns, "column"), (self.rows, "line")] {
            match count {
                0 => {}
                1 => needs.push(format!("1 more {one}")),
                count => needs.push(format!("{count} more {one}s")),
            }
        }
        format!("window too small: needs {}", needs.join(", "))
    }
}

/// The regions of `area` with that many lines of standing banners.
///
/// # Errors
/// The window is too small for any page.
pub fn layout(area: Rect, banners: usize) -> Result<Regions, TooSmall> {
    let missing =
        TooSmall { columns: LEAST_COLUMNS.saturating_sub(area.width), rows: LEAST_ROWS.saturating_sub(area.height) };
    if missing.columns > 0 || missing.rows > 0 {
        return Err(missing);
    }
    // A low window gives up the tabs and all but one banner before it gives up what the page has to say.
    let low = area.height < 16;
    let header = if low { 1 } else { 2 };
    let most = if low { 1 } else { BANNER_ROWS };
    let banners = u16::try_from(banners).unwrap_or(u16::MAX).min(most);
    let slice = |from: u16, height: u16| Rect { y: area.y + from, height, ..area };
    Ok(Regions {
        header: slice(0, header),
        banners: slice(header, banners),
        body: slice(header + banners, area.height - header - banners - 1),
        footer: slice(area.height - 1, 1),
    })
}

/// `area` cut at `columns` from its left: the left part and the rest.
#[must_use]
pub fn beside(area: Rect, columns: u16) -> (Rect, Rect) {
    let columns = columns.min(area.width);
    (Rect { width: columns, ..area }, Rect { x: area.x + columns, width: area.width - columns, ..area })
}

/// `area` cut at `rows` from its top: the upper part and the rest.
#[must_use]
pub fn above(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// One line of `area`; empty where it has no such line.
#[must_use]
pub fn line(area: Rect, index: usize) -> Rect {
    match u16::try_from(index) {
        Ok(index) if index < area.height => Rect { y: area.y + index, height: 1, ..area },
        Ok(_) | Err(_) => Rect { height: 0, ..area },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_fill_the_window_without_overlap() {
        for width in [40, 80, 200] {
            for height in 10..=60 {
                for banners in 0..6 {
                    let area = Rect { x: 3, y: 2, width, height };
                    let regions = layout(area, banners).expect("large enough");
                    let parts = [regions.header, regions.banners, regions.body, regions.footer];
                    let mut next = area.y;
                    for part in parts {
                        assert_eq!((part.x, part.y, part.width), (area.x, next, width));
                        next += part.height;
                    }
                    assert_eq!(next, area.bottom());
                    assert!(regions.body.height >= 7);
                }
            }
        }
    }

    #[test]
    fn a_small_window_says_what_it_lacks() {
        let check = |width, height, want: &str| {
            let small = layout(Rect { x: 0, y: 0, width, height }, 0).expect_err(want);
            assert_eq!(small.words(), want);
        };
        check(0, 0, "window too small: needs 40 more columns, 10 more lines");
        check(39, 10, "window too small: needs 1 more column");
        check(80, 4, "window too small: needs 6 more lines");
    }
}
