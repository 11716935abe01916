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

/// The bytes that make a terminal copy this text. Within tmux they are said twice: to tmux, which copies if it was
/// allowed to, and through tmux to the terminal outside, which gets them if tmux was allowed to pass them on.
pub(super) fn request(text: &str, within_tmux: bool) -> Result<Vec<u8>, CopyRefused> {
    if text.len() > COPY_LIMIT_BYTES {
        return Err(CopyRefused::TooLong { bytes: text.len() });
    }
    if let Some((byte, _)) = text.char_indices().find(|(_, c)| is_hostile(*c)) {
        return Err(CopyRefused::Hostile { byte });
    }
    let encoded = base64(text.as_bytes());
    let mut out = format!("\x1b]52;c;{encoded}\x07");
    if within_tmux {
        out.push_str(&format!("\x1bPtmux;\x1b\x1b]52;c;{encoded}\x07\x1b\\"));
    }
    Ok(out.into_bytes())
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
    fn only_harmless_text_is_copied() {
        assert_eq!(request("foo", false), Ok(b"\x1b]52;c;Zm9v\x07".to_vec()));
        let tmux = request("foo", true).expect("harmless");
        assert!(tmux.ends_with(b"\x1bPtmux;\x1b\x1b]52;c;Zm9v\x07\x1b\\"));
        assert_eq!(request("ls\nrm", false), Err(CopyRefused::Hostile { byte: 2 }));
        assert_eq!(request("a\u{202e}b", false), Err(CopyRefused::Hostile { byte: 1 }));
        let long = "x".repeat(COPY_LIMIT_BYTES);
        assert!(request(&long, false).is_ok());
        assert_eq!(request(&(long + "x"), false), Err(CopyRefused::TooLong { bytes: COPY_LIMIT_BYTES + 1 }));
    }
}
