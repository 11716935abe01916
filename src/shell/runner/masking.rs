//! Where secrets are taken out of an act's output, before any byte of it is stored or journalled.
//!
//! No act takes a secret yet, so the list is empty wherever a [`Mask`] is made; every byte still passes through here.

/// Stands where a secret stood.
const MASKED: &[u8] = b"[masked]";

/// Replaces secrets in a stream, also where one is cut in two by the reads.
#[derive(Debug, Default)]
pub struct Mask {
    secrets: Vec<Vec<u8>>,
    /// The end of what came so far, which may be the beginning of a secret.
    withheld: Vec<u8>,
}

impl Mask {
    /// Masks these byte strings; empty ones are left out.
    pub fn new(secrets: Vec<Vec<u8>>) -> Mask {
        Mask { secrets: secrets.into_iter().filter(|secret| !secret.is_empty()).collect(), withheld: Vec::new() }
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

#[cfg(test)]
mod tests {
    use super::*;

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
