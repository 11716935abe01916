//! Where secrets are taken out of an act's output, before any byte of it is stored or journalled.
//!
//! A secret is found as it is, and as JSON, a URL or base64 would write it; the last also in the middle of a longer
//! text, where its first and last characters depend on what stands beside it.

use crate::shell::secrets::Secret;
use crate::shell::terminal::copy::base64;

/// Stands where a secret stood.
const MASKED: &[u8] = b"[masked]";

/// Shorter pieces of base64 are not looked for: too much else would look like them.
const SHORTEST_ENCODED: usize = 6;

/// Replaces secrets in a stream, also where one is cut in two by the reads.
#[derive(Debug, Default)]
pub struct Mask {
    secrets: Vec<Vec<u8>>,
    /// The end of what came so far, which may be the beginning of a secret.
    withheld: Vec<u8>,
}

impl Mask {
    /// Masks these values in every form.
    #[must_use]
    pub fn of(secrets: &[Secret]) -> Mask {
        Mask::new(secrets.iter().flat_map(|secret| forms(secret.bytes())).collect())
    }

    /// Masks these byte strings; empty ones are left out.
    fn new(secrets: Vec<Vec<u8>>) -> Mask {
        let mut secrets: Vec<Vec<u8>> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        secrets.sort();
        secrets.dedup();
        Mask { secrets, withheld: Vec::new() }
    }

    /// The same for another stream.
    #[must_use]
    pub fn anew(&self) -> Mask {
        Mask { secrets: self.secrets.clone(), withheld: Vec::new() }
    }

    /// Takes the next bytes, and gives those of which it is certain.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.withheld.extend_from_slice(bytes);
        let mut clear = Vec::with_capacity(self.withheld.len());
        let mut at = 0;
        while at < self.withheld.len() {
            let rest = &self.withheld[at..];
            if self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest)) {
                break;
            }
            match self.secrets.iter().filter(|secret| rest.starts_with(secret)).map(Vec::len).max() {
                Some(length) => {
                    clear.extend_from_slice(MASKED);
                    at += length;
                }
                None => {
                    clear.push(rest[0]);
                    at += 1;
                }
            }
        }
        self.withheld.drain(..at);
        clear
    }

    /// The end of the stream: a secret's beginning that nothing followed is no secret.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.withheld)
    }
}

/// Every way in which a value is commonly written.
fn forms(value: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(value);
    let json = serde_json::to_string(&*text).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let mut forms = vec![value.to_vec()];
    // Some writers escape the slash, and what could end a script of a page.
    let unicode = ['<', '>', '&', '\'', '+', '=']
        .iter()
        .fold(json.clone(), |text, c| text.replace(*c, &format!("\\u{:04x}", u32::from(*c))));
    forms.extend([json.replace('/', "\\/"), unicode.replace('/', "\\/"), unicode, json].map(String::into_bytes));
    // What a form, a component and a path leave as it is.
    for kept in ["-_.~", "-_.*", "-_.!~*'()", "-_.!~*'();,/?:@&=+$#"] {
        for upper in [true, false] {
            let encoded = percent(value, kept, upper);
            forms.push(encoded.replace("%20", "+").into_bytes());
            forms.push(encoded.into_bytes());
        }
    }
    let whole = base64(value);
    forms.extend([whole.trim_end_matches('=').to_owned(), whole].map(String::into_bytes));
    for before in 0..3 {
        let encoded = inner_base64(value, before);
        if encoded.len() >= SHORTEST_ENCODED {
            forms.push(encoded.replace('+', "-").replace('/', "_").into_bytes());
            forms.push(encoded.into_bytes());
        }
    }
    forms
}

fn percent(value: &[u8], kept: &str, upper: bool) -> String {
    let byte = |byte: &u8| match char::from(*byte) {
        c if c.is_ascii_alphanumeric() || kept.contains(c) => c.to_string(),
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    value.iter().map(byte).collect()
}

/// The characters of base64 that come from this value alone where so many bytes of a group of three stand before it.
fn inner_base64(value: &[u8], before: usize) -> String {
    let mut bytes = vec![0; before];
    bytes.extend_from_slice(value);
    let whole = bytes.len() * 8 / 6;
    let first = (before * 8).div_ceil(6);
    base64(&bytes).get(first..whole).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = r#"k7/"+s\x y&<é"#.replace('é', "z");
        let check = |written: &str| {
            let mut mask = Mask::new(forms(secret.as_bytes()));
            let mut out = mask.pass(format!("before {written} after").as_bytes());
            out.extend(mask.rest());
            assert_eq!(String::from_utf8_lossy(&out), "before [masked] after", "{written}");
        };
        check(&secret);
        check(r#"k7/\"+s\\x y&<z"#);
        check(r#"k7\/\"+s\\x y&<z"#);
        check(r#"k7/\"\u002bs\\x y\u0026\u003cz"#);
        check("k7%2F%22%2Bs%5Cx%20y%26%3Cz");
        check("k7%2f%22%2bs%5cx+y%26%3cz");
        check("k7/%22+s%5Cx%20y&%3Cz");
        check(&base64(secret.as_bytes()));
    }

    #[test]
    fn base64_of_more_than_the_secret_gives_nothing_away() {
        let secret = "hunter2-hunter2";
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "!", "!!", "!!!"] {
                let encoded = base64(format!("{before}{secret}{after}").as_bytes());
                let mut mask = Mask::new(forms(secret.as_bytes()));
                let mut out = mask.pass(encoded.as_bytes());
                out.extend(mask.rest());
                let shown = String::from_utf8_lossy(&out).into_owned();
                assert!(shown.contains("[masked]"), "{before}{after}: {shown}");
                let left = shown.replace("[masked]", "").trim_end_matches('=').len();
                let beside = before.len() + after.len();
                assert!(left <= beside.div_ceil(3) * 4 + 4, "{before}{after}: {shown} of {encoded}");
            }
        }
    }

    fn masked(secrets: &[&str], parts: &[&str]) -> String {
        let mut mask = Mask::new(secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect());
        let mut out: Vec<u8> = parts.iter().flat_map(|part| mask.pass(part.as_bytes())).collect();
        out.extend(mask.rest());
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn secrets_do_not_pass_however_they_are_cut() {
        let text = "before hunter2 after";
        for cut in 0..text.len() {
            assert_eq!(masked(&["hunter2"], &[&text[..cut], &text[cut..]]), "before [masked] after", "cut at {cut}");
        }
        assert_eq!(masked(&["ab", "abc"], &["xabcx"]), "x[masked]x");
        assert_eq!(masked(&["hunter2"], &["hunt"]), "hunt");
    }

    #[test]
    fn without_secrets_everything_passes_at_once() {
        let mut mask = Mask::new(vec![Vec::new()]);
        assert_eq!(mask.pass(b"plain"), b"plain");
        assert!(mask.rest().is_empty());
    }
}
