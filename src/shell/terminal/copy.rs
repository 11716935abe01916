//! Copying through the terminal (OSC 52), which works over SSH because the terminal itself is on the operator's side.
//!
//! Must never: copy a character that would act when pasted. A line end runs a command in a shell; an escape sequence
//! runs what the terminal makes of it. Such text is refused, not changed.

use crate::base::text::is_hostile;

/// Bytes of text that are copied at most; terminals take no more than about this.
pub const COPY_LIMIT_BYTES: usize = 100_000;

/// Why a text was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyRefused {
    #[error(
        "not copied: the text has a line end or an invisible character at byte {byte}, which could act when pasted"
    )]
    Hostile { byte: usize },
    #[error("not copied: {bytes} bytes are more than the {COPY_LIMIT_BYTES} that terminals take")]
    TooLong { bytes: usize },
    #[error("not copied: the terminal is busy taking what was drawn; try again")]
    Busy,
    #[error("not copied: the terminal is gone")]
    Gone,
}

/// What stands between this program and the terminal of the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multiplexer {
    #[default]
    None,
    Tmux,
    Screen,
}

/// Base64 in one device control string of GNU screen, which takes no more than 768 bytes in each.
const SCREEN_PIECE_BYTES: usize = 512;

impl Multiplexer {
    /// From the variables that each of them sets for what runs in it: `TMUX` and `STY`. In tmux within screen, or the
    /// other way round, the inner one sets its variable last and can not be told from the outer; tmux is the guess.
    #[must_use]
    pub fn of(tmux: bool, sty: bool) -> Multiplexer {
        match (tmux, sty) {
            (true, _) => Multiplexer::Tmux,
            (false, true) => Multiplexer::Screen,
            (false, false) => Multiplexer::None,
        }
    }

    /// What the operator may have to set there, because it can not be asked whether the text arrived.
    #[must_use]
    pub fn needs(self) -> Option<&'static str> {
        match self {
            Multiplexer::None => None,
            Multiplexer::Tmux => Some("if it did not arrive: tmux needs set-clipboard on, or allow-passthrough on"),
            Multiplexer::Screen => Some("if it did not arrive: the terminal outside screen must take OSC 52"),
        }
    }
}

/// The bytes that make a terminal copy this text. Within tmux they are said twice: to tmux, which copies if it was
/// allowed to, and through tmux to the terminal outside, which gets them if tmux was allowed to pass them on. Screen
/// copies nothing itself and passes on what is wrapped for it, in pieces.
pub(super) fn request(text: &str, within: Multiplexer) -> Result<Vec<u8>, CopyRefused> {
    if text.len() > COPY_LIMIT_BYTES {
        return Err(CopyRefused::TooLong { bytes: text.len() });
    }
    if let Some((byte, _)) = text.char_indices().find(|(_, c)| is_hostile(*c)) {
        return Err(CopyRefused::Hostile { byte });
    }
    let encoded = base64(text.as_bytes());
    let plain = format!("\x1b]52;c;{encoded}\x07");
    Ok(match within {
        Multiplexer::None => plain,
        Multiplexer::Tmux => format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\"),
        Multiplexer::Screen => wrapped_for_screen(&plain),
    }
    .into_bytes())
}

/// The request is ASCII, so it may be cut anywhere.
fn wrapped_for_screen(request: &str) -> String {
    let mut out = String::new();
    let mut rest = request;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.len().min(SCREEN_PIECE_BYTES));
        out.push_str("\x1bP");
        out.push_str(piece);
        out.push_str("\x1b\\");
        rest = after;
    }
    out
}

/// RFC 4648, section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for index in 0..4 {
            if index <= chunk.len() {
                out.push(char::from(ALPHABET[(group >> (18 - 6 * index) & 63) as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("ÿ?>", "w78/Pg=="),
        ] {
            assert_eq!(base64(text.as_bytes()), encoded, "{text:?}");
        }
    }

    #[test]
    fn screen_gets_the_request_in_pieces_that_it_takes() {
        let text = "x".repeat(2_000);
        let request = request(&text, Multiplexer::Screen).expect("harmless");
        let request = String::from_utf8(request).expect("ASCII");
        let pieces: Vec<&str> = request.split("\x1bP").skip(1).collect();
        assert!(pieces.len() > 4 && pieces.iter().all(|piece| piece.len() <= SCREEN_PIECE_BYTES + 2));
        let passed: String = pieces.iter().map(|piece| piece.strip_suffix("\x1b\\").expect("closed")).collect();
        assert_eq!(passed, format!("\x1b]52;c;{}\x07", base64(text.as_bytes())));
    }

    #[test]
    fn the_multiplexer_is_told_by_what_it_sets() {
        let check = |tmux, sty, want| assert_eq!(Multiplexer::of(tmux, sty), want);
        check(false, false, Multiplexer::None);
        check(true, false, Multiplexer::Tmux);
        check(false, true, Multiplexer::Screen);
        check(true, true, Multiplexer::Tmux);
    }

    #[test]
    fn only_harmless_text_is_copied() {
        assert_eq!(request("foo", Multiplexer::None), Ok(b"\x1b]52;c;Zm9v\x07".to_vec()));
        let tmux = request("foo", Multiplexer::Tmux).expect("harmless");
        assert!(tmux.ends_with(b"\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\"));
        assert_eq!(request("ls\nrm", Multiplexer::None), Err(CopyRefused::Hostile { byte: 2 }));
        assert_eq!(request("a\u{202e}b", Multiplexer::None), Err(CopyRefused::Hostile { byte: 1 }));
        let long = "x".repeat(COPY_LIMIT_BYTES);
        assert!(request(&long, Multiplexer::None).is_ok());
        assert_eq!(
            request(&(long + "x"), Multiplexer::None),
            Err(CopyRefused::TooLong { bytes: COPY_LIMIT_BYTES + 1 })
        );
    }
}
